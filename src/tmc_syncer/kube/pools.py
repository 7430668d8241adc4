"""aiohttp sessions as the transport wants them: bounded pools, TCP keepalive, large read buffers, no cookies."""

from __future__ import annotations

import socket

import aiohttp

__all__ = ["session"]

IDLE_CONNECTION_SECONDS = 60.0
"""Unused connections are closed before the server does it (Go's and Kubernetes' servers: 90 s or more)."""

KEEPALIVE_SECONDS, KEEPALIVE_INTERVAL_SECONDS, KEEPALIVE_PROBES = 30, 10, 3
"""TCP keepalive of lifecycle.md: a peer that vanished is noticed after a minute without data."""

READ_BUFFER_BYTES = 1 << 18
"""aiohttp stops reading from the socket at twice this; larger buffers make fewer wake-ups of long lists."""


def session(limit: int) -> aiohttp.ClientSession:
    """A session with at most `limit` connections. Must be closed."""
    connector = aiohttp.TCPConnector(
        limit=limit,
        keepalive_timeout=IDLE_CONNECTION_SECONDS,
        socket_factory=_kept_alive_socket,
        ttl_dns_cache=30,
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),  # API servers set none; a jar costs time on each request
        read_bufsize=READ_BUFFER_BYTES,
        max_field_size=1 << 16,  # a long Warning header is no reason to lose a reply
        max_line_size=1 << 16,
    )


def _kept_alive_socket(
    address: tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[object, ...]],
) -> socket.socket:
    family, kind, protocol, _, _ = address
    sock = socket.socket(family=family, type=kind, proto=protocol)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    # macOS calls the first one TCP_KEEPALIVE.
    idle = getattr(socket, "TCP_KEEPIDLE", getattr(socket, "TCP_KEEPALIVE", None))
    if idle is not None:
        sock.setsockopt(socket.IPPROTO_TCP, idle, KEEPALIVE_SECONDS)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_INTERVAL_SECONDS)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_PROBES)
    return sock
