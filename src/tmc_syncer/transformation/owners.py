"""Step 2, owner references: an owner that is synced too is named by its uid on the other side.

Garbage collection works by uid, so a reference with the upstream uid would get the copy deleted at once. An
owner that is synced to the same target and known there is rewritten; one that is synced but not there yet
makes the dependant wait (the pipeline says so in `Desired.waiting_for_owner`), because an object that is
created ownerless and patched later can be orphaned in between; any other reference is dropped.

What is known of each owner comes from the context: the pipeline asks the caller once for each reference
before the first step. References of objects that the target's own controllers make do not get here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from tmc_syncer.api.objects import Meta, OwnerReference
from tmc_syncer.api.resources import GVR
from tmc_syncer.transformation.cleaning import is_partial
from tmc_syncer.transformation.context import Context, OwnerState, OwnerVerdict

__all__ = ["Owners", "has_to_wait", "look_up"]

_FIELD = "ownerReferences"


class Owners:
    """Rewrites owner references to the uids of the other side."""

    name = "owners"
    priority = 200

    def applies(self, gvr: GVR, meta: Meta) -> bool:
        """Whether it is a copy of ours that has owners at all."""
        return bool(meta.owner_references) and not is_partial(gvr, meta.name)

    def down(self, obj: dict[str, Any], ctx: Context) -> dict[str, Any]:
        """The object with the references whose owner is known, and no others."""
        references = [_rewritten(reference, state.uid) for reference, state in ctx.owners if _is_known(state)]
        if references:
            obj["metadata"][_FIELD] = references
        else:
            obj["metadata"].pop(_FIELD, None)
        return obj

    def up(self, obj: dict[str, Any], ctx: Context) -> dict[str, Any]:
        """The same on the way up, with what is known of the owners there."""
        return self.down(obj, ctx)


def look_up(
    meta: Meta, owner: Callable[[OwnerReference, str], OwnerState]
) -> tuple[tuple[OwnerReference, OwnerState], ...]:
    """Ask what is known of each owner of an object.

    Args:
        meta: the object's metadata.
        owner: answers for a reference and the object's namespace.
    """
    if not meta.owner_references:
        return ()
    return tuple((reference, owner(reference, meta.namespace)) for reference in meta.owner_references)


def has_to_wait(owners: tuple[tuple[OwnerReference, OwnerState], ...]) -> bool:
    """Whether any owner is on its way."""
    return any(state.verdict is OwnerVerdict.WAIT for _, state in owners)


def _is_known(state: OwnerState) -> bool:
    return state.verdict is OwnerVerdict.KNOWN


def _rewritten(reference: OwnerReference, uid: str) -> dict[str, Any]:
    result: dict[str, Any] = msgspec.to_builtins(reference)
    result["uid"] = uid
    return result
