"""How the reflector goes from state to state: beginning a list, ending one, watching on, waiting. Pure.

Each function returns the step that is taken; which of them is taken, and when, is decided in `reflector`.
"""

from __future__ import annotations

import msgspec

from tmc_syncer.api.objects import parse_version
from tmc_syncer.engine.backoff import SERVER, TERMINAL_SECONDS, Ladder, retry_bounds
from tmc_syncer.engine.reflector_outputs import (
    AskVersion,
    Collect,
    Discard,
    FetchPage,
    OpenWatch,
    Output,
    Regressed,
    Swap,
    Trouble,
    Wait,
)
from tmc_syncer.engine.reflector_states import (
    Asking,
    Listing,
    Memory,
    Next,
    Opening,
    State,
    Waiting,
    Watching,
)
from tmc_syncer.engine.refusal import Failure, Refusal
from tmc_syncer.kube.errors import RetryClass

__all__ = [
    "FREE_EXPIRATIONS",
    "IDLE_SECONDS",
    "OPENING_SECONDS",
    "VERY_SHORT_SECONDS",
    "Step",
    "answered",
    "broken",
    "idle_seconds",
    "is_current",
    "later",
    "leave",
    "list_after",
    "list_again",
    "listed",
    "refused",
    "wait",
    "watch_after_break",
    "watch_again",
]

Step = tuple[State, tuple[Output, ...]]

IDLE_SECONDS = 150.0
"""Bookmarks come about once a minute: after the first, silence for two and a half means a dead connection (F14)."""

IDLE_MARGIN_SECONDS = 30.0
"""Without bookmarks only the end of the watch is certain: its timeout and this much."""

OPENING_SECONDS = 60.0
"""A server that takes longer to accept a watch, or pauses longer between initial events, has lost it."""

VERY_SHORT_SECONDS = 5.0
"""A watch that ends sooner was not meant to live (F15): rewatching at once would be a hot loop."""

SETTLE_SECONDS = 1.0
"""After this long a reopened watch has sent what was missed: a first bookmark would be a minute of standing still."""

HEALTHY_SECONDS = 120.0
"""A watch that lived this long ends a row of failures (F34)."""

MAX_INCOMPLETE = 2
"""WatchLists that ended before their end came, before pages are taken."""

FREE_EXPIRATIONS = 1
"""Expired continue tokens before the list is asked for at once (unpaged): it takes longer than the server compacts."""

REFUSED = Ladder(SERVER.first, TERMINAL_SECONDS)


def list_again(memory: Memory, at: float) -> Step:
    """Begin a list: not older than last seen, or the most recent one."""
    floor = "" if memory.quorum else memory.version
    if memory.watch_list:
        return Opening(memory, True, at), (Discard(), OpenWatch(floor, True))
    paged = memory.expirations <= FREE_EXPIRATIONS
    return Listing(memory), (Discard(), FetchPage(floor, "NotOlderThan" if floor else "", "", paged))


def list_after(refusal: Refusal, memory: Memory, at: float) -> Step:
    """List at once although something went wrong."""
    state, outputs = list_again(memory, at)
    return state, (Trouble(refusal), *outputs)


def watch_again(memory: Memory, at: float) -> Step:
    """Watch from the last version."""
    return Opening(memory, False, at), (OpenWatch(memory.version, False),)


def watch_after_break(memory: Memory, at: float) -> Step:
    """Watch on after something broke, but ask first how far the server has come.

    A kube-apiserver whose etcd was restored takes a watch from a version that it has not reached yet, and then says
    nothing, not even a bookmark, until it has come past it: what is missing from the backup would go unnoticed.
    """
    if parse_version(memory.version) == 0:
        return watch_again(memory, at)
    return Asking(memory), (AskVersion(),)


def answered(memory: Memory, version: str, at: float) -> Step:
    """The server said how far it has come: watch on, or list when that is less far than it had been."""
    if not 0 < parse_version(version) < parse_version(memory.version):
        return watch_again(memory, at)
    text = f"the server has gone back from version {memory.version} to {version}"
    memory = msgspec.structs.replace(memory, quorum=True, current=False)
    return list_after(Refusal(Failure.TRANSIENT, text), memory, at)


