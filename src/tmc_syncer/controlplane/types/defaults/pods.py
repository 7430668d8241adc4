"""Defaults of pods and pod templates: containers, probes, volumes, and what only a pod gets.

Templates get less than pods: service links, requests from limits, and host ports are filled in when the pod is made, so that
new defaults do not change every Deployment. `default_pod_spec` is what both get. Source: ``pkg/apis/core/v1/defaults.go``
and ``conversion.go`` (the service account under its old name too, the address of a pod in both of its fields). Pure.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.controlplane.types.defaults.amounts import default_resources
from tmc_syncer.controlplane.types.defaults.podamounts import default_pod_amounts
from tmc_syncer.controlplane.types.defaults.volumes import default_field_ref, default_volume
from tmc_syncer.controlplane.types.images import pull_policy

__all__ = ["default_pod", "default_pod_spec", "default_pod_template", "default_template"]

Object = dict[str, Any]

GRACE_SECONDS = 30
DEFAULT_SCHEDULER = "default-scheduler"
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def default_pod_template(obj: Object) -> None:
    """Fill in a PodTemplate."""
    default_pod_spec(obj["template"]["spec"])


def default_template(obj: Object) -> None:
    """Fill in the pod template of a workload."""
    default_pod_spec(obj["spec"]["template"]["spec"])


def default_pod(obj: Object) -> None:
    """Fill in a Pod."""
    spec, status = obj["spec"], obj["status"]
    for container in _containers(spec):
        resources = container["resources"]
        limits = resources.get("limits")
        if limits:
            requests = resources.setdefault("requests", {})
            for name, amount in limits.items():
                requests.setdefault(name, amount)
    default_pod_amounts(spec)
    spec.setdefault("enableServiceLinks", True)
    if spec.get("hostNetwork"):
        for container in _containers(spec):
            for port in container.get("ports") or ():
                if "hostPort" not in port:
                    port["hostPort"] = port["containerPort"]
    default_pod_spec(spec)
    if spec["terminationGracePeriodSeconds"] < 0:
        spec["terminationGracePeriodSeconds"] = 1
    _default_addresses(status, "podIP", "podIPs")


def _default_addresses(status: Object, single: str, listed: str) -> None:
    """The single field wins over the list where they differ, and the list gives the single field where it is missing."""
    address, addresses = status.get(single), status.get(listed)
    if address:
        if not addresses or addresses[0].get("ip") != address:
            status[listed] = [{"ip": address}]
    elif addresses and addresses[0].get("ip"):
        status[single] = addresses[0]["ip"]


def _containers(spec: Object) -> list[Object]:
    return [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]


def default_pod_spec(spec: Object) -> None:
    """Fill in what pods and templates get."""
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("securityContext", {})
    spec.setdefault("terminationGracePeriodSeconds", GRACE_SECONDS)
    spec.setdefault("schedulerName", DEFAULT_SCHEDULER)
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        spec["serviceAccountName"] = spec["serviceAccount"] = account
    if "resources" in spec:
        default_resources(spec["resources"])
    for volume in spec.get("volumes") or ():
        default_volume(volume)
    for container in _containers(spec):
        _default_container(container)
    for container in spec.get("ephemeralContainers") or ():
        _default_container(container)


def _default_container(container: Object) -> None:
    if "imagePullPolicy" not in container:
        container["imagePullPolicy"] = pull_policy(container.get("image", ""))
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    default_resources(container["resources"])
    for port in container.get("ports") or ():
        port.setdefault("protocol", "TCP")
    for variable in container.get("env") or ():
        source = variable.get("valueFrom")
        if source:
            if "fieldRef" in source:
                default_field_ref(source["fieldRef"])
            if "fileKeyRef" in source:
                source["fileKeyRef"].setdefault("optional", False)
    for name in PROBES:
        if name in container:
            _default_probe(container[name])
    for handler in container.get("lifecycle", {}).values():
        if "httpGet" in handler:
            _default_http_get(handler["httpGet"])


def _default_probe(probe: Object) -> None:
    probe.setdefault("timeoutSeconds", 1)
    probe.setdefault("periodSeconds", 10)
    probe.setdefault("successThreshold", 1)
    probe.setdefault("failureThreshold", 3)
    if "httpGet" in probe:
        _default_http_get(probe["httpGet"])
    if "grpc" in probe:
        probe["grpc"].setdefault("service", "")


def _default_http_get(action: Object) -> None:
    action.setdefault("path", "/")
    action.setdefault("scheme", "HTTP")
