"""From the bytes of successful replies to records: one object, a page of a list, one event of a watch.

Whatever does not decode is a `TransportError` (garbled): HTML of a proxy, truncated JSON, an empty 200 (F36). It
quotes nothing of the body. Every record leaves here with the cluster of its client and, where items of a list or
metadata-only answers do not say it, the apiVersion and kind of its type.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NamedTuple, ParamSpec, TypeVar

import msgspec

from tmc_syncer.api.objects import Meta, Record, decode_record
from tmc_syncer.api.resources import ResourceInfo
from tmc_syncer.kube.errors import ApiError, TransportError, TransportFault
from tmc_syncer.kube.refusals import Asked, refusal_of_event

__all__ = ["Decoding", "ListPage", "WatchEvent", "garbled"]

INITIAL_EVENTS_END = "k8s.io/initial-events-end"
"""Annotation of the bookmark that ends the initial events of a WatchList (KEP-3157)."""


class ListPage(NamedTuple):
    """One page of a list. `remaining` is the server's estimate of what follows, None when it gives none.

    `resource_version` is never empty: such a list is refused as garbled (F18).
    """

    records: list[Record]
    resource_version: str
    continue_token: str
    remaining: int | None


class WatchEvent(NamedTuple):
    """One event: ADDED, MODIFIED, DELETED with the record; BOOKMARK with a record that has only a
    resourceVersion; ERROR with `raw_status`; a type that is not known with nothing.

    `initial_end`: the bookmark after the initial events of a WatchList.
    """

    type: str
    record: Record | None = None
    raw_status: ApiError | None = None
    initial_end: bool = False


class _ListMeta(msgspec.Struct):
    resource_version: str = msgspec.field(default="", name="resourceVersion")
    continue_token: str | None = msgspec.field(default=None, name="continue")
    remaining: int | None = msgspec.field(default=None, name="remainingItemCount")


class _List(msgspec.Struct):
    metadata: _ListMeta
    items: list[msgspec.Raw] | None


class _Event(msgspec.Struct, gc=False):
    type: str
    object: msgspec.Raw


class _BookmarkMeta(msgspec.Struct):
    resource_version: str = msgspec.field(name="resourceVersion")
    annotations: dict[str, str] | None = None


class _Bookmark(msgspec.Struct):
    metadata: _BookmarkMeta


class _Kind(msgspec.Struct):
    kind: str = ""


MAX_DEPTH = 30_000
"""Recursion that reading one reply may use: API servers accept JSON 10,000 deep, at two steps a level, and a tenant
who stores such an object must not make its whole type unreadable for everybody (F78)."""

_P = ParamSpec("_P")
_T = TypeVar("_T")


def _with_room(decode: Callable[_P, _T]) -> Callable[_P, _T]:
    """`decode`, tried once more with room for `MAX_DEPTH` where Python's usual limit ends it."""

    def decode_deep(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return decode(*args, **kwargs)
        except (RecursionError, msgspec.DecodeError):  # decode_record says the first as the second
            usual = sys.getrecursionlimit()
            sys.setrecursionlimit(MAX_DEPTH)
            try:
                return decode(*args, **kwargs)
            except RecursionError as error:
                raise msgspec.DecodeError("nested too deeply") from error
            finally:
                sys.setrecursionlimit(usual)

    return decode_deep


_decode_list = _with_room(msgspec.json.Decoder(_List).decode)
_decode_event = _with_room(msgspec.json.Decoder(_Event).decode)
_decode_record = _with_room(decode_record)
_decode_bookmark = msgspec.json.Decoder(_Bookmark).decode
_decode_kind = msgspec.json.Decoder(_Kind).decode


class Decoding:
    """How one client reads objects: its cluster, and whether it sees many (`wildcard`).

    In a wildcard the annotation ``kcp.io/cluster`` tells an object's cluster; anywhere else it has no say: a
    tenant may write it.
    """

    def __init__(self, cluster: str, *, wildcard: bool) -> None:
        self._cluster = cluster
        self._wildcard = wildcard

    def record(self, raw: bytes | msgspec.Raw, info: ResourceInfo, *, partial: bool = False) -> Record:
        """One object. Raises `msgspec.DecodeError`, also for one without a name."""
        cluster = self._cluster
        record = _decode_record(raw, api_version=info.gvr.api_version, kind=info.kind, cluster=cluster)
        if not record.meta.name:
            raise msgspec.ValidationError("no metadata.name")
        if partial:  # its own kind is PartialObjectMetadata
            record = Record(info.gvr.api_version, info.kind, record.meta, record.fields, record.cluster)
        if record.cluster != cluster and not self._wildcard:
            record = msgspec.structs.replace(record, cluster=cluster)
        return record

    def reply(self, body: bytes, asked: Asked, *, partial: bool = False) -> Record:
        """The object that a read or write answered with. Raises `TransportError`."""
        try:
            return self.record(body, asked.info, partial=partial)
        except msgspec.DecodeError as error:
            raise garbled(asked, body) from error

    def deleted(self, body: bytes, asked: Asked) -> Record | None:
        """The object that is still there after a delete (finalizers, grace), None when it is gone.

        For some types (Services among them) a server answers with the object as it was, although it is gone: one
        that waits for its end has a deletionTimestamp.
        """
        try:
            kind = _decode_kind(body).kind
        except msgspec.DecodeError as error:
            raise garbled(asked, body) from error
        if kind == "Status":
            return None
        record = self.reply(body, asked)
        return record if record.meta.deleting else None

    def page(self, body: bytes, asked: Asked, *, partial: bool = False) -> ListPage:
        """A page of a list. Raises `TransportError`, also when it carries no resourceVersion (F18)."""
        try:
            page = _decode_list(body)
            records = [self.record(item, asked.info, partial=partial) for item in page.items or ()]
        except msgspec.DecodeError as error:
            raise garbled(asked, body) from error
        meta = page.metadata
        if not meta.resource_version or meta.resource_version == "0":
            raise TransportError(
                f"{asked}: the list carries no resourceVersion to watch from.",
                fault=TransportFault.GARBLED,
            )
        return ListPage(records, meta.resource_version, meta.continue_token or "", meta.remaining)

    def event(self, line: bytes, asked: Asked, *, partial: bool = False) -> WatchEvent:
        """One line of a watch. Raises `TransportError` for a line that is no event."""
        try:
            event = _decode_event(line)
            match event.type:
                case "ADDED" | "MODIFIED" | "DELETED" as kind:
                    return WatchEvent(kind, self.record(event.object, asked.info, partial=partial))
                case "BOOKMARK":
                    return _bookmark(event.object, asked.info, self._cluster)
                case "ERROR":
                    return WatchEvent("ERROR", raw_status=refusal_of_event(asked, event.object))
                case unknown:  # of a server newer than us; its reader logs it once (F11)
                    return WatchEvent(unknown)
        except msgspec.DecodeError as error:
            raise garbled(asked, line) from error


def _bookmark(raw: msgspec.Raw, info: ResourceInfo, cluster: str) -> WatchEvent:
    meta = _decode_bookmark(raw).metadata
    record = Record(
        info.gvr.api_version, info.kind, Meta(resource_version=meta.resource_version), {}, cluster
    )
    end = meta.annotations is not None and meta.annotations.get(INITIAL_EVENTS_END) == "true"
    return WatchEvent("BOOKMARK", record, initial_end=end)


def garbled(asked: Asked, body: bytes) -> TransportError:
    """The error for a success that holds no Kubernetes object. The body is described, never quoted."""
    start = body[:64].lstrip()
    if not start:
        seen = "it is empty"
    elif start.startswith(b"<"):
        seen = "it looks like HTML, of a proxy perhaps"
    elif start.startswith(b"{"):
        seen = "its JSON is incomplete or of another shape"
    else:
        seen = "it is no JSON"
    return TransportError(
        f"{asked}: the server's answer ({len(body)} bytes) is no Kubernetes object: {seen}.",
        fault=TransportFault.GARBLED,
        hint="Check that the server's address belongs to an API server.",
    )
