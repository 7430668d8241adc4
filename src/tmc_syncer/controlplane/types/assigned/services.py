"""What a server assigns to Services: families, cluster addresses, node ports; and what goes when the type changes.

Linked fields follow each other (``clusterIP`` and ``clusterIPs``), a client that leaves allocated values out keeps them, and values
that a new type has no use for are dropped unless the client changed them too. Addresses and ports are taken from
``Context.allocations`` only for a Service that is valid, as in kube-apiserver; without allocations none are assigned. Sources:
``pkg/registry/core/service/strategy.go`` and ``storage/{storage,alloc}.go``. One family (IPv4) is served. Pure but for what
the allocations remember.
"""

from __future__ import annotations

from collections.abc import Sequence

from tmc_syncer.controlplane.server.errors import ApiError, Cause, invalid
from tmc_syncer.controlplane.types import causes
from tmc_syncer.controlplane.types.registry import Allocations, Context, Object, Refused
from tmc_syncer.controlplane.types.rules.services import validate_service

__all__ = ["prepare_service"]

FAMILY = "IPv4"
NODE_PORT_TYPES = ("NodePort", "LoadBalancer")
WITH_ADDRESS = ("ClusterIP", "NodePort", "LoadBalancer")


def prepare_service(obj: Object, old: Object | None, context: Context) -> Object:
    """Assign what a Service gets. Raises `ApiError` when an address or a port cannot be had."""
    spec: Object = {**obj["spec"]}
    if "ports" in spec:
        spec["ports"] = [dict(port) for port in spec["ports"]]
    made = {**obj, "spec": spec}
    if old is not None:
        if obj["spec"] == old["spec"] or not old["spec"].get("type"):
            return obj
        _drop_for_type(made, old)
        _keep_allocated(spec, old["spec"])
    _follow(spec, None if old is None else old["spec"])
    if spec["type"] == "ExternalName":
        spec.pop("internalTrafficPolicy", None)
    found = _choose_families(spec, None if old is None else old["spec"])
    if validate_service(made, old):
        return made
    if found:
        raise _invalid(made, *found)
    if context.allocations is not None:
        _allocate(made, context.allocations)
    return made


def _drop_for_type(made: Object, old: Object) -> None:
    spec, before = made["spec"], old["spec"]
    kind, was = spec["type"], before["type"]
    if was != "ExternalName" and kind == "ExternalName":
        if all(spec.get(field) == before.get(field) for field in ("clusterIP", "clusterIPs")):
            spec.pop("clusterIP", None)
            spec.pop("clusterIPs", None)
        for field in ("ipFamilies", "ipFamilyPolicy"):
            if spec.get(field) == before.get(field):
                spec.pop(field, None)
    if was in NODE_PORT_TYPES and kind not in NODE_PORT_TYPES and _ports(spec) <= _ports(before):
        for port in spec.get("ports") or ():
            port.pop("nodePort", None)
    if _needs_health_port(before) and not _needs_health_port(spec):
        _drop_same(spec, before, "healthCheckNodePort")
    if was == "LoadBalancer" and kind != "LoadBalancer":
        _drop_same(spec, before, "allocateLoadBalancerNodePorts")
        _drop_same(spec, before, "loadBalancerClass")
    if _is_external(before) and not _is_external(spec):
        _drop_same(spec, before, "externalTrafficPolicy")
    if kind != "LoadBalancer":
        made["status"] = {**made["status"], "loadBalancer": {}}


def _drop_same(spec: Object, before: Object, field: str) -> None:
    if spec.get(field) == before.get(field):
        spec.pop(field, None)


def _ports(spec: Object) -> set[int]:
    return {port["nodePort"] for port in spec.get("ports") or () if port.get("nodePort")}


def _needs_health_port(spec: Object) -> bool:
    return spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"


def _is_external(spec: Object) -> bool:
    return spec["type"] in NODE_PORT_TYPES or (spec["type"] == "ClusterIP" and bool(spec.get("externalIPs")))


def _keep_allocated(spec: Object, before: Object) -> None:
    """Take over what an older client left out."""
    has_address = bool(spec.get("clusterIP") or spec.get("clusterIPs"))
    if before["type"] in WITH_ADDRESS and spec["type"] in WITH_ADDRESS and not has_address:
        for field in ("clusterIP", "clusterIPs"):
            if field in before:
                spec[field] = before[field]
    if before["type"] in NODE_PORT_TYPES and spec["type"] in NODE_PORT_TYPES:
        held = {
            (port.get("protocol"), port.get("port")): port.get("nodePort")
            for port in before.get("ports") or ()
        }
        taken = _ports(spec)
        for port in spec.get("ports") or ():
            known = held.get((port.get("protocol"), port.get("port")))
            if not port.get("nodePort") and known and known not in taken:
                port["nodePort"] = known
                taken.add(known)
    if _needs_health_port(before) and _needs_health_port(spec) and not spec.get("healthCheckNodePort"):
        spec["healthCheckNodePort"] = before.get("healthCheckNodePort", 0)


