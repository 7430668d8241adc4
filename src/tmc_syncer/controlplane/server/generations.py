"""``metadata.generation``: which changes raise it.

It counts changes of what the user wants: of everything but metadata and, where that is a subresource, status. Deployments also count
changes of their annotations, as kube-apiserver does (an annotation may be meant for the rollout). Pure.
"""

from __future__ import annotations

from tmc_syncer.controlplane.server.kinds import Kind
from tmc_syncer.controlplane.server.served import Object

__all__ = ["raises_generation"]


def raises_generation(kind: Kind, new: Object, old: Object) -> bool:
    """Whether `new` is another generation than `old`, of a type that counts them."""
    ignored = {"metadata", "status"} if kind.served.has_status else {"metadata"}
    for name in new.keys() | old.keys():
        if name not in ignored and new.get(name) != old.get(name):
            return True
    if kind.rules.annotations_raise_generation:
        return bool(new["metadata"].get("annotations") != old["metadata"].get("annotations"))
    return False
