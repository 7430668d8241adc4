"""The applier: how the copy is written, and what each answer of the server means.

* Create: server-side apply with ``resourceVersion: "1"``. No live object can have it, so the server answers 409
  when anything stands there; a foreign object is never adopted by accident, and the fields are ours from the
  start (a POST would leave an ``Update`` entry that keeps owning what is dropped later).
* Update: apply with the uid of the copy, first without force. A conflict names each field and its manager; the
  conflict policy decides whether the apply is repeated with force. With the uid of another object the server
  refuses (422), with that of a vanished one too (409).

It performs one `CreateCopy` or `ApplyCopy` at a time and is called by `sync.interpreter`'s users; batching and
retries belong to the controller's dispatcher and queue. Errors of class Conflict mean: look again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from tmc_syncer.api.objects import Record
from tmc_syncer.downstream.field_rules import Resolution, TypeRules, upstream_wins, without
from tmc_syncer.kube.client import Client
from tmc_syncer.kube.errors import ApiError, FieldConflict
from tmc_syncer.sync.effects import ApplyCopy, CreateCopy

__all__ = ["Applied", "Applier", "ApplyResult", "ConflictPolicy", "Occupied"]

_NEVER = "1"  # no live object has this resourceVersion: etcd starts counting above it


class ApplyResult(Enum):
    """What an apply did."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Applied:
    """The answer to one apply; `record` is None only for an unresolved conflict."""

    result: ApplyResult
    record: Record | None
    conflicts: tuple[FieldConflict, ...] = field(default=())


class Occupied(Exception):
    """Something stands under the copy's name that the cache does not show: look at it live, decide again."""


ConflictPolicy = Callable[[Collection[FieldConflict], TypeRules], Resolution]
"""Decides what becomes of contested fields."""


class Applier:
    """Writes copies through one downstream client."""

    def __init__(self, client: Client, policy: ConflictPolicy = upstream_wins) -> None:
        self._client = client
        self._policy = policy

    async def create(self, effect: CreateCopy) -> Applied:
        """Create the copy where nothing stands. Raises `Occupied`, or a `KubeError`."""
        body = _with_metadata(effect.body, resourceVersion=_NEVER)
        try:
            record = await self._client.apply(effect.info, effect.key.namespace, effect.key.name, body)
        except ApiError as error:
            if error.status == 409:
                raise Occupied(str(effect.key)) from error
            raise
        return Applied(ApplyResult.CREATED, record)

    async def apply(self, effect: ApplyCopy, rules: TypeRules, known_version: str = "") -> Applied:
        """Apply onto exactly the object `effect.uid`. Raises a `KubeError`.

        `rules` are the type's field rules; `known_version` is the copy's version as far as it is known.
        """
        body = _with_metadata(effect.body, uid=effect.uid)
        place = effect.info, effect.key.namespace, effect.key.name
        conflicts: tuple[FieldConflict, ...] = ()
        try:
            record = await self._client.apply(*place, body, force=effect.force)
        except ApiError as error:
            conflicts = error.field_conflicts
            if not conflicts:
                raise
            resolution = self._policy(conflicts, rules)
            if resolution.holds:
                return Applied(ApplyResult.CONFLICT, None, conflicts)
            body = without(body, resolution.ceded)
            record = await self._client.apply(*place, body, force=resolution.force)
        unchanged = record.meta.resource_version == known_version
        return Applied(ApplyResult.UNCHANGED if unchanged else ApplyResult.UPDATED, record, conflicts)


def _with_metadata(body: dict[str, Any], **extra: str) -> dict[str, Any]:
    return {**body, "metadata": {**body["metadata"], **extra}}
