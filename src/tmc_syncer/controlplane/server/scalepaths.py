"""Where a type has what a Scale shows, and a Scale made of an object: `ScalePaths`.

Built-in types have ``spec.replicas``, ``status.replicas`` and ``spec.selector``; a CustomResourceDefinition names its own paths,
and a string for the selector. A number that is not there is zero. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tmc_syncer.controlplane.server.served import Object, ServedType
from tmc_syncer.controlplane.types.customtypes import Scale

__all__ = ["ScalePaths", "selector_text"]

VERSION = "autoscaling/v1"

_OPERATORS = {"In": "in", "NotIn": "notin"}

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScalePaths:
    """Paths of a type; `selector` is None where it has none."""

    replicas: Path = ("spec", "replicas")
    current: Path = ("status", "replicas")
    selector: Path | None = ("spec", "selector")

    @staticmethod
    def of(served: ServedType) -> ScalePaths:
        """The paths of a type."""
        given: Scale | None = served.scale
        if given is None:
            return ScalePaths()
        return ScalePaths(given.spec_replicas, given.status_replicas, given.selector or None)

    @property
    def fields(self) -> Path:
        """The path of the replicas as managedFields write it."""
        return tuple(f"f:{step}" for step in self.replicas)

    def scale(self, obj: Object, managed: list[Object]) -> Object:
        """The Scale of an object; `managed` are the entries that it shows."""
        metadata = obj["metadata"]
        shown = {
            name: metadata[name]
            for name in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
            if name in metadata
        }
        if managed:
            shown["managedFields"] = managed
        replicas, current = _at(obj, self.replicas), _at(obj, self.current)
        status: Object = {"replicas": current or 0}
        selector = None if self.selector is None else _at(obj, self.selector)
        if text := selector_text(selector):
            status["selector"] = text
        return {
            "kind": "Scale",
            "apiVersion": VERSION,
            "metadata": shown,
            "spec": {"replicas": replicas} if replicas else {},
            "status": status,
        }

    def with_replicas(self, obj: Object, count: int) -> Object:
        """A copy of an object with another number."""
        return _put(obj, self.replicas, count)


def selector_text(selector: Any) -> str:
    """A selector in its text form: of a LabelSelector, of a map of labels, or a text as it is."""
    if isinstance(selector, str):
        return selector
    if not isinstance(selector, dict):
        return ""
    if not selector.keys() & {"matchLabels", "matchExpressions"}:
        return ",".join(f"{key}={selector[key]}" for key in sorted(selector))
    terms = [(key, f"{key}={value}") for key, value in (selector.get("matchLabels") or {}).items()]
    for term in selector.get("matchExpressions") or ():
        key, operator = term.get("key", ""), term.get("operator")
        if operator in _OPERATORS:
            values = ",".join(sorted(term.get("values") or ()))
            terms.append((key, f"{key} {_OPERATORS[operator]} ({values})"))
        else:
            terms.append((key, f"!{key}" if operator == "DoesNotExist" else key))
    return ",".join(text for _, text in sorted(terms))


def _at(obj: Any, path: Path) -> Any:
    for step in path:
        if not isinstance(obj, dict):
            return None
        obj = obj.get(step)
    return obj


def _put(obj: Object, path: Path, value: Any) -> Object:
    step, rest = path[0], path[1:]
    below = obj.get(step)
    return {**obj, step: _put(below if isinstance(below, dict) else {}, rest, value) if rest else value}
