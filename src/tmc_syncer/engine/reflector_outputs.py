"""What the reflector answers: effects on the store, and at most one request, which is the last. Data only. Pure.

Without a request in a step, reading the open watch goes on.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tmc_syncer.api.objects import Record
from tmc_syncer.api.resources import Key
from tmc_syncer.engine.refusal import Refusal

__all__ = [
    "Advance",
    "AskVersion",
    "Collect",
    "Discard",
    "Effect",
    "FetchPage",
    "OpenWatch",
    "Output",
    "Put",
    "Regressed",
    "Remove",
    "Request",
    "Swap",
    "Trouble",
    "Uncollect",
    "UnknownType",
    "Wait",
]


class Discard(msgspec.Struct, frozen=True):
    """Forget what was collected: a list begins anew."""


class Collect(msgspec.Struct, frozen=True):
    """Keep these for the swap."""

    records: Sequence[Record]


class Uncollect(msgspec.Struct, frozen=True):
    """This one went away while the initial events came."""

    key: Key


class Swap(msgspec.Struct, frozen=True):
    """The list is complete: what was collected replaces the store."""

    version: str


class Put(msgspec.Struct, frozen=True):
    """ADDED or MODIFIED."""

    record: Record


class Remove(msgspec.Struct, frozen=True):
    """DELETED."""

    record: Record


class Advance(msgspec.Struct, frozen=True):
    """A bookmark."""

    version: str


class Regressed(msgspec.Struct, frozen=True):
    """The most recent list is older than what was seen: the server was restored. The swap follows."""

    old: str
    new: str


class UnknownType(msgspec.Struct, frozen=True):
    """An event of a type that this code does not know."""

    type: str


class Trouble(msgspec.Struct, frozen=True):
    """Something went wrong; to be shown, counted and logged."""

    refusal: Refusal


class FetchPage(msgspec.Struct, frozen=True):
    """Request a page. `paged` False: the whole list at once, because continue tokens keep expiring."""

    resource_version: str
    match: str
    token: str
    paged: bool = True


class AskVersion(msgspec.Struct, frozen=True):
    """Ask for the server's present version of this type: a most recent list of one object."""


class OpenWatch(msgspec.Struct, frozen=True):
    """Open a watch, as a WatchList if `initial`."""

    resource_version: str
    initial: bool


class Wait(msgspec.Struct, frozen=True):
    """Wait for some time between `low` and `high` seconds."""

    low: float
    high: float


Effect = Discard | Collect | Uncollect | Swap | Put | Remove | Advance | Regressed | UnknownType | Trouble
Request = AskVersion | FetchPage | OpenWatch | Wait
Output = Effect | Request
