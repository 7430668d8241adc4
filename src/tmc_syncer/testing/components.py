"""The controllers and the scheduler that work on an API server.

A plain control plane runs only the controllers that every API server needs to keep its promises: namespaces end,
dependents are collected, service accounts exist. A physical cluster runs the workload controllers and the scheduler too.

Each component logs in as a user of its own with all rights (``system:kube-controller-manager``,
``system:kube-scheduler``), so that the audit log tells their requests from those of tests. Leader election is off: a
component whose API server goes away keeps running and goes on when it is back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from tmc_syncer.testing.assets import Assets
from tmc_syncer.testing.process import ServerProcess

__all__ = [
    "CONTROL_PLANE_CONTROLLERS",
    "PHYSICAL_CLUSTER_CONTROLLERS",
    "controller_manager",
    "scheduler",
]

CONTROL_PLANE_CONTROLLERS = (
    "namespace-controller",
    "garbage-collector-controller",
    "serviceaccount-controller",
    # The API server gives each claim a finalizer that only this one takes off.
    "persistentvolumeclaim-protection-controller",
)
"""No workload controllers: their status would fight the status that is synced up."""

PHYSICAL_CLUSTER_CONTROLLERS = (
    *CONTROL_PLANE_CONTROLLERS,
    "deployment-controller",
    "replicaset-controller",
    "statefulset-controller",
    "daemonset-controller",
    "job-controller",
    "cronjob-controller",
    "endpointslice-controller",
    "endpoints-controller",
    "root-ca-certificate-publisher-controller",
    "disruption-controller",
    "ttl-after-finished-controller",
    "horizontal-pod-autoscaler-controller",
    "persistentvolume-binder-controller",
    "pod-garbage-collector-controller",
    "resourcequota-controller",
)
"""What a cluster that runs Pods has; controllers that need a cloud or real nodes are left out."""


def controller_manager(
    directory: Path,
    *,
    assets: Assets,
    kubeconfig: Path,
    controllers: Sequence[str],
    root_ca_path: Path,
    service_account_key_path: Path,
    log_path: Path,
    is_ready: Callable[[], bool],
) -> ServerProcess:
    """Describe a kube-controller-manager that runs exactly ``controllers``. Raises ``AssetsMissing``."""
    command = [
        str(assets.program("kube-controller-manager")),
        f"--kubeconfig={kubeconfig}",
        f"--controllers={','.join(controllers)}",
        "--leader-elect=false",
        f"--root-ca-file={root_ca_path}",
        f"--service-account-private-key-file={service_account_key_path}",
        "--secure-port=0",
        # The default of 20 requests per second would make a test with many objects wait for the controllers.
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
    ]
    return ServerProcess(
        "kube-controller-manager", command, log_path=log_path, directory=directory, is_ready=is_ready
    )


def scheduler(directory: Path, *, assets: Assets, kubeconfig: Path, log_path: Path) -> ServerProcess:
    """Describe a kube-scheduler, which counts as ready at once: a Pod waits for it. Raises ``AssetsMissing``."""
    command = [
        str(assets.program("kube-scheduler")),
        f"--kubeconfig={kubeconfig}",
        "--leader-elect=false",
        "--secure-port=0",
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
    ]
    return ServerProcess(
        "kube-scheduler", command, log_path=log_path, directory=directory, is_ready=lambda: True
    )
