from __future__ import annotations

import pytest

from tmc_syncer.controlplane.server.documents import health


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz", "/readyz/ping", "/healthz/storage"])
def test_a_server_that_runs_is_well(path: str) -> None:
    found = health(path, {}, stopping=False)
    assert found is not None
    assert (found.code, found.body) == (200, b"ok")


@pytest.mark.parametrize("path", ["/health", "/readyz/unknown", "/", "/healthzz"])
def test_other_paths_are_no_health(path: str) -> None:
    assert health(path, {}, stopping=False) is None


def test_details_are_told_on_request() -> None:
    found = health("/readyz", {"verbose": ""}, stopping=False)
    assert found is not None
    assert found.body.decode().splitlines()[0] == "[+]ping ok"
    assert found.body.endswith(b"readyz check passed\n")


def test_a_server_that_stops_is_alive_but_not_ready() -> None:
    ready, live = health("/readyz", {}, stopping=True), health("/livez", {}, stopping=True)
    assert ready is not None
    assert live is not None
    assert (ready.code, live.code) == (500, 200)
    assert b"[-]shutdown failed" in ready.body
    assert ready.body.endswith(b"readyz check failed\n")
