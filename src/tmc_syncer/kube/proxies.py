"""Which proxy a server is reached through, from the environment, by the rules of Go's net/http.

HTTPS_PROXY (HTTP_PROXY for plain servers), in capitals or not; never for loopback addresses; NO_PROXY is a comma
list of hosts, ``.suffixes``, addresses, CIDR ranges, each perhaps with a port, or ``*``. Pure.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

__all__ = ["proxy_for"]


def proxy_for(server: str, environ: Mapping[str, str]) -> str:
    """The proxy's URL for `server`, "" for none."""
    url = urlsplit(server)
    name = "HTTPS_PROXY" if url.scheme == "https" else "HTTP_PROXY"
    proxy = environ.get(name) or environ.get(name.lower()) or ""
    if not proxy:
        return ""
    host = (url.hostname or "").rstrip(".")
    port = str(url.port or (443 if url.scheme == "https" else 80))
    excluded = environ.get("NO_PROXY") or environ.get("no_proxy") or ""
    if _is_loopback(host) or any(_covers(rule.strip().lower(), host, port) for rule in excluded.split(",")):
        return ""
    return proxy if "://" in proxy else f"http://{proxy}"


def _is_loopback(host: str) -> bool:
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _covers(rule: str, host: str, port: str) -> bool:
    """Whether one entry of NO_PROXY covers `host`."""
    if rule == "*":
        return True
    if "/" in rule:
        address = _address(host)
        try:
            return address is not None and address in ipaddress.ip_network(rule, strict=False)
        except ValueError:
            return False
    name, colon, wanted = rule.rpartition(":")
    if colon and wanted.isdigit() and _address(rule) is None:
        if wanted != port:
            return False
        rule = name.strip("[]")
    if not rule:
        return False
    rule = rule.removeprefix("*")
    return host == rule.removeprefix(".") or host.endswith("." + rule.removeprefix("."))


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
