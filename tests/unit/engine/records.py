"""Records for the tests of the engine: only what a test is about is written out."""

from __future__ import annotations

from typing import Any

from tmc_syncer.api.objects import Meta, Record
from tmc_syncer.api.resources import GVR, Key, ResourceInfo

CONFIGMAPS = ResourceInfo(GVR("", "v1", "configmaps"), "ConfigMap", namespaced=True)


def record(
    name: str = "a",
    version: int | str = 1,
    *,
    uid: str | None = None,
    namespace: str = "default",
    cluster: str = "",
    data: str = "",
    **meta: Any,
) -> Record:
    """A ConfigMap; its uid is made from the name unless it is given."""
    return Record(
        "v1",
        "ConfigMap",
        Meta(
            name=name,
            namespace=namespace,
            uid=f"uid-{name}" if uid is None else uid,
            resource_version=str(version),
            **meta,
        ),
        {"data": data.encode()} if data else {},
        cluster,
    )


def key(name: str = "a", namespace: str = "default", cluster: str = "") -> Key:
    return Key(cluster, namespace, name)
