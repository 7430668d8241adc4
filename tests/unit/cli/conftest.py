"""Running `tmc` in this process: the exit code and what it printed."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple

import pytest

from tmc_syncer.cli.main import run


class Result(NamedTuple):
    """What a command line led to."""

    code: int
    out: str
    err: str


Tmc = Callable[..., Result]


@pytest.fixture
def tmc(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Tmc:
    """Runs one command line, without the caller's kubeconfig and TMC_ variables."""
    for name in list(os.environ):
        if name.startswith(("TMC_", "KUBE")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", "/nonexistent")

    def call(*words: str, program: str = "tmc") -> Result:
        capsys.readouterr()
        code = run([program, *words])
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return call
