"""What others change downstream: taken back where it is ours, left alone where it is theirs, on real servers.

Copies are edited, relabelled, scaled, deleted and finished under the agent; both worlds and the agent's own counters are
looked at. Scaling goes through ``/scale``, as an autoscaler does it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tests.real.samples import SAMPLES, Manifest
from tests.real.scene import OWN_AGENT, Scene, config_map, deployment, pod
from tmc_syncer.api.resources import GVR
from tmc_syncer.testing.agent import AgentProcess
from tmc_syncer.testing.polling import eventually, steady

TYPES = (
    GVR("apps", "v1", "deployments"),
    GVR("", "v1", "configmaps"),
    GVR("autoscaling", "v2", "horizontalpodautoscalers"),
)


@pytest.fixture(scope="module")
def ruled(
    scene: Scene, tmp_path_factory: pytest.TempPathFactory, kept_processes: set[int]
) -> Iterator[Scene]:
    """The shared servers with an agent of this module, which may be stopped and whose SyncTarget may be changed."""
    flags = ("--namespace-selector", f"{OWN_AGENT}=drift")
    agent = AgentProcess(
        tmp_path_factory.mktemp("drift"),
        scene.upstream,
        scene.downstream,
        target="drift",
        types=TYPES,
        flags=flags,
    )
    agent.start()
    kept_processes.add(agent.pid or 0)
    yield Scene(scene.upstream, scene.downstream, agent)
    agent.stop()


def place_of(scene: Scene, namespace: str) -> str:
    found = scene.downstream_namespace(namespace)
    assert found is not None
    return found


def copy_of(scene: Scene, kind: str, namespace: str, name: str) -> Manifest:
    found = scene.copy(kind, namespace, name)
    assert found is not None, f"no copy of {kind} {name}"
    return found


def shows_image(scene: Scene, namespace: str, name: str, image: str) -> bool:
    return image in str(copy_of(scene, "Deployment", namespace, name))


def was_made_anew(scene: Scene, kind: str, namespace: str, name: str, old_uid: str) -> bool:
    return bool(copy_of(scene, kind, namespace, name)["metadata"]["uid"] != old_uid)


def drifts(scene: Scene, kind: str) -> float:
    """How many copies of a type the agent says it has corrected."""
    wanted = f'tmc_drift_corrections_total{{type="{kind}"}}'
    lines = scene.agent.read("/metrics").decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(wanted))


# Edits


def test_an_edit_of_a_synced_field_is_taken_back_and_counted_while_the_marks_of_others_stay(
    scene: Scene,
) -> None:
    namespace = scene.namespace()
    scene.upstream.create(config_map(namespace, colour="green", size="big"))
    scene.wait_copy("ConfigMap", namespace, "settings")
    place = place_of(scene, namespace)
    before = drifts(scene, "configmaps"), scene.conflicts()

    theirs = {"labels": {"example.com/team": "ops"}, "annotations": {"example.com/note": "mine"}}
    edit = {"metadata": theirs, "data": {"colour": "red", "size": None, "extra": "theirs"}}
    scene.downstream.patch("ConfigMap", "settings", place, edit)

    def settled() -> bool:
        copy = copy_of(scene, "ConfigMap", namespace, "settings")
        assert copy["metadata"]["labels"]["example.com/team"] == "ops"
        assert copy["metadata"]["annotations"]["example.com/note"] == "mine"
        return copy["data"] == {"colour": "green", "size": "big", "extra": "theirs"}

    eventually(settled, message="the edit was taken back")
    assert drifts(scene, "configmaps") > before[0]
    assert scene.conflicts() > before[1]

    scene.upstream.patch("ConfigMap", "settings", namespace, {"data": {"size": "small"}})
    eventually(lambda: copy_of(scene, "ConfigMap", namespace, "settings")["data"]["size"] == "small")
    copy = copy_of(scene, "ConfigMap", namespace, "settings")
    assert copy["metadata"]["labels"]["example.com/team"] == "ops"
    assert copy["metadata"]["annotations"]["example.com/note"] == "mine"
    assert copy["data"]["extra"] == "theirs"


def test_field_rules_say_field_by_field_who_decides(ruled: Scene) -> None:
    rules = [
        {"resource": "configmaps", "path": f".data.{rule}ed", "rule": rule} for rule in ("yield", "share")
    ]
    ruled.upstream.patch("SyncTarget", "drift", None, {"spec": {"fieldRules": rules}})
    namespace = ruled.namespace(**{OWN_AGENT: "drift"})
    first = {"taken": "up", "yielded": "up", "shareed": "up"}
    ruled.upstream.create(config_map(namespace, **first))
    ruled.wait_copy("ConfigMap", namespace, "settings")
    place = place_of(ruled, namespace)

    def data() -> Any:
        return copy_of(ruled, "ConfigMap", namespace, "settings")["data"]

    def applied_by_others(**entries: str) -> None:
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": place}}
        ruled.downstream.apply({**body, "data": entries}, manager="others")

    def changed_upstream(**entries: str) -> None:
        ruled.upstream.patch("ConfigMap", "settings", namespace, {"data": entries})

    eventually(lambda: data() == first)
    changed_upstream(
        yielded="new", shareed="new"
    )  # nobody claims them: one is shared, the other only began as ours
    eventually(lambda: data() == {"taken": "up", "yielded": "up", "shareed": "new"})
    changed_upstream(taken="new")
    eventually(lambda: data() == {"taken": "new", "yielded": "up", "shareed": "new"})

    applied_by_others(taken="down", yielded="down", shareed="down")
    eventually(lambda: data() == {"taken": "new", "yielded": "down", "shareed": "down"})
    changed_upstream(taken="newer", yielded="newer", shareed="newer")
    eventually(lambda: data() == {"taken": "newer", "yielded": "down", "shareed": "down"})
    steady(lambda: data() == {"taken": "newer", "yielded": "down", "shareed": "down"}, 1.0)

    applied_by_others()  # they give up
    changed_upstream(taken="last")
    eventually(lambda: data().get("taken") == "last" and data().get("shareed") == "newer")


# Autoscalers


def autoscaler(namespace: str, target: str) -> Manifest:
    """An autoscaler that leaves any number between 1 and 9 alone: it has no metrics here."""
    manifest = SAMPLES["autoscaler"](namespace, target)
    manifest["spec"]["scaleTargetRef"]["name"] = target
    return manifest


def test_replicas_that_an_autoscaler_chose_stay_its_own_over_changes_and_restarts(
    ruled: Scene, kept_processes: set[int]
) -> None:
    namespace = ruled.namespace(**{OWN_AGENT: "drift"})
    names = ("synced", "local", "plain")
    for name in names:
        ruled.upstream.create(deployment(namespace, name))
        ruled.wait_copy("Deployment", namespace, name)
    place = place_of(ruled, namespace)
    ruled.upstream.create(autoscaler(namespace, "synced"))
    ruled.wait_copy("HorizontalPodAutoscaler", namespace, "synced")
    ruled.downstream.create(autoscaler(place, "local"))

    def replicas() -> list[int]:
        return [copy_of(ruled, "Deployment", namespace, name)["spec"]["replicas"] for name in names]

    def scale(wanted: int) -> None:
        for name in names:
            ruled.downstream.patch(
                "Deployment", name, place, {"spec": {"replicas": wanted}}, subresource="scale"
            )

    def set_image(tag: int) -> None:
        for name in names:
            image = {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": f"web:{tag}"}
            ruled.upstream.patch("Deployment", name, namespace, [image])
        for name in names:
            eventually(partial(shows_image, ruled, namespace, name, f"web:{tag}"))

    scale(5)
    eventually(lambda: replicas() == [5, 5, 2], message="only the one without autoscaler was scaled back")
    set_image(2)
    assert replicas() == [5, 5, 2]
    ruled.agent.stop()
    scale(6)
    ruled.agent.start()
    kept_processes.add(ruled.agent.pid or 0)
    eventually(lambda: replicas() == [6, 6, 2], message="known again after the start")
    set_image(3)
    assert replicas() == [6, 6, 2]
    for name in ("synced", "local"):
        ruled.upstream.patch("Deployment", name, namespace, {"spec": {"replicas": 1}})
    set_image(4)
    assert replicas() == [6, 6, 2]

    ruled.downstream.delete("HorizontalPodAutoscaler", "local", place)
    eventually(lambda: replicas() == [6, 1, 2], message="without its autoscaler upstream decides again")


# The end of workloads


def test_a_deleted_deployment_stays_upstream_until_its_pods_are_gone_downstream(scene: Scene) -> None:
    namespace = scene.namespace()
    scene.upstream.create(deployment(namespace, replicas=1))
    scene.wait_copy("Deployment", namespace, "web")
    place = place_of(scene, namespace)
    found = eventually(lambda: scene.downstream.list_objects("Pod", place), message="a pod")
    name = found[0]["metadata"]["name"]
    scene.downstream.patch("Pod", name, place, {"metadata": {"finalizers": ["example.com/slow"]}})

    scene.upstream.delete("Deployment", "web", namespace)

    def dying() -> bool:
        pod_, up = (
            scene.downstream.get("Pod", name, place),
            scene.upstream.get("Deployment", "web", namespace),
        )
        return all(each is not None and "deletionTimestamp" in each["metadata"] for each in (pod_, up))

    eventually(dying, message="the deletion reached the pod")
    steady(dying, 2.0, message="upstream waits for the pod")
    scene.downstream.patch("Pod", name, place, {"metadata": {"finalizers": None}})
    eventually(lambda: scene.upstream.get("Deployment", "web", namespace) is None, message="gone upstream")
    assert not scene.downstream.list_objects("Pod", place)


@pytest.mark.parametrize("seconds", [0, 1])
def test_a_finished_job_whose_copy_its_ttl_removed_does_not_run_again(scene: Scene, seconds: int) -> None:
    namespace, name = scene.namespace(), f"once-{seconds}"
    mark = scene.downstream.audit_mark()
    scene.upstream.create(job(namespace, name, ttlSecondsAfterFinished=seconds))

    def complete() -> bool:
        up = scene.upstream.get("Job", name, namespace)
        assert up is not None
        return has_condition("Complete", up)

    eventually(complete, message="complete upstream")
    scene.wait_no_copy("Job", namespace, name)
    scene.upstream.patch("Job", name, namespace, {"metadata": {"labels": {"looked-at": "again"}}})
    steady(lambda: scene.copy("Job", namespace, name) is None and complete(), 2.0)
    made = [
        event
        for event in scene.downstream.audit(scene.agent.user, mark)
        if event.get("objectRef", {}).get("name") == name and event["responseStatus"]["code"] == 201
    ]
    assert len(made) == 1, "it ran once"


def job(namespace: str, name: str, **spec: Any) -> Manifest:
    """A Job whose pod kwok completes at once."""
    container = {"name": "main", "image": "example.com/main:1"}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    metadata = {"name": name, "namespace": namespace}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": {"template": template, **spec},
    }


def has_condition(name: str, obj: Manifest) -> bool:
    conditions = obj.get("status", {}).get("conditions", ())
    return any(each["type"] == name and each["status"] == "True" for each in conditions)


# Statuses


def test_statuses_of_copies_that_were_made_anew_never_ask_upstream_for_what_it_refuses(scene: Scene) -> None:
    namespace = scene.namespace()
    waiting = job(namespace, "restarted")
    waiting["spec"]["template"]["spec"]["nodeSelector"] = {"example.com/second-run": "allowed"}
    manifests = [pod(namespace, "again"), waiting, deployment(namespace, "collided", replicas=1)]
    for manifest in manifests:
        scene.upstream.create(manifest)

    def up(kind: str, name: str) -> Manifest:
        found = scene.upstream.get(kind, name, namespace)
        assert found is not None
        return dict(found.get("status", {}))

    eventually(lambda: up("Pod", "again").get("phase") == "Running", message="the pod runs")
    eventually(lambda: up("Job", "restarted").get("startTime"), message="the job started")
    eventually(
        lambda: up("Deployment", "collided").get("readyReplicas") == 1, message="the deployment is ready"
    )
    place = place_of(scene, namespace)
    scene.downstream.patch(
        "Deployment", "collided", place, {"status": {"collisionCount": 2}}, subresource="status"
    )
    eventually(lambda: up("Deployment", "collided").get("collisionCount") == 2)
    started = up("Job", "restarted")["startTime"]

    uids = {}
    for manifest in manifests:
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        uids[kind, name] = copy_of(scene, kind, namespace, name)["metadata"]["uid"]
        scene.downstream.delete(kind, name, place, propagation="Background")
    for (kind, name), uid in uids.items():
        eventually(partial(was_made_anew, scene, kind, namespace, name, uid), 60)
    scene.downstream.kubectl("label", "node", "--all", "--overwrite", "example.com/second-run=allowed")

    def caught_up() -> bool:
        new = copy_of(scene, "Pod", namespace, "again")["status"]
        assert up("Pod", "again").get("podIP") == new.get("podIP")
        assert up("Pod", "again")["phase"] == "Running"
        collided = up("Deployment", "collided")
        assert (collided["collisionCount"], collided.get("readyReplicas")) == (2, 1)
        return has_condition("Complete", {"status": up("Job", "restarted")})

    eventually(caught_up, 60, message="the statuses of the new copies")
    assert up("Job", "restarted")["startTime"] == started
    refused = [
        line for line in scene.agent.log() if " 422" in str(line.get("problem")) and namespace in str(line)
    ]
    assert not refused
