"""The names of CustomResourceDefinitions: which ones a definition gets beside the others of its cluster, and its conditions.

`accepted` is the naming controller of a real server as one function: names that another definition of the group holds are refused
(``NamesAccepted`` false), the rest is given, and a definition whose first names were accepted is established for ever. Whether
a definition is valid at all is the affair of `crdrules`, the types that it makes that of `customtypes`. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["accepted", "established"]

Object = dict[str, Any]


def established(definition: Object) -> bool:
    """Whether the types of a definition are served."""
    return _condition(definition, "Established").get("status") == "True"


def _condition(definition: Object, kind: str) -> Object:
    conditions = (definition.get("status") or {}).get("conditions") or ()
    return next((condition for condition in conditions if condition.get("type") == kind), {})


def accepted(definition: Object, others: Iterable[Object], now: str) -> Object:
    """The status of a definition: the names that it gets beside the other definitions, and whether it is established."""
    spec, status = definition["spec"], dict(definition.get("status") or {})
    taken, kinds = _taken(spec.get("group"), definition, others)
    wanted, have = spec["names"], status.get("acceptedNames") or {}
    given = dict(have)
    conflict = ("", "")
    for field, reason, used in (
        ("plural", "PluralConflict", taken),
        ("singular", "SingularConflict", taken),
        ("kind", "KindConflict", kinds),
        ("listKind", "ListKindConflict", kinds),
    ):
        name = wanted.get(field, "")
        if name != have.get(field) and name in used:
            conflict = (reason, f'"{name}" is already in use')
        else:
            given[field] = name
    new = [name for name in wanted.get("shortNames") or () if name not in (have.get("shortNames") or ())]
    clashes = [name for name in new if name in taken]
    if clashes:
        conflict = ("ShortNamesConflict", ", ".join(f'"{name}" is already in use' for name in clashes))
    for field in ("categories", *(() if clashes else ("shortNames",))):
        given.pop(field, None)
        if wanted.get(field):
            given[field] = wanted[field]
    reason, message = conflict
    names_accepted = _made(
        "NamesAccepted", not reason, reason or "NoConflicts", message or "no conflicts found", now
    )
    ready = _condition(definition, "Established")
    if ready.get("status") != "True":
        ready = (
            _made("Established", False, "NotAccepted", "not all names are accepted", now)
            if reason
            else _made(
                "Established", True, "InitialNamesAccepted", "the initial names have been accepted", now
            )
        )
    kept = _condition(definition, "NamesAccepted")
    if (kept.get("status"), kept.get("reason"), kept.get("message")) == (
        names_accepted["status"], names_accepted["reason"], names_accepted["message"],
    ):  # fmt: skip
        names_accepted = kept
    rest = [
        condition
        for condition in status.get("conditions") or ()
        if condition.get("type") not in ("NamesAccepted", "Established")
    ]
    return {**status, "acceptedNames": given, "conditions": [names_accepted, ready, *rest]}


def _made(kind: str, holds: bool, reason: str, message: str, now: str) -> Object:
    state = "True" if holds else "False"
    return {"type": kind, "status": state, "lastTransitionTime": now, "reason": reason, "message": message}


def _taken(group: Any, definition: Object, others: Iterable[Object]) -> tuple[set[str], set[str]]:
    names: set[str] = set()
    kinds: set[str] = set()
    for other in others:
        if other["spec"].get("group") != group or other["metadata"].get("name") == definition["metadata"].get(
            "name"
        ):
            continue
        have = (other.get("status") or {}).get("acceptedNames") or {}
        names.update([have.get("plural", ""), have.get("singular", ""), *(have.get("shortNames") or ())])
        kinds.update([have.get("kind", ""), have.get("listKind", "")])
    return names - {""}, kinds - {""}
