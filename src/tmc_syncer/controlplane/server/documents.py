"""What a server tells about itself, beside resources: version, health, and (from `types`) discovery and OpenAPI documents.

A `Document` answers a path below a cluster, or says that it has no such path. Health is answered here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

__all__ = ["Document", "Documents", "health"]

TEXT = "text/plain; charset=utf-8"

CHECKS = ("ping", "storage", "poststarthook/start-controllers")
_HEALTH = ("/healthz", "/livez", "/readyz")


@dataclass(frozen=True, slots=True)
class Document:
    """An answer as it is: status, media type, headers, body."""

    body: bytes
    content_type: str = "application/json"
    code: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Documents(Protocol):
    """Discovery and OpenAPI of each cluster."""

    def find(
        self, cluster: str, path: str, query: Mapping[str, str], headers: Mapping[str, str]
    ) -> Document | None:
        """The document at a path, None when there is none. Raises `ApiError` 406."""
        ...

    def has_group(self, cluster: str, group: str) -> bool:
        """Whether the cluster serves an API group at all."""
        ...


def health(path: str, query: Mapping[str, str], *, stopping: bool) -> Document | None:
    """The answer of the health endpoints, None for any other path."""
    name = next((name for name in _HEALTH if path == name or path.startswith(f"{name}/")), None)
    if name is None:
        return None
    check = path[len(name) + 1 :]
    if check and check not in CHECKS:
        return None
    broken = stopping and name == "/readyz"
    headers = {"X-Content-Type-Options": "nosniff"}
    if not broken and "verbose" not in query:
        return Document(b"ok", TEXT, headers=headers)
    lines = [f"[+]{check} ok" for check in CHECKS]
    lines.append("[-]shutdown failed: reason withheld" if broken else "[+]shutdown ok")
    lines.append(f"{name[1:]} check {'failed' if broken else 'passed'}\n")
    return Document("\n".join(lines).encode(), TEXT, 500 if broken else 200, headers)
