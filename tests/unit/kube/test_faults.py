"""The table of failures; each of them happens for real in test_transport."""

from __future__ import annotations

import aiohttp
import pytest
from aiohttp.http_exceptions import BadHttpMessage

from tmc_syncer.kube.errors import TransportFault
from tmc_syncer.kube.faults import FAILURES, transport_error


@pytest.mark.parametrize(
    ("error", "fault", "words"),
    [
        (TimeoutError(), TransportFault.TIMEOUT, "no answer within 7 s"),
        (aiohttp.ServerTimeoutError(), TransportFault.TIMEOUT, "no answer within 7 s"),
        (aiohttp.SocketTimeoutError(), TransportFault.IDLE, "said nothing for 7 s"),
        (aiohttp.ClientPayloadError("hunter2"), TransportFault.BROKEN, "ended early"),
        (
            ConnectionResetError(104, "Connection reset by peer"),
            TransportFault.BROKEN,
            "Connection reset by peer",
        ),
        (aiohttp.ServerDisconnectedError(), TransportFault.BROKEN, "Server disconnected"),
        (ConnectionRefusedError(111, "Connection refused"), TransportFault.CONNECT, "Connection refused"),
        (BadHttpMessage("odd"), TransportFault.GARBLED, "odd"),
        (aiohttp.InvalidURL("x"), TransportFault.GARBLED, "x"),
        (OSError(), TransportFault.BROKEN, "OSError"),
        (EOFError("odd"), TransportFault.BROKEN, "odd"),
    ],
)
def test_each_failure_has_a_kind_and_a_sentence(error: Exception, fault: TransportFault, words: str) -> None:
    got = transport_error(error, "GET /x", "https://api", 7)
    assert got.fault is fault
    assert words in str(got)
    assert str(got).startswith("GET /x at https://api: ")
    assert "hunter2" not in str(got)


def test_a_cancellation_is_no_failure() -> None:
    import asyncio

    assert not issubclass(asyncio.CancelledError, FAILURES)
