"""Filters: which objects are not synced although their type is, and which copies are not to be deleted. Pure.

A `Filter` is asked about an object (`should_sync`) and about a deletion (`should_delete`). A `FilterChain` asks them from the
highest priority down; the first objection is the `Verdict`, with the filter's name and its reason (shown by ``tmc explain``
and ``/statusz``). Having nothing against it is all that a filter can say in favour: no filter overrules another.

| built in | priority | keeps out |
|---|---|---|
| `never-synced` (`never_synced.NeverSynced`) | 1000 | what belongs to each cluster itself |
| `resources` | 900 | types that are not on the list |
| `namespaces` | 800 | namespaces that are denied, or not among the allowed |
| `labels` | 700 | what a label selector does not select |

Filters of others come by the entry point group `tmc_syncer.filters` (`load_filters`): each entry is a filter, or a class or
function without arguments that makes one. A filter that raises fails the reconcile of that key: nothing is decided without it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.metadata import EntryPoint, entry_points
from typing import Protocol, runtime_checkable

from tmc_syncer.api.errors import UsageError
from tmc_syncer.api.objects import Record
from tmc_syncer.api.resources import GVR, Key, ResourceInfo
from tmc_syncer.api.selectors import Selector

__all__ = [
    "ALLOWED",
    "ENTRY_POINTS",
    "Answer",
    "Filter",
    "FilterChain",
    "LabelSelectorFilter",
    "NamespaceFilter",
    "ResourceFilter",
    "Verdict",
    "load_filters",
]

ENTRY_POINTS = "tmc_syncer.filters"

Answer = bool | str | None
"""True or None: nothing against it. False or a text: no, with the text as the reason."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether it may be done; if not, which filter objects, and why."""

    allowed: bool
    filter: str = ""
    reason: str = ""


ALLOWED = Verdict(True)


@runtime_checkable
class Filter(Protocol):
    """What can be registered. `priority`: higher is asked first."""

    @property
    def name(self) -> str: ...
    @property
    def priority(self) -> int: ...

    def should_sync(self, record: Record, info: ResourceInfo) -> Answer:
        """Asked with the upstream object, before anything is written for it."""
        ...

    def should_delete(self, key: Key, info: ResourceInfo) -> Answer:
        """Asked with the upstream key, before its copy is deleted; an objection leaves the copy (row 2 of the table)."""
        ...


class FilterChain:
    """The filters of one agent, asked from the highest priority down (and by name among equals)."""

    def __init__(self, filters: Iterable[Filter]) -> None:
        self.filters = tuple(sorted(filters, key=lambda f: (-f.priority, f.name)))

    def should_sync(self, record: Record, info: ResourceInfo) -> Verdict:
        """The first objection to syncing `record`, or `ALLOWED`."""
        for asked in self.filters:
            answer = asked.should_sync(record, info)
            if answer is not None and answer is not True:
                return _objection(asked, answer)
        return ALLOWED

    def should_delete(self, key: Key, info: ResourceInfo) -> Verdict:
        """The first objection to deleting the copy of `key`, or `ALLOWED`."""
        for asked in self.filters:
            answer = asked.should_delete(key, info)
            if answer is not None and answer is not True:
                return _objection(asked, answer)
        return ALLOWED


def _objection(asked: Filter, answer: bool | str) -> Verdict:
    return Verdict(
        False, asked.name, answer if isinstance(answer, str) else f"excluded by filter {asked.name}"
    )


class _DeletesFreely:
    """For filters that have a say in what is synced only."""

    def should_delete(self, key: Key, info: ResourceInfo) -> Answer:  # noqa: ARG002  # the protocol's signature
        return None


@dataclass(frozen=True)
class ResourceFilter(_DeletesFreely):
    """Only the listed types; an entry without a version means every version."""

    resources: Collection[GVR]
    name: str = "resources"
    priority: int = 900

    def should_sync(self, record: Record, info: ResourceInfo) -> Answer:  # noqa: ARG002  # the protocol's signature
        gvr = info.gvr
        if gvr in self.resources or gvr._replace(version="") in self.resources:
            return None
        return f"{gvr.group_resource} is not on the list of synced types"


@dataclass(frozen=True)
class NamespaceFilter(_DeletesFreely):
    """Shell patterns (``team-*``) over upstream namespaces; a denied one is denied even if allowed.

    No `allow` allows all. Cluster-scoped objects pass, but a Namespace counts by its own name.
    """

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    name: str = "namespaces"
    priority: int = 800

    def should_sync(self, record: Record, info: ResourceInfo) -> Answer:
        namespace = record.meta.namespace
        if not namespace:
            if info.gvr.group_resource != "namespaces":
                return None
            namespace = record.meta.name
        if any(fnmatchcase(namespace, pattern) for pattern in self.deny):
            return f"namespace {namespace} is denied"
        if not self.allow or any(fnmatchcase(namespace, pattern) for pattern in self.allow):
            return None
        return f"namespace {namespace} is not among the allowed ones"


@dataclass(frozen=True)
class LabelSelectorFilter(_DeletesFreely):
    """Only objects whose labels the selector selects."""

    selector: Selector
    name: str = "labels"
    priority: int = 700

    def should_sync(self, record: Record, info: ResourceInfo) -> Answer:  # noqa: ARG002  # the protocol's signature
        if self.selector.matches(record.meta.labels):
            return None
        return f"its labels do not match {self.selector}"


def load_filters(found: Iterable[EntryPoint] | None = None) -> list[Filter]:
    """The filters that installed packages register, by name. `found` stands in for the entry points in tests.

    Raises `UsageError` naming the entry point that cannot be loaded, or that is no filter.
    """
    filters: list[Filter] = []
    for entry in sorted(entry_points(group=ENTRY_POINTS) if found is None else found, key=lambda e: e.name):
        try:
            loaded = entry.load()
            made = loaded() if callable(loaded) else loaded
        except Exception as error:
            raise UsageError(
                f"The filter {entry.name!r} ({entry.value}) cannot be loaded: {error!r}.",
                hint="Fix or remove the package that registers it.",
            ) from error
        if not isinstance(made, Filter):
            raise UsageError(
                f"The entry point {entry.name!r} ({entry.value}) is no filter.",
                hint="A filter has name, priority, should_sync(record, info) and should_delete(key, info).",
            )
        filters.append(made)
    return filters
