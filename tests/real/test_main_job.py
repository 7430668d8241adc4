"""The main job on real servers: what is created upstream runs downstream, and its status is seen upstream."""

from __future__ import annotations

import pytest

from tests.real.scene import Scene, config_map, deployment, pod
from tmc_syncer.testing.polling import eventually


def test_a_deployed_pod_runs_on_the_physical_cluster_and_is_seen_so_upstream(scene: Scene) -> None:
    namespace = scene.namespace()
    scene.upstream.create(pod(namespace))

    copy = scene.wait_copy("Pod", namespace, "lonely")
    assert copy["metadata"]["annotations"]["workload.kcp.io/source-name"] == f"{namespace}/lonely"

    def seen() -> bool:
        up = scene.upstream.get("Pod", "lonely", namespace)
        assert up is not None
        return up["status"]["phase"] == "Running" and bool(up["status"].get("podIP"))

    eventually(seen, message="the pod is Running upstream")
    down = scene.copy("Pod", namespace, "lonely")
    assert down is not None
    assert down["status"]["phase"] == "Running"
    assert down["spec"]["nodeName"]


def test_a_deployment_rolls_out_and_kubectl_upstream_says_so(scene: Scene) -> None:
    namespace = scene.namespace()
    scene.upstream.create(deployment(namespace, replicas=3))

    rollout = scene.upstream.kubectl("rollout", "status", "deployment/web", "-n", namespace, "--timeout=60s")
    assert "successfully rolled out" in rollout.stdout
    up, down = scene.upstream.get("Deployment", "web", namespace), scene.copy("Deployment", namespace, "web")
    assert up is not None
    assert down is not None
    assert up["status"]["readyReplicas"] == down["status"]["readyReplicas"] == 3


def test_deleting_upstream_deletes_downstream_first(scene: Scene) -> None:
    namespace = scene.namespace()
    scene.upstream.create(config_map(namespace))
    scene.wait_copy("ConfigMap", namespace, "settings")
    assert scene.finalizers("ConfigMap", namespace, "settings")

    scene.upstream.delete("ConfigMap", "settings", namespace)

    scene.wait_no_copy("ConfigMap", namespace, "settings")
    eventually(
        lambda: scene.upstream.get("ConfigMap", "settings", namespace) is None, message="gone upstream"
    )


def test_a_deleted_namespace_goes_on_both_sides(scene: Scene) -> None:
    namespace = scene.namespace()
    scene.upstream.create(config_map(namespace))
    scene.wait_copy("ConfigMap", namespace, "settings")

    scene.upstream.delete("Namespace", namespace)

    eventually(
        lambda: scene.upstream.get("Namespace", namespace) is None, 60, message="namespace gone upstream"
    )
    eventually(lambda: scene.downstream_namespace(namespace) is None, 60, message="namespace gone downstream")


@pytest.mark.parametrize("field", ["data", "label"])
def test_what_is_removed_upstream_is_removed_downstream(scene: Scene, field: str) -> None:
    namespace = scene.namespace()
    manifest = config_map(namespace, a="1", b="2")
    manifest["metadata"]["labels"] = {"x": "1", "y": "2"}
    scene.upstream.create(manifest)
    scene.wait_copy("ConfigMap", namespace, "settings")

    removed = {"data": {"b": None}} if field == "data" else {"metadata": {"labels": {"y": None}}}
    scene.upstream.patch("ConfigMap", "settings", namespace, removed)

    def gone() -> bool:
        copy = scene.copy("ConfigMap", namespace, "settings")
        assert copy is not None
        return "b" not in copy["data"] if field == "data" else "y" not in copy["metadata"]["labels"]

    eventually(gone, message="the removal arrived")
