"""The root of every error that tmc-syncer raises on purpose.

Each layer has its own tree below `TmcError` (kube errors, configuration errors, ...). An error carries a
stable `code` (``TMC-nnn``, documented in docs/errors.md), a message that says what is wrong and where, and a
`hint` that says what to do next. The command line prints exactly these two sentences and exits with
`exit_code`; a traceback is shown only with ``--debug``.

    TmcError
    ├── UsageError            exit 2: what the user typed or configured is wrong
    └── (kube.errors.KubeError, ... each layer adds its own)

Messages never contain the value of a Secret, a token or a private key.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = ["TmcError", "UsageError"]


class TmcError(Exception):
    """An expected failure. `code` is stable over releases; `hint` says what to do next."""

    code: ClassVar[str] = "TMC-001"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(TmcError):
    """A flag, a configuration file, a kubeconfig or a name that cannot be used as given."""

    code = "TMC-002"
    exit_code = 2
