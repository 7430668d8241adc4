"""Security contexts of pods and containers.

Source: ``validatePodSpecSecurityContext``, ``ValidateSecurityContext``, ``validateSeccompProfileField`` and
``ValidateAppArmorProfileField``. Options for Windows are not looked into. Pure.
"""

from __future__ import annotations

import re
from typing import Any

from tmc_syncer.controlplane.server.errors import Cause
from tmc_syncer.controlplane.types import causes
from tmc_syncer.controlplane.types.formats import between
from tmc_syncer.controlplane.types.rules.mounts import check_relative

__all__ = ["check_container_security", "check_pod_security"]

Object = dict[str, Any]

MAX_ID = 2**31 - 1
FS_GROUP_POLICIES = ("Always", "OnRootMismatch")
GROUP_POLICIES = ("Merge", "Strict")
LABEL_POLICIES = ("MountOption", "Recursive")
PROFILES = ("Localhost", "RuntimeDefault", "Unconfined")
SYSCTL_LENGTH = 253
SYSCTL = r"^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$"
MAX_PROFILE = 4095

_SYSCTL = re.compile(SYSCTL)


def check_pod_security(path: str, context: Object, spec: Object) -> list[Cause]:
    """The security context of a pod."""
    if not context and not spec.get("shareProcessNamespace"):
        return []
    found = _check_ids(path, context, ("fsGroup", "runAsUser", "runAsGroup"))
    for number, group in enumerate(context.get("supplementalGroups") or ()):
        found += _check_id(f"{path}.supplementalGroups[{number}]", group)
    if spec.get("shareProcessNamespace") and spec.get("hostPID"):
        words = "ShareProcessNamespace and HostPID cannot both be enabled"
        found.append(causes.invalid(f"{path}.shareProcessNamespace", True, words))
    found += _check_sysctls(f"{path}.sysctls", context, spec)
    for field, supported in (
        ("fsGroupChangePolicy", FS_GROUP_POLICIES),
        ("supplementalGroupsPolicy", GROUP_POLICIES),
        ("seLinuxChangePolicy", LABEL_POLICIES),
    ):
        if field in context and context[field] not in supported:
            found.append(causes.not_supported(f"{path}.{field}", context[field], supported))
    return found + _check_profiles(path, context)


def check_container_security(path: str, context: Object, *, host_users: bool) -> list[Cause]:
    """The security context of a container."""
    if not context:
        return []
    found = _check_ids(path, context, ("runAsUser", "runAsGroup"))
    mount = context.get("procMount")
    if mount is not None:
        if mount not in ("Default", "Unmasked"):
            found.append(causes.not_supported(f"{path}.procMount", mount, ("Default", "Unmasked")))
        if host_users and mount == "Unmasked":
            found.append(
                causes.invalid(f"{path}.procMount", mount, "`hostUsers` must be false to use `Unmasked`")
            )
    found += _check_profiles(path, context)
    if context.get("allowPrivilegeEscalation") is False:
        if context.get("privileged"):
            words = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
            found.append(causes.invalid(path, _as_go(context), words))
        if "CAP_SYS_ADMIN" in ((context.get("capabilities") or {}).get("add") or ()):
            words = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
            found.append(causes.invalid(path, _as_go(context), words))
    return found


_GO_FIELDS = {
    "capabilities": "Capabilities",
    "privileged": "Privileged",
    "seLinuxOptions": "SELinuxOptions",
    "windowsOptions": "WindowsOptions",
    "runAsUser": "RunAsUser",
    "runAsGroup": "RunAsGroup",
    "runAsNonRoot": "RunAsNonRoot",
    "readOnlyRootFilesystem": "ReadOnlyRootFilesystem",
    "allowPrivilegeEscalation": "AllowPrivilegeEscalation",
    "procMount": "ProcMount",
    "seccompProfile": "SeccompProfile",
    "appArmorProfile": "AppArmorProfile",
}


def _as_go(context: Object) -> Object:
    """The context as Go prints its internal type: every field, by Go's name."""
    return {name: context.get(field) for field, name in _GO_FIELDS.items()}


def _check_ids(path: str, context: Object, fields: tuple[str, ...]) -> list[Cause]:
    found: list[Cause] = []
    for field in fields:
        if field in context:
            found += _check_id(f"{path}.{field}", context[field])
    return found


def _check_id(path: str, value: int) -> list[Cause]:
    return [] if 0 <= value <= MAX_ID else [causes.invalid(path, value, between(0, MAX_ID))]


def _check_sysctls(path: str, context: Object, spec: Object) -> list[Cause]:
    found: list[Cause] = []
    names: set[str] = set()
    for number, sysctl in enumerate(context.get("sysctls") or ()):
        name, where = sysctl.get("name", ""), f"{path}[{number}].name"
        if not name:
            found.append(causes.required(where))
        elif len(name) > SYSCTL_LENGTH or not _SYSCTL.match(name):
            words = f"must have at most {SYSCTL_LENGTH} characters and match regex {SYSCTL}"
            found.append(causes.invalid(where, name, words))
        elif name in names:
            found.append(causes.duplicate(where, name))
        dotted = name.replace("/", ".")
        if spec.get("hostNetwork") and dotted.startswith("net."):
            found.append(causes.invalid(where, name, "may not be specified when 'hostNetwork' is true"))
        elif spec.get("hostIPC") and dotted.startswith(
            ("kernel.shm", "kernel.msg", "kernel.sem", "fs.mqueue.")
        ):
            found.append(causes.invalid(where, name, "may not be specified when 'hostIPC' is true"))
        names.add(name)
    return found


def _check_profiles(path: str, context: Object) -> list[Cause]:
    found: list[Cause] = []
    if "seccompProfile" in context:
        found += _check_seccomp(f"{path}.seccompProfile", context["seccompProfile"])
    if "appArmorProfile" in context:
        found += _check_app_armor(f"{path}.appArmorProfile", context["appArmorProfile"])
    return found


def _check_type(path: str, profile: Object, field: str) -> list[Cause]:
    kind = profile.get("type", "")
    if not kind:
        return [causes.required(f"{path}.type", f"type is required when {field} is set")]
    return [] if kind in PROFILES else [causes.not_supported(f"{path}.type", kind, PROFILES)]


def _check_seccomp(path: str, profile: Object) -> list[Cause]:
    found = _check_type(path, profile, "seccompProfile")
    local = profile.get("localhostProfile")
    if profile.get("type") == "Localhost":
        if local is None:
            words = "must be set when seccomp type is Localhost"
            return [*found, causes.required(f"{path}.localhostProfile", words)]
        return found + check_relative(f"{path}.localhostProfile", local)
    if local is not None:
        words = "can only be set when seccomp type is Localhost"
        shown = {"Type": profile.get("type", ""), "LocalhostProfile": local}
        found.append(causes.invalid(f"{path}.localhostProfile", shown, words))
    return found


def _check_app_armor(path: str, profile: Object) -> list[Cause]:
    found = _check_type(path, profile, "appArmorProfile")
    local, where = profile.get("localhostProfile"), f"{path}.localhostProfile"
    if profile.get("type") == "Localhost":
        if local is not None and local.strip() != local:
            found.append(causes.invalid(where, local, "must not be padded with whitespace"))
        elif not local:
            found.append(causes.required(where, "must be set when AppArmor type is Localhost"))
        if local is not None and len(local) > MAX_PROFILE:
            found.append(causes.too_long(where, MAX_PROFILE))
    elif local is not None and profile.get("type") in PROFILES:
        found.append(causes.invalid(where, local, "can only be set when AppArmor type is Localhost"))
    return found
