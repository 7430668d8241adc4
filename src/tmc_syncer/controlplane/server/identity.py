"""Where uids and generated names come from: a source of random bits that is given, so that a seed repeats a run."""

from __future__ import annotations

import uuid
from typing import Protocol

from tmc_syncer.controlplane.server.metadata import NAME_ALPHABET

__all__ = ["Rng", "new_suffix", "new_uid"]


class Rng(Protocol):
    """What is used of `random.Random`."""

    def getrandbits(self, bits: int, /) -> int: ...
    def random(self) -> float: ...


def new_uid(rng: Rng) -> str:
    """A random UUID (version 4)."""
    bits = rng.getrandbits(128)
    bits = bits & ~(0xF << 76) & ~(0x3 << 62) | (0x4 << 76) | (0x2 << 62)
    return str(uuid.UUID(int=bits))


def new_suffix(rng: Rng) -> str:
    """Five characters for a generated name."""
    bits = rng.getrandbits(40)
    size = len(NAME_ALPHABET)
    return "".join(NAME_ALPHABET[(bits >> shift & 0xFF) % size] for shift in range(0, 40, 8))
