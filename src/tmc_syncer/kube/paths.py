"""Request paths of Kubernetes resources: ``<prefix>/apis/<group>/<version>/namespaces/<ns>/<resource>/<name>``.

Pure. Every part is checked (`wire.segment`): an empty name or namespace in a path would address a whole
collection, and a name with a slash another object (F78).
"""

from __future__ import annotations

from tmc_syncer.api.resources import GVR, ResourceInfo
from tmc_syncer.kube.errors import PathError
from tmc_syncer.kube.wire import segment

__all__ = ["Paths"]

MAX_BASES = 1024
"""Types whose base path is kept ready; a server has some hundred."""


class Paths:
    """Paths below one prefix ("" or ``/clusters/<workspace>``), which is taken as it is."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix.rstrip("/")
        self._bases: dict[GVR, str] = {}

    def collection(self, info: ResourceInfo, namespace: str = "") -> str:
        """The path of all objects of the type, or of those of one namespace."""
        base = self._base(info.gvr)
        if not namespace:
            return f"{base}/{info.gvr.resource}"
        if not info.namespaced:
            raise PathError(f"{info.gvr} has no namespaces, but {namespace!r} was given.")
        return f"{base}/namespaces/{segment(namespace)}/{info.gvr.resource}"

    def home(self, info: ResourceInfo, namespace: str) -> str:
        """The path that one object is created at: a namespaced type needs its namespace."""
        if info.namespaced and not namespace:
            raise PathError(f"{info.gvr} needs a namespace.")
        return self.collection(info, namespace)

    def item(self, info: ResourceInfo, namespace: str, name: str, subresource: str = "") -> str:
        """The path of one object or of its subresource."""
        path = f"{self.home(info, namespace)}/{segment(name)}"
        return f"{path}/{segment(subresource)}" if subresource else path

    def _base(self, gvr: GVR) -> str:
        base = self._bases.get(gvr)
        if base is None:
            version, resource = segment(gvr.version), segment(gvr.resource)
            head = f"apis/{segment(gvr.group)}/{version}" if gvr.group else f"api/{version}"
            base = f"{self.prefix}/{head}"
            if resource == gvr.resource and len(self._bases) < MAX_BASES:
                self._bases[gvr] = base
        return base
