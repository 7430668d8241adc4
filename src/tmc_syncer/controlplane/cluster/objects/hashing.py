"""Short names of contents: the hash of a pod template in the names of ReplicaSets, pods and revisions.

The values differ from Kubernetes' (which hashes a dump of Go structures), the form does not: FNV-1a of 32 bits, in decimal,
written in an alphabet without vowels and without digits that look like letters, so that no word appears in a name. Equal
contents have equal hashes whatever the order of their keys; a collision count makes another hash of the same content. Pure.
"""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["content_hash", "safe"]

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_OFFSET = 2166136261
_PRIME = 16777619
_encode = msgspec.json.Encoder(order="sorted").encode


def safe(text: str) -> str:
    """The text in the alphabet of names, one character for one."""
    return "".join(_ALPHABET[ord(character) % len(_ALPHABET)] for character in text)


def content_hash(content: Any, collisions: int | None = None) -> str:
    """The hash of a JSON value."""
    data: bytes = _encode(content)
    if collisions is not None:
        data += collisions.to_bytes(8, "little")
    found = _OFFSET
    for byte in data:
        found = ((found ^ byte) * _PRIME) & 0xFFFFFFFF
    return safe(str(found))
