"""The options of a request, from its query string (and of a delete, from its body), checked as kube-apiserver checks them.

`parse_query` gives a dictionary of the last values; `ListOptions.of`, `WriteOptions.of` and `DeleteOptions.of` read it. What is no
number is a 400 with Go's words, what is no known value a 422 of ``ListOptions.meta.k8s.io`` and so on. Parsed options
are remembered by their query string, because clients repeat them. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from tmc_syncer.controlplane.server.errors import ApiError, Cause, bad_request, invalid

__all__ = ["DeleteOptions", "ListOptions", "Query", "WriteOptions", "parse_query"]

CACHED = 2048
"""Query strings whose options are remembered."""

MAX_MANAGER = 128
"""Bytes of a field manager's name."""

Query = Mapping[str, str]

_META = "meta.k8s.io"
_INTEGER = re.compile(r"[+-]?[0-9]+")
_TRUE, _FALSE = (
    frozenset({"1", "t", "T", "true", "TRUE", "True"}),
    frozenset({"0", "f", "F", "false", "FALSE", "False"}),
)
_POLICIES = ("Foreground", "Background", "Orphan")
_VALIDATIONS = ("", "Ignore", "Strict", "Warn")


@lru_cache(maxsize=CACHED)
def parse_query(text: str) -> Query:
    """A query string as a dictionary; of a repeated name the first value counts, as in Go's conversion of options."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        found.setdefault(name, value)
    return found


def _integer(query: Query, name: str) -> int | None:
    text = query.get(name)
    if not text:
        return None
    if not _INTEGER.fullmatch(text):
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text)


def _boolean(query: Query, name: str) -> bool | None:
    """As Go's conversion of query values: an empty value, and one that is no boolean, are true."""
    text = query.get(name)
    if text is None:
        return None
    return text not in _FALSE


def _refused(kind: str, causes: Sequence[Cause]) -> ApiError:
    return invalid(kind, "", causes, _META)


def _forbidden(field: str, words: str) -> Cause:
    return Cause("FieldValueForbidden", f"Forbidden: {words}", field)


def _unsupported(field: str, value: str, supported: Sequence[str]) -> Cause:
    listed = ", ".join(f'"{name}"' for name in supported)
    return Cause("FieldValueNotSupported", f"Unsupported value: {value}: supported values: {listed}", field)


@dataclass(frozen=True, slots=True)
class ListOptions:
    """Options of get, list and watch. `send_initial_events` is None when the client did not say."""

    label_selector: str = ""
    field_selector: str = ""
    resource_version: str = ""
    match: str = ""
    limit: int = 0
    continuation: str = ""
    watch: bool = False
    bookmarks: bool = False
    send_initial_events: bool | None = None
    timeout_seconds: int | None = None

    @staticmethod
    @lru_cache(maxsize=CACHED)
    def of(text: str, *, watch: bool = False) -> ListOptions:
        """Read and check them; `watch` is that of a path that says so. Raises `ApiError`."""
        query = parse_query(text)
        options = ListOptions(
            label_selector=query.get("labelSelector", ""),
            field_selector=query.get("fieldSelector", ""),
            resource_version=query.get("resourceVersion", ""),
            match=query.get("resourceVersionMatch", ""),
            limit=max(0, _integer(query, "limit") or 0),
            continuation=query.get("continue", ""),
            watch=watch or bool(_boolean(query, "watch")),
            bookmarks=bool(_boolean(query, "allowWatchBookmarks")),
            send_initial_events=_boolean(query, "sendInitialEvents"),
            timeout_seconds=_integer(query, "timeoutSeconds"),
        )
        causes = _watch_causes(options) if options.watch else _list_causes(options)
        if causes:
            raise _refused("ListOptions", causes)
        return options


_MATCH = "resourceVersionMatch"


