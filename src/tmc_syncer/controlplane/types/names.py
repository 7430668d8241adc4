"""Names of types for error messages: what `server.errors` needs to know of a type when only its name matters.

Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CLAIMS", "PODS", "Named"]


@dataclass(frozen=True, slots=True)
class Named:
    """A type by its names."""

    group: str
    resource: str
    kind: str


PODS = Named("", "pods", "Pod")
CLAIMS = Named("", "persistentvolumeclaims", "PersistentVolumeClaim")
