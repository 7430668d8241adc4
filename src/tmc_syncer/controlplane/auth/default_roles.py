"""The roles and bindings that every cluster starts with, recorded from a real server.

``default_roles.json`` names its source and version and holds, in the order to create them: ``cluster-admin``, ``admin``,
``edit``, ``view`` with the roles that they are aggregated from, ``system:discovery``, ``system:basic-user``,
``system:public-info-viewer`` (what everybody may read) and a few more that components of workloads are bound to. The roles of
Kubernetes' own components are left out: here these run inside the control plane and need no rights.

`default_objects` returns new objects at each call. Whoever makes a logical cluster creates those that are not there, and
leaves alone those that are, because they may have been changed on purpose. A test compares the data with a real server.

Pure but for reading package data. Called by `assembly`.
"""

from __future__ import annotations

from importlib import resources
from typing import Any

import msgspec

from tmc_syncer.controlplane.auth.rules import GROUP

__all__ = ["default_objects"]

_DATA = "default_roles.json"
_KINDS = {"clusterroles": "ClusterRole", "clusterrolebindings": "ClusterRoleBinding"}


def default_objects() -> list[tuple[str, dict[str, Any]]]:
    """The objects of a new cluster, each with its resource (plural), without what a server fills in."""
    package = resources.files("tmc_syncer.controlplane.auth")
    recorded = msgspec.json.decode(package.joinpath(_DATA).read_bytes())
    return [
        (resource, {"apiVersion": f"{GROUP}/v1", "kind": kind, **item})
        for resource, kind in _KINDS.items()
        for item in recorded[resource]
    ]
