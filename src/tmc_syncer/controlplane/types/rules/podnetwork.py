"""Names and network of a pod: host name, node, DNS settings, host aliases, and the host's network.

Source: ``ValidatePodSpec`` and ``validatePodDNSConfig``, ``ValidateHostAliases``, ``validatePodHostNetworkDeps``. Pure.
"""

from __future__ import annotations

import re
from typing import Any

from tmc_syncer.controlplane.server.errors import Cause
from tmc_syncer.controlplane.types import causes
from tmc_syncer.controlplane.types.formats import Format, dns1123_label, dns1123_subdomain
from tmc_syncer.controlplane.types.rules.addresses import check_ip

__all__ = ["check_host_network", "check_names"]

Object = dict[str, Any]

MAX_NAMESERVERS = 3
MAX_SEARCHES = 32
MAX_SEARCH_CHARACTERS = 2048
MAX_HOST_NAME = 64

NAMES: dict[str, Format] = {
    "serviceAccountName": dns1123_subdomain,
    "nodeName": dns1123_subdomain,
    "hostname": dns1123_label,
    "subdomain": dns1123_label,
    "priorityClassName": dns1123_subdomain,
    "runtimeClassName": dns1123_subdomain,
}

_UNDERSCORED = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_SEARCH = rf"{_UNDERSCORED}(\.{_UNDERSCORED})*"
_SEARCH_WORDS = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must "
    f"start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{_SEARCH}')"
)


def check_names(path: str, spec: Object) -> list[Cause]:
    """The names in the spec of a pod."""
    found: list[Cause] = []
    for field, names in NAMES.items():
        value = spec.get(field)
        if value and (wrong := names(value)):
            found += causes.wrong(f"{path}.{field}", value, wrong)
    if "hostnameOverride" in spec:
        found += _check_override(f"{path}.hostnameOverride", spec)
    for number, alias in enumerate(spec.get("hostAliases") or ()):
        found += check_ip(f"{path}.hostAliases[{number}].ip", alias.get("ip", ""))
        for index, name in enumerate(alias.get("hostnames") or ()):
            where = f"{path}.hostAliases[{number}].hostnames[{index}]"
            found += causes.wrong(where, name, dns1123_subdomain(name))
    if "dnsConfig" in spec or spec.get("dnsPolicy") == "None":
        found += _check_dns(f"{path}.dnsConfig", spec)
    return found


def _check_override(path: str, spec: Object) -> list[Cause]:
    found: list[Cause] = []
    name = spec["hostnameOverride"]
    found += [
        causes.forbidden(path, f"may not be specified when {field} is true")
        for field in ("setHostnameAsFQDN", "hostNetwork")
        if spec.get(field)
    ]
    if len(name) > MAX_HOST_NAME:
        found.append(causes.too_long(path, MAX_HOST_NAME))
    return found + causes.wrong(path, name, dns1123_subdomain(name))


def _check_dns(path: str, spec: Object) -> list[Cause]:
    config = spec.get("dnsConfig")
    if config is None:
        return [causes.required(path, "must provide `dnsConfig` when `dnsPolicy` is None")]
    servers, searches = config.get("nameservers") or [], config.get("searches") or []
    if spec.get("dnsPolicy") == "None" and not servers:
        words = "must provide at least one DNS nameserver when `dnsPolicy` is None"
        return [causes.required(f"{path}.nameservers", words)]
    found: list[Cause] = []
    if len(servers) > MAX_NAMESERVERS:
        words = f"must not have more than {MAX_NAMESERVERS} nameservers"
        found.append(causes.invalid(f"{path}.nameservers", servers, words))
    for number, server in enumerate(servers):
        found += check_ip(f"{path}.nameservers[{number}]", server)
    if len(searches) > MAX_SEARCHES:
        words = f"must not have more than {MAX_SEARCHES} search paths"
        found.append(causes.invalid(f"{path}.searches", searches, words))
    if len(" ".join(searches)) > MAX_SEARCH_CHARACTERS:
        words = f"must not have more than {MAX_SEARCH_CHARACTERS} characters (including spaces) in the search list"
        found.append(causes.invalid(f"{path}.searches", searches, words))
    for number, search in enumerate(searches):
        shown = search.removesuffix(".")
        if search != "." and not re.fullmatch(_SEARCH, shown):
            found.append(causes.invalid(f"{path}.searches[{number}]", shown, _SEARCH_WORDS))
    for number, option in enumerate(config.get("options") or ()):
        if not option.get("name"):
            found.append(causes.required(f"{path}.options[{number}]", "must not be empty"))
    return found


def check_host_network(path: str, spec: Object, *, is_pod: bool) -> list[Cause]:
    """Ports on the host's own network are the host's ports."""
    found: list[Cause] = []
    words = "must match `containerPort` when `hostNetwork` is true"
    for number, container in enumerate(spec.get("containers") or ()):
        for index, port in enumerate(container.get("ports") or ()):
            host = port.get("hostPort", 0)
            if (is_pod or host) and host != port["containerPort"]:
                where = f"{path}.containers[{number}].ports[{index}].hostPort"
                found.append(causes.invalid(where, host, words))
    return found
