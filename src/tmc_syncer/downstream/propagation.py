"""Propagation policy of a deletion downstream: what "gone" has to mean for a kind.

Kinds that own pods are deleted in the foreground, so that "gone" means that their pods are gone and the
upstream finalizer can be lifted honestly; everything else in the background. An upstream finalizer that asks
for a policy (``orphan``, ``foregroundDeletion``) is carried down; the SyncTarget may override all of it. Pure.
"""

from __future__ import annotations

from tmc_syncer.api.objects import Meta
from tmc_syncer.api.resources import GVR

__all__ = ["priority", "propagation"]

_OWNERS_OF_PODS = frozenset({
    ("apps", "deployments"), ("apps", "statefulsets"), ("apps", "daemonsets"), ("apps", "replicasets"),
    ("batch", "jobs"), ("batch", "cronjobs"),
})  # fmt: skip

# Cold-start order: what others need goes first. A priority of the queue, not a barrier.
_PRIORITIES = {
    ("", "namespaces"): 3,
    ("apiextensions.k8s.io", "customresourcedefinitions"): 2,
    ("", "serviceaccounts"): 1,
    ("", "configmaps"): 1,
    ("", "secrets"): 1,
    ("", "persistentvolumeclaims"): 1,
    ("", "services"): 1,
}


def propagation(gvr: GVR, upstream: Meta | None, override: str = "") -> str:
    """``Background``, ``Foreground`` or ``Orphan``; `upstream` is the object being deleted, if it still is there."""
    if override:
        return override
    asked = (upstream.finalizers or ()) if upstream is not None else ()
    if "orphan" in asked:
        return "Orphan"
    if "foregroundDeletion" in asked or (gvr.group, gvr.resource) in _OWNERS_OF_PODS:
        return "Foreground"
    return "Background"


def priority(gvr: GVR) -> int:
    """Priority of a type's objects in the work queue; higher goes first."""
    return _PRIORITIES.get((gvr.group, gvr.resource), 0)
