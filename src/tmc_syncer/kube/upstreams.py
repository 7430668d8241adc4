"""The kinds of upstream: what an agent reads from and writes to, for one cluster or for many.

An upstream gives watches over many clusters and writes per cluster (architecture.md, "Upstream kinds"). Here are
the two that are one cluster: ``kubernetes`` (a plain API server, taken as one workspace) and ``workspace`` (one
kcp workspace). ``apiexport`` (one wildcard reader per shard, writers per cluster) fits the same two functions,
`readers` and `writer`.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from tmc_syncer.api.errors import UsageError
from tmc_syncer.api.names import DEFAULT_FIELD_MANAGER, KCP_CLUSTER, base36
from tmc_syncer.api.resources import GVR, ResourceInfo
from tmc_syncer.kube.client import Client, OnReply
from tmc_syncer.kube.errors import ApiError, KubeError, RetryClass
from tmc_syncer.kube.wire import Wire, segment

__all__ = ["CLUSTER_NAME_LENGTH", "Upstream", "open_upstream"]

CLUSTER_NAME_LENGTH = 12
"""Characters of the name that a plain cluster gets: 62 bits, and short enough for readable namespaces."""

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?").fullmatch

_NAMESPACES = ResourceInfo(GVR("", "v1", "namespaces"), "Namespace", namespaced=False)
_LOGICAL_CLUSTERS = ResourceInfo(
    GVR("core.kcp.io", "v1alpha1", "logicalclusters"), "LogicalCluster", namespaced=False
)


@dataclass(frozen=True, slots=True)
class Upstream:
    """One open upstream. `cluster` is its logical cluster name, `mode` its kind."""

    mode: str
    cluster: str
    client: Client

    def readers(self) -> tuple[Client, ...]:
        """The clients to list and watch through: one per shard."""
        return (self.client,)

    def writer(self, cluster: str) -> Client:
        """The client for reads by name and writes in `cluster`."""
        if cluster != self.cluster:
            raise KubeError(f"This upstream holds cluster {self.cluster!r}, not {cluster!r}.")
        return self.client


async def open_upstream(
    transport: Wire,
    mode: str,
    workspace: str = "",
    cluster_name: str = "",
    *,
    field_manager: str = DEFAULT_FIELD_MANAGER,
    on_reply: OnReply | None = None,
) -> Upstream:
    """Find out which cluster is behind `transport` and give its client.

    `mode` is ``kubernetes`` (named `cluster_name`, by default after the uid of its kube-system namespace) or
    ``workspace`` (a path like ``root:team-a``; by default the one in the kubeconfig's server address). Raises
    `UsageError`, `KubeError`.
    """
    if mode not in {"kubernetes", "workspace"}:
        raise UsageError(f"{mode!r} is not a kind of upstream.", hint="Use kubernetes or workspace.")
    prefix = f"/clusters/{segment(workspace)}" if mode == "workspace" and workspace else ""
    client = Client(transport, prefix=prefix, field_manager=field_manager, side="upstream", on_reply=on_reply)
    if mode == "workspace":
        if not client.prefix:
            raise UsageError(
                "No workspace is given, and the kubeconfig's server address names none.",
                hint="Give its path, for example root:team-a.",
            )
        cluster = await _name_of_workspace(client)
    else:
        cluster = _checked(cluster_name) if cluster_name else await _name_of_kubernetes(client)
    return Upstream(mode, cluster, client.with_cluster(client.prefix, cluster))


def _checked(name: str) -> str:
    if not _LABEL(name):
        raise UsageError(
            f"{name!r} cannot be a cluster's name.",
            hint="Use at most 63 lower-case letters, digits and dashes, no dash at either end.",
        )
    return name


async def _name_of_kubernetes(client: Client) -> str:
    """A name that is the same for every agent of this cluster and differs between clusters."""
    try:
        namespace = await client.get(_NAMESPACES, "", "kube-system", metadata_only=True)
    except ApiError as error:
        if error.retry_class is RetryClass.TRANSIENT:
            raise
        raise UsageError(
            f"The cluster has no name, and none can be made: {error.message}",
            hint="Give it one: --cluster-name.",
        ) from error
    return base36(hashlib.sha224(namespace.meta.uid.encode()).digest())[:CLUSTER_NAME_LENGTH]


async def _name_of_workspace(client: Client) -> str:
    """The logical cluster's name: every object of a workspace carries it, whoever asks by whichever path.

    Its LogicalCluster tells most directly; its namespaces are what a user with few rights may read.
    """
    try:
        record = await client.get(_LOGICAL_CLUSTERS, "", "cluster", metadata_only=True)
    except ApiError as error:
        if error.status == 404 and not error.reason:
            # A kcp that starts says this as well, so it stays worth another try.
            raise KubeError(
                f"The server has no {client.prefix}.",
                hint="The workspace mode is for kcp; use the kubernetes mode for a plain API server.",
            ) from error
        if error.retry_class is RetryClass.TRANSIENT:
            raise
        page = await client.list_page(_NAMESPACES, limit=1, metadata_only=True)
        if not page.records:
            raise
        record = page.records[0]
    cluster = record.meta.annotation(KCP_CLUSTER)
    if not cluster:
        raise KubeError(
            f"{client.prefix} does not say which logical cluster it is (annotation {KCP_CLUSTER}).",
            hint="The workspace mode is for kcp; use the kubernetes mode for a plain API server.",
        )
    return cluster
