"""The parts of the login child that need no child; the whole of it is tested in test_logins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tmc_syncer.kube.login import Answer, answer_of_plugin, resolved


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        ({"token": "t"}, Answer(token="t")),
        ({"token": "t", "expirationTimestamp": "2026-11-22T12:00:00Z"}, Answer(token="t", expires="2026-11-22T12:00:00Z")),
        ({"clientCertificateData": "c", "clientKeyData": "k"}, Answer(certificate="c", key="k")),
        ({}, Answer(error="the plugin gave neither a token nor a client certificate")),
        ({"token": None}, Answer(error="the plugin gave neither a token nor a client certificate")),
        ({"clientCertificateData": "c"}, Answer(error="the plugin gave a client certificate or a key without the other")),
        ({"token": "t", "clientKeyData": "k"}, Answer(error="the plugin gave a client certificate or a key without the other")),
    ],
)  # fmt: skip
def test_what_a_plugin_said_becomes_an_answer(status: dict[str, Any], answer: Answer) -> None:
    assert answer_of_plugin(status) == answer


def test_a_command_with_a_folder_is_seen_from_the_kubeconfigs_folder() -> None:
    base = Path("/etc/kube")
    assert resolved({"command": "bin/plugin", "x": 1}, base) == {"command": "/etc/kube/bin/plugin", "x": 1}
    assert resolved({"command": "plugin"}, base) == {"command": "plugin"}
    assert resolved({"command": "/bin/plugin"}, base) == {"command": "/bin/plugin"}
    assert resolved({}, base) == {}
