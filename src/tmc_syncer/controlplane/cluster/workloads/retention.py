"""Who owns the claims of a StatefulSet: nobody, the set, or the pod, by its ``persistentVolumeClaimRetentionPolicy``.

With ``whenDeleted: Delete`` the set owns its claims, with ``whenScaled: Delete`` a pod that is to go owns its own; the garbage
collector does the rest. A claim that somebody else controls is left alone. Source: ``pkg/controller/statefulset``. Pure.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.controlplane.cluster.objects.references import controller_reference, owners_of
from tmc_syncer.controlplane.cluster.workloads.ordinals import ordinal_of, replicas_of, start_of

__all__ = ["has_stale_owner", "is_up_to_date", "retains", "with_owners"]

Object = dict[str, Any]

RETAIN, DELETE = "Retain", "Delete"


def _policy(owner: Object) -> tuple[str, str]:
    policy = owner["spec"].get("persistentVolumeClaimRetentionPolicy") or {}
    return policy.get("whenDeleted", RETAIN), policy.get("whenScaled", RETAIN)


def retains(owner: Object) -> bool:
    """Whether claims outlive everything: nothing is to be done."""
    return _policy(owner) == (RETAIN, RETAIN)


def keeps_when_scaled(owner: Object) -> bool:
    """Whether claims outlive their pods."""
    return _policy(owner)[1] == RETAIN


def _is_condemned(owner: Object, pod: Object) -> bool:
    return not 0 <= ordinal_of(pod) - start_of(owner) < replicas_of(owner)


def _wanted(owner: Object, pod: Object) -> tuple[bool, bool]:
    """Whether the set, and whether the pod, is to own the claim."""
    when_deleted, when_scaled = _policy(owner)
    condemned = when_scaled == DELETE and _is_condemned(owner, pod)
    return when_deleted == DELETE and not condemned, condemned


def _refers(reference: Object, obj: Object) -> bool:
    return bool(
        reference.get("kind") == obj["kind"]
        and reference.get("apiVersion") == obj["apiVersion"]
        and reference.get("name") == obj["metadata"]["name"]
    )


def has_stale_owner(claim: Object, obj: Object) -> bool:
    """Whether the claim is owned by an earlier object of that name."""
    return any(_refers(r, obj) and r.get("uid") != obj["metadata"].get("uid") for r in owners_of(claim))


def _owns(claim: Object, obj: Object) -> bool:
    return any(r.get("uid") == obj["metadata"].get("uid") for r in owners_of(claim))


def _has_foreign_controller(claim: Object, owner: Object, pod: Object) -> bool:
    if retains(owner):
        return False
    for reference in owners_of(claim):
        mine = [obj for obj in (owner, pod) if _refers(reference, obj)]
        if mine:
            if reference.get("uid") != mine[0]["metadata"].get("uid"):
                return True
        elif reference.get("controller"):
            return True
    return False


def is_up_to_date(claim: Object, owner: Object, pod: Object) -> bool:
    """Whether the claim's owners are those of the policy, or nothing that we may change."""
    if has_stale_owner(claim, owner) or has_stale_owner(claim, pod):
        return True
    if _has_foreign_controller(claim, owner, pod):
        return not (_owns(claim, owner) or _owns(claim, pod))
    ours = {owner["metadata"].get("uid"), pod["metadata"].get("uid")}
    if any(r.get("uid") in ours and not r.get("controller") for r in owners_of(claim)):
        return False
    return (_owns(claim, owner), _owns(claim, pod)) == _wanted(owner, pod)


def with_owners(claim: Object, owner: Object, pod: Object) -> Object:
    """The claim with the owners of the policy."""
    references = [r for r in owners_of(claim) if not (_refers(r, owner) or _refers(r, pod))]
    if not _has_foreign_controller(claim, owner, pod):
        by_set, by_pod = _wanted(owner, pod)
        references += [controller_reference(owner)] if by_set else []
        references += [controller_reference(pod)] if by_pod else []
    metadata = dict(claim["metadata"])
    metadata.pop("ownerReferences", None)
    if references:
        metadata["ownerReferences"] = references
    return {**claim, "metadata": metadata}
