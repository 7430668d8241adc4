"""The values that field selectors see, for each built-in kind that has more than its name and namespace.

The paths are those of kube-apiserver (``AddFieldLabelConversionFunc`` and ``ToSelectableFields`` of the kind's strategy); any
other path is refused by the server. `field_labels_of` returns the function for a kind. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["FIELD_LABELS", "common_labels", "field_labels_of"]

Object = dict[str, Any]
Labels = Callable[[Object], dict[str, str]]


def common_labels(obj: Object) -> dict[str, str]:
    """Name and namespace, which every object has."""
    metadata = obj["metadata"]
    return {"metadata.name": metadata.get("name", ""), "metadata.namespace": metadata.get("namespace", "")}


def _name_only(obj: Object) -> dict[str, str]:
    return {"metadata.name": obj["metadata"].get("name", "")}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _paths(*paths: str, start: Labels = common_labels, **defaults: Any) -> Labels:
    """Values at dotted paths; `defaults` by the last part of the path, else the empty text."""
    split = [(path, tuple(path.split("."))) for path in paths]

    def labels(obj: Object) -> dict[str, str]:
        found = start(obj)
        for path, names in split:
            value: Any = obj
            for name in names:
                value = (value or {}).get(name)
            found[path] = _text(defaults.get(names[-1], "") if value is None else value)
        return found

    return labels


_pod_paths = _paths(
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.nominatedNodeName",
    hostNetwork=False,
)


def _pod(obj: Object) -> dict[str, str]:
    found = _pod_paths(obj)
    addresses = (obj.get("status") or {}).get("podIPs") or ()
    found["status.podIPs"] = ",".join(address.get("ip", "") for address in addresses)
    return found


_EVENT_PATHS = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
_event_paths = _paths(
    *(f"involvedObject.{name}" for name in _EVENT_PATHS), "reason", "reportingComponent", "type"
)


def _event(obj: Object) -> dict[str, str]:
    found = _event_paths(obj)
    found["source"] = (obj.get("source") or {}).get("component") or found["reportingComponent"]
    return found


def _job(obj: Object) -> dict[str, str]:
    found = common_labels(obj)
    found["status.successful"] = str((obj.get("status") or {}).get("succeeded", 0))
    return found


FIELD_LABELS: dict[str, Labels] = {
    "v1/Event": _event,
    "v1/Namespace": _paths("status.phase", start=_name_only),
    "v1/Node": _paths("spec.unschedulable", start=_name_only, unschedulable=False),
    "v1/Pod": _pod,
    "v1/ReplicationController": _paths("status.replicas", replicas=0),
    "v1/Secret": _paths("type"),
    "v1/Service": _paths("spec.clusterIP", "spec.type"),
    "batch/v1/Job": _job,
}


def field_labels_of(api_version: str, kind: str, *, namespaced: bool) -> Labels:
    """The function for a kind."""
    return FIELD_LABELS.get(f"{api_version}/{kind}", common_labels if namespaced else _name_only)
