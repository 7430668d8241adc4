"""The recorded schemas of kube-apiserver: raw components for each group-version, and a node for each kind.

The data are package data, written by ``python -m tools.record_schemas`` from a real server; `recorded_version` says which.
Nothing is read before it is asked for; then the file is read once and kept, since all documents share their components.
The raw components are for whoever serves /openapi/v3 (without descriptions they are small; `kubectl explain` needs these).

Assumes that nobody changes what is returned. Called by the registry of types and by the server's OpenAPI documents.
"""

from __future__ import annotations

import functools
import gzip
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib import resources
from typing import Any

import msgspec

from tmc_syncer.controlplane.schema.node import Schema
from tmc_syncer.controlplane.schema.openapi import Components

__all__ = ["OBJECT_META", "Documents", "component", "documents", "is_loose", "recorded_version", "schema_of"]

OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"


@functools.cache
def _recorded(name: str) -> dict[str, Any]:
    data = resources.files("tmc_syncer.controlplane.schema").joinpath("data", f"{name}.json.gz").read_bytes()
    decoded: dict[str, Any] = msgspec.json.decode(gzip.decompress(data))
    return decoded


@functools.cache
def _components() -> Components:
    recorded = _recorded("components")
    return Components(recorded["components"], recorded["go"])


def recorded_version() -> str:
    """The version of the server that the schemas were recorded from, as ``v1.36.3``."""
    version: str = _recorded("components")["version"]
    return version


class Documents(Mapping[str, dict[str, Any]]):
    """Name of a document (``api/v1``, ``apis/apps/v1``) to its components by name. With `descriptions`, these are in place."""

    def __init__(self, *, descriptions: bool = False) -> None:
        self._descriptions = descriptions

    def __getitem__(self, name: str) -> dict[str, Any]:
        recorded = _recorded("components")
        found = {key: recorded["components"][key] for key in recorded["documents"][name]}
        if not self._descriptions:
            return found
        texts = _recorded("descriptions")["descriptions"]
        return {key: _described(schema, "", texts[key]) for key, schema in found.items()}

    def __iter__(self) -> Iterator[str]:
        return iter(_recorded("components")["documents"])

    def __len__(self) -> int:
        return len(_recorded("components")["documents"])


def documents(*, descriptions: bool = False) -> Documents:
    """The components of each recorded document, with or without descriptions."""
    return Documents(descriptions=descriptions)


def _described(schema: Mapping[str, Any], path: str, texts: Mapping[str, str]) -> dict[str, Any]:
    """The schema with its descriptions put back where `tools/record_schemas` took them from."""
    whole: dict[str, Any] = {}
    if path in texts:
        whole["description"] = texts[path]
    for key, value in schema.items():
        if key == "properties":
            whole[key] = {name: _described(child, f"{path}.{name}", texts) for name, child in value.items()}
        elif key in ("items", "additionalProperties") and isinstance(value, dict):
            whole[key] = _described(value, f"{path}/{key}", texts)
        else:
            whole[key] = value
    return whole


def component(name: str) -> Schema:
    """The node of a recorded component, as ``io.k8s.api.core.v1.PodSpec``; raises ``KeyError``."""
    return _components().node(name)


@functools.cache
def _kinds() -> dict[tuple[str, str, str], str]:
    """The component of each kind; some kinds are only in documents of other groups, as Scale is."""
    return {
        (kind["group"], kind["version"], kind["kind"]): name
        for name, schema in _recorded("components")["components"].items()
        for kind in schema.get("x-kubernetes-group-version-kind", ())
    }


@functools.cache
def schema_of(group: str, version: str, kind: str) -> Schema | None:
    """The node of a built-in kind, None when it was not recorded."""
    name = _kinds().get((group, version, kind))
    if name is None:
        return None
    node = component(name)
    has_status = node.mapping is not None and "status" in node.mapping.fields
    return replace(node, loose=is_loose(node), status=has_status)


def is_loose(root: Schema) -> bool:
    """Whether a place below may hold both a boolean and a number, which Python takes for equal (true == 1).

    Metadata do not count: their only free-form part, field sets, holds no booleans.
    """
    seen: set[int] = set()
    todo = [root]
    while todo:
        node = todo.pop()
        facts, mapping = node.facts, node.mapping
        if node.scalar == "untyped" and node.array:
            if not (facts.int_or_string or facts.format):
                return True
            continue
        if node.array:
            todo.append(node.array.items)
        if mapping and id(mapping.fields) not in seen and facts.component != OBJECT_META:
            seen.add(id(mapping.fields))
            todo += [*mapping.fields.values(), *([mapping.extra] if mapping.extra else [])]
    return False
