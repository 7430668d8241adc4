"""The shapes an answer can have: the object itself, PartialObjectMetadata, Table; one object, a list, or an event of a watch.

An object and a list are joined from the bytes in the store (`encoding`); metadata is cut out of them; only a Table
decodes its objects, because its cells are computed. `Shaper` is made for one request: it knows the kind, the shape and the time.
A long list is given in pieces, so that a server sends its head while it makes the rest and others run in between. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from tmc_syncer.controlplane.server.encoding import encode_json, envelope, metadata_of, view, viewed_body
from tmc_syncer.controlplane.server.errors import ApiError, bad_request
from tmc_syncer.controlplane.server.kinds import Kind
from tmc_syncer.controlplane.server.listing import Listed
from tmc_syncer.controlplane.server.media import Answer
from tmc_syncer.controlplane.server.records import left
from tmc_syncer.controlplane.server.served import Columns, Object
from tmc_syncer.controlplane.storage.records import Record
from tmc_syncer.controlplane.storage.watch import Event

__all__ = ["Shaper"]

PIECE = 500
"""Objects in one piece of a long list: 1.5 MB of 3 KB objects, some milliseconds of work when they become rows."""

_INCLUDE = ("", "Metadata", "Object", "None")
_END_OF_INITIAL = {"k8s.io/initial-events-end": "true"}


class Shaper:
    """See the module. `include` is the option includeObject of a Table. Raises `ApiError` 400 when it is none."""

    def __init__(self, kind: Kind, answer: Answer, now: datetime, include: str = "") -> None:
        self._kind = kind
        self._shape = answer.shape
        self._meta_version = f"meta.k8s.io/{answer.version}"
        self._now = now
        self._include = include or "Metadata"
        self._headed = False
        if self._shape == "Table" and include not in _INCLUDE:
            raise bad_request(
                f'Unable to convert to Table as requested: includeObject: Invalid value: "{include}": must be '
                "'Metadata', 'Object', 'None', or empty"
            )

    # One object

    def item(self, record: Record) -> bytes:
        """The answer about one object. Raises `ApiError` 406 when a list was asked for."""
        if not self._shape:
            return self._kind.envelope + viewed_body(record, self._kind.served) + b"\n"
        if self._shape == "Table":
            return self._table([record], {"resourceVersion": str(record.revision)}) + b"\n"
        if self._shape == "PartialObjectMetadataList":
            raise ApiError(
                406,
                "NotAcceptable",
                "you requested PartialObjectMetadataList, but the requested object is not a list "
                f"(*{self._go_name(self._kind.kind)})",
            )
        return self._partial(record) + b"\n"

    # Lists

    def pieces(self, listed: Listed) -> Iterator[bytes]:
        """The answer of a list, in order. Raises `ApiError` 406 when one object was asked for."""
        if self._shape == "PartialObjectMetadata":
            raise ApiError(
                406,
                "NotAcceptable",
                "you requested PartialObjectMetadata, but the requested object is a list "
                f"(*{self._go_name(self._kind.served.list_kind)})",
            )
        return self._pieces(listed)

    def _pieces(self, listed: Listed) -> Iterator[bytes]:
        metadata = _list_metadata(listed)
        records = listed.records
        if self._shape == "Table":
            head = envelope("Table", self._meta_version)
            columns = encode_json(self._columns().definitions)
            yield (
                head
                + b'"metadata":'
                + encode_json(metadata)
                + b',"columnDefinitions":'
                + columns
                + b',"rows":['
            )
            parts: Iterator[bytes] = (b",".join(self._rows(part)) for part in _parts(records))
        elif self._shape:
            yield (
                envelope("PartialObjectMetadataList", self._meta_version)
                + b'"metadata":'
                + encode_json(metadata)
                + b',"items":['
            )
            parts = (b",".join(map(self._partial, part)) for part in _parts(records))
        else:
            yield self._kind.list_envelope + b'"metadata":' + encode_json(metadata) + b',"items":['
            opening = self._kind.item_envelope
            between = b"," + opening
            parts = (opening + between.join(self._bodies(part)) for part in _parts(records))
        first = True
        for part in parts:
            yield part if first else b"," + part
            first = False
        yield b"]}\n"

    # Events

    def event(self, event: Event) -> bytes:
        """One line of a watch."""
        record = event.record
        if record.revision != event.revision:
            record = left(record, event.revision)
        head = b'{"type":"' + event.type.encode() + b'","object":'
        if not self._shape:
            return head + self._kind.envelope + viewed_body(record, self._kind.served) + b"}\n"
        if self._shape == "Table":
            version = {"resourceVersion": str(record.revision)}
            return head + self._table([record], version, headed=not self._headed) + b"}\n"
        return head + self._partial(record) + b"}\n"

    def events(self, events: Sequence[Event]) -> bytes:
        """Lines of a watch; of a Table, only the first line of all has the columns."""
        if self._shape:
            lines = []
            for event in events:
                lines.append(self.event(event))
                self._headed = True
            return b"".join(lines)
        return b"".join([self.event(event) for event in events])

    def bookmark(self, revision: int, *, initial: bool = False) -> bytes:
        """A line that tells only how far the client has seen; `initial` marks the end of the initial events."""
        metadata: Object = {"resourceVersion": str(revision)}
        if initial:
            metadata["annotations"] = _END_OF_INITIAL
        if self._shape == "Table":
            partial = {
                "kind": "PartialObjectMetadata",
                "apiVersion": self._meta_version,
                "metadata": metadata,
            }
            obj: Object = {
                "kind": "Table",
                "apiVersion": self._meta_version,
                "metadata": {"resourceVersion": str(revision)},
                "columnDefinitions": None if self._headed else list(self._columns().definitions),
                "rows": [{"cells": self._blank(), "object": partial}],
            }
            self._headed = True
        elif self._shape:
            obj = {"kind": "PartialObjectMetadata", "apiVersion": self._meta_version, "metadata": metadata}
        else:
            obj = {"kind": self._kind.kind, "apiVersion": self._kind.version, "metadata": metadata}
        return encode_json({"type": "BOOKMARK", "object": obj}) + b"\n"

    def _blank(self) -> list[Any]:
        return ["" for _ in self._columns().definitions]

    # Parts

    def _bodies(self, records: Sequence[Record]) -> list[bytes]:
        served = self._kind.served
        if served.conversion is None:
            return [record.body for record in records]
        return [viewed_body(record, served) for record in records]

    def _columns(self) -> Columns:
        return self._kind.served.columns

    def _partial(self, record: Record) -> bytes:
        head = envelope("PartialObjectMetadata", self._meta_version)
        return head + b'"metadata":' + metadata_of(record) + b"}"

    def _table(self, records: Sequence[Record], metadata: Object, *, headed: bool = True) -> bytes:
        columns = encode_json(self._columns().definitions) if headed else b"null"
        head = envelope("Table", self._meta_version) + b'"metadata":' + encode_json(metadata)
        return (
            head + b',"columnDefinitions":' + columns + b',"rows":[' + b",".join(self._rows(records)) + b"]}"
        )

    def _rows(self, records: Sequence[Record]) -> Iterator[bytes]:
        kind, columns = self._kind, self._columns()
        for record in records:
            obj = view(record, kind.served)
            row = b'{"cells":' + encode_json(columns.cells(obj, self._now))
            conditions = columns.conditions(obj)
            if conditions:
                row += b',"conditions":' + encode_json(conditions)
            if self._include == "None":
                yield row + b',"object":null}'
            elif self._include == "Object":
                yield row + b',"object":' + encode_json(obj) + b"}"
            else:
                yield row + b',"object":' + self._partial(record) + b"}"

    def _go_name(self, kind: str) -> str:
        if self._kind.served.custom:
            return f"unstructured.Unstructured{'List' if kind.endswith('List') else ''}"
        return f"{self._kind.group.partition('.')[0] or 'core'}.{kind}"


def _parts(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    return (records[start : start + PIECE] for start in range(0, len(records), PIECE))


def _list_metadata(listed: Listed) -> Object:
    metadata: Object = {"resourceVersion": str(listed.revision)}
    if listed.continuation:
        metadata["continue"] = listed.continuation
        if listed.remaining is not None:
            metadata["remainingItemCount"] = listed.remaining
    return metadata
