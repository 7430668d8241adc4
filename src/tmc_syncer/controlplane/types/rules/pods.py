"""Pods and pod templates: the spec as a whole, and what of a pod may change.

Source: ``ValidatePodSpec``, ``ValidatePodCreate``, ``ValidatePodUpdate``. The message of a refused change ends before the difference
that a real server appends, which is printed from Go's internal types. Pure.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.controlplane.server.errors import Cause
from tmc_syncer.controlplane.types import causes
from tmc_syncer.controlplane.types.defaults.podamounts import together
from tmc_syncer.controlplane.types.formats import between, label_key
from tmc_syncer.controlplane.types.quantities import nanos
from tmc_syncer.controlplane.types.rules.amounts import check_pod_resources
from tmc_syncer.controlplane.types.rules.containers import (
    PodFacts,
    check_containers,
    check_ephemeral_containers,
    check_init_containers,
)
from tmc_syncer.controlplane.types.rules.labels import check_labels
from tmc_syncer.controlplane.types.rules.podnetwork import check_host_network, check_names
from tmc_syncer.controlplane.types.rules.podstatus import check_pod_status
from tmc_syncer.controlplane.types.rules.scheduling import check_affinity, check_spread, check_tolerations
from tmc_syncer.controlplane.types.rules.security import check_pod_security
from tmc_syncer.controlplane.types.rules.volumes import check_volumes

__all__ = ["check_pod_spec", "validate_pod"]

Object = dict[str, Any]

RESTART_POLICIES = ("Always", "OnFailure", "Never")
DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
PREEMPTION = ("PreemptLowerPriority", "Never")
SYSTEMS = ("linux", "windows")
MAX_SECONDS = 2**31 - 1

UPDATABLE = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def check_pod_spec(path: str, spec: Object, *, pod: str = "", is_pod: bool = False) -> list[Cause]:
    """The spec of a pod or of a pod template. `pod` is the name of the pod, empty for a template."""
    volumes, found = check_volumes(f"{path}.volumes", spec.get("volumes") or [], pod)
    facts = PodFacts(
        volumes,
        frozenset(claim.get("name", "") for claim in spec.get("resourceClaims") or ()),
        spec.get("terminationGracePeriodSeconds"),
        (spec.get("os") or {}).get("name", ""),
        spec.get("restartPolicy", ""),
        spec.get("hostUsers", True),
    )
    containers, initial = spec.get("containers") or [], spec.get("initContainers") or []
    found += check_containers(f"{path}.containers", containers, facts)
    if initial:
        found += check_init_containers(f"{path}.initContainers", initial, containers, facts)
    if "ephemeralContainers" in spec:
        added = spec["ephemeralContainers"]
        found += check_ephemeral_containers(
            f"{path}.ephemeralContainers", added, [*containers, *initial], facts
        )
    found += _check_policies(path, spec)
    if spec.get("hostNetwork"):
        found += check_host_network(path, spec, is_pod=is_pod)
    if "nodeSelector" in spec:
        found += check_labels(f"{path}.nodeSelector", spec["nodeSelector"])
    found += check_pod_security(f"{path}.securityContext", spec.get("securityContext") or {}, spec)
    if "affinity" in spec:
        found += check_affinity(f"{path}.affinity", spec["affinity"])
    if "tolerations" in spec:
        found += check_tolerations(f"{path}.tolerations", spec["tolerations"])
    if "topologySpreadConstraints" in spec:
        found += check_spread(f"{path}.topologySpreadConstraints", spec["topologySpreadConstraints"])
    if "resources" in spec:
        found += check_pod_resources(f"{path}.resources", spec["resources"])
        found += _check_containers_within(f"{path}.resources", spec)
    return found + check_names(path, spec) + _check_gates(path, spec)


def _check_containers_within(path: str, spec: Object) -> list[Cause]:
    """The containers' amounts against those of the whole pod."""
    limits, requests = spec["resources"].get("limits") or {}, spec["resources"].get("requests") or {}
    found: list[Cause] = []
    for name, amount in together(spec, "requests").items():
        if name in requests and nanos(amount) > nanos(requests[name]):
            words = f"must be greater than or equal to aggregate container requests of {amount}"
            found.append(causes.invalid(f"{path}.requests[{name}]", requests[name], words))
    for name, amount in together(spec, "limits").items():
        if name.startswith("hugepages-") and name in limits and nanos(amount) > nanos(limits[name]):
            words = f"must be greater than or equal to aggregate container limits of {amount}"
            found.append(causes.invalid(f"{path}.limits[{name}]", limits[name], words))
    for number, container in enumerate(spec["containers"]):
        for name, amount in (container["resources"].get("limits") or {}).items():
            if name in limits and nanos(amount) > nanos(limits[name]):
                words = f"must be less than or equal to pod limits of {limits[name]}"
                found.append(causes.invalid(f"{path}.containers[{number}][{name}].limits", amount, words))
    return found


