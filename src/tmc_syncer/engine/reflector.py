"""The reflector: the machine that lists and watches one type, as one pure function `step(state, input)`.

The way of a reflector: list (as a WatchList where the server can, else in pages) → swap the store → watch → at the end of
the watch, watch again from the last version. What goes wrong leads back to one of these, after a wait:

| what | then |
|---|---|
| 410 on a continue token, connection lost between pages (F04, F05) | list from the beginning; a partial list is nothing |
| 410 on opening a watch or inside it (F02, F03) | list not older than last seen |
| the server is behind the version we know (F06), or lists an older one although asked not to (F20) | most recent list |
| a most recent list is older than what was seen (F23) | tell it (`Regressed`), then accept it |
| 400, 422, silence or an ordinary bookmark instead of initial events | no WatchList any more, pages |
| a cut, a silence, a 429 or 5xx, a very short watch (F14, F15, F33, F34) | ask how far the server is, watch on from the last version |
| the server is not as far as it was (F23) | most recent list |
| 403, 404 of the type, an ERROR event that is no 410 | list |

Failures in a row double the wait; a watch that was healthy for two minutes ends the row (F34). Nothing here deletes:
objects go only by a DELETED event or by the difference of a complete list.
"""

from __future__ import annotations

from typing import assert_never

import msgspec

from tmc_syncer.engine.reflector_outputs import (
    Advance,
    Collect,
    FetchPage,
    Output,
    Put,
    Remove,
    Uncollect,
    UnknownType,
)
from tmc_syncer.engine.reflector_states import (
    Asking,
    EventArrived,
    Failed,
    Input,
    Listing,
    Memory,
    Next,
    Opening,
    PageArrived,
    RelistWanted,
    Silent,
    State,
    Waiting,
    WaitOver,
    WatchClosed,
    Watching,
    WatchOpened,
)
from tmc_syncer.engine.refusal import Failure, Refusal, refusal_of
from tmc_syncer.engine.sources import WatchEvent
from tmc_syncer.engine.transitions import (
    FREE_EXPIRATIONS,
    OPENING_SECONDS,
    VERY_SHORT_SECONDS,
    Step,
    answered,
    broken,
    idle_seconds,
    is_current,
    later,
    leave,
    list_after,
    list_again,
    listed,
    refused,
    wait,
    watch_after_break,
    watch_again,
)

__all__ = ["begin", "deadline", "heard_at", "is_fresh", "step"]


def begin(at: float, *, seen_version: str = "", watch_list: bool = True) -> Step:
    """The first step. `seen_version`: the last version an earlier process saw; older lists mean a restored server."""
    return list_again(Memory(version=seen_version, watch_list=watch_list), at)


def is_fresh(state: State, at: float) -> bool:
    """Whether the store may be acted on: synced, heard of within the idle deadline, and nothing has gone wrong since.

    A watch that ends in good order is nothing wrong; one that broke is, until the next one has made up for it.
    """
    memory = state.memory
    if isinstance(state, Watching) and not state.initial:
        return memory.synced and is_current(state, at) and at - state.heard <= idle_seconds(state)
    return memory.synced and memory.current and at - memory.heard <= memory.idle


def heard_at(state: State) -> float:
    """When the store's content was last known to be what the server had (monotonic)."""
    return state.heard if isinstance(state, Watching) and not state.initial else state.memory.heard


def deadline(state: State) -> float | None:
    """When silence becomes `Silent` (monotonic); None in states whose requests have deadlines of their own."""
    if isinstance(state, Opening):
        return state.since + OPENING_SECONDS
    if isinstance(state, Watching):
        return state.heard + idle_seconds(state)
    return None


def step(state: State, given: Input) -> Step:
    """The next state and what to do. Raises `ValueError` for an input that is impossible in the state."""
    match state:
        case Watching():
            return _in_watching(state, given)
        case Listing():
            return _in_listing(state, given)
        case Opening():
            return _in_opening(state, given)
        case Waiting():
            return _in_waiting(state, given)
        case Asking():
            return _in_asking(state, given)
        case _:
            assert_never(state)


def _in_watching(state: Watching, given: Input) -> Step:
    match given:
        case EventArrived(at, _) if at - state.heard > idle_seconds(state):
            # The process slept (F74): what is read now was sent long ago, and the silence was never noticed.
            return broken(
                state, Refusal(Failure.TRANSIENT, "nothing was read for longer than the idle deadline"), at
            )
        case EventArrived(at, event):
            return _on_initial_event(state, event, at) if state.initial else _on_event(state, event, at)
        case WatchClosed(at) if state.initial:
            return broken(state, Refusal(Failure.TRANSIENT, "the server ended the initial events early"), at)
        case WatchClosed(at) if at - state.opened < VERY_SHORT_SECONDS:
            return broken(state, Refusal(Failure.TRANSIENT, "the server closed the watch at once"), at)
        case WatchClosed(at):
            return watch_again(leave(state, at), at)
        case Failed(at, refusal):
            return broken(state, refusal, at)
        case Silent(at):
            return broken(state, Refusal(Failure.TRANSIENT, "the watch was silent for its idle deadline"), at)
        case RelistWanted(at):
            return (state, ()) if state.initial else list_again(leave(state, at), at)
        case _:
            raise _impossible(state, given)


