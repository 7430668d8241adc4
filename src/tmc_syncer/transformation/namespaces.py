"""Step 3, namespaces: the object's own, and each place inside it that names one.

A workspace's namespaces have other names on the target. `metadata.namespace` becomes the downstream one, and so
does every name at the places of `references`. A selector over namespaces would reach those of other tenants:
it gets the tenant label ANDed, and names that it compares with ``kubernetes.io/metadata.name`` are mapped.

One exception: an egress rule of a NetworkPolicy that selects nothing but the target's own system namespaces by
name is left alone. It is how everybody allows DNS (``kube-system``), these namespaces are never synced, and it
opens nothing but the way out of the user's own pods.

`up` is the mirror: names are mapped back where the context knows them, the tenant label goes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tmc_syncer.api.names import NAMESPACE_NAME_LABEL, TENANT_LABEL
from tmc_syncer.api.objects import Meta
from tmc_syncer.api.resources import GVR
from tmc_syncer.transformation.context import Context
from tmc_syncer.transformation.fieldtree import find, owners_of
from tmc_syncer.transformation.references import (
    AFFINITY_TERMS,
    NAMES,
    POD_SPECS,
    SELECTORS,
    SUBJECTS,
    SYSTEM_NAMESPACES,
)

__all__ = ["Namespaces"]

_ACCOUNT_USER = "system:serviceaccount:"
_ACCOUNT_GROUP = "system:serviceaccounts:"


class Namespaces:
    """Maps namespace names and fences selectors in."""

    name = "namespaces"
    priority = 300

    def applies(self, gvr: GVR, meta: Meta) -> bool:  # noqa: ARG002
        """Every object."""
        return True

    def down(self, obj: dict[str, Any], ctx: Context) -> dict[str, Any]:
        """The object in downstream namespaces."""
        _place(obj["metadata"], ctx.namespace)
        _visit(obj, ctx.info.gvr, _Direction(ctx.namespace_of, lambda: ctx.locator.tenant))
        return obj

    def up(self, obj: dict[str, Any], ctx: Context) -> dict[str, Any]:
        """The object in upstream namespaces."""
        _place(obj["metadata"], ctx.locator.namespace)
        _visit(obj, ctx.info.gvr, _Direction(lambda name: ctx.namespace_from(name) or name, None))
        return obj


@dataclass(frozen=True, slots=True)
class _Direction:
    """How names map, and the tenant label that selectors get (None: that they lose)."""

    name: Callable[[str], str]
    tenant: Callable[[], str] | None


def _place(metadata: dict[str, Any], namespace: str) -> None:
    if namespace:
        metadata["namespace"] = namespace
    else:
        metadata.pop("namespace", None)


def _visit(obj: dict[str, Any], gvr: GVR, direction: _Direction) -> None:
    kind = (gvr.group, gvr.resource)
    if kind in POD_SPECS:
        for affinity in find(obj, POD_SPECS[kind] + ".affinity"):
            for path in AFFINITY_TERMS:
                for term in find(affinity, path):
                    _map_term(term, direction)
        return
    for path in NAMES.get(kind, ()):
        _map_field(obj, path, direction)
    for subject in find(obj, SUBJECTS[kind]) if kind in SUBJECTS else ():
        _map_subject(subject, direction)
    for path in SELECTORS.get(kind, ()):
        egress = path.startswith("spec.egress")
        for selector in find(obj, path):
            if isinstance(selector, dict) and not (egress and _is_system_only(selector)):
                _fence(selector, direction)


def _map_field(obj: dict[str, Any], path: str, direction: _Direction) -> None:
    holders, name = owners_of(obj, path)
    for holder in holders:
        if isinstance(holder[name], str) and holder[name]:
            holder[name] = direction.name(holder[name])


def _map_term(term: Any, direction: _Direction) -> None:
    if not isinstance(term, dict):
        return
    if isinstance(names := term.get("namespaces"), list):
        term["namespaces"] = _mapped(names, direction)
    if isinstance(selector := term.get("namespaceSelector"), dict):
        _fence(selector, direction)


def _map_subject(subject: Any, direction: _Direction) -> None:
    if not isinstance(subject, dict):
        return
    if subject.get("kind") == "ServiceAccount":
        _map_field(subject, "namespace", direction)
        return
    name = subject.get("name")
    if not isinstance(name, str):
        return
    for prefix in (_ACCOUNT_USER, _ACCOUNT_GROUP):
        if name.startswith(prefix):
            namespace, colon, account = name.removeprefix(prefix).partition(":")
            subject["name"] = f"{prefix}{direction.name(namespace)}{colon}{account}"


def _mapped(names: list[Any], direction: _Direction) -> list[Any]:
    return [direction.name(name) if isinstance(name, str) else name for name in names]


def _is_system_only(selector: dict[str, Any]) -> bool:
    """Whether a selector picks the target's own namespaces by name and nothing else."""
    names: list[Any] = []
    for label, value in (selector.get("matchLabels") or {}).items():
        names.append(value if label == NAMESPACE_NAME_LABEL else None)
    for term in selector.get("matchExpressions") or ():
        picks = term.get("key") == NAMESPACE_NAME_LABEL and term.get("operator") == "In"
        names.extend(term.get("values") or [None] if picks else [None])
    return bool(names) and SYSTEM_NAMESPACES.issuperset(names)


def _fence(selector: dict[str, Any], direction: _Direction) -> None:
    labels = selector.get("matchLabels")
    labels = dict(labels) if isinstance(labels, dict) else {}
    if isinstance(name := labels.get(NAMESPACE_NAME_LABEL), str):
        labels[NAMESPACE_NAME_LABEL] = direction.name(name)
    if direction.tenant is None:
        labels.pop(TENANT_LABEL, None)
    else:
        labels[TENANT_LABEL] = direction.tenant()
    if labels:
        selector["matchLabels"] = labels
    else:
        selector.pop("matchLabels", None)
    for term in find(selector, "matchExpressions.*"):
        if (
            isinstance(term, dict)
            and term.get("key") == NAMESPACE_NAME_LABEL
            and isinstance(term.get("values"), list)
        ):
            term["values"] = _mapped(term["values"], direction)
