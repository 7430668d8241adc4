"""What a Deployment's ReplicaSets say about its history: which is new, which are old, and their revision annotations.

A ReplicaSet is the new one when its template is the Deployment's, the hash label aside; of several the oldest. Each takes over
the Deployment's annotations and a revision number one above all older ones; a set that becomes new again remembers its
earlier numbers. Source: ``pkg/controller/deployment/util/deployment_util.go``. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from tmc_syncer.controlplane.cluster.objects.pods import created
from tmc_syncer.controlplane.cluster.workloads.rollouts import DESIRED, MAX

__all__ = [
    "HASH_LABEL",
    "REVISION",
    "ROLLBACK",
    "annotations_for",
    "by_age",
    "find_new",
    "last_revision",
    "max_revision",
    "revision_of",
    "same_template",
    "without_hash",
]

Object = dict[str, Any]

HASH_LABEL = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
REVISIONS = "deployment.kubernetes.io/revision-history"
ROLLBACK = "deprecated.deployment.rollback.to"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

NOT_COPIED = frozenset({LAST_APPLIED, REVISION, REVISIONS, DESIRED, MAX, ROLLBACK})
"""Annotations of a Deployment that its ReplicaSets do not get."""

MAX_HISTORY = 2000
"""Characters of the annotation that lists earlier revisions; the oldest are dropped."""


def without_hash(template: Object) -> Object:
    """A template without the label that tells ReplicaSets apart."""
    metadata = dict(template.get("metadata") or {})
    labels = {name: value for name, value in (metadata.get("labels") or {}).items() if name != HASH_LABEL}
    metadata.pop("creationTimestamp", None)
    metadata.pop("labels", None)
    if labels:
        metadata["labels"] = labels
    return {**template, "metadata": metadata}


def same_template(one: Object, other: Object) -> bool:
    """Whether two templates are the same but for that label."""
    return without_hash(one) == without_hash(other)


def by_age(sets: Iterable[Object]) -> list[Object]:
    """The oldest first, of equal ones by name."""

    def age(obj: Object) -> tuple[datetime, str]:
        return created(obj), obj["metadata"]["name"]

    return sorted(sets, key=age)


def find_new(deployment: Object, sets: Sequence[Object]) -> Object | None:
    """The ReplicaSet of the present template."""
    template = deployment["spec"]["template"]
    for replica_set in by_age(sets):
        if same_template(replica_set["spec"]["template"], template):
            return replica_set
    return None


def revision_of(obj: Object) -> int:
    """The number in the revision annotation, 0 when there is none."""
    text = (obj["metadata"].get("annotations") or {}).get(REVISION, "")
    return int(text) if text.isdigit() else 0


def max_revision(sets: Iterable[Object]) -> int:
    """The greatest of them."""
    return max((revision_of(replica_set) for replica_set in sets), default=0)


def last_revision(sets: Iterable[Object]) -> int:
    """The second greatest: where a rollback without a number goes."""
    numbers = sorted((revision_of(replica_set) for replica_set in sets), reverse=True)
    return numbers[1] if len(numbers) > 1 else 0


def annotations_for(deployment: Object, present: dict[str, str], revision: int) -> dict[str, str]:
    """The annotations of the new ReplicaSet, from those that it has."""
    given = deployment["metadata"].get("annotations") or {}
    made = present | {name: value for name, value in given.items() if name not in NOT_COPIED}
    text = present.get(REVISION)
    if text is not None and not text.isdigit():
        return made
    before = int(text or 0)
    if before < revision:
        made[REVISION] = str(revision)
        if text is not None:
            made[REVISIONS] = _remembered(present.get(REVISIONS, ""), text)
    return made


def _remembered(history: str, revision: str) -> str:
    numbers = [*(history.split(",") if history else ()), revision]
    while len(numbers) > 1 and len(",".join(numbers)) > MAX_HISTORY:
        numbers.pop(0)
    return ",".join(numbers)