def _in_listing(state: Listing, given: Input) -> Step:
    memory = state.memory
    match given:
        case PageArrived(at, _, version, _) if version in {"", "0"} and not state.version:
            return wait(memory, Next.LIST, Refusal(Failure.TRANSIENT, "the list carries no resourceVersion"))
        case PageArrived(at, records, version, token):
            version = state.version or version
            if token:
                more = FetchPage("", "", token)
                return Listing(memory, token, version), (Collect(records), more)
            return listed(memory, version, at, Collect(records))
        case Failed(at, refusal) if refusal.failure is Failure.EXPIRED and state.token:
            memory = msgspec.structs.replace(memory, expirations=memory.expirations + 1)
            if memory.expirations <= FREE_EXPIRATIONS + 1:
                return list_after(refusal, memory, at)
            return wait(memory, Next.LIST, refusal)
        case Failed(_, refusal):
            return wait(memory, Next.LIST, refusal)
        case RelistWanted():
            return state, ()
        case _:
            raise _impossible(state, given)


def _in_opening(state: Opening, given: Input) -> Step:
    memory = state.memory
    match given:
        case WatchOpened(at, timeout):
            return Watching(memory, state.initial, memory.version, at, at, timeout), ()
        case Failed(at, refusal):
            return refused(memory, refusal, at, initial=state.initial)
        case Silent(at):
            silence = Refusal(Failure.TRANSIENT, "the server did not answer the watch request")
            return refused(memory, silence, at, initial=state.initial)
        case RelistWanted(at):
            return (state, ()) if state.initial else list_again(memory, at)
        case _:
            raise _impossible(state, given)


def _in_waiting(state: Waiting, given: Input) -> Step:
    match given:
        case WaitOver(at):
            go_on = list_again if state.then is Next.LIST else watch_after_break
            return go_on(state.memory, at)
        case RelistWanted(at):
            return list_again(state.memory, at)
        case _:
            raise _impossible(state, given)


def _in_asking(state: Asking, given: Input) -> Step:
    match given:
        case PageArrived(at, _, version, _):
            return answered(state.memory, version, at)
        case Failed(at, refusal):
            return refused(state.memory, refusal, at, initial=False)
        case RelistWanted(at):
            return list_again(state.memory, at)
        case _:
            raise _impossible(state, given)


# Events


def _on_event(state: Watching, event: WatchEvent, at: float) -> Step:
    record = event.record
    match event.type:
        case "ADDED" | "MODIFIED" if record is not None:
            output: Output = Put(record)
        case "DELETED" if record is not None:
            output = Remove(record)
        case "BOOKMARK" if record is not None:
            output = Advance(record.meta.resource_version)
        case "ERROR":
            return _on_error(state, event, at)
        case _:
            output = UnknownType(event.type)
    version = state.version if record is None else later(state.version, record.meta.resource_version)
    bookmarked = state.bookmarked or event.type == "BOOKMARK"
    # Built by hand: this is the one path that each line of each watch takes.
    state = Watching(state.memory, False, version, state.opened, at, state.timeout_seconds, bookmarked)
    return state, (output,)


def _on_initial_event(state: Watching, event: WatchEvent, at: float) -> Step:
    record, heard = event.record, msgspec.structs.replace(state, heard=at)
    match event.type:
        case "ADDED" | "MODIFIED" if record is not None:
            return heard, (Collect((record,)),)
        case "DELETED" if record is not None:
            return heard, (Uncollect(record.key),)
        case "BOOKMARK" if record is not None and event.initial_end:
            return listed(state.memory, record.meta.resource_version, at, watch=state)
        case "BOOKMARK":
            # A server that does not know sendInitialEvents sends everything that changes, and never an end.
            return list_again(msgspec.structs.replace(state.memory, watch_list=False), at)
        case "ERROR":
            return _on_error(state, event, at)
        case _:
            return heard, (UnknownType(event.type),)


def _on_error(state: Watching, event: WatchEvent, at: float) -> Step:
    status = event.raw_status
    refusal = (
        Refusal(Failure.TRANSIENT, "ERROR event without a status") if status is None else refusal_of(status)
    )
    if refusal.failure is Failure.TRANSIENT and not state.initial:
        # Say, an object that the server cannot decode (kcp.md, 8): from the same version it would come again.
        return wait(leave(state, at, current=False), Next.LIST, refusal)
    return broken(state, refusal, at)


def _impossible(state: State, given: Input) -> ValueError:
    return ValueError(f"{type(given).__name__} in state {type(state).__name__}")
