"""Clamping of Pod statuses (`upstream.clamp` calls it): what ValidatePodStatusUpdate of Kubernetes 1.36 refuses.

A finished Pod stays finished. A container that ended stays ended when nothing may restart it. The QoS class is
the one that the upstream server computed. Addresses: one per family. What a status says about claims and
containers has to be named in the upstream spec; what a downstream webhook injected is not, so it is left out.

Pure; `status` is changed in place.
"""

from __future__ import annotations

from typing import Any

__all__ = ["clamp_pod", "is_finished_pod"]

Object = dict[str, Any]

_FINISHED = frozenset({"Succeeded", "Failed"})
_CONTAINERS = {
    "containerStatuses": "containers",
    "initContainerStatuses": "initContainers",
    "ephemeralContainerStatuses": "",  # never restarted, and no resources are allocated to them
}


def is_finished_pod(status: Object) -> bool:
    """Whether the phase is Succeeded or Failed."""
    return status.get("phase") in _FINISHED


def clamp_pod(status: Object, present: Object, spec: Object) -> None:
    """Make the status of a Pod acceptable after `present`; `spec` is that of the upstream Pod."""
    if is_finished_pod(present) and status.get("phase") != present["phase"]:
        status.clear()
        status.update(present)
        return
    if present.get("qosClass"):
        status["qosClass"] = present["qosClass"]  # immutable once set
    for field in ("podIPs", "hostIPs"):
        if status.get(field):
            status[field] = _one_per_family(status[field])
    if spec.get("nodeName") and status.get("nominatedNodeName") != present.get("nominatedNodeName"):
        _replace(status, "nominatedNodeName", present.get("nominatedNodeName"))
    for field, containers in _CONTAINERS.items():
        if status.get(field):
            known = {each.get("name"): each for each in spec.get(containers) or ()}
            ended = {each.get("name"): each for each in present.get(field) or () if _has_ended(each)}
            kept = (_container(each, ended.get(each.get("name")), known, spec) for each in status[field])
            _replace(status, field, [each for each in kept if each is not None])
    _clamp_claims(status, spec)


def _one_per_family(addresses: list[Object]) -> list[Object]:
    found: dict[bool, Object] = {}
    for address in addresses:
        found.setdefault(":" in address.get("ip", ""), address)
    return list(found.values())


def _replace(target: Object, name: str, value: Any) -> None:
    """Set a field, or remove it when there is no value."""
    if value:
        target[name] = value
    else:
        target.pop(name, None)


# -- containers ----------------------------------------------------------------------------------------------


def _has_ended(status: Object) -> bool:
    return "terminated" in (status.get("state") or {})


def _container(status: Object, ended: Object | None, known: dict[str, Object], spec: Object) -> Object | None:
    """The status of one container; `ended` is the one that upstream has of it, when it says that it ended.

    A container that the upstream spec does not name (a webhook injected it downstream) may not be shown to run again
    either, but it may be left out: so it is, once, and shown by the next status.
    """
    container = known.get(status.get("name", ""))
    if ended is not None and not _has_ended(status):
        if container is None:
            return None
        code = ended["state"]["terminated"].get("exitCode", 0)
        if not _restarts_all(spec) and not _may_restart(container, spec, code):
            status = ended
    if status.get("allocatedResourcesStatus"):
        resources = _resources_of(container)
        kept = [each for each in status["allocatedResourcesStatus"] if each.get("name") in resources]
        status = dict(status)
        _replace(status, "allocatedResourcesStatus", kept)
    return status


def _restarts_all(spec: Object) -> bool:
    return any(
        rule.get("action") == "RestartAllContainers"
        for field in ("containers", "initContainers")
        for container in spec.get(field) or ()
        for rule in container.get("restartPolicyRules") or ()
    )


def _may_restart(container: Object, spec: Object, code: int) -> bool:
    """ContainerShouldRestart: a rule of the container, else its own policy, else the Pod's (Always by default)."""
    policy = container.get("restartPolicy")
    if policy and any(_fits(rule, code) for rule in container.get("restartPolicyRules") or ()):
        return True
    match policy or spec.get("restartPolicy"):
        case "Never":
            return False
        case "OnFailure":
            return code != 0
        case _:
            return True


def _fits(rule: Object, code: int) -> bool:
    codes = rule.get("exitCodes") or {}
    listed = code in (codes.get("values") or ())
    return bool(codes) and listed == (codes.get("operator") == "In")


# -- claims and resources ------------------------------------------------------------------------------------


def _resources_of(container: Object | None) -> set[str]:
    """The names by which a container status may speak of its container's resources and claims."""
    resources = (container or {}).get("resources") or {}
    claims = {
        "claim:" + "/".join(filter(None, (claim.get("name", ""), claim.get("request", ""))))
        for claim in resources.get("claims") or ()
    }
    return claims | set(resources.get("requests") or ())


def _clamp_claims(status: Object, spec: Object) -> None:
    wanted = spec.get("resourceClaims") or ()
    if status.get("resourceClaimStatuses"):
        names = {claim.get("name") for claim in wanted}
        kept = [each for each in status["resourceClaimStatuses"] if each.get("name") in names]
        _replace(status, "resourceClaimStatuses", kept)
    if status.get("nodeAllocatableResourceClaimStatuses"):
        claims = {claim.get("resourceClaimName") for claim in wanted} | {
            each.get("resourceClaimName") for each in status.get("resourceClaimStatuses") or ()
        }
        field = "nodeAllocatableResourceClaimStatuses"
        _replace(status, field, [each for each in status[field] if each.get("resourceClaimName") in claims])
    if extended := status.get("extendedResourceClaimStatus"):
        _replace(status, "extendedResourceClaimStatus", _known_requests(extended, spec))


def _known_requests(extended: Object, spec: Object) -> Object:
    requests = {
        (container.get("name"), resource)
        for field in ("containers", "initContainers")
        for container in spec.get(field) or ()
        for resource in (container.get("resources") or {}).get("requests") or ()
    }
    kept = [
        each
        for each in extended.get("requestMappings") or ()
        if (each.get("containerName"), each.get("resourceName")) in requests
    ]
    return {**extended, "requestMappings": kept} if kept else {}