def _check_policies(path: str, spec: Object) -> list[Cause]:
    found: list[Cause] = []
    for field, supported in (("restartPolicy", RESTART_POLICIES), ("dnsPolicy", DNS_POLICIES)):
        value = spec.get(field, "")
        if value not in supported:
            found.append(causes.not_supported(f"{path}.{field}", value, supported))
    policy = spec.get("preemptionPolicy")
    if policy is not None and policy not in PREEMPTION:
        found.append(causes.not_supported(f"{path}.preemptionPolicy", policy, PREEMPTION))
    seconds = spec.get("activeDeadlineSeconds")
    if seconds is not None and not 1 <= seconds <= MAX_SECONDS:
        found.append(causes.invalid(f"{path}.activeDeadlineSeconds", seconds, between(1, MAX_SECONDS)))
    system = spec.get("os")
    if system is not None:
        name = system.get("name", "")
        if not name:
            found.append(causes.required(f"{path}.os.name"))
        elif name not in SYSTEMS:
            found.append(causes.not_supported(f"{path}.os", name, SYSTEMS))
        elif name == "windows":
            found += _check_windows(path, spec)
    return found


WINDOWS_FORBIDDEN = ("hostPID", "hostIPC", "shareProcessNamespace", "hostUsers")
WINDOWS_CONTEXT = (
    "appArmorProfile",
    "seLinuxOptions",
    "seccompProfile",
    "fsGroup",
    "fsGroupChangePolicy",
    "sysctls",
    "runAsUser",
    "runAsGroup",
    "supplementalGroups",
    "supplementalGroupsPolicy",
)


def _check_windows(path: str, spec: Object) -> list[Cause]:
    words = "cannot be set for a windows pod"
    found = [causes.forbidden(f"{path}.{field}", words) for field in WINDOWS_FORBIDDEN if spec.get(field)]
    context = spec.get("securityContext") or {}
    return found + [
        causes.forbidden(f"{path}.securityContext.{field}", words)
        for field in WINDOWS_CONTEXT
        if field in context
    ]


def _check_gates(path: str, spec: Object) -> list[Cause]:
    found: list[Cause] = []
    for number, gate in enumerate(spec.get("readinessGates") or ()):
        kind = gate.get("conditionType", "")
        found += causes.wrong(f"{path}.readinessGates[{number}].conditionType", kind, label_key(kind))
    seen: set[str] = set()
    for number, gate in enumerate(spec.get("schedulingGates") or ()):
        name = gate.get("name", "")
        found += causes.wrong(f"{path}.schedulingGates[{number}]", name, label_key(name))
        if name in seen:
            found.append(causes.duplicate(f"{path}.schedulingGates[{number}]", name))
        seen.add(name)
    return found


# Pods


def validate_pod(obj: Object, old: Object | None) -> list[Cause]:
    """A Pod."""
    if old is None:
        return _check_whole(obj) + _check_new(obj["spec"])
    found: list[Cause] = []
    if obj["spec"] != old["spec"]:
        if obj["spec"].get("ephemeralContainers") != old["spec"].get("ephemeralContainers"):
            return _check_whole(obj)
        found = _check_whole(obj) + _check_change(obj["spec"], old["spec"])
    if obj["status"] != old["status"]:
        found += check_pod_status(obj, old)
    return found


