"""A pool of connections as the transport wants it: bounded, TCP keepalive, large read buffers, no cookies.

aiohttp underneath. `Pool.close` returns when the sockets are closed, not only told to close: a TLS goodbye takes a
round trip, which aiohttp does not wait for.
"""

from __future__ import annotations

import socket
import weakref

import aiohttp

from tmc_syncer.kube.clock import Clock

__all__ = ["Pool"]

IDLE_CONNECTION_SECONDS = 60.0
"""Unused connections are closed before the server does it (Go's and Kubernetes' servers: 90 s or more)."""

KEEPALIVE_SECONDS, KEEPALIVE_INTERVAL_SECONDS, KEEPALIVE_PROBES = 30, 10, 3
"""TCP keepalive of lifecycle.md: a peer that vanished is noticed after a minute without data."""

READ_BUFFER_BYTES = 1 << 18
"""aiohttp stops reading from the socket at twice this; larger buffers make fewer wake-ups of long lists."""

HEADER_BYTES = 1 << 16
"""Longest header: a long Warning is no reason to lose a reply."""

DNS_SECONDS = 30
"""How long a resolved address is used: short enough to follow a load balancer that moves."""

GOODBYE_STEPS, GOODBYE_STEP_SECONDS = 50, 0.01
"""How long closing waits for sockets: half a second, then the server is no concern of ours any more."""


class Pool:
    """At most `limit` connections to one server."""

    def __init__(self, limit: int, *, clock: Clock) -> None:
        self._clock = clock
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        connector = aiohttp.TCPConnector(
            limit=limit,
            keepalive_timeout=IDLE_CONNECTION_SECONDS,
            socket_factory=self._new_socket,
            ttl_dns_cache=DNS_SECONDS,
        )
        self.session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),  # API servers set none; a jar costs time on each request
            read_bufsize=READ_BUFFER_BYTES,
            max_field_size=HEADER_BYTES,
            max_line_size=HEADER_BYTES,
        )

    async def close(self) -> None:
        """Close all connections and wait (briefly) until their sockets are closed. Requests under way fail."""
        await self.session.close()
        for _ in range(GOODBYE_STEPS):
            if all(sock.fileno() < 0 for sock in self._sockets):
                break
            await self._clock.sleep(GOODBYE_STEP_SECONDS)

    def _new_socket(
        self,
        address: tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[object, ...]],
    ) -> socket.socket:
        family, kind, protocol, _, _ = address
        sock = socket.socket(family=family, type=kind, proto=protocol)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        # macOS calls the first one TCP_KEEPALIVE.
        idle = getattr(socket, "TCP_KEEPIDLE", getattr(socket, "TCP_KEEPALIVE", 0))
        sock.setsockopt(socket.IPPROTO_TCP, idle, KEEPALIVE_SECONDS)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_INTERVAL_SECONDS)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_PROBES)
        self._sockets.add(sock)
        return sock
