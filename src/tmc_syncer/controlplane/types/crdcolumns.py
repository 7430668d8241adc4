"""The columns of a custom type: its name, and what its ``additionalPrinterColumns`` say, else its age.

Cells are converted as kube-apiserver does: a date becomes an age, a number that is none is left empty, a text column shows anything
as text. Source: ``apiextensions-apiserver/pkg/registry/customresource/tableconvertor``. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

import msgspec

from tmc_syncer.controlplane.types.instants import human, moment
from tmc_syncer.controlplane.types.jsonpaths import find
from tmc_syncer.controlplane.types.recorded import recorded

__all__ = ["CustomColumns"]

Object = dict[str, Any]


@cache
def _recorded_columns() -> dict[str, Object]:
    """The columns that every kind has, with their descriptions, by name."""
    name, created = recorded("columns")["columns"]["rbac.authorization.k8s.io/v1/roles"]
    return {"Name": name, "Age": {**created, "name": "Age"}}


class CustomColumns:
    """The columns of one version of a custom type; `columns` is ``additionalPrinterColumns``."""

    def __init__(self, columns: Sequence[Object]) -> None:
        known = _recorded_columns()
        self.definitions: tuple[Object, ...] = (
            known["Name"],
            *([_definition(column) for column in columns] or [known["Age"]]),
        )
        self._columns = [(column.get("type", ""), column.get("jsonPath", "")) for column in columns] or [
            ("date", ".metadata.creationTimestamp")
        ]

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        """The cells of one row."""
        return [
            obj["metadata"].get("name", ""),
            *(_cell(kind, path, obj, now) for kind, path in self._columns),
        ]

    def conditions(self, obj: Object) -> list[Object]:
        """Custom resources have no row conditions."""
        del obj
        return []


def _definition(column: Object) -> Object:
    path = column.get("jsonPath", "")
    return {
        "name": column.get("name", ""),
        "type": column.get("type", ""),
        "format": column.get("format", ""),
        "description": column.get("description")
        or f"Custom resource definition column (in JSONPath format): {path}",
        "priority": column.get("priority", 0),
    }


def _cell(kind: str, path: str, obj: Object, now: datetime) -> Any:
    values = find(path, obj)
    if not values:
        return None
    value = values[0]
    if kind == "string":
        return _text(value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    match kind:
        case "integer":
            return int(value) if is_number else None
        case "number":
            return value if is_number else None
        case "boolean":
            return value if isinstance(value, bool) else None
        case "date" if isinstance(value, str):
            return _age(value, now)
    return None


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return msgspec.json.encode(value).decode()


def _age(stamp: str, now: datetime) -> str:
    try:
        return human((now - moment(stamp)).total_seconds())
    except ValueError:
        return "<invalid>"
