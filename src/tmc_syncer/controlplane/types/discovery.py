"""Discovery documents: which groups, versions and resources a cluster serves, in the old form and in the aggregated one.

`core_discovery` and `group_discovery` are the aggregated documents of /api and /apis, `core_versions`, `group_list`, `group_entry`
and `resource_list` the old ones, one for each level. Built-in groups come in the order of a real server, those of custom types
after them by name; of several versions the best comes first. The hash of the storage version, which a real server adds
in the old form alone and only its own controllers read, is left out. Pure; `documents` puts the results behind paths.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from tmc_syncer.controlplane.types.registry import Object, Subresource, Type

__all__ = [
    "AGGREGATED_VERSIONS",
    "core_discovery",
    "core_versions",
    "group_discovery",
    "group_entry",
    "group_list",
    "resource_list",
    "version_rank",
]

AGGREGATED_VERSIONS = ("v2", "v2beta1")
"""Versions of the aggregated form; their documents differ in the apiVersion alone."""

_VERSION = re.compile(r"v(\d+)(?:(alpha|beta)(\d+))?")
_STAGES = {None: 0, "beta": 1, "alpha": 2}
_OTHER = 3


def version_rank(version: str) -> tuple[int, int, int, str]:
    """Sorts versions, the best first: ``v2``, ``v1``, ``v1beta1``, ``v1alpha1``, then any others by name."""
    match = _VERSION.fullmatch(version)
    if match is None:
        return (_OTHER, 0, 0, version)
    return (_STAGES[match[2]], -int(match[1]), -int(match[3] or 0), "")


Grouped = dict[str, dict[str, list[Type]]]


def _grouped(types: Iterable[Type]) -> Grouped:
    """Types by group and version, in the order in which they are told."""
    builtin: Grouped = {}
    custom: Grouped = {}
    for made in types:
        place = builtin if made.group in builtin or not made.custom else custom
        place.setdefault(made.group, {}).setdefault(made.version, []).append(made)
    for group in sorted(custom):
        versions = custom[group]
        builtin[group] = {version: versions[version] for version in sorted(versions, key=version_rank)}
    return builtin


# The aggregated form


def core_discovery(types: Iterable[Type], version: str) -> Object:
    """The document of /api."""
    return _aggregated(_grouped(made for made in types if not made.group), version)


def group_discovery(types: Iterable[Type], version: str) -> Object:
    """The document of /apis."""
    return _aggregated(_grouped(made for made in types if made.group), version)


def _aggregated(groups: Grouped, version: str) -> Object:
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"apidiscovery.k8s.io/{version}",
        "metadata": {},
        "items": [
            {
                "metadata": {"name": group} if group else {},
                "versions": [
                    {
                        "version": name,
                        "resources": [_resource(made) for made in made_of],
                        "freshness": "Current",
                    }
                    for name, made_of in versions.items()
                ],
            }
            for group, versions in groups.items()
        ],
    }


def _resource(made: Type) -> Object:
    entry: Object = {
        "resource": made.resource,
        "responseKind": _kind(made, made.kind),
        "scope": "Namespaced" if made.namespaced else "Cluster",
        "singularResource": made.singular,
        "verbs": list(made.verbs),
    }
    if made.short_names:
        entry["shortNames"] = list(made.short_names)
    if made.categories:
        entry["categories"] = list(made.categories)
    if made.subresource_details:
        entry["subresources"] = [_subresource(made, part) for part in made.subresource_details]
    return entry


def _kind(made: Type, kind: str, group: str = "", version: str = "") -> Object:
    """Only custom types say their own group and version."""
    if made.custom and not version:
        group, version = made.group, made.version
    return {"group": group, "version": version, "kind": kind}


def _subresource(made: Type, part: Subresource) -> Object:
    return {
        "subresource": part.name,
        "responseKind": _kind(made, part.kind, part.group, part.version),
        "verbs": list(part.verbs),
    }


# The old form


def core_versions(address: str) -> Object:
    """The document of /api."""
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
    }


def group_list(types: Iterable[Type]) -> Object:
    """The document of /apis."""
    groups = [_group(name, list(versions)) for name, versions in _grouped(types).items() if name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def group_entry(types: Iterable[Type], group: str) -> Object | None:
    """The document of /apis/GROUP, None for a group that is not served."""
    versions = _grouped(types).get(group)
    if versions is None:
        return None
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(group, list(versions))}


def _group(name: str, versions: Sequence[str]) -> Object:
    listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def resource_list(types: Iterable[Type], group: str, version: str) -> Object | None:
    """The document of /api/v1 or /apis/GROUP/VERSION, None for one that is not served."""
    served = [made for made in types if (made.group, made.version) == (group, version)]
    if not served:
        return None
    resources: list[Any] = []
    for made in served:
        resources.append(_entry(made))
        resources += [_part(made, part) for part in made.subresource_details]
    # The list of the core group is older than lists that have a version.
    versioned = {"apiVersion": "v1"} if group else {}
    return {
        "kind": "APIResourceList",
        **versioned,
        "groupVersion": served[0].group_version,
        "resources": resources,
    }


def _entry(made: Type) -> Object:
    entry: Object = {
        "name": made.resource,
        "singularName": made.singular,
        "namespaced": made.namespaced,
        "kind": made.kind,
        "verbs": list(made.verbs),
    }
    if made.short_names:
        entry["shortNames"] = list(made.short_names)
    if made.categories:
        entry["categories"] = list(made.categories)
    return entry


def _part(made: Type, part: Subresource) -> Object:
    entry: Object = {
        "name": f"{made.resource}/{part.name}",
        "singularName": "",
        "namespaced": made.namespaced,
    }
    if part.version:
        entry |= {"group": part.group, "version": part.version}
    return {**entry, "kind": part.kind, "verbs": list(part.verbs)}
