"""The schema node of a custom resource, built from the structural schema of its CRD.

`schema_of_crd` takes ``spec.versions[].schema.openAPIV3Schema``. apiVersion, kind and metadata are implied at the root and in each
embedded resource, as kube-apiserver implies them (apiextensions-apiserver, pkg/controller/openapi/builder); metadata are the recorded
ObjectMeta. Without a schema everything goes, metadata too. That the schema is structural is the CRD's validation, not ours.
Called for each version of a CRD when it is established; the node may be kept as long as the schema does not change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tmc_syncer.controlplane.schema.documents import OBJECT_META, component, is_loose
from tmc_syncer.controlplane.schema.node import SCHEMALESS, Facts, Schema
from tmc_syncer.controlplane.schema.openapi import node_of

__all__ = ["schema_of_crd"]

_TEXT = Schema(scalar="string")


def schema_of_crd(
    structural: Mapping[str, Any] | None,
    *,
    group: str = "",
    version: str = "",
    kind: str = "",
    status: bool = False,
) -> Schema:
    """The node of a custom resource's version.

    `group`, `version` and `kind` are its own; `status` says whether the version has a status subresource.
    """
    kinds = ((group, version, kind),) if kind else ()
    if not structural:
        return replace(SCHEMALESS, facts=Facts(kinds=kinds), status=status)
    declared = node_of(structural)
    root = _embedded(declared, at_root=True)
    facts = replace(root.facts, kinds=kinds)
    return replace(root, facts=facts, loose=is_loose(root), custom=True, status=status, structural=declared)


def _embedded(node: Schema, *, at_root: bool = False) -> Schema:
    """The node, where it or a node below is an embedded resource, with what an object always has."""
    mapping, array = node.mapping, node.array
    if mapping is not None:
        fields = {name: _embedded(child) for name, child in mapping.fields.items()}
        if at_root or node.facts.embedded:
            fields |= {"apiVersion": _TEXT, "kind": _TEXT, "metadata": component(OBJECT_META)}
        extra, additional = mapping.extra, mapping.additional
        if isinstance(additional, Schema):
            extra = additional = _embedded(additional)
        mapping = replace(mapping, fields=fields, extra=extra, additional=additional)
    if array is not None and array.declared:
        array = replace(array, items=_embedded(array.items))
    return replace(node, mapping=mapping, array=array)