def _check_whole(obj: Object) -> list[Cause]:
    spec = obj["spec"]
    found = check_pod_spec("spec", spec, pod=obj["metadata"].get("name", ""), is_pod=True)
    if not spec.get("serviceAccountName"):
        for number, volume in enumerate(spec.get("volumes") or ()):
            for index, source in enumerate((volume.get("projected") or {}).get("sources") or ()):
                if "serviceAccountToken" in source:
                    where = f"spec.volumes[{number}].projected.sources[{index}].serviceAccountToken"
                    words = "must not be specified when serviceAccountName is not set"
                    found.append(causes.forbidden(where, words))
    for field in ("containers", "initContainers"):
        for number, container in enumerate(spec.get(field) or ()):
            image = container.get("image", "")
            if image != image.strip():
                words = "must not have leading or trailing whitespace"
                found.append(causes.invalid(f"spec.{field}[{number}].image", image, words))
    return found


def _check_new(spec: Object) -> list[Cause]:
    found: list[Cause] = []
    if "ephemeralContainers" in spec:
        found.append(causes.forbidden("spec.ephemeralContainers", "cannot be set on create"))
    if spec.get("nodeName") and spec.get("schedulingGates"):
        words = "cannot be set until all schedulingGates have been cleared"
        found.append(causes.forbidden("spec.nodeName", words))
    return found


def _check_change(spec: Object, old: Object) -> list[Cause]:
    found: list[Cause] = []
    for field in ("containers", "initContainers"):
        new, before = spec.get(field) or [], old.get(field) or []
        if len(new) != len(before):
            return [*found, causes.forbidden(f"spec.{field}", "pod updates may not add or remove containers")]
        for number, container in enumerate(new):
            if not container.get("image"):
                found.append(causes.required(f"spec.{field}[{number}].image"))
    found += _check_deadline(spec, old)
    found += _check_added_tolerations(spec, old)
    gates = {gate.get("name") for gate in old.get("schedulingGates") or ()}
    for number, gate in enumerate(spec.get("schedulingGates") or ()):
        if gate.get("name") not in gates:
            words = f"only deletion is allowed, but found new scheduling gate '{gate.get('name')}'"
            found.append(causes.forbidden(f"spec.schedulingGates[{number}].name", words))
    if not found and _frozen(spec, gated=bool(gates)) != _frozen(old, gated=bool(gates)):
        found.append(causes.forbidden("spec", UPDATABLE))
    return found


def _frozen(spec: Object, *, gated: bool) -> Object:
    """What of a spec must stay. A pod that waits for gates may still say where it wants to run."""
    free = {"activeDeadlineSeconds", "tolerations", "schedulingGates"}
    if gated:
        free |= {"nodeSelector", "affinity"}
    kept = {field: value for field, value in spec.items() if field not in free}
    for field in ("containers", "initContainers"):
        if field in kept:
            kept[field] = [{**container, "image": ""} for container in kept[field]]
    return kept


def _check_deadline(spec: Object, old: Object) -> list[Cause]:
    new, before, where = (
        spec.get("activeDeadlineSeconds"),
        old.get("activeDeadlineSeconds"),
        "spec.activeDeadlineSeconds",
    )
    if new is None:
        if before is None:
            return []
        return [causes.invalid(where, None, "must not update from a positive integer to nil value")]
    if not 0 <= new <= MAX_SECONDS:
        return [causes.invalid(where, new, between(0, MAX_SECONDS))]
    if before is not None and before < new:
        return [causes.invalid(where, new, "must be less than or equal to previous value")]
    return []


def _check_added_tolerations(spec: Object, old: Object) -> list[Cause]:
    def lasting(toleration: Object) -> Object:
        return {field: value for field, value in toleration.items() if field != "tolerationSeconds"}

    kept = [lasting(toleration) for toleration in spec.get("tolerations") or ()]
    if any(lasting(toleration) not in kept for toleration in old.get("tolerations") or ()):
        words = "existing toleration can not be modified except its tolerationSeconds"
        return [causes.forbidden("spec.tolerations", words)]
    return []
