"""Which lines of a log a client asked for, and what they look like: tail, since, streams, timestamps, a limit of bytes.

`Selection.of` reads the query, `first` chooses among the lines that are there, `shown` makes the bytes of one. `Limit` cuts the output off
after so many bytes, in the middle of a line if need be, as a kubelet does. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tmc_syncer.controlplane.cluster.kubelet.runs import Line
from tmc_syncer.controlplane.cluster.streams.targets import Ask
from tmc_syncer.controlplane.server.errors import bad_request
from tmc_syncer.controlplane.types.instants import moment

__all__ = ["Limit", "Selection"]

_STREAMS = {"": None, "All": None, "Stdout": "stdout", "Stderr": "stderr"}


@dataclass(frozen=True, slots=True)
class Selection:
    """What of a log is wanted."""

    since: datetime | None = None
    tail: int | None = None
    stamps: bool = False
    limit: int | None = None
    stream: str | None = None

    @classmethod
    def of(cls, ask: Ask, now: datetime) -> Selection:
        """Read the query. Raises `ApiError` 400."""
        seconds, time = ask.number("sinceSeconds"), ask.get("sinceTime")
        if seconds is not None and time:
            raise bad_request("at most one of `sinceTime` or `sinceSeconds` may be specified")
        since = None if seconds is None else now - timedelta(seconds=seconds)
        if time:
            try:
                since = moment(time)
            except ValueError as error:
                raise bad_request(str(error)) from error
        if ask.get("stream") not in _STREAMS:
            raise bad_request(f'invalid stream "{ask.get("stream")}"')
        return cls(
            since,
            ask.number("tailLines"),
            ask.flag("timestamps"),
            ask.number("limitBytes"),
            _STREAMS[ask.get("stream")],
        )

    def wants(self, line: Line) -> bool:
        """Whether a line is of the time and stream that are wanted."""
        if self.stream is not None and line.stream != self.stream:
            return False
        return self.since is None or line.time >= self.since

    def first(self, lines: Iterable[Line]) -> Sequence[Line]:
        """The lines to begin with."""
        found = [line for line in lines if self.wants(line)]
        if self.tail is None:
            return found
        return found[len(found) - min(self.tail, len(found)) :]

    def shown(self, line: Line) -> bytes:
        """A line as it is sent."""
        text = line.text + b"\n"
        if not self.stamps:
            return text
        stamp = line.time.strftime("%Y-%m-%dT%H:%M:%S.%f")
        return f"{stamp}000Z ".encode() + text


class Limit:
    """Lets so many bytes through; None: all."""

    def __init__(self, count: int | None) -> None:
        self._left = count

    @property
    def reached(self) -> bool:
        """Whether nothing more gets through."""
        return self._left == 0

    def cut(self, data: bytes) -> bytes:
        """What gets through of this."""
        if self._left is None:
            return data
        data = data[: self._left]
        self._left -= len(data)
        return data