def listed(
    memory: Memory, version: str, at: float, collected: Collect | None = None, watch: Watching | None = None
) -> Step:
    """A list is complete: look at its version, swap, watch on."""
    outputs: list[Output] = [] if collected is None else [collected]
    if 0 < parse_version(version) < parse_version(memory.version):
        if not memory.quorum:
            memory = msgspec.structs.replace(memory, quorum=True, current=False)
            text = f"asked for a list not older than {memory.version}, got one of {version}"
            return wait(memory, Next.LIST, Refusal(Failure.TRANSIENT, text))
        outputs.append(Regressed(memory.version, version))
    memory = msgspec.structs.replace(
        memory,
        version=version,
        synced=True,
        quorum=False,
        expirations=0,
        incomplete=0,
        current=True,
        heard=at,
        idle=IDLE_SECONDS,
    )
    if watch is None:
        state, requests = watch_again(memory, at)
        return state, (*outputs, Swap(version), *requests)
    return Watching(memory, False, version, watch.opened, at, watch.timeout_seconds), (
        *outputs,
        Swap(version),
    )


def broken(state: Watching, refusal: Refusal, at: float) -> Step:
    """An open watch failed."""
    memory = leave(state, at, current=False)
    if state.initial:
        memory = msgspec.structs.replace(memory, incomplete=memory.incomplete + 1)
        if memory.incomplete >= MAX_INCOMPLETE:
            memory = msgspec.structs.replace(memory, watch_list=False)
    return refused(memory, refusal, at, initial=state.initial)


def refused(memory: Memory, refusal: Refusal, at: float, *, initial: bool) -> Step:
    """A watch could not be opened, or broke."""
    match refusal.failure:
        case Failure.UNSUPPORTED if initial:
            return list_again(msgspec.structs.replace(memory, watch_list=False), at)
        case Failure.EXPIRED if not initial and not memory.expired:
            # The usual case after a long break, whatever failed during it. A server that says so each time gets the
            # wait of the row.
            failures = max(memory.failures, 1)
            memory = msgspec.structs.replace(memory, failures=failures, expired=True, current=False)
            return list_after(refusal, memory, at)
        case Failure.TRANSIENT | Failure.THROTTLED if not initial:
            return wait(memory, Next.WATCH, refusal)
        case _:
            return wait(memory, Next.LIST, refusal)


_NEEDS_QUORUM = frozenset({Failure.TOO_LARGE, Failure.UNSUPPORTED})
"""A most recent list depends on no version and no parameter that a server may not know."""


def wait(memory: Memory, then: Next, refusal: Refusal) -> Step:
    """One more failure in the row: wait longer than after the one before.

    Refusals have a ladder of their own: a server that starts after an outage refuses what it does not know yet.
    """
    failures = memory.failures + 1
    refusals = memory.refusals + 1 if refusal.failure in {Failure.REFUSED, Failure.UNSUPPORTED} else 0
    if refusals and refusal.retry_after is None:
        low, high = REFUSED.bounds(refusals)
    else:
        low, high = retry_bounds(RetryClass.TRANSIENT, failures, refusal.retry_after)
    quorum = memory.quorum or (then is Next.LIST and refusal.failure in _NEEDS_QUORUM)
    memory = msgspec.structs.replace(
        memory, failures=failures, refusals=refusals, quorum=quorum, current=False
    )
    return Waiting(memory, then), (Trouble(refusal), Wait(low, high))


def leave(state: Watching, at: float, *, current: bool = True) -> Memory:
    """What is remembered when a watch ends."""
    memory = state.memory
    if state.initial:
        return msgspec.structs.replace(memory, current=memory.current and current)
    if at - state.opened >= HEALTHY_SECONDS:
        memory = msgspec.structs.replace(memory, failures=0, refusals=0, expired=False)
    return msgspec.structs.replace(
        memory,
        version=state.version,
        heard=state.heard,
        idle=idle_seconds(state),
        current=is_current(state, at) and current,
    )


def is_current(state: Watching, at: float) -> bool:
    """Whether nothing has gone wrong since the last complete list, or this watch has made up for it.

    What was missed comes at once when a watch is opened from the last version; only a quiet type says nothing.
    """
    return state.memory.current or state.heard > state.opened or at - state.opened >= SETTLE_SECONDS


def idle_seconds(state: Watching) -> float:
    """For how long this watch may be silent."""
    if state.initial:
        return OPENING_SECONDS
    return IDLE_SECONDS if state.bookmarked else state.timeout_seconds + IDLE_MARGIN_SECONDS


def later(seen: str, version: str) -> str:
    """The later of two versions; opaque ones are believed in the order of their arrival."""
    number = parse_version(version)
    if number == 0:
        return version or seen
    return version if number > parse_version(seen) else seen
