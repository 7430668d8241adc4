"""What is not ours is not touched: same names made by others, clones with all our marks, what controllers make.

And the two doors: a tenant may have a foreign object in a namespace of ours adopted, and ServiceAccount ``default``
gets the imagePullSecrets of its upstream namesake.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.real.samples import SAMPLES, Manifest
from tests.real.scene import COPY_LABEL, OWN_AGENT, Scene, config_map, deployment
from tests.real.stories import kind_of
from tmc_syncer.api.resources import GVR
from tmc_syncer.testing.agent import AgentProcess
from tmc_syncer.testing.polling import eventually, steady

ADOPT = {"workload.kcp.io/adopt": "true"}
PAUSED = "workload.kcp.io/sync-paused"
STEADY_SECONDS = 1.0
WRITES = {"create", "update", "patch", "delete", "deletecollection"}


@pytest.fixture(scope="module")
def home(scene: Scene) -> str:
    """A namespace that has its place downstream."""
    namespace = scene.namespace()
    scene.upstream.create(config_map(namespace, "first"))
    scene.wait_copy("ConfigMap", namespace, "first")
    return namespace


def place_of(scene: Scene, namespace: str) -> str:
    found = scene.downstream_namespace(namespace)
    assert found is not None
    return found


def said_of(scene: Scene, name: str) -> Manifest:
    """What `/statusz` says of ``namespace/name``; empty when it says nothing."""
    found = [obj for obj in scene.agent.statusz(f"?name={name}")["objects"] if obj["state"] != "synced"]
    return found[0] if found else {}


def wait_collision(scene: Scene, namespace: str, name: str) -> Manifest:
    return (
        eventually(
            lambda: (
                said if (said := said_of(scene, f"{namespace}/{name}")).get("reason") == "Collision" else None
            ),
            message=f"a Collision of {name} in /statusz",
        )
        or {}
    )


def fingerprint(scene: Scene, kind: str, name: str, place: str) -> tuple[str, str]:
    """Which object stands there, and in which version: no write at all keeps both."""
    found = scene.downstream.get(kind, name, place)
    assert found is not None, f"{kind} {name} is gone"
    return found["metadata"]["uid"], found["metadata"]["resourceVersion"]


def is_gone_upstream(scene: Scene, kind: str, name: str, namespace: str) -> bool:
    return scene.upstream.get(kind, name, namespace) is None


# The same name


@pytest.mark.parametrize(
    "sample", ["configmap", "secret", "service", "networkpolicy", "serviceaccount", "custom"]
)
def test_what_somebody_else_made_under_the_same_name_stays_and_is_shown_as_a_collision(
    scene: Scene, home: str, sample: str
) -> None:
    kind, name, place = kind_of(sample), f"taken-{sample}", place_of(scene, home)
    scene.downstream.create(SAMPLES[sample](place, name))
    before = fingerprint(scene, kind, name, place)

    scene.upstream.create(SAMPLES[sample](home, name))
    said = wait_collision(scene, home, name)
    assert f"{place}/{name}" in said["message"]
    assert fingerprint(scene, kind, name, place) == before

    scene.upstream.delete(kind, name, home)
    eventually(partial(is_gone_upstream, scene, kind, name, home), message="the upstream object may go")
    steady(lambda: fingerprint(scene, kind, name, place) == before, STEADY_SECONDS)


def test_a_collision_ends_when_the_other_object_goes(scene: Scene, home: str) -> None:
    place = place_of(scene, home)
    scene.downstream.create(config_map(place, "in-the-way"))
    scene.upstream.create(config_map(home, "in-the-way"))
    wait_collision(scene, home, "in-the-way")

    scene.downstream.delete("ConfigMap", "in-the-way", place)
    scene.upstream.patch(
        "ConfigMap", "in-the-way", home, {"data": {"a": "1"}}
    )  # or half a minute later by itself

    eventually(
        lambda: (scene.copy("ConfigMap", home, "in-the-way") or {}).get("data", {}).get("a") == "1",
        message="the copy stands",
    )


def test_a_foreign_namespace_of_the_readable_name_is_left_alone_and_the_copies_go_elsewhere(
    scene: Scene, home: str
) -> None:
    namespace = f"{home}-taken"
    readable = f"{place_of(scene, home)}-taken"
    scene.downstream.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": readable}})
    scene.downstream.create(config_map(readable))
    before = fingerprint(scene, "ConfigMap", "settings", readable)

    scene.namespace(namespace)
    scene.upstream.create(config_map(namespace, a="1"))
    copy = scene.wait_copy("ConfigMap", namespace, "settings")

    assert copy["metadata"]["namespace"] != readable
    assert copy["metadata"]["namespace"].startswith("kcp-")
    scene.upstream.delete("Namespace", namespace)
    eventually(lambda: scene.upstream.get("Namespace", namespace) is None, 60, message="gone upstream")
    eventually(lambda: scene.downstream_namespace(namespace) is None, 60, message="gone downstream")
    assert fingerprint(scene, "ConfigMap", "settings", readable) == before


# Clones: all our labels and annotations


def clone(scene: Scene, kind: str, name: str, source: str, place: str, new_name: str) -> tuple[str, str]:
    """What ``kubectl get -o yaml``, an edit of the name, and ``kubectl create`` make."""
    manifest = scene.downstream.get(kind, name, source)
    assert manifest is not None
    meta = manifest["metadata"]
    for field in ("uid", "resourceVersion", "creationTimestamp", "managedFields", "generation"):
        meta.pop(field, None)
    manifest.pop("status", None)
    meta.update(name=new_name, namespace=place)
    assert COPY_LABEL in meta["labels"]
    scene.downstream.create(manifest)
    return fingerprint(scene, kind, new_name, place)


def test_clones_of_a_copy_with_all_our_marks_are_never_touched_and_keep_their_namespace(scene: Scene) -> None:
    namespace = scene.namespace()
    scene.upstream.create(config_map(namespace, "settings", a="1"))
    scene.wait_copy("ConfigMap", namespace, "settings")
    place, elsewhere = place_of(scene, namespace), f"foreign-{namespace}"
    scene.downstream.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": elsewhere}})
    clones = {
        ("cloned", place): clone(scene, "ConfigMap", "settings", place, place, "cloned"),
        ("settings", elsewhere): clone(scene, "ConfigMap", "settings", place, elsewhere, "settings"),
    }

    def untouched() -> bool:
        return all(fingerprint(scene, "ConfigMap", *where) == before for where, before in clones.items())

    scene.upstream.patch("ConfigMap", "settings", namespace, {"data": {"a": "2"}})
    eventually(
        lambda: (scene.copy("ConfigMap", namespace, "settings") or {})["data"] == {"a": "2"},
        message="the change arrived in the copy",
    )
    assert untouched()
    scene.upstream.delete("ConfigMap", "settings", namespace)
    scene.wait_no_copy("ConfigMap", namespace, "settings")
    steady(untouched, STEADY_SECONDS)
    assert scene.upstream.get("ConfigMap", "cloned", namespace) is None

    scene.upstream.delete("Namespace", namespace)
    eventually(lambda: scene.upstream.get("Namespace", namespace) is None, 60, message="gone upstream")
    said = eventually(
        lambda: said if (said := said_of(scene, namespace)).get("reason") == "NamespaceNotEmpty" else None,
        message="it is said what keeps the namespace",
    )
    assert said is not None
    assert "configmaps/cloned" in said["message"]
    assert untouched()


# What controllers make of our copies


def test_what_controllers_make_of_our_workloads_is_theirs_although_its_type_is_synced(scene: Scene) -> None:
    namespace = scene.namespace()
    scene.upstream.create(deployment(namespace))
    scene.upstream.create(SAMPLES["service"](namespace, "web"))
    scene.upstream.kubectl("rollout", "status", "deployment/web", "-n", namespace, "--timeout=60s")
    place = place_of(scene, namespace)

    def made() -> dict[str, list[Manifest]]:
        found = {
            kind: scene.downstream.list_objects(kind, place)
            for kind in ("ReplicaSet", "EndpointSlice", "Pod")
        }
        return found if all(found.values()) else {}

    theirs = eventually(made, message="a ReplicaSet, an EndpointSlice, Pods")
    [slice_] = theirs["EndpointSlice"]
    assert COPY_LABEL in slice_["metadata"]["labels"], "the controller copies labels, so the test is one"
    [replica_set] = theirs["ReplicaSet"]
    assert "workload.kcp.io/source-uid" in replica_set["metadata"]["annotations"]
    mark = scene.downstream.audit_mark()

    scene.upstream.kubectl("scale", "deployment/web", "--replicas=3", "-n", namespace)
    scene.upstream.kubectl("rollout", "status", "deployment/web", "-n", namespace, "--timeout=60s")

    def uids(kind: str) -> set[str]:
        return {found["metadata"]["uid"] for found in scene.downstream.list_objects(kind, place)}

    assert uids("ReplicaSet") == {replica_set["metadata"]["uid"]}
    assert uids("EndpointSlice") == {slice_["metadata"]["uid"]}
    assert uids("Pod") > {pod["metadata"]["uid"] for pod in theirs["Pod"]}
    for kind in theirs:
        assert scene.upstream.list_objects(kind, namespace) == []
    assert written(scene, mark, place, {"replicasets", "endpointslices", "pods"}) == []


def written(scene: Scene, mark: int, place: str, resources: set[str]) -> list[str]:
    """The writes of the agent in one downstream namespace since a mark of the audit log."""
    return [
        f"{event['verb']} {event['objectRef']['resource']}/{event['objectRef'].get('name')}"
        for event in scene.downstream.audit(scene.agent.user, since=mark)
        if event["verb"] in WRITES
        and event["objectRef"].get("namespace") == place
        and event["objectRef"]["resource"] in resources
    ]


# ServiceAccount default


def pull_secrets(*names: str) -> list[dict[str, str]]:
    return [{"name": name} for name in names]


def account(scene: Scene, place: str) -> Manifest:
    found = eventually(
        lambda: scene.downstream.get("ServiceAccount", "default", place), message="the account"
    )
    assert found is not None
    return found


def test_the_default_account_is_neither_made_nor_marked_nor_deleted_nor_shown(scene: Scene) -> None:
    namespace = scene.namespace()
    scene.upstream.create(config_map(namespace))
    scene.wait_copy("ConfigMap", namespace, "settings")
    place = place_of(scene, namespace)
    before = account(scene, place)

    scene.upstream.patch("ServiceAccount", "default", namespace, {"metadata": {"labels": {"a": "1"}}})
    scene.upstream.create(config_map(namespace, "second"))
    scene.wait_copy("ConfigMap", namespace, "second")

    assert account(scene, place) == before
    assert scene.finalizers("ServiceAccount", namespace, "default") == []
    assert said_of(scene, f"{namespace}/default") == {}


def test_a_default_account_alone_makes_no_namespace(scene: Scene) -> None:
    namespace = scene.namespace()
    eventually(
        lambda: scene.upstream.get("ServiceAccount", "default", namespace), message="the account upstream"
    )
    set_pull_secrets(scene, namespace, "registry")
    # Whatever makes the namespace due makes the agent ask whether something wants it.
    scene.upstream.patch("Namespace", namespace, None, {"metadata": {"labels": {"a": "1"}}})
    steady(lambda: scene.downstream_namespace(namespace) is None, STEADY_SECONDS)


def set_pull_secrets(scene: Scene, namespace: str, *names: str) -> None:
    eventually(
        lambda: scene.upstream.get("ServiceAccount", "default", namespace), message="the account upstream"
    )
    patch = {"imagePullSecrets": pull_secrets(*names) or None}
    scene.upstream.patch("ServiceAccount", "default", namespace, patch)


def test_pull_secrets_of_the_default_account_are_applied_and_nothing_else(scene: Scene) -> None:
    namespace = scene.namespace()
    set_pull_secrets(scene, namespace, "registry")
    scene.upstream.create(config_map(namespace))  # before it there is no namespace downstream
    scene.wait_copy("ConfigMap", namespace, "settings")
    place = place_of(scene, namespace)

    def has(*names: str) -> bool:
        return account(scene, place).get("imagePullSecrets", []) == pull_secrets(*names)

    eventually(partial(has, "registry"), message="the secrets came with the namespace")
    meta = account(scene, place)["metadata"]
    assert "labels" not in meta
    assert "annotations" not in meta
    uid = meta["uid"]
    set_pull_secrets(scene, namespace, "registry", "mirror")
    eventually(partial(has, "registry", "mirror"), message="one more")

    scene.downstream.patch("ServiceAccount", "default", place, {"imagePullSecrets": pull_secrets("other")})
    eventually(partial(has, "registry", "mirror"), message="a change downstream is taken back")
    scene.downstream.patch("ServiceAccount", "default", place, {"metadata": {"labels": {"theirs": "1"}}})
    set_pull_secrets(scene, namespace)
    eventually(has, message="none is left")
    meta = account(scene, place)["metadata"]
    assert (meta["uid"], meta["labels"]) == (uid, {"theirs": "1"})
    assert all(entry["manager"] != "syncer" for entry in meta["managedFields"])


def test_an_account_that_the_cluster_made_anew_gets_its_pull_secrets_again(scene: Scene) -> None:
    namespace = scene.namespace()
    set_pull_secrets(scene, namespace, "registry")
    scene.upstream.create(config_map(namespace))
    scene.wait_copy("ConfigMap", namespace, "settings")
    place = place_of(scene, namespace)
    before = account(scene, place)["metadata"]["uid"]

    scene.downstream.delete("ServiceAccount", "default", place)

    def again() -> bool:
        found = account(scene, place)
        return found["metadata"]["uid"] != before and found.get("imagePullSecrets") == pull_secrets(
            "registry"
        )

    eventually(again, message="the new account has them")


@pytest.fixture
def another(scene: Scene, tmp_path: Path) -> Iterator[Scene]:
    """The same servers with an agent for namespaces with test-agent=accounts, which a test may restart."""
    types = (GVR("", "v1", "configmaps"), GVR("", "v1", "serviceaccounts"))
    flags = ("--namespace-selector", f"{OWN_AGENT}=accounts")
    agent = AgentProcess(
        tmp_path / "agent", scene.upstream, scene.downstream, target="accounts", types=types, flags=flags
    )
    agent.start()
    yield Scene(scene.upstream, scene.downstream, agent)
    agent.stop()


def test_pull_secrets_cost_no_write_at_a_restart_and_leave_with_the_namespace_from_the_selector(
    another: Scene,
) -> None:
    namespace = another.namespace(**{OWN_AGENT: "accounts"})
    set_pull_secrets(another, namespace, "registry")
    another.upstream.create(config_map(namespace))
    another.wait_copy("ConfigMap", namespace, "settings")
    place = place_of(another, namespace)
    applied = partial(lambda: account(another, place).get("imagePullSecrets") == pull_secrets("registry"))
    eventually(applied, message="applied")

    another.agent.stop()
    mark = another.downstream.audit_mark()
    another.agent.start()
    another.upstream.create(config_map(namespace, "after"))
    another.wait_copy("ConfigMap", namespace, "after")
    types = {"serviceaccounts", "configmaps"}
    steady(lambda: written(another, mark, place, types) == ["patch configmaps/after"], 2.0)

    another.upstream.patch("Namespace", namespace, None, {"metadata": {"labels": {OWN_AGENT: "gone"}}})
    eventually(lambda: "imagePullSecrets" not in account(another, place), message="given back")
    another.upstream.patch("Namespace", namespace, None, {"metadata": {"labels": {OWN_AGENT: "accounts"}}})
    eventually(applied, message="applied again")


# Adoption


def test_a_foreign_object_is_adopted_when_its_upstream_object_asks_for_it(scene: Scene, home: str) -> None:
    place = place_of(scene, home)
    scene.downstream.create(config_map(place, "wanted", colour="red", theirs="1"))
    uid, _ = fingerprint(scene, "ConfigMap", "wanted", place)
    up = scene.upstream.create(config_map(home, "wanted", colour="green"))
    wait_collision(scene, home, "wanted")

    scene.upstream.patch("ConfigMap", "wanted", home, {"metadata": {"annotations": ADOPT}})

    def adopted() -> Any:
        found = scene.downstream.get("ConfigMap", "wanted", place)
        assert found is not None
        return found if COPY_LABEL in found["metadata"].get("labels", {}) else None

    found = eventually(adopted, message="the marks of a copy")
    assert found["metadata"]["uid"] == uid
    assert found["metadata"]["annotations"]["workload.kcp.io/source-uid"] == up["metadata"]["uid"]
    assert "workload.kcp.io/adopt" not in found["metadata"]["annotations"]
    assert found["data"] == {"colour": "green", "theirs": "1"}
    eventually(lambda: said_of(scene, f"{home}/wanted") == {}, message="no collision any more")

    scene.upstream.delete("ConfigMap", "wanted", home)
    eventually(partial(is_gone_upstream, scene, "ConfigMap", "wanted", home), message="gone upstream")
    assert scene.downstream.get("ConfigMap", "wanted", place) is None, (
        "from then on it was a copy like any other"
    )


def test_adoption_never_deletes_what_was_not_adopted_before(scene: Scene, home: str) -> None:
    place = place_of(scene, home)
    scene.downstream.create(config_map(place, "kept"))
    before = fingerprint(scene, "ConfigMap", "kept", place)
    scene.upstream.create(config_map(home, "kept", a="1"))
    wait_collision(scene, home, "kept")
    assert scene.finalizers("ConfigMap", home, "kept"), "its deletion goes through the agent"
    wish = {"metadata": {"annotations": {**ADOPT, PAUSED: "true"}}}
    scene.upstream.patch("ConfigMap", "kept", home, wish)
    eventually(lambda: said_of(scene, f"{home}/kept").get("reason") == "Paused", message="paused")

    scene.upstream.delete("ConfigMap", "kept", home)

    eventually(partial(is_gone_upstream, scene, "ConfigMap", "kept", home), message="gone upstream")
    steady(lambda: fingerprint(scene, "ConfigMap", "kept", place) == before, STEADY_SECONDS)


def test_what_a_controller_owns_is_not_adopted(scene: Scene, home: str) -> None:
    place = place_of(scene, home)
    owner = scene.downstream.create(config_map(place, "owner"))
    manifest = config_map(place, "owned")
    manifest["metadata"]["ownerReferences"] = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "name": "owner",
            "uid": owner["metadata"]["uid"],
            "controller": True,
        }
    ]
    scene.downstream.create(manifest)
    before = fingerprint(scene, "ConfigMap", "owned", place)
    wish = config_map(home, "owned", a="1")
    wish["metadata"]["annotations"] = dict(ADOPT)

    scene.upstream.create(wish)

    wait_collision(scene, home, "owned")
    assert fingerprint(scene, "ConfigMap", "owned", place) == before
