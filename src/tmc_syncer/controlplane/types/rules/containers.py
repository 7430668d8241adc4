"""Containers, init containers and ephemeral containers of a pod.

Source: ``validateContainers``, ``validateInitContainers``, ``validateContainerCommon``. Every container of every object that makes
pods passes here, so what a container does not have costs one look. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tmc_syncer.controlplane.server.errors import Cause
from tmc_syncer.controlplane.types import causes
from tmc_syncer.controlplane.types.formats import dns1123_label, port_name, port_number
from tmc_syncer.controlplane.types.rules.amounts import check_resources
from tmc_syncer.controlplane.types.rules.environment import check_environment
from tmc_syncer.controlplane.types.rules.handlers import check_lifecycle, check_probes
from tmc_syncer.controlplane.types.rules.mounts import check_devices, check_mounts
from tmc_syncer.controlplane.types.rules.security import check_container_security

__all__ = ["PodFacts", "check_containers", "check_ephemeral_containers", "check_init_containers"]

Object = dict[str, Any]

PROTOCOLS = ("SCTP", "TCP", "UDP")
PULL_POLICIES = ("Always", "IfNotPresent", "Never")
MESSAGE_POLICIES = ("File", "FallbackToLogsOnError")
RESTART_POLICIES = ("Always", "Never", "OnFailure")
RESIZED = ("cpu", "memory")
RESIZE_POLICIES = ("NotRequired", "RestartContainer")
SIDECAR_ONLY = ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe")
MAX_RULES = 20
MAX_EXIT_CODES = 255


@dataclass(frozen=True, slots=True)
class PodFacts:
    """What the check of a container must know of its pod. `volumes` are the valid ones by name."""

    volumes: Mapping[str, Object]
    claims: frozenset[str]
    grace: int | None
    system: str
    restart_policy: str
    host_users: bool


def check_containers(path: str, containers: list[Object], pod: PodFacts) -> list[Cause]:
    """The containers that a pod is there for."""
    if not containers:
        return [causes.required(path)]
    found: list[Cause] = []
    names: set[str] = set()
    for number, container in enumerate(containers):
        where = f"{path}[{number}]"
        found += _check_common(where, container, pod)
        name = container.get("name", "")
        if name in names:
            found.append(causes.duplicate(f"{where}.name", name))
        names.add(name)
        if "lifecycle" in container:
            found += check_lifecycle(f"{where}.lifecycle", container["lifecycle"], pod.grace, pod.system)
        found += check_probes(where, container)
        if "restartPolicy" in container or "restartPolicyRules" in container:
            found += _check_restart(where, container)
    return found + _check_host_ports(path, containers)


def check_init_containers(
    path: str, containers: list[Object], regular: list[Object], pod: PodFacts
) -> list[Cause]:
    """The containers that run first."""
    found: list[Cause] = []
    names = {container.get("name", "") for container in regular}
    for number, container in enumerate(containers):
        where, name = f"{path}[{number}]", container.get("name", "")
        found += _check_common(where, container, pod)
        if name in names:
            found.append(causes.duplicate(f"{where}.name", name))
        elif name:
            names.add(name)
        found += _check_host_ports(path, [container])
        is_sidecar = container.get("restartPolicy") == "Always"
        if "restartPolicy" in container and not (is_sidecar and "restartPolicyRules" not in container):
            found += _check_restart(where, container)
        elif "restartPolicyRules" in container:
            if is_sidecar:
                words = "restartPolicyRules are not allowed for init containers with restart policy Always"
                found.append(causes.forbidden(f"{where}.restartPolicyRules", words))
            else:
                words = "must specify restartPolicy when restart rules are used"
                found.append(causes.required(f"{where}.restartPolicy", words))
        if is_sidecar:
            if "lifecycle" in container:
                found += check_lifecycle(f"{where}.lifecycle", container["lifecycle"], pod.grace, pod.system)
            found += check_probes(where, container)
        else:
            words = "may not be set for init containers without restartPolicy=Always"
            found += [
                causes.forbidden(f"{where}.{field}", words) for field in SIDECAR_ONLY if field in container
            ]
            found += [
                causes.invalid(
                    f"{where}.resizePolicy[{index}].restartPolicy",
                    "RestartContainer",
                    "must not be set to 'RestartContainer' for non-sidecar initContainers",
                )
                for index, policy in enumerate(container.get("resizePolicy") or ())
                if policy.get("restartPolicy") == "RestartContainer"
            ]
    return found


EPHEMERAL_FORBIDDEN = (
    "ports",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "lifecycle",
    "resizePolicy",
)


def check_ephemeral_containers(
    path: str, containers: list[Object], others: list[Object], pod: PodFacts
) -> list[Cause]:
    """Containers that somebody added to look at a running pod."""
    found: list[Cause] = []
    names = {container.get("name", "") for container in others}
    targets = set(names)
    for number, container in enumerate(containers):
        where, name = f"{path}[{number}]", container.get("name", "")
        common = {field: value for field, value in container.items() if field != "ports"}
        found += _check_common(where, common, pod)
        if name in names:
            found.append(causes.duplicate(f"{where}.name", name))
        names.add(name)
        target = container.get("targetContainerName")
        if target and target not in targets:
            found.append(causes.not_found(f"{where}.targetContainerName", target))
        words = "cannot be set for an Ephemeral Container"
        found += [
            causes.forbidden(f"{where}.{field}", words)
            for field in EPHEMERAL_FORBIDDEN
            if container.get(field)
        ]
        if container.get("resources"):
            found.append(causes.forbidden(f"{where}.resources", words))
    return found


def _check_common(path: str, container: Object, pod: PodFacts) -> list[Cause]:
    found: list[Cause] = []
    name = container.get("name", "")
    if not name:
        found.append(causes.required(f"{path}.name"))
    elif wrong := dns1123_label(name):
        found += causes.wrong(f"{path}.name", name, wrong)
    if not container.get("image"):
        found.append(causes.required(f"{path}.image"))
    policy = container.get("terminationMessagePolicy", "")
    if policy not in MESSAGE_POLICIES:
        found.append(_unsupported(f"{path}.terminationMessagePolicy", policy, MESSAGE_POLICIES))
    policy = container.get("imagePullPolicy", "")
    if policy not in PULL_POLICIES:
        found.append(_unsupported(f"{path}.imagePullPolicy", policy, PULL_POLICIES))
    if "ports" in container:
        found += _check_ports(f"{path}.ports", container["ports"])
    if "env" in container or "envFrom" in container:
        found += check_environment(path, container)
    if "volumeMounts" in container:
        found += check_mounts(f"{path}.volumeMounts", container, pod.volumes)
    if "volumeDevices" in container:
        found += check_devices(f"{path}.volumeDevices", container, pod.volumes)
    if container["resources"]:
        found += check_resources(f"{path}.resources", container["resources"], pod.claims)
    if "resizePolicy" in container:
        found += _check_resize(f"{path}.resizePolicy", container["resizePolicy"], pod)
    if "securityContext" in container:
        context = container["securityContext"]
        found += check_container_security(f"{path}.securityContext", context, host_users=pod.host_users)
    return found


def _unsupported(path: str, value: str, supported: tuple[str, ...]) -> Cause:
    return causes.not_supported(path, value, supported) if value else causes.required(path)


def _check_ports(path: str, ports: list[Object]) -> list[Cause]:
    found: list[Cause] = []
    names: set[str] = set()
    for number, port in enumerate(ports):
        name = port.get("name")
        if name:
            if wrong := port_name(name):
                found += causes.wrong(f"{path}[{number}].name", name, wrong)
            elif name in names:
                found.append(causes.duplicate(f"{path}[{number}].name", name))
            names.add(name)
        if not port["containerPort"]:
            found.append(causes.required(f"{path}[{number}].containerPort"))
        elif wrong := port_number(port["containerPort"]):
            found += causes.wrong(f"{path}[{number}].containerPort", port["containerPort"], wrong)
        if "hostPort" in port and (wrong := port_number(port["hostPort"])):
            found += causes.wrong(f"{path}[{number}].hostPort", port["hostPort"], wrong)
        if port.get("protocol") not in PROTOCOLS:
            found.append(_unsupported(f"{path}[{number}].protocol", port.get("protocol", ""), PROTOCOLS))
    return found


def _check_host_ports(path: str, containers: list[Object]) -> list[Cause]:
    found: list[Cause] = []
    taken: set[str] = set()
    for number, container in enumerate(containers):
        for index, port in enumerate(container.get("ports") or ()):
            if "hostPort" in port:
                key = f"{port.get('protocol')}/{port.get('hostIP', '')}/{port['hostPort']}"
                if key in taken:
                    found.append(causes.duplicate(f"{path}[{number}].ports[{index}].hostPort", key))
                taken.add(key)
    return found


def _check_restart(path: str, container: Object) -> list[Cause]:
    found: list[Cause] = []
    policy, rules = container.get("restartPolicy"), container.get("restartPolicyRules") or []
    if policy is None:
        words = "must specify restartPolicy when restart rules are used"
        found.append(causes.required(f"{path}.restartPolicy", words))
    elif policy not in RESTART_POLICIES:
        found.append(causes.not_supported(f"{path}.restartPolicy", policy, RESTART_POLICIES))
    if len(rules) > MAX_RULES:
        found.append(causes.too_many(f"{path}.restartPolicyRules", len(rules), MAX_RULES))
    for number, rule in enumerate(rules):
        where = f"{path}.restartPolicyRules[{number}]"
        if rule.get("action") not in ("Restart", "RestartAllContainers"):
            supported = ("Restart", "RestartAllContainers")
            found.append(causes.not_supported(f"{where}.action", rule.get("action", ""), supported))
        codes = rule.get("exitCodes")
        if codes is None:
            found.append(causes.required(f"{where}.exitCodes", "must be specified"))
        else:
            if codes.get("operator") not in ("In", "NotIn"):
                operator = codes.get("operator", "")
                found.append(causes.not_supported(f"{where}.exitCodes.operator", operator, ("In", "NotIn")))
            if len(codes.get("values") or ()) > MAX_EXIT_CODES:
                count = len(codes["values"])
                found.append(causes.too_many(f"{where}.exitCodes.values", count, MAX_EXIT_CODES))
    return found


def _check_resize(path: str, policies: list[Object], pod: PodFacts) -> list[Cause]:
    found: list[Cause] = []
    seen: set[str] = set()
    for number, policy in enumerate(policies):
        resource, restart = policy.get("resourceName", ""), policy.get("restartPolicy", "")
        if resource in seen:
            found.append(causes.duplicate(f"{path}[{number}]", resource))
        seen.add(resource)
        if resource not in RESIZED:
            found.append(_unsupported(path, resource, RESIZED))
        if restart not in RESIZE_POLICIES:
            found.append(_unsupported(path, restart, RESIZE_POLICIES))
        if pod.restart_policy == "Never" and restart != "NotRequired":
            words = "must be 'NotRequired' when pod `restartPolicy` is 'Never'"
            found.append(causes.invalid(path, restart, words))
    return found
