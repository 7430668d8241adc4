"""Probes and lifecycle hooks of containers.

Source: ``validateProbe``, ``validateHandler``, ``validateLifecycle`` in ``pkg/apis/core/validation``. Pure.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.controlplane.server.errors import Cause
from tmc_syncer.controlplane.types import causes
from tmc_syncer.controlplane.types.formats import header_name, port_name, port_number

__all__ = ["check_lifecycle", "check_port", "check_probes"]

Object = dict[str, Any]

HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")
COUNTERS = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")
SCHEMES = ("HTTP", "HTTPS")


def check_probes(path: str, container: Object) -> list[Cause]:
    """The probes of a container."""
    found: list[Cause] = []
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if name not in container:
            continue
        probe, where = container[name], f"{path}.{name}"
        found += _check_probe(where, probe)
        if name != "readinessProbe":
            if probe.get("successThreshold") != 1:
                found.append(
                    causes.invalid(f"{where}.successThreshold", probe.get("successThreshold", 0), "must be 1")
                )
        elif "terminationGracePeriodSeconds" in probe:
            seconds = probe["terminationGracePeriodSeconds"]
            words = "must not be set for readinessProbes"
            found.append(causes.invalid(f"{where}.terminationGracePeriodSeconds", seconds, words))
    return found


def _check_probe(path: str, probe: Object) -> list[Cause]:
    found = _check_handler(path, probe, None)
    for name in COUNTERS:
        if probe.get(name, 0) < 0:
            found.append(causes.invalid(f"{path}.{name}", probe[name], causes.NOT_NEGATIVE))
    seconds = probe.get("terminationGracePeriodSeconds")
    if seconds is not None and seconds <= 0:
        where = f"{path}.terminationGracePeriodSeconds"
        found.append(causes.invalid(where, seconds, "must be greater than 0"))
    return found


def check_lifecycle(path: str, lifecycle: Object, grace: int | None, system: str) -> list[Cause]:
    """The hooks of a container; `grace` is the grace period of its pod, `system` its operating system."""
    found: list[Cause] = []
    for name in ("postStart", "preStop"):
        if name in lifecycle:
            found += _check_handler(f"{path}.{name}", lifecycle[name], grace)
    if "stopSignal" in lifecycle and not system:
        words = "may not be set for containers with empty `spec.os.name`"
        found.append(causes.forbidden(f"{path}.stopSignal", words))
    return found


def _check_handler(path: str, handler: Object, grace: int | None) -> list[Cause]:
    found: list[Cause] = []
    present = [name for name in HANDLERS if name in handler]
    words = "may not specify more than 1 handler type"
    found += [causes.forbidden(f"{path}.{name}", words) for name in present[1:]]
    if not present:
        return [causes.required(path, "must specify a handler type")]
    name, where = present[0], f"{path}.{present[0]}"
    action = handler[name]
    if name == "exec":
        if not action.get("command"):
            found.append(causes.required(f"{where}.command"))
    elif name == "httpGet":
        found += _check_http_get(where, action)
    elif name == "sleep":
        seconds = action.get("seconds", 0)
        if grace is not None and not 0 <= seconds <= grace:
            words = f"must be non-negative and less than terminationGracePeriodSeconds ({grace})"
            found.append(causes.invalid(where, seconds, words))
    else:
        found += check_port(f"{where}.port", action.get("port", 0))
    return found


def _check_http_get(path: str, action: Object) -> list[Cause]:
    found = check_port(f"{path}.port", action.get("port", 0))
    if action.get("scheme") not in SCHEMES:
        found.append(causes.not_supported(f"{path}.scheme", action.get("scheme", ""), SCHEMES))
    for header in action.get("httpHeaders") or ():
        name = header.get("name", "")
        found += causes.wrong(f"{path}.httpHeaders", name, header_name(name))
    return found


def check_port(path: str, port: int | str) -> list[Cause]:
    """A port by number or name."""
    return causes.wrong(path, port, port_number(port) if isinstance(port, int) else port_name(port))
