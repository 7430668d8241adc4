"""`InformerHealth`: what an informer remembers of its troubles, to be shown, counted and logged.

One WARNING when a healthy informer gets into trouble, one INFO when it is well again, DEBUG for all between: a server that
is away for an hour does not fill a log.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import msgspec
import structlog

from tmc_syncer.api.objects import Record
from tmc_syncer.engine.refusal import Failure, Refusal

__all__ = ["InformerHealth", "InformerStatus"]

MAX_UNKNOWN_TYPES = 16
"""Unknown event types that are remembered, so that each is logged once (F11); of a server that invents more, no more are."""


class InformerStatus(msgspec.Struct, frozen=True):
    """An informer as ``/statusz`` shows it. `restarts` counts by reason; `heard_seconds_ago` is None until the first list."""

    name: str
    state: str
    synced: bool
    fresh: bool
    heard_seconds_ago: float | None
    objects: int
    resource_version: str
    relists: int
    restarts: dict[str, int]
    last_error: str


class InformerHealth:
    """See the module docstring.

    `refused`: the last list or watch was refused for good (forbidden, not served), while the server itself answers.
    `next_try`: monotonic seconds of the next one after a failure, None while nothing is waited for.
    """

    def __init__(self, name: str) -> None:
        self.restarts: Counter[str] = Counter()
        self.relists = 0  # complete lists after the first
        self.last_error = ""
        self.refused = False
        self.next_try: float | None = None
        self._log = structlog.get_logger("tmc.engine.informer").bind(informer=name)
        self._last_bug = ""
        self._troubled = False
        self._unknown_types: set[str] = set()

    def trouble(self, refusal: Refusal) -> None:
        """A list or watch failed."""
        self.restarts[refusal.failure.value] += 1
        self.last_error = refusal.text
        self.refused = refusal.failure is Failure.REFUSED
        log = self._log.debug if self._troubled else self._log.warning
        log("list or watch failed", failure=refusal.failure.value, error=refusal.text)
        self._troubled = True

    def waits(self, now: float, seconds: float) -> None:
        """The next list or watch is sent in `seconds`."""
        self.next_try = now + seconds
        self._log.debug("list or watch again", retry_in=round(seconds, 1))

    def well(self) -> None:
        """The store is known to be like the server."""
        if self._troubled:
            self._log.info("list and watch work again")
        self._troubled = self.refused = False
        self.next_try = None

    def closed(self) -> None:
        """A watch ended in good order."""
        self.restarts["closed"] += 1

    def unknown_type(self, name: str) -> None:
        """An event of a type that this code does not know."""
        if name not in self._unknown_types and len(self._unknown_types) < MAX_UNKNOWN_TYPES:
            self._unknown_types.add(name)
            self._log.warning("watch event of an unknown type", type=name[:64])

    def bug(self, where: str, error: Exception) -> None:
        """A function that was given to the informer raised; the informer goes on. The same error is logged once."""
        self.restarts["bug"] += 1
        text = f"{where} failed: {error!r}"
        if text != self._last_bug:
            self._log.error("a function given to the informer failed", where=where, exc_info=error)
        self.last_error = self._last_bug = text

    def guarded_trim(self, trim: Callable[[Record], Record]) -> Callable[[Record], Record]:
        """`trim`, or the whole record where it fails: one odd object must not keep a store from syncing."""

        def trimmed(record: Record) -> Record:
            try:
                return trim(record)
            except Exception as error:  # noqa: BLE001  # see above
                self.bug("trim", error)
                return record

        return trimmed
