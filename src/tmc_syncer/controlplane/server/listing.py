"""Lists: which objects, of which revision, and how a paged list goes on: the resourceVersion rules of kube-apiserver.

| resourceVersion | resourceVersionMatch | limit | served from |
|---|---|---|---|
| not set | | any | the present |
| 0 | | any | the present, without pages (as kube-apiserver's cache) |
| N | not set | none | the present, which must have come to N |
| N | not set | some | exactly N (the old meaning) |
| N | NotOlderThan | any | the present, which must have come to N |
| N | Exact | any | exactly N |
A ``continue`` token goes on at the revision of its first page. What is older than the window is 410 Expired (of a page with a token
that goes on inconsistently), what is newer than the present 504 with the cause ResourceVersionTooLarge. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

from tmc_syncer.controlplane.server import continuation, fieldselectors, labelselectors
from tmc_syncer.controlplane.server.errors import ApiError, bad_request, expired, too_large_version
from tmc_syncer.controlplane.server.fieldselectors import Terms
from tmc_syncer.controlplane.server.kinds import Kind
from tmc_syncer.controlplane.server.options import ListOptions
from tmc_syncer.controlplane.server.preconditions import version_given
from tmc_syncer.controlplane.storage.records import Compacted, Record
from tmc_syncer.controlplane.storage.store import Store
from tmc_syncer.controlplane.storage.watch import Match

__all__ = ["Listed", "Selection", "read_list", "select"]

TOO_OLD = "The resourceVersion for the provided list is too old."
CONTINUE_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which objects of a collection: those below a prefix that match."""

    prefix: str
    match: Match | None


@dataclass(frozen=True, slots=True)
class Listed:
    """The objects of a list. `remaining` is None where it is not known (with selectors) or nothing remains."""

    records: list[Record]
    revision: int
    continuation: str = ""
    remaining: int | None = None


def select(kind: Kind, cluster: str, namespace: str, options: ListOptions, name: str = "") -> Selection:
    """What selectors, namespace and name ask for. Raises `ApiError` 400."""
    labels = labelselectors.parse(options.label_selector) if options.label_selector else None
    fields = fieldselectors.parse(options.field_selector) if options.field_selector else None
    prefix = kind.prefix(cluster, namespace if kind.served.namespaced else "")
    if name:
        return Selection(prefix + name, None)
    if fields is not None:
        fields.check(kind.field_names)
        wanted = fields.exact("metadata.namespace")
        if wanted and not namespace and kind.served.namespaced and cluster != "*":
            prefix, namespace = kind.prefix(cluster, wanted), wanted
            fields = fields.without("metadata.namespace")
        wanted = fields.exact("metadata.name")
        if wanted and cluster != "*" and (namespace or not kind.served.namespaced):
            prefix += wanted
            fields = fields.without("metadata.name")
        if not fields.terms:
            fields = None
    if labels is None and fields is None:
        return Selection(prefix, None)
    if fields is None:
        match = labels
        return Selection(prefix, lambda record: match is not None and match(record.labels or {}))
    namespaced, terms = kind.served.namespaced, fields
    return Selection(
        prefix,
        lambda record: (
            (labels is None or labels(record.labels or {}))
            and terms.matches(fields_of(record, namespaced, terms))
        ),
    )


def fields_of(record: Record, namespaced: bool, terms: Terms) -> dict[str, str]:
    """The field values of a record, with name and namespace from its key where the selector asks for these."""
    fields = record.fields or {}
    if any(path.startswith("metadata.") for path, _, _ in terms.terms):
        parts = record.key.split("/")
        fields = {**fields, "metadata.name": parts[-1]}
        if namespaced:
            fields["metadata.namespace"] = parts[1]
    return fields


def read_list(
    store: Store, kind: Kind, selection: Selection, options: ListOptions, *, present: int | None = None
) -> Listed:
    """A list, or one page of it; `present` is an older revision to take for the present. Raises `ApiError`."""
    collection = store.collection(kind.collection)
    now = store.revision if present is None else present
    revision, after, limit = _position(now, options)
    if revision is None:
        revision = present
    prefix = selection.prefix
    try:
        page = collection.page(
            prefix,
            now,
            revision=revision,
            after=prefix + after if after else "",
            limit=limit,
            match=selection.match,
        )
    except Compacted:
        if options.continuation:
            raise expired(CONTINUE_TOO_OLD, continuation.encode(None, after)) from None
        raise expired(TOO_OLD) from None
    if not page.after:
        return Listed(page.records, page.revision)
    token = continuation.encode(page.revision, page.after[len(prefix) :])
    known = selection.match is None
    return Listed(page.records, page.revision, token, page.remaining if known else None)


def _position(now: int, options: ListOptions) -> tuple[int | None, str, int]:
    """Revision (None is the present), key to go on behind (relative to the prefix), and limit."""
    text = options.resource_version
    if options.continuation:
        if text not in ("", "0"):
            raise bad_request("specifying resource version is not allowed when using continue")
        token = continuation.decode(options.continuation)
        return token.revision, token.after, 0 if text == "0" else options.limit
    try:
        given = version_given(text)
    except ApiError as error:
        why = error.message
        raise bad_request(
            f'invalid resource version: resourceVersion: Invalid value: "{text}": {why}'
        ) from None
    if not given:
        return None, "", 0 if text == "0" else options.limit
    if given > now:
        raise too_large_version(given, now)
    if options.match == "Exact" or (not options.match and options.limit):
        return given, "", options.limit
    return None, "", options.limit
