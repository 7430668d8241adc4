"""Conditions in a status: finding one, and putting one in as each controller does it.

Controllers differ in when a time moves: a Deployment keeps the time of the transition while the status stays the same, and writes
nothing while status and reason stay; a ReplicaSet and a Job replace; a policy follows apimachinery's rule. So there is one
function for each way, and callers name theirs. None of them changes what it is given. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

__all__ = ["find", "is_true", "merged", "put", "without"]

Object = dict[str, Any]


def find(conditions: Iterable[Object] | None, condition_type: str) -> Object | None:
    """The condition of a type."""
    for condition in conditions or ():
        if condition.get("type") == condition_type:
            return condition
    return None


def is_true(conditions: Iterable[Object] | None, condition_type: str) -> bool:
    """Whether the condition is there and ``True``."""
    found = find(conditions, condition_type)
    return found is not None and bool(found.get("status") == "True")


def without(conditions: Sequence[Object] | None, condition_type: str) -> list[Object]:
    """The conditions but one."""
    return [condition for condition in conditions or () if condition.get("type") != condition_type]


def put(conditions: Sequence[Object] | None, condition: Object) -> list[Object]:
    """With the condition at the end, unless status and reason are those of the old one (Deployments, ReplicaSets).

    Its ``lastTransitionTime`` is the old one's while the status stays, where it has a ``lastUpdateTime`` beside it.
    """
    present = list(conditions or ())
    old = find(present, condition["type"])
    if old is not None and old["status"] == condition["status"]:
        if old.get("reason") == condition.get("reason"):
            return present
        if "lastUpdateTime" in condition:
            condition = {**condition, "lastTransitionTime": old["lastTransitionTime"]}
    return [*without(present, condition["type"]), condition]


def merged(conditions: Sequence[Object] | None, condition: Object) -> list[Object]:
    """With the condition in its place; its time moves only with the status (apimachinery's `SetStatusCondition`)."""
    made = list(conditions or ())
    for index, old in enumerate(made):
        if old.get("type") == condition["type"]:
            if old.get("status") == condition["status"] and "lastTransitionTime" in old:
                condition = {**condition, "lastTransitionTime": old["lastTransitionTime"]}
            made[index] = condition
            return made
    return [*made, condition]
