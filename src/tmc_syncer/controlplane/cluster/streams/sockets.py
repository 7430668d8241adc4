"""WebSockets of streams: opening one with the right subprotocol, and two tasks of which the first to end ends both.

An `aiohttp` server answers a client's PING only while somebody receives; every stream therefore has a task that does nothing else. A
request that is no WebSocket is refused with the words of kube-apiserver.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence

from aiohttp import web

from tmc_syncer.controlplane.server.errors import bad_request

__all__ = ["open_socket", "until_first"]

MAX_MESSAGE = 8 * 1024 * 1024
"""Bytes of one message."""


async def open_socket(request: web.BaseRequest, protocols: Sequence[str]) -> web.WebSocketResponse:
    """The WebSocket of a request. Raises `ApiError` 400."""
    if request.headers.get("Upgrade", "").lower() != "websocket":
        raise bad_request("Upgrade request required")
    socket = web.WebSocketResponse(
        protocols=tuple(protocols), max_msg_size=MAX_MESSAGE, autoping=True, compress=False
    )
    await socket.prepare(request)
    return socket


async def until_first(
    work: Coroutine[object, object, int], listen: Coroutine[object, object, None]
) -> int | None:
    """Run both until one ends: the result of `work`, None when the client left before. The other is cancelled."""
    working = asyncio.create_task(work, name="stream")
    listening = asyncio.create_task(listen, name="stream input")
    try:
        await asyncio.wait((working, listening), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (working, listening):
            task.cancel()
        await asyncio.gather(working, listening, return_exceptions=True)
    if working.cancelled():
        return None
    error = working.exception()
    if isinstance(error, ConnectionError | TimeoutError):
        return None  # the client does not read, or is gone
    return working.result()
