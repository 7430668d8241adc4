"""Names of resource types: `GVR` (group, version, resource), `ResourceInfo` and the way users type them.

`GVR` is the identity of a type in this code base; it is never derived from a kind by guessing a plural.
`ResourceInfo` is what discovery of one server says about a GVR. `parse_resource_argument` reads
``plural[.version].group`` exactly as kubectl does: ``deployments.apps``, ``deployments.v1.apps``, ``pods``,
``pods.v1.`` (a trailing dot is the core group). Pure data.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from tmc_syncer.api.errors import UsageError

__all__ = ["GVR", "Key", "ResourceInfo", "parse_resource_argument"]

_VERSION = re.compile(r"v[1-9][0-9]*((alpha|beta)[1-9][0-9]*)?")
_PLURAL = re.compile(r"[a-z][a-z0-9-]*")
_GROUP = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")


class GVR(NamedTuple):
    """A resource type. `group` is empty for the core group; `version` is empty where it is yet to be found."""

    group: str
    version: str
    resource: str

    @property
    def api_version(self) -> str:
        """``apps/v1``, or ``v1`` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def group_resource(self) -> str:
        """``deployments.apps``, or ``pods`` for the core group."""
        return f"{self.resource}.{self.group}" if self.group else self.resource

    def __str__(self) -> str:
        version = f".{self.version}" if self.version else ""
        return f"{self.resource}{version}.{self.group}" if self.group else f"{self.resource}{version}"


class Key(NamedTuple):
    """Identity of an object within its type: logical cluster, namespace ('' when cluster-scoped), name.

    Downstream keys have the empty cluster.
    """

    cluster: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return "/".join(part for part in self if part)


@dataclass(frozen=True, slots=True)
class ResourceInfo:
    """What one server's discovery says about a type. `subresources` are bare names such as ``status``."""

    gvr: GVR
    kind: str
    namespaced: bool
    singular: str = ""
    verbs: frozenset[str] = field(default_factory=frozenset)
    subresources: frozenset[str] = field(default_factory=frozenset)

    @property
    def has_status(self) -> bool:
        """Whether status is written through the ``/status`` subresource."""
        return "status" in self.subresources


def parse_resource_argument(text: str) -> GVR:
    """Read ``plural[.version].group``; the version is empty when not given.

    Raises `UsageError` for anything else.
    """
    plural, _, rest = text.strip().partition(".")
    version, group = "", rest
    head, _, tail = rest.partition(".")
    if _VERSION.fullmatch(head):
        version, group = head, tail
    if not _PLURAL.fullmatch(plural) or (group and not _GROUP.fullmatch(group)):
        raise UsageError(
            f"{text!r} is not a resource type.",
            hint="Write plural[.version].group, for example deployments.apps, pods or ingresses.v1.networking.k8s.io.",
        )
    return GVR(group, version, plural)
