"""Embedded resources in a custom resource: each must say what it is.

`embedded_causes` walks the whole object and looks at apiVersion and kind wherever the schema says ``x-kubernetes-embedded-resource``. What Go cannot read
as metadata was refused before, by `pruning`. Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta, validation.go. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tmc_syncer.controlplane.merge.causes import invalid, required
from tmc_syncer.controlplane.schema.node import Schema
from tmc_syncer.controlplane.server.errors import Cause

__all__ = ["embedded_causes"]

_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_LONGEST_LABEL = 63
_LABEL_PROBLEM = (
    "may have mixed case, but should otherwise match: a DNS-1035 label must consist of lower case alphanumeric "
    "characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  "
    "or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
)


def embedded_causes(value: Any, schema: Schema, path: str = "") -> list[Cause]:
    """What is wrong with the embedded resources of an object."""
    return list(_below(value, schema, path))


def _below(value: Any, schema: Schema, path: str) -> Iterator[Cause]:
    if isinstance(value, dict) and schema.mapping is not None:
        if schema.facts.embedded:
            yield from _resource(value, path)
        for name, item in value.items():
            if name in schema.mapping.fields:
                yield from _below(item, schema.mapping.fields[name], f"{path}.{name}" if path else name)
            elif isinstance(schema.mapping.additional, Schema):
                yield from _below(item, schema.mapping.additional, f"{path}[{name}]")
    elif isinstance(value, list) and schema.array is not None and schema.array.declared:
        for index, item in enumerate(value):
            yield from _below(item, schema.array.items, f"{path}[{index}]")


def _resource(value: dict[str, Any], path: str) -> Iterator[Cause]:
    for name in ("apiVersion", "kind"):
        field = f"{path}.{name}"
        text = value.get(name)
        if name not in value:
            yield required(field)
        elif not isinstance(text, str):
            yield invalid(field, text, "must be a string")
        elif not text:
            yield invalid(field, text, "must not be empty")
        elif name == "apiVersion" and text.count("/") > 1:
            yield invalid(field, text, f"unexpected GroupVersion string: {text}")
        elif name == "kind" and (len(text) > _LONGEST_LABEL or not _LABEL.fullmatch(text.lower())):
            yield invalid(field, text, _LABEL_PROBLEM)
