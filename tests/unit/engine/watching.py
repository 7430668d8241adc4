"""A reflector in a test's hand: feed it inputs, read its state, what it did to the store and what it asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tmc_syncer.api.objects import Meta, Record
from tmc_syncer.engine import reflector
from tmc_syncer.engine import reflector_outputs as outputs
from tmc_syncer.engine import reflector_states as states
from tmc_syncer.engine.refusal import Failure, Refusal
from tmc_syncer.kube.errors import ApiError, Cause, RetryClass


@dataclass(frozen=True)
class Event:
    """A line of a watch."""

    type: str
    record: Record | None = None
    raw_status: ApiError | None = None
    initial_end: bool = False


def bookmark(version: int | str, *, end: bool = False) -> Event:
    return Event(
        "BOOKMARK", Record("v1", "ConfigMap", Meta(resource_version=str(version)), {}), initial_end=end
    )


def refusing(status: int, *, terminal: bool = False, too_large: bool = False, retry_after=None) -> ApiError:
    return ApiError(
        f"refused with {status}",
        status=status,
        causes=(Cause("ResourceVersionTooLarge", "", ""),) if too_large else (),
        retry_after=retry_after,
        retry_class=RetryClass.TERMINAL if terminal else RetryClass.TRANSIENT,
    )


def error_event(status: int, **options) -> Event:
    return Event("ERROR", raw_status=refusing(status, **options))


class Machine:
    """The reflector; `now` is the time of the next input. `request` is what it asks for after the last one."""

    def __init__(self, **options):
        self.now = 0.0
        self.done: list[outputs.Output] = []
        self.request: Any = None
        self.state: Any
        self._take(reflector.begin(self.now, **options))

    def _take(self, step) -> None:
        self.state, answers = step
        self.done = list(answers)
        requests = [a for a in answers if isinstance(a, outputs.Request)]
        assert len(requests) <= 1
        assert not requests or answers[-1] is requests[0]
        self.request = requests[0] if requests else None

    def feed(self, given: states.Input) -> Any:
        self._take(reflector.step(self.state, given))
        return self.request

    def page(self, *records, version="100", token=""):
        return self.feed(states.PageArrived(self.now, records, version, token))

    def opened(self, timeout_seconds=400.0):
        return self.feed(states.WatchOpened(self.now, timeout_seconds))

    def event(self, event):
        return self.feed(states.EventArrived(self.now, event))

    def closed(self):
        return self.feed(states.WatchClosed(self.now))

    def silent(self):
        return self.feed(states.Silent(self.now))

    def relist(self):
        return self.feed(states.RelistWanted(self.now))

    def failed(self, failure: Failure, retry_after: float | None = None):
        return self.feed(states.Failed(self.now, Refusal(failure, "it failed", retry_after)))

    def waited(self, *, reached: str = ""):
        """The wait is over; a server that is asked how far it has come says `reached`, or: as far as it was."""
        assert isinstance(self.request, outputs.Wait)
        self.now += self.request.high
        request = self.feed(states.WaitOver(self.now))
        if request == outputs.AskVersion():
            return self.page(version=reached or self.memory.version)
        return request

    @property
    def memory(self) -> states.Memory:
        return self.state.memory

    @property
    def fresh(self) -> bool:
        return reflector.is_fresh(self.state, self.now)

    def effects(self, kind):
        return [output for output in self.done if isinstance(output, kind)]


def paging(**options) -> Machine:
    """A machine that lists in pages, before its first page."""
    return Machine(watch_list=False, **options)


def watching(version: int = 100, **options) -> Machine:
    """A machine that has listed `version` and watches, since time 0."""
    machine = paging(**options)
    machine.page(version=str(version))
    machine.opened()
    return machine