def _list_causes(options: ListOptions) -> list[Cause]:
    causes: list[Cause] = []
    if options.match:
        if not options.resource_version:
            causes.append(_forbidden(_MATCH, f"{_MATCH} is forbidden unless resourceVersion is provided"))
        if options.continuation:
            causes.append(_forbidden(_MATCH, f"{_MATCH} is forbidden when continue is provided"))
        if options.match not in ("Exact", "NotOlderThan"):
            causes.append(_unsupported(_MATCH, f'"{options.match}"', ("Exact", "NotOlderThan", "")))
        if options.match == "Exact" and options.resource_version == "0":
            causes.append(
                _forbidden(_MATCH, f'{_MATCH} "exact" is forbidden for resourceVersion "0"'),
            )
    if options.send_initial_events is not None:
        causes.append(_forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"))
    return causes


def _watch_causes(options: ListOptions) -> list[Cause]:
    causes: list[Cause] = []
    said = options.send_initial_events is not None
    if options.match and not said:
        causes.append(
            _forbidden(_MATCH, f"{_MATCH} is forbidden for watch unless sendInitialEvents is provided")
        )
    if said and options.match != "NotOlderThan":
        causes.append(_forbidden(_MATCH, f"sendInitialEvents requires setting {_MATCH} to NotOlderThan"))
    if options.match and options.match != "NotOlderThan":
        causes.append(_unsupported(_MATCH, f'"{options.match}"', ("NotOlderThan",)))
    if options.continuation:
        causes.append(_forbidden(_MATCH, f"{_MATCH} is forbidden when continue is provided"))
    return causes


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """Options of create, update and patch. `validation` is Strict, Warn or Ignore."""

    manager: str = ""
    dry_run: bool = False
    validation: str = "Warn"
    force: bool | None = None

    @staticmethod
    @lru_cache(maxsize=CACHED)
    def of(text: str, kind: str, *, apply: bool = False) -> WriteOptions:
        """Read and check them; `kind` is CreateOptions, UpdateOptions or PatchOptions. Raises `ApiError`."""
        query = parse_query(text)
        manager, validation = query.get("fieldManager", ""), query.get("fieldValidation", "")
        force = _boolean(query, "force") if kind == "PatchOptions" else None
        causes: list[Cause] = []
        if kind == "PatchOptions" and not apply and force is not None:
            causes.append(_forbidden("force", "may not be specified for non-apply patch"))
        if apply and not manager:
            causes.append(
                Cause("FieldValueRequired", "Required value: is required for apply patch", "fieldManager")
            )
        if len(manager.encode()) > MAX_MANAGER:
            words = f"Too long: may not be more than {MAX_MANAGER} bytes"
            causes.append(Cause("FieldValueTooLong", words, "fieldManager"))
        elif not manager.isprintable():
            words = f'Invalid value: "{manager}": should only contain printable characters'
            causes.append(Cause("FieldValueInvalid", words, "fieldManager"))
        causes += _dry_run_causes(query.get("dryRun"))
        if validation not in _VALIDATIONS:
            causes.append(_unsupported("fieldValidation", f'"{validation}"', _VALIDATIONS))
        if causes:
            raise _refused(kind, causes)
        return WriteOptions(manager, bool(query.get("dryRun")), validation or "Warn", force)


def _dry_run_causes(value: str | None) -> list[Cause]:
    if value is None or value in ("", "All"):
        return []
    return [_unsupported("dryRun", f'["{value}"]', ("All",))]


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """Options of delete. `policy` is Foreground, Background, Orphan, or empty for the type's own."""

    grace_seconds: int | None = None
    policy: str = ""
    uid: str = ""
    resource_version: str = ""
    dry_run: bool = False

    @staticmethod
    def of(text: str, body: Mapping[str, Any] | None = None) -> DeleteOptions:
        """Read and check them; a body counts instead of the query, as in kube-apiserver. Raises `ApiError`."""
        return _from_query(text) if body is None else _from_body(body)


@lru_cache(maxsize=CACHED)
def _from_query(text: str) -> DeleteOptions:
    query = parse_query(text)
    return _checked(
        _integer(query, "gracePeriodSeconds"),
        query.get("propagationPolicy"),
        _boolean(query, "orphanDependents"),
        query.get("dryRun"),
        {},
    )


def _from_body(body: Mapping[str, Any]) -> DeleteOptions:
    kind = body.get("kind") or "DeleteOptions"
    if kind != "DeleteOptions":
        version = body.get("apiVersion") or "v1"
        raise bad_request(
            f'no kind "{kind}" is registered for version "{version}" in scheme "pkg/runtime/scheme.go:111"'
        )
    dry_run = body.get("dryRun") or []
    grace, policy, orphan = (
        body.get(name) for name in ("gracePeriodSeconds", "propagationPolicy", "orphanDependents")
    )
    preconditions = body.get("preconditions")
    for value, wanted, field in (
        (grace, int, "gracePeriodSeconds of type int64"),
        (policy, str, "propagationPolicy of type v1.DeletionPropagation"),
        (orphan, bool, "orphanDependents of type bool"),
        (preconditions, dict, "preconditions of type v1.Preconditions"),
        (dry_run, list, "dryRun of type []string"),
    ):
        if value is not None and (
            not isinstance(value, wanted) or (wanted is int and isinstance(value, bool))
        ):
            raise bad_request(f"json: cannot unmarshal into Go struct field DeleteOptions.{field}")
    return _checked(grace, policy, orphan, str(dry_run[0]) if dry_run else None, preconditions or {})


def _checked(
    grace: int | None,
    policy: str | None,
    orphan: bool | None,
    dry_run: str | None,
    preconditions: Mapping[str, Any],
) -> DeleteOptions:
    causes: list[Cause] = []
    field = "propagationPolicy"
    if policy is not None and orphan is not None:
        words = f'Invalid value: "{policy}": orphanDependents and deletionPropagation cannot be both set'
        causes.append(Cause("FieldValueInvalid", words, field))
    if policy is not None and policy not in _POLICIES:
        causes.append(_unsupported(field, f'"{policy}"', (*_POLICIES, "nil")))
    causes += _dry_run_causes(dry_run)
    if causes:
        raise _refused("DeleteOptions", causes)
    if orphan is not None:
        policy = "Orphan" if orphan else "Background"
    return DeleteOptions(
        None if grace is None else max(grace, 1) if grace < 0 else grace,
        policy or "",
        str(preconditions.get("uid") or ""),
        str(preconditions.get("resourceVersion") or ""),
        dry_run == "All",
    )
