"""Rows of what makes pods: Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs, CronJobs, and the scale of them.

Pure.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tmc_syncer.controlplane.types.instants import age, human, moment
from tmc_syncer.controlplane.types.tables.wording import NONE, UNSET, containers, labels, selector

__all__ = [
    "controller_revision_cells",
    "cron_job_cells",
    "daemon_set_cells",
    "deployment_cells",
    "job_cells",
    "pod_template_cells",
    "replica_set_cells",
    "replication_controller_cells",
    "scale_cells",
    "stateful_set_cells",
]

Object = dict[str, Any]


def _parts(obj: Object, now: datetime) -> tuple[str, Object, Object, str]:
    metadata = obj["metadata"]
    created = age(metadata.get("creationTimestamp"), now)
    return metadata.get("name", ""), obj.get("spec") or {}, obj.get("status") or {}, created


def _pod_spec(spec: Object) -> Object:
    template: Object = (spec.get("template") or {}).get("spec") or {}
    return template


def deployment_cells(obj: Object, now: datetime) -> list[Any]:
    """Name, ready, up to date, available, age; containers, images, selector."""
    name, spec, status, created = _parts(obj, now)
    ready = f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}"
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    return [
        name, ready, updated, available, created, *containers(_pod_spec(spec)), selector(spec.get("selector"), ""),
    ]  # fmt: skip


def replica_set_cells(obj: Object, now: datetime) -> list[Any]:
    """Name, desired, current, ready, age; containers, images, selector."""
    name, spec, status, created = _parts(obj, now)
    numbers = [spec.get("replicas", 0), status.get("replicas", 0), status.get("readyReplicas", 0)]
    return [name, *numbers, created, *containers(_pod_spec(spec)), selector(spec.get("selector"))]


def replication_controller_cells(obj: Object, now: datetime) -> list[Any]:
    """Name, desired, current, ready, age; containers, images, selector."""
    name, spec, status, created = _parts(obj, now)
    numbers = [spec.get("replicas", 0), status.get("replicas", 0), status.get("readyReplicas", 0)]
    return [name, *numbers, created, *containers(_pod_spec(spec)), labels(spec.get("selector"))]


def stateful_set_cells(obj: Object, now: datetime) -> list[Any]:
    """Name, ready, age; containers, images."""
    name, spec, status, created = _parts(obj, now)
    ready = f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}"
    return [name, ready, created, *containers(_pod_spec(spec))]


DAEMON_NUMBERS = (
    "desiredNumberScheduled",
    "currentNumberScheduled",
    "numberReady",
    "updatedNumberScheduled",
    "numberAvailable",
)


def daemon_set_cells(obj: Object, now: datetime) -> list[Any]:
    """Name, desired, current, ready, up to date, available, node selector, age; containers, images, selector."""
    name, spec, status, created = _parts(obj, now)
    pod = _pod_spec(spec)
    numbers = [status.get(field, 0) for field in DAEMON_NUMBERS]
    nodes = labels(pod.get("nodeSelector"))
    return [name, *numbers, nodes, created, *containers(pod), selector(spec.get("selector"))]


JOB_STATES = ("Suspended", "FailureTarget", "SuccessCriteriaMet")


def job_cells(obj: Object, now: datetime) -> list[Any]:
    """Name, status, completions, duration, age; containers, images, selector."""
    name, spec, status, created = _parts(obj, now)
    true = {
        condition.get("type")
        for condition in reversed(status.get("conditions") or ())
        if condition.get("status") == "True"
    }
    if "Complete" in true:
        state = "Complete"
    elif "Failed" in true:
        state = "Failed"
    elif "deletionTimestamp" in obj["metadata"]:
        state = "Terminating"
    else:
        state = next((kind for kind in JOB_STATES if kind in true), "Running")
    done, wanted, parallel = status.get("succeeded", 0), spec.get("completions"), spec.get("parallelism", 0)
    if wanted is not None:
        completions = f"{done}/{wanted}"
    else:
        completions = f"{done}/1 of {parallel}" if parallel > 1 else f"{done}/1"
    return [
        name, state, completions, _duration(status, now), created, *containers(_pod_spec(spec)),
        selector(spec.get("selector")),
    ]  # fmt: skip


def _duration(status: Object, now: datetime) -> str:
    start, end = status.get("startTime"), status.get("completionTime")
    if not start:
        return ""
    until = moment(end) if end else now
    return human((until - moment(start)).total_seconds())


def cron_job_cells(obj: Object, now: datetime) -> list[Any]:
    """Name, schedule, time zone, suspend, active, last schedule, age; containers, images, selector."""
    name, spec, status, created = _parts(obj, now)
    last = status.get("lastScheduleTime")
    job = ((spec.get("jobTemplate") or {}).get("spec")) or {}
    suspend = spec.get("suspend")
    return [
        name,
        spec.get("schedule", ""),
        NONE if spec.get("timeZone") is None else spec["timeZone"],
        UNSET if suspend is None else str(suspend),
        len(status.get("active") or ()),
        age(last, now) if last else NONE,
        created,
        *containers(_pod_spec(job)),
        selector(job.get("selector")),
    ]


def pod_template_cells(obj: Object, now: datetime) -> list[Any]:
    """Name, containers, images, labels."""
    name, _, _, _ = _parts(obj, now)
    template = obj.get("template") or {}
    return [name, *containers(template.get("spec")), labels((template.get("metadata") or {}).get("labels"))]


def controller_revision_cells(obj: Object, now: datetime) -> list[Any]:
    """Name, controller, revision, age."""
    name, _, _, created = _parts(obj, now)
    owner = next((ref for ref in obj["metadata"].get("ownerReferences") or () if ref.get("controller")), None)
    shown = NONE
    if owner is not None:
        group = owner.get("apiVersion", "").rpartition("/")[0]
        kind = f"{owner.get('kind', '')}.{group}" if group else owner.get("kind", "")
        shown = f"{kind.lower()}/{owner.get('name', '')}"
    return [name, shown, obj.get("revision", 0), created]


def scale_cells(obj: Object, now: datetime) -> list[Any]:
    """Name, desired, available, age of a Scale."""
    name, spec, status, created = _parts(obj, now)
    return [name, spec.get("replicas", 0), status.get("replicas", 0), created]
