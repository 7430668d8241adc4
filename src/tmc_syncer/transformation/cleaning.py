"""Step 1, cleaning: what a server keeps about an object is removed, so that the user's part is left.

Metadata keeps name, namespace, labels, annotations and ownerReferences and nothing else (no uid, versions,
times, managedFields, finalizers). Status goes. Of the rest, what the table `assigned.ASSIGNED` lists for the
kind goes, and nulls by the rule of `nulls`.

Types that let a workspace reach beyond its own objects (RBAC, CRDs, everything cluster-scoped) are refused
unless they are listed with ``clusterScoped: true``. Of ServiceAccount ``default``, which each namespace has
by itself, only `imagePullSecrets` is kept.

On the way up the same metadata goes; status and what the target assigned stay, the workspace wants to see it.
"""

from __future__ import annotations

from typing import Any, Final

from tmc_syncer.api.objects import Meta
from tmc_syncer.api.resources import GVR, ResourceInfo
from tmc_syncer.transformation.assigned import ASSIGNED, Entries, Items, Rule
from tmc_syncer.transformation.context import Context, ExclusionError
from tmc_syncer.transformation.fieldtree import owners_of
from tmc_syncer.transformation.nulls import clear_nulls

__all__ = ["KEPT_METADATA", "Cleaning", "is_partial"]

KEPT_METADATA: Final[tuple[str, ...]] = ("name", "namespace", "labels", "annotations", "ownerReferences")

_TRUSTED_GROUPS: Final = frozenset({"rbac.authorization.k8s.io"})
_PARTIAL_FIELDS: Final[tuple[str, ...]] = ("apiVersion", "kind", "imagePullSecrets")


def is_partial(gvr: GVR, name: str) -> bool:
    """Whether the target makes this object itself and we only add fields: ServiceAccount ``default``."""
    return name == "default" and gvr.resource == "serviceaccounts" and gvr.group == ""


class Cleaning:
    """Removes what servers assign; refuses types that need trust."""

    name = "cleaning"
    priority = 100

    def applies(self, gvr: GVR, meta: Meta) -> bool:  # noqa: ARG002
        """Every object is cleaned."""
        return True

    def down(self, obj: dict[str, Any], ctx: Context) -> dict[str, Any]:
        """The user's part of an upstream object.

        Raises:
            ExclusionError: the type needs ``clusterScoped: true``.
        """
        _refuse_untrusted(ctx.info, trusted=ctx.cluster_scoped)
        gvr = ctx.info.gvr
        metadata = _user_metadata(obj)
        if is_partial(gvr, ctx.source.name):
            kept = {name: obj[name] for name in _PARTIAL_FIELDS if name in obj}
            return {**kept, "metadata": {k: v for k, v in metadata.items() if k in ("name", "namespace")}}
        obj["metadata"] = metadata
        obj.pop("status", None)
        if ctx.nulls:
            clear_nulls(obj, gvr, ctx.nulls)
        for rule in ASSIGNED.get((gvr.group, gvr.resource), ()):
            if rule.when(obj, ctx):
                _apply(rule, obj)
        return obj

    def up(self, obj: dict[str, Any], ctx: Context) -> dict[str, Any]:  # noqa: ARG002
        """The object without the metadata that the target keeps about it."""
        obj["metadata"] = _user_metadata(obj)
        return obj


def _refuse_untrusted(info: ResourceInfo, *, trusted: bool) -> None:
    if trusted or (info.namespaced and info.gvr.group not in _TRUSTED_GROUPS):
        return
    raise ExclusionError(
        "NotTrusted",
        f"{info.gvr.group_resource} reaches beyond the objects of its workspace.",
        hint="List the type with clusterScoped: true in the SyncTarget if the workspace is to be trusted with it.",
        terminal=False,
    )


def _user_metadata(obj: dict[str, Any]) -> dict[str, Any]:
    metadata = obj["metadata"]
    return {name: metadata[name] for name in KEPT_METADATA if metadata.get(name)}


def _apply(rule: Rule, obj: dict[str, Any]) -> None:
    owners, name = owners_of(obj, rule.path)
    for owner in owners:
        if isinstance(rule, Entries):
            _remove_entries(owner, name, rule)
        elif isinstance(rule, Items):
            _remove_items(owner, name, rule)
        elif rule.value(owner[name]):
            del owner[name]


def _remove_entries(owner: dict[str, Any], name: str, rule: Entries) -> None:
    entries = owner[name]
    if isinstance(entries, dict):
        kept = {
            key: value
            for key, value in entries.items()
            if key not in rule.names and not key.startswith(rule.prefixes)
        }
        _replace(owner, name, entries, kept)


def _remove_items(owner: dict[str, Any], name: str, rule: Items) -> None:
    items = owner[name]
    if isinstance(items, list):
        kept = [item for item in items if not (isinstance(item, dict) and rule.item(item))]
        _replace(owner, name, items, kept)


def _replace(owner: dict[str, Any], name: str, before: Any, kept: Any) -> None:
    """Put what is left in its place; what became empty by this goes, an empty field of the user's own stays."""
    if kept or not before:
        owner[name] = kept
    else:
        del owner[name]
