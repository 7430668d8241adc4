"""Every kind that a workload needs, on real servers: what its copy looks like, that pods run, that status comes up.

All objects stand in one namespace, created by one kubectl upstream. Where no controller downstream writes the status
of a kind, the test plays that controller, and nothing else does.
"""

from __future__ import annotations

import copy
import json
import re
import uuid
from functools import partial

import pytest

from tests.real.samples import ANNOTATION, SAMPLES, Manifest
from tests.real.scene import FINALIZER_PREFIX, LOCATOR, Scene
from tests.real.stories import STORIES, Expectation, Shop, kind_of
from tmc_syncer.api.locator import parse_locator
from tmc_syncer.api.names import sync_target_key
from tmc_syncer.testing.polling import eventually

RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
DIGEST = re.compile(r"[0-9a-f]{32}")
CLUSTERS_OWN_ANNOTATIONS = (
    "deployment.kubernetes.io/",
    "deprecated.daemonset.",
    "pv.kubernetes.io/",
)
"""What a cluster writes on its own object; it stays there."""


@pytest.fixture(scope="module")
def shop(scene: Scene) -> Shop:
    name = f"shop-{uuid.uuid4().hex[:8]}"
    namespace = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {"team": "blue"}, "annotations": dict([ANNOTATION])},
    }
    items = [namespace, *(make(name, sample) for sample, make in SAMPLES.items())]
    everything = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    scene.upstream.kubectl("apply", "-f", "-", input=everything)
    return Shop(scene, name)


# What a copy looks like


def marks(shop: Shop, up: Manifest) -> Manifest:
    """The metadata that the copy has by the documentation, but for the values that only the agent knows."""
    locator = parse_locator(json.dumps(locator_of(shop)))
    assert locator is not None
    meta = up["metadata"]
    return {
        "name": meta["name"],
        "namespace": f"kcp-{locator.cluster}-{shop.name}",
        "labels": {
            **meta["labels"],
            "internal.workload.kcp.io/cluster": sync_target_key(locator.cluster, shop.scene.agent.target),
            "kcp.io/sync-target": shop.scene.agent.target,
            "kcp.io/workspace": locator.cluster,
            "kcp.io/managed": "true",
        },
        "annotations": {
            **dict([ANNOTATION]),
            "workload.kcp.io/source-uid": meta["uid"],
            "workload.kcp.io/source-name": f"{shop.name}/{meta['name']}",
        },
    }


def locator_of(shop: Shop) -> Manifest:
    namespace = shop.scene.downstream.get("Namespace", shop.place)
    assert namespace is not None
    found: Manifest = json.loads(namespace["metadata"]["annotations"][LOCATOR])
    return found


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_copy_has_the_documented_name_labels_and_annotations_and_no_others(shop: Shop, sample: str) -> None:
    down = shop.scene.wait_copy(kind_of(sample), shop.name, sample)["metadata"]
    up = shop.up(sample)

    annotations = {
        name: value
        for name, value in down["annotations"].items()
        if not name.startswith(CLUSTERS_OWN_ANNOTATIONS)
    }
    assert DIGEST.fullmatch(annotations.pop("workload.kcp.io/applied-digest"))
    assert RFC_3339.fullmatch(annotations.pop("kcp.io/synced-at"))
    # Without a status subresource a status raises the generation too; it is written with content only.
    assert 0 <= int(annotations.pop("kcp.io/sync-generation")) <= up["metadata"].get("generation", 0)
    seen = {"name": down["name"], "namespace": down["namespace"], "labels": down["labels"]}
    assert {**seen, "annotations": annotations} == marks(shop, up)
    assert not any(name.startswith(FINALIZER_PREFIX) for name in down.get("finalizers", []))


@pytest.mark.parametrize("sample", SAMPLES)
def test_upstream_an_object_gets_our_finalizer_and_nothing_else(shop: Shop, sample: str) -> None:
    shop.scene.wait_copy(kind_of(sample), shop.name, sample)
    meta = shop.up(sample)["metadata"]

    assert len([name for name in meta["finalizers"] if name.startswith(FINALIZER_PREFIX)]) == 1
    assert meta["labels"] == {"app": sample, "team": "blue"}
    annotations = {name for name in meta["annotations"] if not name.startswith(CLUSTERS_OWN_ANNOTATIONS)}
    assert annotations == {ANNOTATION[0], "kubectl.kubernetes.io/last-applied-configuration"}


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_copy_has_the_content_of_its_upstream_object(shop: Shop, sample: str) -> None:
    """But for what a server assigns for its own cluster, and the fence that a namespace selector gets."""
    shop.scene.wait_copy(kind_of(sample), shop.name, sample)
    wanted = content(shop.up(sample))
    if sample == "networkpolicy":
        namespace = shop.scene.downstream.get("Namespace", shop.place)
        assert namespace is not None
        tenant = {"kcp.io/tenant-id": namespace["metadata"]["labels"]["kcp.io/tenant-id"]}
        wanted["spec"]["ingress"][0]["from"][1]["namespaceSelector"] = {"matchLabels": tenant}
    assert content(shop.down(sample)) == wanted


