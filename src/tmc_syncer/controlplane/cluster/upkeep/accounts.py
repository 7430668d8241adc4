"""What every namespace has: the ServiceAccount ``default`` and the ConfigMap with the certificate of the API server.

Both come back when somebody deletes them. The ConfigMap's content is given when the cluster is made, and restored when changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tmc_syncer.controlplane.cluster.runtime.client import Key
from tmc_syncer.controlplane.cluster.runtime.controller import Source
from tmc_syncer.controlplane.cluster.runtime.world import World
from tmc_syncer.controlplane.cluster.upkeep.namespaces import NAMESPACES
from tmc_syncer.controlplane.cluster.workloads.names import MANAGER
from tmc_syncer.controlplane.server.errors import ApiError

__all__ = ["AccountController", "CertificatePublisher"]

Object = dict[str, Any]

ACCOUNTS = "serviceaccounts"
CONFIG_MAPS = "configmaps"
DEFAULT = "default"
ROOT_CERTIFICATE = "kube-root-ca.crt"

DESCRIPTION = "kubernetes.io/description"
SAID = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the "
    "internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of "
    "Kubernetes clusters."
)


def _namespace(obj: Object) -> Iterable[Key]:
    return (("", obj["metadata"]["name"]),)


def _of_named(name: str) -> Any:
    def keys(obj: Object) -> Iterable[Key]:
        metadata = obj["metadata"]
        return (("", metadata["namespace"]),) if metadata["name"] == name else ()

    return keys


def _live(world: World, key: Key) -> bool:
    namespace = world.view(NAMESPACES).get(key)
    return namespace is not None and (namespace.get("status") or {}).get("phase", "Active") == "Active"


def _create(world: World, resource: str, obj: Object) -> None:
    try:
        world.create(resource, obj, MANAGER)
    except ApiError as error:
        if error.reason != "AlreadyExists":
            raise


class AccountController:
    """Makes the ServiceAccount ``default``."""

    name = "serviceaccount-controller"
    needs: tuple[str, ...] = ()

    def __init__(self, world: World) -> None:
        self._world = world
        self.sources = (Source(NAMESPACES, _namespace), Source(ACCOUNTS, _of_named(DEFAULT)))

    def reconcile(self, key: Key) -> float | None:
        """One look at one namespace."""
        if _live(self._world, key) and self._world.view(ACCOUNTS).get((key[1], DEFAULT)) is None:
            metadata = {"name": DEFAULT, "namespace": key[1]}
            account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
            _create(self._world, ACCOUNTS, account)
        return None


class CertificatePublisher:
    """Makes the ConfigMap ``kube-root-ca.crt``, and puts it right."""

    name = "root-ca-certificate-publisher"
    needs: tuple[str, ...] = ()

    def __init__(self, world: World, certificate: str) -> None:
        self._world = world
        self._data = {"ca.crt": certificate}
        self.sources = (Source(NAMESPACES, _namespace), Source(CONFIG_MAPS, _of_named(ROOT_CERTIFICATE)))

    def reconcile(self, key: Key) -> float | None:
        """One look at one namespace."""
        if not _live(self._world, key):
            return None
        standing = self._world.view(CONFIG_MAPS).get((key[1], ROOT_CERTIFICATE))
        if standing is None:
            metadata = {
                "name": ROOT_CERTIFICATE,
                "namespace": key[1],
                "annotations": {DESCRIPTION: SAID},
            }
            config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": self._data}
            _create(self._world, CONFIG_MAPS, config)
        else:
            self._world.change(CONFIG_MAPS, standing, self._right, MANAGER)
        return None

    def _right(self, config: Object) -> Object:
        annotations = config["metadata"].get("annotations") or {}
        if config.get("data") == self._data and annotations.get(DESCRIPTION):
            return config
        metadata = {**config["metadata"], "annotations": {**annotations, DESCRIPTION: SAID}}
        return {**config, "metadata": metadata, "data": self._data}
