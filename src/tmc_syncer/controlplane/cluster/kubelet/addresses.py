"""Addresses of pods and nodes: each node has a /24 out of 10.244.0.0/16, its pods get numbers in it.

What pods have already (read from their status) is taken; a freed address is given again only after the others, so that the next pod does
not at once have the address of the last. A pod on the host's network has the address of its node. Pure.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable

__all__ = ["Addresses", "node_address", "node_range"]

PODS = ipaddress.ip_network("10.244.0.0/16")
NODES = ipaddress.ip_network("172.18.0.0/16")

MAX_NODES = 254


def _number(index: int) -> int:
    return index % MAX_NODES


def node_address(index: int) -> str:
    """The address of the node of this number (from 0)."""
    return str(NODES[2 + index])


def node_range(index: int) -> str:
    """The range of its pods."""
    return str(list(PODS.subnets(new_prefix=24))[_number(index)])


class Addresses:
    """The addresses of the pods of one node."""

    def __init__(self, pod_range: str, taken: Iterable[str] = ()) -> None:
        self._range = ipaddress.ip_network(pod_range)
        self._last = 1
        for text in taken:
            address = ipaddress.ip_address(text)
            if address in self._range:
                self._last = max(self._last, int(address) - int(self._range.network_address))

    def give(self, taken: Collection[str]) -> str:
        """A free address; when all are taken, one that is not free."""
        size = self._range.num_addresses - 2
        for _ in range(size):
            self._last = self._last % size + 1
            address = str(self._range[self._last])
            if self._last > 1 and address not in taken:
                break
        return str(self._range[self._last])
