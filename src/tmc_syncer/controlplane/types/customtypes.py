"""`types_of`: the types that an established CustomResourceDefinition makes, one for each served version.

A custom resource is pruned and filled in by its schema, checked by it and by its rules, keeps a generation, and has the columns,
status, scale and selectable fields that its version declares. Objects of all versions are kept alike: only the
apiVersion differs, so that reading another version is renaming it. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from tmc_syncer.controlplane.merge.defaulting import default as fill_in
from tmc_syncer.controlplane.merge.pruning import prune
from tmc_syncer.controlplane.merge.validation import validate as check_value
from tmc_syncer.controlplane.schema.structural import schema_of_crd
from tmc_syncer.controlplane.server.errors import Cause
from tmc_syncer.controlplane.types.celrules import check_rules, compile_rules
from tmc_syncer.controlplane.types.crdcolumns import CustomColumns
from tmc_syncer.controlplane.types.discovery import version_rank
from tmc_syncer.controlplane.types.jsonpaths import find, simple_path
from tmc_syncer.controlplane.types.registry import Object, Subresource, Type

__all__ = ["Scale", "types_of"]

VERBS = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")
SUBRESOURCE_VERBS = ("get", "patch", "update")


@dataclass(frozen=True, slots=True)
class Scale:
    """Where the scale subresource finds its numbers, as fields from the root; `selector` is a text with labels."""

    spec_replicas: tuple[str, ...]
    status_replicas: tuple[str, ...]
    selector: tuple[str, ...] = ()


def types_of(definition: Object) -> list[Type]:
    """The types of a definition whose names were accepted, the best version first; nothing before."""
    names = (definition.get("status") or {}).get("acceptedNames") or {}
    if not names.get("plural") or not names.get("kind"):
        return []
    versions = sorted(
        definition["spec"].get("versions") or (), key=lambda version: version_rank(version["name"])
    )
    return [_made(definition["spec"], names, version) for version in versions if version.get("served")]


def _made(spec: Object, names: Object, version: Object) -> Type:
    group, kind, plural = spec["group"], names["kind"], names["plural"]
    declared = version.get("subresources") or {}
    has_status = "status" in declared
    structural = (version.get("schema") or {}).get("openAPIV3Schema")
    schema = cache(
        partial(schema_of_crd, structural, group=group, version=version["name"], kind=kind, status=has_status)
    )
    details = []
    if has_status:
        details.append(Subresource("status", kind, SUBRESOURCE_VERBS))
    if "scale" in declared:
        details.append(Subresource("scale", "Scale", SUBRESOURCE_VERBS, "autoscaling", "v1"))
    return Type(
        group=group,
        version=version["name"],
        resource=plural,
        kind=kind,
        singular=names.get("singular", kind.lower()),
        list_kind=names.get("listKind", f"{kind}List"),
        namespaced=spec.get("scope") == "Namespaced",
        verbs=VERBS,
        columns=CustomColumns(version.get("additionalPrinterColumns") or ()),
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        subresources=tuple(part.name for part in details),
        has_generation=True,
        has_status=has_status,
        custom=True,
        default=partial(_default, schema),
        validate=_validation(schema, structural),
        field_labels=_field_labels(spec, version),
        storage=f"{plural}.{group}",
        subresource_details=tuple(details),
        scale=_scale(declared.get("scale")),
        structural=structural,
        schema_source=schema,
    )


def _default(schema: Callable[[], Any], obj: Object) -> Object:
    """Without what the schema does not know, and filled in."""
    return fill_in(prune(obj, schema()), schema())


def _validation(
    schema: Callable[[], Any], structural: Object | None
) -> Callable[[Object, Object | None], list[Cause]]:
    rules = cache(partial(compile_rules, structural or {}))

    def validate(obj: Object, old: Object | None) -> list[Cause]:
        found = check_value(obj, schema(), old)
        return found or check_rules(rules(), obj, old)

    return validate


def _field_labels(spec: Object, version: Object) -> Callable[[Object], dict[str, str]]:
    paths = [field.get("jsonPath", "") for field in version.get("selectableFields") or ()]
    namespaced = spec.get("scope") == "Namespaced"

    def labels(obj: Object) -> dict[str, str]:
        metadata = obj["metadata"]
        found = {"metadata.name": metadata.get("name", "")}
        if namespaced:
            found["metadata.namespace"] = metadata.get("namespace", "")
        for path in paths:
            values = find(path, obj)
            found[path.lstrip(".")] = _text(values[0]) if values else ""
        return found

    return labels


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _scale(declared: Object | None) -> Scale | None:
    if declared is None:
        return None
    wanted, present = (
        simple_path(declared.get(field, "")) for field in ("specReplicasPath", "statusReplicasPath")
    )
    if wanted is None or present is None:
        return None
    return Scale(wanted, present, simple_path(declared.get("labelSelectorPath") or "") or ())
