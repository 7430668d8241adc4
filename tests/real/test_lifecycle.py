"""The life of a synced object on real servers: changed, relabelled, scaled, deleted, made anew, moved out and back.

At each station both worlds are looked at: what stands where, which uid it stands for, whose finalizers are left.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tests.real.samples import SAMPLES, Manifest
from tests.real.scene import OWN_AGENT, Scene, config_map, deployment
from tests.real.stories import kind_of
from tmc_syncer.api.resources import GVR
from tmc_syncer.testing.agent import AgentProcess
from tmc_syncer.testing.polling import eventually, steady

SOURCE_UID = "workload.kcp.io/source-uid"


@pytest.fixture(scope="module")
def home(scene: Scene) -> str:
    """A namespace for objects with names of their own."""
    return scene.namespace()


def is_gone(scene: Scene, kind: str, namespace: str | None, name: str) -> bool:
    """The object is gone upstream, and so is its copy."""
    if scene.upstream.get(kind, name, namespace) is not None:
        return False
    assert namespace is None or scene.copy(kind, namespace, name) is None, "the copy outlived its object"
    return True


def create(scene: Scene, manifest: Manifest) -> Manifest:
    """Create an object upstream and wait until its copy stands for this very one; the object."""
    made = scene.upstream.create(manifest)
    wait_current(scene, made)
    return made


def wait_current(scene: Scene, up: Manifest) -> None:
    meta = up["metadata"]

    def current() -> bool:
        found = scene.copy(up["kind"], meta["namespace"], meta["name"])
        return found is not None and found["metadata"]["annotations"][SOURCE_UID] == meta["uid"]

    eventually(current, 60, message=f"a copy of {up['kind']} {meta['name']} for {meta['uid']}")


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_life_from_creation_over_changed_labels_to_deletion_and_a_second_life_under_the_same_name(
    scene: Scene, home: str, sample: str
) -> None:
    kind, name = kind_of(sample), f"life-of-{sample}"
    first = create(scene, SAMPLES[sample](home, name))

    def labels() -> Any:
        found = scene.copy(kind, home, name)
        assert found is not None
        return {key: value for key, value in found["metadata"]["labels"].items() if "kcp.io" not in key}

    def relabel(**changed: str | None) -> None:
        scene.upstream.patch(kind, name, home, {"metadata": {"labels": changed}})

    relabel(team="red", stage="test")
    eventually(lambda: labels() == {"app": name, "team": "red", "stage": "test"}, message="labels changed")
    relabel(team=None)
    eventually(lambda: labels() == {"app": name, "stage": "test"}, message="one label removed")

    scene.upstream.delete(kind, name, home)
    eventually(partial(is_gone, scene, kind, home, name), 60, message="gone on both sides")

    second = create(scene, SAMPLES[sample](home, name))
    assert second["metadata"]["uid"] != first["metadata"]["uid"]
    eventually(lambda: labels() == {"app": name, "team": "blue"}, message="the labels of the second")
    assert len(scene.finalizers(kind, home, name)) == 1

    scene.upstream.delete(kind, name, home)
    eventually(partial(is_gone, scene, kind, home, name), 60, message="gone on both sides again")
    assert not [found for found in scene.marked(home) if found.endswith(f"/{name}")]


def rich_deployment(namespace: str) -> Manifest:
    """A Deployment with two of everything that can be taken away."""
    manifest = deployment(namespace, replicas=1)
    manifest["metadata"]["labels"] = {"app": "web", "extra": "1"}
    manifest["metadata"]["annotations"] = {"example.com/keep": "1", "example.com/extra": "1"}
    template = manifest["spec"]["template"]
    template["metadata"] = {
        "labels": {**template["metadata"]["labels"], "extra": "1"},
        "annotations": {"example.com/extra": "1"},
    }
    template["spec"]["containers"][0]["env"] = [
        {"name": "KEEP", "value": "1"},
        {"name": "EXTRA", "value": "1"},
    ]
    template["spec"]["containers"].append({"name": "extra", "image": "example.com/extra:1"})
    return manifest


REMOVALS: dict[str, list[str]] = {
    "label": ["metadata", "labels", "extra"],
    "annotation": ["metadata", "annotations", "example.com~1extra"],
    "template label": ["spec", "template", "metadata", "labels", "extra"],
    "all template annotations": ["spec", "template", "metadata", "annotations"],
    "env entry": ["spec", "template", "spec", "containers", "0", "env", "1"],
    "container": ["spec", "template", "spec", "containers", "1"],
}


@pytest.mark.parametrize("removed", REMOVALS)
def test_what_is_removed_from_a_deployment_upstream_goes_downstream_without_a_conflict(
    scene: Scene, removed: str
) -> None:
    namespace = scene.namespace()
    create(scene, rich_deployment(namespace))
    eventually(lambda: is_rolled_out(scene, namespace), 60, message="rolled out")
    before = scene.conflicts()
    path = REMOVALS[removed]

    scene.upstream.patch("Deployment", "web", namespace, [{"op": "remove", "path": "/" + "/".join(path)}])

    eventually(lambda: not holds(scene.copy("Deployment", namespace, "web"), path), message=f"no {removed}")
    found = scene.copy("Deployment", namespace, "web")
    assert found is not None
    left = [other for other in REMOVALS.values() if other != path]
    assert all(holds(found, other) for other in left), "something else went too"
    eventually(lambda: is_rolled_out(scene, namespace), 60, message="rolled out without it")
    assert scene.conflicts() == before


def holds(obj: Any, path: list[str]) -> bool:
    """Whether the object has the field that a JSON pointer names."""
    for step in path:
        step = step.replace("~1", "/")  # noqa: PLW2901
        if isinstance(obj, list):
            if int(step) >= len(obj):
                return False
            obj = obj[int(step)]
        elif step in (obj or {}):
            obj = obj[step]
        else:
            return False
    return True


def is_rolled_out(scene: Scene, namespace: str) -> bool:
    up = scene.upstream.get("Deployment", "web", namespace)
    assert up is not None
    status = up.get("status", {})
    counts = {status.get(name) for name in ("replicas", "readyReplicas", "updatedReplicas")}
    return status.get("observedGeneration") == up["metadata"]["generation"] and counts == {
        up["spec"]["replicas"]
    }


def test_a_removed_key_of_a_config_map_goes_downstream_without_a_conflict(scene: Scene, home: str) -> None:
    create(scene, config_map(home, "keys", keep="1", extra="1"))
    before = scene.conflicts()

    scene.upstream.patch("ConfigMap", "keys", home, {"data": {"extra": None}})

    def data() -> Any:
        found = scene.copy("ConfigMap", home, "keys")
        assert found is not None
        return found.get("data")

    eventually(lambda: data() == {"keep": "1"}, message="one key less")
    scene.upstream.patch("ConfigMap", "keys", home, {"data": None})
    eventually(lambda: not data(), message="no key left")
    assert scene.conflicts() == before


def test_a_deployment_is_scaled_and_rolled_over_with_kubectl_upstream(scene: Scene) -> None:
    namespace = scene.namespace()
    create(scene, deployment(namespace, replicas=1))
    kubectl = partial(scene.upstream.kubectl, "-n", namespace)

    kubectl("scale", "deployment/web", "--replicas=4")
    kubectl("set", "image", "deployment/web", "web=example.com/web:2")
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")

    place = scene.downstream_namespace(namespace)

    def images() -> list[str]:
        pods = scene.downstream.list_objects("Pod", place)
        return [pod["spec"]["containers"][0]["image"] for pod in pods if pod["status"]["phase"] == "Running"]

    eventually(lambda: images() == ["example.com/web:2"] * 4, message="four new pods, no old one")
    kubectl("scale", "deployment/web", "--replicas=0")
    eventually(lambda: images() == [], message="no pods")


@pytest.mark.parametrize("moment", ["at once", "while the one downstream goes"])
def test_a_namespace_deleted_and_made_anew_gets_everything_again(scene: Scene, moment: str) -> None:
    namespace = scene.namespace()
    made = [create(scene, manifest) for manifest in (config_map(namespace), deployment(namespace))]
    place = scene.downstream_namespace(namespace)
    assert place is not None
    old = scene.downstream.get("Namespace", place)
    assert old is not None

    scene.upstream.delete("Namespace", namespace)
    eventually(partial(is_gone, scene, "Namespace", None, namespace), 60, message="gone upstream")
    if moment != "at once":
        eventually(lambda: is_going(scene, place, old["metadata"]["uid"]), 60, message="going downstream")

    scene.namespace(namespace)
    for before in made:
        manifest = config_map(namespace) if before["kind"] == "ConfigMap" else deployment(namespace)
        again = scene.upstream.create(manifest)
        assert again["metadata"]["uid"] != before["metadata"]["uid"]
        wait_current(scene, again)
    eventually(lambda: is_rolled_out(scene, namespace), 60, message="rolled out again")
    assert scene.marked(namespace) == {"configmaps/settings", "deployments.apps/web"}
    assert scene.downstream_namespace(namespace) == place


def is_going(scene: Scene, place: str, uid: str) -> bool:
    """The downstream namespace of that uid has a deletionTimestamp, or is gone."""
    found = scene.downstream.get("Namespace", place)
    return found is None or found["metadata"]["uid"] != uid or "deletionTimestamp" in found["metadata"]


# With an agent of the test: selectors and a policy that the shared one does not have


@pytest.fixture(scope="module")
def choosy(
    scene: Scene, tmp_path_factory: pytest.TempPathFactory, kept_processes: set[int]
) -> Iterator[Scene]:
    """The same servers with an agent that takes objects with label track=fast in namespaces with test-agent=choosy."""
    types = (GVR("", "v1", "configmaps"), GVR("apps", "v1", "deployments"))
    flags = ("--selector", "track=fast", "--namespace-selector", f"{OWN_AGENT}=choosy")
    directory = tmp_path_factory.mktemp("choosy")
    agent = AgentProcess(
        directory, scene.upstream, scene.downstream, target="choosy", types=types, flags=flags
    )
    agent.start()
    kept_processes.add(agent.pid or 0)
    yield Scene(scene.upstream, scene.downstream, agent)
    agent.stop()


def labelled(manifest: Manifest, **labels: str) -> Manifest:
    manifest["metadata"].setdefault("labels", {}).update(labels)
    return manifest


def relabel(scene: Scene, kind: str, name: str, namespace: str | None, **labels: str | None) -> None:
    scene.upstream.patch(kind, name, namespace, {"metadata": {"labels": labels}})


def test_what_moves_out_of_a_selector_leaves_and_what_moves_back_returns(choosy: Scene) -> None:
    namespace = choosy.namespace(**{OWN_AGENT: "choosy"})
    objects = [("ConfigMap", "settings"), ("Deployment", "web")]
    made = [
        create(choosy, labelled(manifest, track="fast"))
        for manifest in (config_map(namespace), deployment(namespace))
    ]
    choosy.upstream.create(config_map(namespace, "unselected"))

    def left() -> bool:
        return choosy.marked(namespace) == set() and not any(
            choosy.finalizers(kind, namespace, name) for kind, name in objects
        )

    def returned() -> bool:
        for up in made:
            wait_current(choosy, up)
        return choosy.marked(namespace) == {"configmaps/settings", "deployments.apps/web"}

    for kind, name in objects:
        relabel(choosy, kind, name, namespace, track="slow")
    eventually(left, 60, message="out of the object selector")
    place = choosy.downstream_namespace(namespace)
    assert choosy.downstream.list_objects("Pod", place) == [], "the pods of the Deployment went with it"
    for kind, name in objects:
        relabel(choosy, kind, name, namespace, track="fast")
    eventually(returned, message="back in the object selector")

    relabel(choosy, "Namespace", namespace, None, **{OWN_AGENT: "another"})
    eventually(left, 60, message="out of the namespace selector")
    for kind, name in objects:
        assert choosy.upstream.get(kind, name, namespace) is not None
    relabel(choosy, "Namespace", namespace, None, **{OWN_AGENT: "choosy"})
    eventually(returned, message="back in the namespace selector")

    assert not choosy.finalizers("ConfigMap", namespace, "unselected")
    assert choosy.copy("ConfigMap", namespace, "unselected") is None


def test_without_finalizers_an_object_replaced_at_once_is_replaced_downstream_too(choosy: Scene) -> None:
    choosy.upstream.patch("SyncTarget", "choosy", None, {"spec": {"finalizers": "None"}})
    namespace = choosy.namespace(**{OWN_AGENT: "choosy"})

    def without_finalizer() -> bool:
        # The change of the SyncTarget reaches the agent by a watch: objects made before that have a finalizer.
        probe = labelled(config_map(namespace, "probe"), track="fast")
        create(choosy, probe)
        free = not choosy.finalizers("ConfigMap", namespace, "probe")
        choosy.upstream.delete("ConfigMap", "probe", namespace)
        eventually(partial(is_gone, choosy, "ConfigMap", namespace, "probe"), message="the probe is gone")
        return free

    eventually(without_finalizer, message="finalizers are off")
    create(choosy, labelled(config_map(namespace, a="1"), track="fast"))
    choosy.upstream.delete("ConfigMap", "settings", namespace)
    choosy.upstream.create(labelled(config_map(namespace, b="2"), track="fast"))

    def replaced() -> bool:
        up = choosy.upstream.get("ConfigMap", "settings", namespace)
        down = choosy.copy("ConfigMap", namespace, "settings")
        assert up is not None
        assert down is not None
        same = down["metadata"]["annotations"][SOURCE_UID] == up["metadata"]["uid"]
        return (
            same and down["data"] == {"b": "2"} and not choosy.finalizers("ConfigMap", namespace, "settings")
        )

    eventually(replaced, message="the copy is that of the second")
    choosy.upstream.delete("ConfigMap", "settings", namespace)
    eventually(lambda: choosy.marked(namespace) == set(), message="nothing is left")
    steady(lambda: choosy.upstream.get("ConfigMap", "settings", namespace) is None, 0.5)
