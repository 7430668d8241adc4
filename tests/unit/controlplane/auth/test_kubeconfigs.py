"""Kubeconfig documents: what kubectl needs and nothing twice."""

from __future__ import annotations

import base64

import pytest

from tmc_syncer.controlplane.auth.authority import KeyPair
from tmc_syncer.controlplane.auth.kubeconfigs import Context, kubeconfig

PAIR = KeyPair(b"certificate", b"key")


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def test_a_document_has_everything_in_it() -> None:
    contexts = [
        Context("team-a", "https://127.0.0.1:6443/clusters/root:team-a", "ann", PAIR, "shop"),
        Context("edge", "https://127.0.0.1:6444", "ann", PAIR),
        Context("edge-bot", "https://127.0.0.1:6444", "bot", "t0k3n"),
    ]
    found = kubeconfig(contexts, b"authority", current="edge")
    authority = encoded(b"authority")
    assert found == {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "team-a",
                "cluster": {"server": contexts[0].server, "certificate-authority-data": authority},
            },
            {
                "name": "edge",
                "cluster": {"server": contexts[1].server, "certificate-authority-data": authority},
            },
        ],
        "users": [
            {
                "name": "ann",
                "user": {
                    "client-certificate-data": encoded(b"certificate"),
                    "client-key-data": encoded(b"key"),
                },
            },
            {"name": "bot", "user": {"token": "t0k3n"}},
        ],
        "contexts": [
            {"name": "team-a", "context": {"cluster": "team-a", "user": "ann", "namespace": "shop"}},
            {"name": "edge", "context": {"cluster": "edge", "user": "ann"}},
            {"name": "edge-bot", "context": {"cluster": "edge", "user": "bot"}},
        ],
        "current-context": "edge",
    }


def test_the_first_context_is_the_current_one() -> None:
    assert kubeconfig([Context("a", "https://x", "ann", "t")], b"")["current-context"] == "a"


def test_a_current_context_must_be_there() -> None:
    with pytest.raises(ValueError, match="no context 'b'"):
        kubeconfig([Context("a", "https://x", "ann", "t")], b"", current="b")
    with pytest.raises(ValueError, match="no context ''"):
        kubeconfig([], b"")
