"""Types that the tests of this folder ask for."""

from __future__ import annotations

from tmc_syncer.api.resources import GVR, ResourceInfo

CONFIG_MAPS = ResourceInfo(GVR("", "v1", "configmaps"), "ConfigMap", namespaced=True)
DEPLOYMENTS = ResourceInfo(
    GVR("apps", "v1", "deployments"), "Deployment", namespaced=True, subresources=frozenset({"status"})
)
NAMESPACES = ResourceInfo(GVR("", "v1", "namespaces"), "Namespace", namespaced=False)
SECRETS = ResourceInfo(GVR("", "v1", "secrets"), "Secret", namespaced=True)
