"""Nulls: where they mean the same as an absent field they are removed.

Server-side apply takes a null as a field that the applier owns, so a null that says nothing would be claimed,
and missed later. An API server stores no nulls for the types it serves itself, but its JSON shows some
(``creationTimestamp: null`` in pod templates up to 1.33, ``rules: null`` in roles): of these types all nulls go.
A null in a custom resource is one that its schema allows (``nullable: true``) and may mean something: it
stays, except the ``creationTimestamp: null`` that tools write into embedded templates.

Nulls in lists stay, their place has a meaning. Most objects hold none or only those of the table, and are not
searched. Pure; works in place on a tree that the caller owns.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tmc_syncer.api.resources import GVR
from tmc_syncer.transformation.fieldtree import owners_of

__all__ = ["BUILT_IN_GROUPS", "NULL_TIMESTAMPS", "clear_nulls"]

BUILT_IN_GROUPS: Final = frozenset(
    {
        "",
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "apps",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "autoscaling",
        "batch",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "extensions",
        "flowcontrol.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
        "storagemigration.k8s.io",
    }
)
"""Groups that kube-apiserver itself serves: their types know no null, it means the same as absent there."""

NULL_TIMESTAMPS: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("", "podtemplates"): ("template.metadata.creationTimestamp",),
    ("", "replicationcontrollers"): ("spec.template.metadata.creationTimestamp",),
    ("apps", "daemonsets"): ("spec.template.metadata.creationTimestamp",),
    ("apps", "deployments"): ("spec.template.metadata.creationTimestamp",),
    ("apps", "replicasets"): ("spec.template.metadata.creationTimestamp",),
    ("apps", "statefulsets"): (
        "spec.template.metadata.creationTimestamp",
        "spec.volumeClaimTemplates.*.metadata.creationTimestamp",
    ),
    ("batch", "cronjobs"): (
        "spec.jobTemplate.metadata.creationTimestamp",
        "spec.jobTemplate.spec.template.metadata.creationTimestamp",
    ),
    ("batch", "jobs"): ("spec.template.metadata.creationTimestamp",),
}
"""Where API servers before 1.34 show nulls: looked at first, so that nearly no object is searched as a whole."""


def clear_nulls(obj: dict[str, Any], gvr: GVR, expected: int) -> None:
    """Remove the nulls of an object, in place.

    Args:
        obj: the object.
        gvr: its type.
        expected: how often the word ``null`` occurs in its JSON: at least as often as there are nulls.
    """
    if gvr.group not in BUILT_IN_GROUPS:
        _drop_embedded_timestamps(obj)
        return
    for path in NULL_TIMESTAMPS.get((gvr.group, gvr.resource), ()):
        owners, name = owners_of(obj, path)
        for owner in owners:
            if owner[name] is None:
                del owner[name]
                expected -= 1
    if expected > 0:
        _drop_nulls(obj)


def _drop_nulls(root: dict[str, Any]) -> None:
    """Remove each member whose value is null, at any depth. Items of lists stay: their place has a meaning."""
    for value in _maps(root):
        if None in value.values():
            for name in [name for name, child in value.items() if child is None]:
                del value[name]


def _drop_embedded_timestamps(root: dict[str, Any]) -> None:
    """Remove ``creationTimestamp: null`` of each embedded ``metadata``, at any depth."""
    for value in _maps(root):
        metadata = value.get("metadata")
        if isinstance(metadata, dict) and metadata.get("creationTimestamp", "") is None:
            del metadata["creationTimestamp"]


def _maps(root: dict[str, Any]) -> list[dict[str, Any]]:
    """Every map of the tree; without recursion, because depth is the author's choice."""
    maps = [root]
    lists: list[list[Any]] = []
    for value in maps:  # grows while it is walked
        for child in value.values():
            if type(child) is dict:
                maps.append(child)
            elif type(child) is list:
                lists.append(child)
        while lists:
            for child in lists.pop():
                if type(child) is dict:
                    maps.append(child)
                elif type(child) is list:
                    lists.append(child)
    return maps
