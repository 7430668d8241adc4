"""A state that the server was told to forget when the test run began.

A kube-apiserver lets go of old states some 15 seconds after its store was compacted, so the tests of expired versions
and tokens share one compaction at the very beginning, and wait only for what is left of that time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.contract.objects import at, config_map, names
from tests.contract.servers import Server
from tests.contract.wire import Answer
from tmc_syncer.testing.polling import eventually

FORGETTING_SECONDS = 30


@dataclass(frozen=True)
class Past:
    """ConfigMaps a, b, c, d at `path` as they were at `version`, after two of which `token` goes on; now there is zz too."""

    path: str
    version: str
    token: str


def left_behind(server: Server) -> Past:
    """Make the state, change it, and have the server forget it."""
    path = at("configmaps", server.create_namespace())
    for name in "abcd":
        server.post(path, config_map(name)).ok(201)
    page = server.get(path, limit=2).ok()
    assert names(page) == ["a", "b"]
    server.post(path, config_map("zz")).ok(201)
    server.compact()
    return Past(path, page["metadata"]["resourceVersion"], page["metadata"]["continue"])


def once_refused(ask: Callable[[], Answer]) -> Answer:
    """Ask until the answer is not 200 any more, and return that answer."""

    def refusal() -> Answer | None:
        answer = ask()
        return None if answer.status == 200 else answer

    found = eventually(refusal, FORGETTING_SECONDS, message="the old state is forgotten")
    assert found is not None
    return found