def _follow(spec: Object, before: Object | None) -> None:
    """Keep ``clusterIPs`` in step with ``clusterIP`` for clients that know only one of them."""
    single, listed = spec.get("clusterIP"), spec.get("clusterIPs")
    if before is None:
        if single and not listed:
            spec["clusterIPs"] = [single]
        return
    was, were = before.get("clusterIP"), before.get("clusterIPs")
    if were and not listed and was == single:
        spec["clusterIPs"] = were
    elif was != single:
        if not was and single and not listed:
            spec["clusterIPs"] = [single]
        elif was and not single:
            if listed == were:
                spec.pop("clusterIPs", None)
        elif listed == were:
            spec["clusterIPs"] = [single]


def _choose_families(spec: Object, before: Object | None) -> Sequence[Cause]:
    """Fill in the families; returns why they cannot be had on this cluster."""
    if spec["type"] == "ExternalName":
        return ()
    is_bare = spec.get("clusterIP") == "None" and not spec.get("selector")
    if "ipFamilyPolicy" not in spec:
        inherited = (before or {}).get("ipFamilyPolicy")
        spec["ipFamilyPolicy"] = inherited or ("RequireDualStack" if is_bare else "SingleStack")
    policy, families = spec["ipFamilyPolicy"], list(spec.get("ipFamilies") or ())
    if is_bare:
        families = families or [FAMILY]
        if len(families) == 1 and policy != "SingleStack":
            families.append("IPv6" if families[0] == FAMILY else FAMILY)
        spec["ipFamilies"] = families
        return ()
    found: list[Cause] = []
    if policy == "RequireDualStack":
        words = "this cluster is not configured for dual-stack services"
        found.append(causes.invalid("spec.ipFamilyPolicy", policy, words))
    found += [
        causes.invalid(f"spec.ipFamilies[{number}]", family, "not configured on this cluster")
        for number, family in enumerate(families)
        if family != FAMILY
    ]
    spec["ipFamilies"] = families or [FAMILY]
    return found


def _allocate(made: Object, allocations: Allocations) -> None:
    spec, owner = made["spec"], made["metadata"].get("uid", "")
    addresses: list[str] = []
    if spec["type"] != "ExternalName" and spec.get("clusterIP") != "None":
        address = _address(made, allocations, (spec.get("clusterIPs") or [""])[0])
        spec["clusterIP"], spec["clusterIPs"] = address, [address]
        addresses.append(address)
    if spec["type"] in NODE_PORT_TYPES:
        _allocate_ports(made, allocations)
    ports = _ports(spec)
    if _needs_health_port(spec):
        wanted = spec.get("healthCheckNodePort", 0)
        spec["healthCheckNodePort"] = _port(made, allocations, wanted, "spec.healthCheckNodePort")
        ports.add(spec["healthCheckNodePort"])
    allocations.keep(owner, addresses, ports)


def _allocate_ports(made: Object, allocations: Allocations) -> None:
    spec = made["spec"]
    drawn: dict[int, int] = {}
    given = [port for port in spec.get("ports") or () if port.get("nodePort")]
    wanted = {port["port"]: port["nodePort"] for port in reversed(given)}
    for number, port in enumerate(spec.get("ports") or ()):
        if port.get("nodePort"):
            _port(made, allocations, port["nodePort"], f"spec.ports[{number}].nodePort")
        elif spec["type"] == "LoadBalancer" and not spec.get("allocateLoadBalancerNodePorts", True):
            continue
        else:
            # One number may serve several protocols: TCP and UDP of the same port get the same node port.
            known = drawn.get(port["port"]) or wanted.get(port["port"])
            port["nodePort"] = known or _port(made, allocations, 0, "")
        drawn.setdefault(port["port"], port["nodePort"])


def _address(made: Object, allocations: Allocations, wanted: str) -> str:
    try:
        return allocations.address(wanted, made["metadata"].get("uid", ""))
    except Refused as refused:
        words = f"failed to allocate IP {wanted}: {refused}"
        raise _invalid(made, causes.invalid("spec.clusterIPs", [wanted], words)) from None


def _port(made: Object, allocations: Allocations, wanted: int, field: str) -> int:
    try:
        return allocations.port(wanted, made["metadata"].get("uid", ""))
    except Refused as refused:
        raise _invalid(made, causes.invalid(field, wanted, str(refused))) from None


def _invalid(made: Object, *found: Cause) -> ApiError:
    return invalid("Service", made["metadata"].get("name", ""), found)
