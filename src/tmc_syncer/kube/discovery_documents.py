"""The discovery documents of Kubernetes, read: aggregated (v2, v2beta1) and classic ones. Pure.

Aggregated: ``APIGroupDiscoveryList``; a version whose ``freshness`` is not ``Current`` was served from memory
because its API server does not answer: what it lists is kept, the group counts as failed.
Classic: ``APIVersions``, ``APIGroupList``, ``APIResourceList``; subresources are entries with a slash.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import msgspec

from tmc_syncer.api.resources import GVR, ResourceInfo
from tmc_syncer.kube.errors import TransportError, TransportFault

__all__ = [
    "Group",
    "Version",
    "parse_aggregated",
    "parse_group_list",
    "parse_resource_list",
    "parse_versions",
]

Listed = tuple[ResourceInfo, tuple[str, ...]]
"""A type with its short names."""


@dataclass(frozen=True, slots=True)
class Version:
    """The types of one version of a group."""

    name: str
    resources: tuple[Listed, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """One group, its versions in the server's order of preference; `failed` when not all of it could be read."""

    name: str
    versions: tuple[Version, ...]
    failed: bool = False


class _Kind(msgspec.Struct):
    kind: str = ""


class _Subresource(msgspec.Struct):
    subresource: str


class _AggregatedResource(msgspec.Struct, rename="camel"):
    resource: str
    scope: str = ""
    response_kind: _Kind | None = None
    singular_resource: str = ""
    verbs: list[str] | None = None
    short_names: list[str] | None = None
    subresources: list[_Subresource] | None = None


class _AggregatedVersion(msgspec.Struct):
    version: str
    resources: list[_AggregatedResource] | None = None
    freshness: str = "Current"


class _GroupMeta(msgspec.Struct):
    name: str = ""


class _AggregatedGroup(msgspec.Struct):
    metadata: _GroupMeta = msgspec.field(default_factory=_GroupMeta)
    versions: list[_AggregatedVersion] | None = None


class _Aggregated(msgspec.Struct):
    items: list[_AggregatedGroup] | None = None


class _Versions(msgspec.Struct):
    versions: list[str]


class _GroupVersion(msgspec.Struct):
    version: str


class _ClassicGroup(msgspec.Struct, rename="camel"):
    name: str
    versions: list[_GroupVersion]
    preferred_version: _GroupVersion | None = None


class _GroupList(msgspec.Struct):
    groups: list[_ClassicGroup] | None


class _ClassicResource(msgspec.Struct, rename="camel"):
    name: str
    kind: str
    namespaced: bool
    singular_name: str = ""
    verbs: list[str] | None = None
    short_names: list[str] | None = None


class _ResourceList(msgspec.Struct):
    resources: list[_ClassicResource] | None


_Document = TypeVar("_Document")


def parse_aggregated(body: bytes) -> list[Group] | None:
    """The groups of an aggregated document; None when `body` is another (a classic) document."""
    try:
        if msgspec.json.decode(body, type=_Kind).kind != "APIGroupDiscoveryList":
            return None
        document = msgspec.json.decode(body, type=_Aggregated)
    except msgspec.DecodeError as error:
        raise _unreadable("aggregated discovery") from error
    groups = []
    for item in document.items or ():
        group = item.metadata.name
        versions = tuple(
            Version(
                version.version,
                tuple(_aggregated_type(group, version.version, entry) for entry in version.resources or ()),
            )
            for version in item.versions or ()
        )
        stale = any(version.freshness != "Current" for version in item.versions or ())
        groups.append(Group(group, versions, failed=stale))
    return groups


def _aggregated_type(group: str, version: str, entry: _AggregatedResource) -> Listed:
    info = ResourceInfo(
        GVR(group, version, entry.resource),
        "" if entry.response_kind is None else entry.response_kind.kind,
        entry.scope == "Namespaced",
        entry.singular_resource,
        frozenset(entry.verbs or ()),
        frozenset(item.subresource for item in entry.subresources or ()),
    )
    return info, tuple(entry.short_names or ())


def parse_versions(body: bytes, where: str) -> list[str]:
    """The versions of the core group, from ``/api``."""
    return _read(body, _Versions, where).versions


def parse_group_list(body: bytes, where: str) -> list[tuple[str, str]]:
    """(group, version) of all groups from ``/apis``, the preferred version of each group first."""
    listed = []
    for group in _read(body, _GroupList, where).groups or ():
        versions = [entry.version for entry in group.versions]
        if group.preferred_version is not None and group.preferred_version.version in versions:
            versions.remove(group.preferred_version.version)
            versions.insert(0, group.preferred_version.version)
        listed += [(group.name, version) for version in versions]
    return listed


def parse_resource_list(body: bytes, group: str, version: str, where: str) -> Group:
    """One version of a group from ``/apis/<group>/<version>``."""
    types: dict[str, _ClassicResource] = {}
    subresources: dict[str, set[str]] = {}
    for entry in _read(body, _ResourceList, where).resources or ():
        name, slash, subresource = entry.name.partition("/")
        if slash:
            subresources.setdefault(name, set()).add(subresource)
        else:
            types[name] = entry
    listed = tuple(
        (
            ResourceInfo(
                GVR(group, version, name),
                entry.kind,
                entry.namespaced,
                entry.singular_name,
                frozenset(entry.verbs or ()),
                frozenset(subresources.get(name, ())),
            ),
            tuple(entry.short_names or ()),
        )
        for name, entry in types.items()
    )
    return Group(group, (Version(version, listed),))


def _read(body: bytes, kind: type[_Document], where: str) -> _Document:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise _unreadable(where) from error


def _unreadable(where: str) -> TransportError:
    return TransportError(
        f"The server's discovery document {where} cannot be read.",
        fault=TransportFault.GARBLED,
        hint="Check that the server's address belongs to an API server.",
    )
