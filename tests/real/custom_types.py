"""Two custom types that both clusters of the shared scene serve: Widget with a status subresource, Gadget without."""

from __future__ import annotations

from typing import Any

from tmc_syncer.api.resources import GVR
from tmc_syncer.testing.control_plane import ControlPlane

CUSTOM_TYPES = (GVR("example.com", "v1", "widgets"), GVR("example.com", "v1", "gadgets"))
WITH_STATUS = {"widgets"}

_OPEN = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def install_custom_types(*clusters: ControlPlane) -> None:
    """Install the CRDs and wait until they are served."""
    for cluster in clusters:
        for gvr in CUSTOM_TYPES:
            cluster.apply(custom_type(gvr))
    for cluster in clusters:
        names = [f"crd/{gvr.resource}.{gvr.group}" for gvr in CUSTOM_TYPES]
        cluster.kubectl("wait", "--for=condition=Established", *names)


def custom_type(gvr: GVR) -> dict[str, Any]:
    """The CRD of a custom type, open for any spec."""
    singular = gvr.resource.removesuffix("s")
    subresources: dict[str, Any] = {"status": {}} if gvr.resource in WITH_STATUS else {}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{gvr.resource}.{gvr.group}"},
        "spec": {
            "group": gvr.group,
            "scope": "Namespaced",
            "names": {
                "plural": gvr.resource,
                "singular": singular,
                "kind": singular.capitalize(),
                "listKind": f"{singular.capitalize()}List",
            },
            "versions": [
                {
                    "name": gvr.version,
                    "served": True,
                    "storage": True,
                    "subresources": subresources,
                    "schema": {
                        "openAPIV3Schema": {"type": "object", "properties": {"spec": _OPEN, "status": _OPEN}}
                    },
                }
            ],
        },
    }
