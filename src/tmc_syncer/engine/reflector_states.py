"""The states of the reflector and what it is told. Data only; the rules are in `reflector` and `transitions`. Pure.

A state holds exactly what is legal in it, and `Memory`, which outlives all of them. An input is something that happened,
with its monotonic time `at`.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import msgspec

from tmc_syncer.api.objects import Record
from tmc_syncer.engine.refusal import Refusal
from tmc_syncer.engine.sources import WatchEvent

__all__ = [
    "Asking",
    "EventArrived",
    "Failed",
    "Input",
    "Listing",
    "Memory",
    "Next",
    "Opening",
    "PageArrived",
    "RelistWanted",
    "Silent",
    "State",
    "WaitOver",
    "Waiting",
    "WatchClosed",
    "WatchOpened",
    "Watching",
]


# States


class Memory(msgspec.Struct, frozen=True):
    """What outlives a state.

    `version`: the last one seen, resume point of a watch and floor of a list. `quorum`: the next list must be the most
    recent one. `failures`: in a row, until a watch was healthy for a while; `refusals`: how many of the last of them were
    refusals; `expired`: one of them was a version too old to watch from. `expirations`, `incomplete`: of continue tokens,
    of WatchLists, in a row. `current`, `heard`, `idle`: whether nothing has gone wrong since we last heard anything, when
    that was, and for how long it counts.
    """

    version: str = ""
    synced: bool = False
    watch_list: bool = True
    quorum: bool = True
    failures: int = 0
    refusals: int = 0
    expired: bool = False
    expirations: int = 0
    incomplete: int = 0
    current: bool = False
    heard: float = 0.0
    idle: float = 0.0


class Next(Enum):
    """What follows a wait."""

    LIST = "list"
    WATCH = "watch"


class Asking(msgspec.Struct, frozen=True):
    """A watch broke, and before the next one the server is asked how far it has come: it may have been restored."""

    memory: Memory


class Listing(msgspec.Struct, frozen=True):
    """A page is being fetched; `version` is the first page's."""

    memory: Memory
    token: str = ""
    version: str = ""


class Opening(msgspec.Struct, frozen=True):
    """A watch is being opened; `initial`: as a WatchList."""

    memory: Memory
    initial: bool
    since: float


class Watching(msgspec.Struct, frozen=True):
    """A watch is open. `version` is where it has come to (it moves only past the initial events, F12)."""

    memory: Memory
    initial: bool
    version: str
    opened: float
    heard: float
    timeout_seconds: float
    bookmarked: bool = False


class Waiting(msgspec.Struct, frozen=True):
    """Something failed; what follows is `then`."""

    memory: Memory
    then: Next


State = Asking | Listing | Opening | Watching | Waiting


# Inputs


class PageArrived(msgspec.Struct, frozen=True):
    """A page of a list, or the answer to the question for the version (without records)."""

    at: float
    records: Sequence[Record]
    version: str
    token: str


class WatchOpened(msgspec.Struct, frozen=True):
    """The server took the watch; it will close it after `timeout_seconds`."""

    at: float
    timeout_seconds: float


class EventArrived(msgspec.Struct, frozen=True):
    """A line of the watch."""

    at: float
    event: WatchEvent


class WatchClosed(msgspec.Struct, frozen=True):
    """The server ended the watch in good order."""

    at: float


class Failed(msgspec.Struct, frozen=True):
    """A list, the opening of a watch, or an open watch failed."""

    at: float
    refusal: Refusal


class Silent(msgspec.Struct, frozen=True):
    """The deadline of `reflector.deadline` has passed."""

    at: float


class WaitOver(msgspec.Struct, frozen=True):
    """The wait is over."""

    at: float


class RelistWanted(msgspec.Struct, frozen=True):
    """The periodic relist is due, or somebody asked for one."""

    at: float


Input = PageArrived | WatchOpened | EventArrived | WatchClosed | Failed | Silent | WaitOver | RelistWanted