def content(obj: Manifest) -> Manifest:
    """The user's part of an object, without what a server assigns."""
    result = copy.deepcopy({name: obj[name] for name in obj if name not in ("metadata", "status")})
    spec = result.get("spec", {})
    match obj["kind"]:
        case "Pod":
            spec.pop("nodeName", None)
        case "Service":
            for name in ("clusterIP", "clusterIPs"):
                assert spec.pop(name)
            for port in spec["ports"]:
                port.pop("nodePort", None)
        case "PersistentVolumeClaim":
            spec.pop("volumeName", None)
        case "Job":
            spec.pop("selector", None)
            spec["template"]["metadata"]["labels"] = {"app": spec["template"]["metadata"]["labels"]["app"]}
        case _:
            pass
    return result


def test_a_namespace_is_mapped_with_its_locator_and_the_users_labels(shop: Shop) -> None:
    scene = shop.scene
    scene.wait_copy("ConfigMap", shop.name, "configmap")
    up, down = (
        scene.upstream.get("Namespace", shop.name),
        scene.downstream.get("Namespace", shop.place),
    )
    assert up is not None
    assert down is not None

    locator = locator_of(shop)
    target = scene.upstream.get("SyncTarget", scene.agent.target)
    assert target is not None
    assert locator == {
        "syncTarget": {
            "cluster": locator["cluster"],
            "name": scene.agent.target,
            "uid": target["metadata"]["uid"],
        },
        "cluster": locator["cluster"],
        "namespace": shop.name,
    }
    assert re.fullmatch(r"[0-9a-z]{12}", locator["cluster"])
    assert shop.place == f"kcp-{locator['cluster']}-{shop.name}"
    parsed = parse_locator(json.dumps(locator))
    assert parsed is not None
    assert down["metadata"]["labels"] == {
        "team": "blue",
        "internal.workload.kcp.io/cluster": sync_target_key(locator["cluster"], scene.agent.target),
        "kcp.io/sync-target": scene.agent.target,
        "kcp.io/workspace": locator["cluster"],
        "kcp.io/managed": "true",
        "kcp.io/tenant-id": parsed.tenant,
        "pod-security.kubernetes.io/enforce": "baseline",
        "kubernetes.io/metadata.name": shop.place,
    }
    annotations = down["metadata"]["annotations"]
    assert annotations[ANNOTATION[0]] == ANNOTATION[1]
    assert annotations["workload.kcp.io/source-uid"] == up["metadata"]["uid"]
    assert "kubectl.kubernetes.io/last-applied-configuration" not in annotations


# Pods


@pytest.mark.parametrize(
    ("sample", "pods"), [("deployment", 2), ("statefulset", 1), ("daemonset", 3), ("pod", 1)]
)
def test_pods_of_a_workload_run_on_the_physical_cluster(shop: Shop, sample: str, pods: int) -> None:
    def running() -> bool:
        found = shop.scene.downstream.list_objects("Pod", shop.place, label_selector=f"app={sample}")
        return [pod["status"]["phase"] for pod in found if pod["spec"].get("nodeName")] == ["Running"] * pods

    shop.scene.wait_copy(kind_of(sample), shop.name, sample)
    eventually(running, 60, message=f"the pods of {sample} run")


@pytest.mark.parametrize("sample", ["deployment", "statefulset", "daemonset"])
def test_kubectl_rollout_status_upstream_ends_well(shop: Shop, sample: str) -> None:
    done = shop.scene.upstream.kubectl(
        "rollout", "status", f"{sample}/{sample}", "-n", shop.name, "--timeout=60s"
    )
    assert "roll" in done.stdout


# The tests of the statuses


@pytest.mark.parametrize("sample", STORIES)
def test_a_status_is_seen_upstream_and_follows_its_changes(shop: Shop, sample: str) -> None:
    shop.scene.wait_copy(kind_of(sample), shop.name, sample)
    seen: set[str] = set()
    for expected in STORIES[sample](shop):
        eventually(
            partial(is_seen, shop, sample, expected),
            90,
            message=f"the status of {sample}, change {len(seen)}",
            ignoring=(KeyError,),  # of a field that the status does not have yet
        )
        seen.add(json.dumps(shop.up(sample)["status"], sort_keys=True))
    assert len(seen) >= 3  # the first and two changes


def is_seen(shop: Shop, sample: str, expected: Expectation) -> bool:
    """Whether the copy has the expected status, and upstream shows the same one by the documented mapping."""
    down, up = shop.down(sample), shop.up(sample)
    assert expected(down.get("status", {})), down.get("status")
    wanted = copy.deepcopy(down["status"])
    for part in (wanted, *wanted.get("conditions", ())):
        if "observedGeneration" in part:
            part["observedGeneration"] = up["metadata"]["generation"]
    assert up.get("status") == wanted
    return True


@pytest.mark.parametrize("sample", sorted(set(SAMPLES) - set(STORIES)))
def test_a_kind_without_status_has_none_on_either_side(shop: Shop, sample: str) -> None:
    shop.scene.wait_copy(kind_of(sample), shop.name, sample)
    assert "status" not in shop.up(sample)
    assert "status" not in shop.down(sample)
