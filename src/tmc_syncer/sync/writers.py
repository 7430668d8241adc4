"""Two writers: whether somebody else already runs a workload type upstream.

A status has one writer. Where the upstream server runs workload controllers of its own (an ordinary cluster),
their status and ours would overwrite each other for ever, so such a type is refused. It is seen by the status
manager recorded in managedFields, on an object that does not carry our finalizer (we never wrote it). Other
types (Services, ConfigMaps, custom resources) may have any writer. Pure.
"""

from __future__ import annotations

from tmc_syncer.api.objects import Record
from tmc_syncer.api.resources import GVR

__all__ = ["WORKLOADS", "foreign_status_manager"]

WORKLOADS = frozenset({
    ("", "pods"), ("apps", "deployments"), ("apps", "statefulsets"), ("apps", "daemonsets"),
    ("apps", "replicasets"), ("batch", "jobs"), ("batch", "cronjobs"),
})  # fmt: skip


def foreign_status_manager(gvr: GVR, record: Record, our_finalizer: str, field_manager: str) -> str | None:
    """The manager of the status of an upstream object that we never wrote; None when there is none but us."""
    if (gvr.group, gvr.resource) not in WORKLOADS or our_finalizer in (record.meta.finalizers or ()):
        return None
    for entry in record.meta.managed_fields or ():
        if entry.subresource == "status" and entry.manager != field_manager:
            return entry.manager
    return None
