"""IP addresses and CIDR blocks as servers check them.

Source: ``IsValidIPForLegacyField`` and friends: leading zeros and IPv4 addresses mapped into IPv6 are refused. Pure.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from tmc_syncer.controlplane.server.errors import Cause
from tmc_syncer.controlplane.types import causes

__all__ = ["check_block", "check_ip", "family", "is_ip", "nonspecial"]

CACHED = 4096
"""Addresses that are remembered."""

IP_WORDS = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
BLOCK_WORDS = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"


@lru_cache(CACHED)
def family(text: str) -> str:
    """``IPv4``, ``IPv6``, or nothing for what is no address."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        return "" if address.scope_id else "IPv6"
    return "IPv4"


def is_ip(text: str) -> bool:
    """Whether this is an address."""
    return bool(family(text))


def check_ip(path: str, text: str) -> list[Cause]:
    """An address."""
    return [] if family(text) else [causes.invalid(path, text, IP_WORDS)]


def check_block(path: str, text: str) -> list[Cause]:
    """A block of addresses."""
    if "/" in text:
        try:
            ipaddress.ip_network(text, strict=False)
        except ValueError:
            pass
        else:
            return []
    return [causes.invalid(path, text, BLOCK_WORDS)]


def nonspecial(path: str, text: str) -> list[Cause]:
    """An address that endpoints and external addresses may have."""
    if not family(text):
        return [causes.invalid(path, text, IP_WORDS.partition(",")[0])]
    address = ipaddress.ip_address(text)
    for is_special, words in (
        (address.is_unspecified, "may not be unspecified (0.0.0.0 or ::)"),
        (address.is_loopback, "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
        (address.is_link_local, "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
        (
            text.startswith("224.0.0.") or text.lower().startswith("ff02:"),
            "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)",
        ),
    ):
        if is_special:
            return [causes.invalid(path, text, words)]
    return []
