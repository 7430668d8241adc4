"""Effects: what a decision asks the world to do, as frozen data. `sync.interpreter` performs them.

Every destructive effect carries the precondition that makes the server refuse it when the world has moved on
(uid, resourceVersion, or the full finalizer list for a JSON-Patch ``test``). An effect names the object by
type and place; it holds no reference into a cache.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tmc_syncer.api.resources import Key, ResourceInfo

__all__ = [
    "AddFinalizer",
    "ApplyCopy",
    "CreateCopy",
    "DeleteCopy",
    "Effect",
    "PatchStatus",
    "ReleaseCopy",
    "RemoveFinalizer",
]


@dataclass(frozen=True, slots=True)
class AddFinalizer:
    """Put `finalizer` on the upstream object `uid`, whose list is `present` (tested by the server)."""

    info: ResourceInfo
    key: Key
    uid: str
    present: tuple[str, ...]
    finalizer: str


@dataclass(frozen=True, slots=True)
class RemoveFinalizer:
    """Take `finalizer` off the upstream object `uid`, whose list is `present` (tested by the server)."""

    info: ResourceInfo
    key: Key
    uid: str
    present: tuple[str, ...]
    finalizer: str


@dataclass(frozen=True, slots=True)
class CreateCopy:
    """Create the copy by an apply that must find nothing; `source` is the upstream key it is for."""

    info: ResourceInfo
    source: Key
    key: Key
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ApplyCopy:
    """Apply the copy onto the object `uid` and no other; `force` takes fields over from other managers."""

    info: ResourceInfo
    source: Key
    key: Key
    uid: str
    body: dict[str, Any]
    force: bool = False


@dataclass(frozen=True, slots=True)
class DeleteCopy:
    """Delete the copy `uid` at exactly `resource_version`."""

    info: ResourceInfo
    source: Key
    key: Key
    uid: str
    resource_version: str
    propagation: str


@dataclass(frozen=True, slots=True)
class PatchStatus:
    """Replace the upstream object's status, if it still is the object `uid`."""

    info: ResourceInfo
    key: Key
    uid: str
    status: Any


@dataclass(frozen=True, slots=True)
class ReleaseCopy:
    """Take our marks off the copy `uid` (a merge patch with its uid): the object stays behind, nobody's."""

    info: ResourceInfo
    source: Key
    key: Key
    uid: str
    body: dict[str, Any]


Effect = AddFinalizer | RemoveFinalizer | CreateCopy | ApplyCopy | DeleteCopy | PatchStatus | ReleaseCopy
