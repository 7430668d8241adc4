"""`ServiceAllocator`: cluster addresses and node ports of one cluster's Services.

What is taken is kept by owner (the uid of the Service) in memory and is built from the Services that exist when it is first
needed, and again when a wanted value is taken or nothing is left: a Service whose write failed later, or that was deleted
without anybody telling, holds nothing then. Draws walk through the range from a start that the given generator chooses, so
that a seed repeats a run. The first address is the API server's own and is never given away.

Assumes one thread. `ServiceAllocator` fits `registry.Allocations`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Collection, Iterable
from typing import Any, Protocol

from tmc_syncer.controlplane.server.errors import internal
from tmc_syncer.controlplane.types.registry import Refused

__all__ = ["ADDRESSES", "NODE_PORTS", "ServiceAllocator"]

Object = dict[str, Any]

ADDRESSES = "10.96.0.0/16"
"""The range of cluster addresses."""

NODE_PORTS = range(30000, 32768)
"""The range of node ports, kube-apiserver's own default."""


class Rng(Protocol):
    """What is used of `random.Random`."""

    def random(self) -> float: ...


class _Pool:
    """Numbers of a range by owner."""

    def __init__(self, numbers: range, rng: Rng) -> None:
        self._numbers = numbers
        self._rng = rng
        self._owners: dict[int, str] = {}

    def __contains__(self, number: int) -> bool:
        return number in self._numbers

    def clear(self) -> None:
        self._owners.clear()

    def take(self, number: int, owner: str) -> bool:
        """Take a number; whether it was free or the owner's."""
        return self._owners.setdefault(number, owner) == owner

    def draw(self, owner: str) -> int | None:
        """Take any number, None when there is none."""
        size = len(self._numbers)
        if len(self._owners) >= size:
            return None
        start = int(self._rng.random() * size)
        for step in range(size):
            number = self._numbers[(start + step) % size]
            if number not in self._owners:
                self._owners[number] = owner
                return number
        return None

    def keep(self, owner: str, numbers: Collection[int]) -> None:
        for number in [held for held, holder in self._owners.items() if holder == owner]:
            if number not in numbers:
                del self._owners[number]


class ServiceAllocator:
    """See the module. `services` returns all Services of the cluster."""

    def __init__(
        self, services: Callable[[], Iterable[Object]], rng: Rng, addresses: str = ADDRESSES
    ) -> None:
        network = ipaddress.ip_network(addresses)
        first, last = int(network.network_address), int(network.broadcast_address)
        self._services = services
        self._addresses = _Pool(range(first + 2, last), rng)
        self._network = network
        self._ports = _Pool(NODE_PORTS, rng)
        self._built = False

    def address(self, wanted: str, owner: str) -> str:
        """Take an address. Raises `Refused`, or `ApiError` 500 when there is none left."""
        self._build_once()
        if not wanted:
            drawn = self._drawn(self._addresses, owner)
            if drawn is None:
                raise internal('failed to allocate a serviceIP: "range is full"')
            return str(ipaddress.ip_address(drawn))
        address = ipaddress.ip_address(wanted)
        if address not in self._network:
            raise Refused("the provided network does not match the current range")
        if not self._taken(self._addresses, int(address), owner):
            raise Refused("provided IP is already allocated")
        return wanted

    def port(self, wanted: int, owner: str) -> int:
        """Take a port. Raises `Refused`, or `ApiError` 500 when there is none left."""
        self._build_once()
        if not wanted:
            drawn = self._drawn(self._ports, owner)
            if drawn is None:
                raise internal("failed to allocate a nodePort: range is full")
            return drawn
        if wanted not in self._ports:
            first, last = NODE_PORTS[0], NODE_PORTS[-1]
            words = f"provided port is not in the valid range. The range of valid ports is {first}-{last}"
            raise Refused(words)
        if not self._taken(self._ports, wanted, owner):
            raise Refused("provided port is already allocated")
        return wanted

    def keep(self, owner: str, addresses: Collection[str], ports: Collection[int]) -> None:
        """Give back what the owner holds beside these; nothing at all when the Service is gone."""
        self._addresses.keep(owner, {int(ipaddress.ip_address(address)) for address in addresses})
        self._ports.keep(owner, ports)

    # Inside

    def _drawn(self, pool: _Pool, owner: str) -> int | None:
        drawn = pool.draw(owner)
        if drawn is None:
            self._build()
            drawn = pool.draw(owner)
        return drawn

    def _taken(self, pool: _Pool, number: int, owner: str) -> bool:
        if pool.take(number, owner):
            return True
        self._build()
        return pool.take(number, owner)

    def _build_once(self) -> None:
        if not self._built:
            self._build()

    def _build(self) -> None:
        self._built = True
        self._addresses.clear()
        self._ports.clear()
        for service in self._services():
            owner, spec = service["metadata"].get("uid", ""), service.get("spec") or {}
            for address in spec.get("clusterIPs") or ():
                if address != "None":
                    self._addresses.take(int(ipaddress.ip_address(address)), owner)
            for port in (*(spec.get("ports") or ()), {"nodePort": spec.get("healthCheckNodePort")}):
                if port.get("nodePort"):
                    self._ports.take(port["nodePort"], owner)
