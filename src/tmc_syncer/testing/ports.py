"""Loopback ports for servers that are stopped and started again.

A server of the test bed keeps its port for its whole life, also while it is stopped. So the ports must not come from
the range from which the kernel serves outgoing connections and ``bind(0)``: another program could be given the port
in between. They are drawn at random from below that range and tried by binding. Two test runs at the same time can
still draw the same port between the try and the start; with 12,000 ports that is rare, and it fails loudly.
"""

from __future__ import annotations

import random
import socket

__all__ = ["free_ports"]

_LOWEST, _HIGHEST = 20000, 32000
_given: set[int] = set()


def free_ports(count: int) -> list[int]:
    """Return ``count`` different ports on 127.0.0.1 that nobody listens on and that were not returned before.

    Raises ``OSError`` when no free port is found in 1000 tries.
    """
    ports: list[int] = []
    draw = random.SystemRandom()
    for _ in range(1000):
        if len(ports) == count:
            return ports
        port = draw.randrange(_LOWEST, _HIGHEST)
        if port not in _given and _is_free(port):
            _given.add(port)
            ports.append(port)
    raise OSError(f"no {count} free ports between {_LOWEST} and {_HIGHEST} on 127.0.0.1")


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Servers set this option too: a port in TIME_WAIT is free for them.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
