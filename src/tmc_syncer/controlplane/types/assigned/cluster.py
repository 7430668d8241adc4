"""What a server assigns to namespaces, volumes and claims, endpoints and custom types.

Sources: the strategies below ``pkg/registry/core`` and ``apiextensions-apiserver/pkg/registry``. Pure.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.controlplane.server.errors import forbidden
from tmc_syncer.controlplane.types.names import CLAIMS
from tmc_syncer.controlplane.types.quantities import nanos
from tmc_syncer.controlplane.types.registry import Context, Object
from tmc_syncer.controlplane.types.rules.cluster import validate_endpoints

__all__ = [
    "prepare_claim",
    "prepare_custom_type",
    "prepare_endpoints",
    "prepare_namespace",
    "prepare_volume",
]

NAMESPACE_FINALIZER = "kubernetes"


def prepare_namespace(obj: Object, old: Object | None, context: Context) -> Object:
    """A namespace waits for its content before it goes: the finalizer says so."""
    del context
    if old is not None:
        spec = {**obj["spec"]}
        finalizers = old["spec"].get("finalizers")
        if finalizers and not spec.get("finalizers") and "deletionTimestamp" not in old["metadata"]:
            spec["finalizers"] = finalizers
        return {**obj, "spec": spec}
    finalizers = list(obj["spec"].get("finalizers") or ())
    if NAMESPACE_FINALIZER not in finalizers:
        finalizers.append(NAMESPACE_FINALIZER)
    return {**obj, "spec": {**obj["spec"], "finalizers": finalizers}, "status": {"phase": "Active"}}


def prepare_volume(obj: Object, old: Object | None, context: Context) -> Object:
    """The time of a change of phase."""
    status: Any = obj.get("status") or {}
    before = None if old is None else (old.get("status") or {}).get("phase")
    if old is None or (before != status.get("phase") and context.now):
        kept = {"phase": "Pending"} if old is None else dict(status)
        if context.now:
            kept["lastPhaseTransitionTime"] = context.now
        return {**obj, "status": kept}
    return obj


CLAIM_SOURCES = (("", "PersistentVolumeClaim"), ("snapshot.storage.k8s.io", "VolumeSnapshot"))
"""What a claim may be copied from by its older field."""

FIXED_SIZE = "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize"


def prepare_claim(obj: Object, old: Object | None, context: Context) -> Object:
    """A new claim waits for a volume; both of its fields for a source say the same. Only some claims may grow."""
    if old is not None:
        if _size(obj) > _size(old) and old["status"].get("phase") == "Bound":
            name = obj["spec"].get("storageClassName", "")
            found = context.find("storageclasses.storage.k8s.io", name) if name else None
            if not (found or {}).get("allowVolumeExpansion"):
                raise forbidden(CLAIMS, obj["metadata"].get("name", ""), FIXED_SIZE)
        return obj
    spec = dict(obj["spec"])
    source = spec.get("dataSource")
    if source is not None and (source.get("apiGroup") or "", source.get("kind")) not in CLAIM_SOURCES:
        del spec["dataSource"]
        source = None
    reference = spec.get("dataSourceRef")
    if source is not None and reference is None:
        spec["dataSourceRef"] = dict(source)
    elif source is None and reference is not None and _is_claim_source(reference):
        spec["dataSource"] = dict(reference)
    return {**obj, "spec": spec, "status": {"phase": "Pending"}}


def _is_claim_source(reference: Object) -> bool:
    named = (reference.get("apiGroup") or "", reference.get("kind"))
    return not reference.get("namespace") and named in CLAIM_SOURCES


def _size(obj: Object) -> int:
    return nanos((obj["spec"]["resources"].get("requests") or {}).get("storage", "0"))


def prepare_endpoints(obj: Object, old: Object | None, context: Context) -> Object:
    """The subsets in the one form in which they are kept: sorted, and those with the same addresses joined."""
    del context
    if not obj.get("subsets") or validate_endpoints(obj, old):
        return obj
    return {**obj, "subsets": _repacked(obj["subsets"])}


def _repacked(subsets: list[Object]) -> list[Object]:
    by_address: dict[str, dict[str, Any]] = {}
    for subset in subsets:
        ports = subset.get("ports") or []
        for ready, field in ((True, "addresses"), (False, "notReadyAddresses")):
            for address in subset.get(field) or ():
                key = f"{address.get('ip')}/{(address.get('targetRef') or {}).get('uid', '')}/{_order(ports) if not ports else ''}"
                entry = by_address.setdefault(key, {"address": address, "ready": {}})
                for port in ports or [None]:
                    name = repr(port)
                    entry["ready"][name] = (port, entry["ready"].get(name, (port, True))[1] and ready)
    joined: dict[str, Object] = {}
    for entry in by_address.values():
        for wanted, field in ((True, "addresses"), (False, "notReadyAddresses")):
            ports = [port for port, ready in entry["ready"].values() if ready is wanted]
            if ports:
                listed = sorted((port for port in ports if port is not None), key=_port_order)
                subset = joined.setdefault(_order(listed), {"ports": listed})
                subset.setdefault(field, []).append(entry["address"])
    if not joined:
        return subsets
    made = []
    for subset in joined.values():
        ordered: Object = {
            field: sorted(subset[field], key=lambda address: str(address.get("ip")))
            for field in ("addresses", "notReadyAddresses")
            if subset.get(field)
        }
        if subset["ports"]:
            ordered["ports"] = subset["ports"]
        made.append(ordered)
    return sorted(made, key=repr)


def _port_order(port: Object) -> tuple[str, str, int]:
    return str(port.get("name", "")), str(port.get("protocol", "")), int(port.get("port", 0))


def _order(ports: list[Object]) -> str:
    return repr([_port_order(port) for port in ports])


def prepare_custom_type(obj: Object, old: Object | None, context: Context) -> Object:
    """The versions that objects may be stored in."""
    del context
    status: Object = {} if old is None else dict(obj.get("status") or {})
    stored = [] if old is None else list(status.get("storedVersions") or ())
    for version in obj["spec"].get("versions") or ():
        if version.get("storage"):
            if version["name"] not in stored:
                stored.append(version["name"])
            break
    status.setdefault("conditions", None)
    status.setdefault("acceptedNames", {"plural": "", "kind": ""})
    status["storedVersions"] = stored
    return {**obj, "status": status}
