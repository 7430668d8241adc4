"""Pods: graceful deletion (the server waits for a kubelet, of which there is none here), defaults, what may change, eviction."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.contract.objects import at, named, pod, version
from tests.contract.servers import Server
from tests.contract.wire import JsonObject, cause, like

pytestmark = pytest.mark.needs("workloads")


@pytest.fixture
def pods(namespace: str) -> str:
    return at("pods", namespace)


@pytest.fixture
def bound(server: Server, pods: str) -> JsonObject:
    """Pod a, bound to a node where nobody ends it."""
    created: JsonObject = server.post(pods, pod("a", {"nodeName": "nowhere"})).ok(201)
    return created


def grace(obj: JsonObject) -> int:
    seconds: int = obj["metadata"]["deletionGracePeriodSeconds"]
    return seconds


def test_a_pod_that_no_node_has_is_gone_at_once(server: Server, pods: str) -> None:
    created = server.post(pods, pod("a")).ok(201)
    gone = server.delete(f"{pods}/a").ok()
    assert (gone["kind"], gone["metadata"]["uid"]) == ("Pod", created["metadata"]["uid"])
    assert server.get(f"{pods}/a").status == 404


def test_a_bound_pod_gets_its_grace(server: Server, pods: str, bound: JsonObject) -> None:
    before = dt.datetime.now(dt.UTC)
    ending = server.delete(f"{pods}/a").ok()
    assert grace(ending) == 30
    left = dt.datetime.fromisoformat(ending["metadata"]["deletionTimestamp"]) - before
    assert 25 <= left.total_seconds() <= 40
    assert server.get(f"{pods}/a").ok() == ending


def test_the_grace_of_the_spec_is_the_default(server: Server, pods: str) -> None:
    spec = {"nodeName": "nowhere", "terminationGracePeriodSeconds": 7}
    server.post(pods, pod("a", spec)).ok(201)
    assert grace(server.delete(f"{pods}/a").ok()) == 7


def test_a_grace_of_nothing_deletes_at_once(server: Server, pods: str, bound: JsonObject) -> None:
    server.delete(f"{pods}/a", {"gracePeriodSeconds": 0}).ok()
    assert server.get(f"{pods}/a").status == 404


def test_a_kubelet_ends_a_waiting_pod_by_a_grace_of_nothing(
    server: Server, pods: str, bound: JsonObject
) -> None:
    server.delete(f"{pods}/a").ok()
    uid = bound["metadata"]["uid"]
    server.delete(f"{pods}/a", {"gracePeriodSeconds": 0, "preconditions": {"uid": uid}}).ok()
    assert server.get(f"{pods}/a").status == 404


def test_the_grace_may_be_in_the_query(server: Server, pods: str, bound: JsonObject) -> None:
    assert grace(server.delete(f"{pods}/a", gracePeriodSeconds=9).ok()) == 9


def test_a_second_deletion_may_shorten_the_grace(server: Server, pods: str, bound: JsonObject) -> None:
    first = server.delete(f"{pods}/a").ok()
    second = server.delete(f"{pods}/a", {"gracePeriodSeconds": 5}).ok()
    assert grace(second) == 5
    assert second["metadata"]["deletionTimestamp"] < first["metadata"]["deletionTimestamp"]


def test_a_second_deletion_cannot_lengthen_the_grace(server: Server, pods: str, bound: JsonObject) -> None:
    first = server.delete(f"{pods}/a", {"gracePeriodSeconds": 5}).ok()
    assert server.delete(f"{pods}/a", {"gracePeriodSeconds": 60}).ok() == first


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_finished_pod_is_gone_at_once(server: Server, pods: str, bound: JsonObject, phase: str) -> None:
    server.patch(f"{pods}/a/status", "merge", {"status": {"phase": phase}}).ok()
    server.delete(f"{pods}/a").ok()
    assert server.get(f"{pods}/a").status == 404


def test_a_grace_of_nothing_still_waits_for_finalizers(server: Server, pods: str) -> None:
    server.post(pods, pod("a", {"nodeName": "nowhere"}, finalizers=["example.com/f"])).ok(201)
    ending = server.delete(f"{pods}/a", {"gracePeriodSeconds": 0}).ok()
    assert grace(ending) == 0
    server.patch(f"{pods}/a", "merge", {"metadata": {"finalizers": None}}).ok()
    assert server.get(f"{pods}/a").status == 404


def test_a_pod_without_finalizers_still_waits_for_its_grace(server: Server, pods: str) -> None:
    server.post(pods, pod("a", {"nodeName": "nowhere"}, finalizers=["example.com/f"])).ok(201)
    server.delete(f"{pods}/a").ok()
    server.patch(f"{pods}/a", "merge", {"metadata": {"finalizers": None}}).ok()
    assert grace(server.get(f"{pods}/a").ok()) == 30


# Defaults and changes


def test_a_pod_gets_defaults(server: Server, pods: str) -> None:
    created = server.post(pods, pod("a")).ok(201)
    spec = created["spec"]
    expected = {
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "enableServiceLinks": True,
        "preemptionPolicy": "PreemptLowerPriority",
        "priority": 0,
    }
    assert {key: spec.get(key) for key in expected} == expected
    assert spec["containers"] == [
        {
            "name": "main",
            "image": "example.com/main:1",
            "imagePullPolicy": "IfNotPresent",
            "resources": {},
            "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File",
        }
    ]
    assert created["status"] == {"phase": "Pending", "qosClass": "BestEffort"}


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("app", "Always"),
        ("app:latest", "Always"),
        ("app:1", "IfNotPresent"),
        ("app@sha256:" + "0" * 64, "IfNotPresent"),
    ],
)
def test_the_pull_policy_follows_the_tag(server: Server, pods: str, image: str, policy: str) -> None:
    created = server.post(pods, pod("a", {"containers": [{"name": "c", "image": image}]})).ok(201)
    assert created["spec"]["containers"][0]["imagePullPolicy"] == policy


@pytest.mark.parametrize(
    ("resources", "quality"),
    [
        ({"limits": {"cpu": "1", "memory": "1Gi"}}, "Guaranteed"),
        ({"requests": {"cpu": "1"}}, "Burstable"),
        ({}, "BestEffort"),
    ],
)
def test_the_quality_of_service_follows_the_resources(
    server: Server, pods: str, resources: JsonObject, quality: str
) -> None:
    container = {"name": "c", "image": "app:1", "resources": resources}
    created = server.post(pods, pod("a", {"containers": [container]})).ok(201)
    assert created["status"]["qosClass"] == quality


def test_limits_are_the_default_of_requests(server: Server, pods: str) -> None:
    container = {"name": "c", "image": "app:1", "resources": {"limits": {"cpu": "500m", "memory": "64Mi"}}}
    created = server.post(pods, pod("a", {"containers": [container]})).ok(201)
    assert created["spec"]["containers"][0]["resources"] == {
        "limits": {"cpu": "500m", "memory": "64Mi"},
        "requests": {"cpu": "500m", "memory": "64Mi"},
    }


def test_the_image_of_a_pod_may_change(server: Server, pods: str, bound: JsonObject) -> None:
    operations = [{"op": "replace", "path": "/spec/containers/0/image", "value": "example.com/main:2"}]
    changed = server.patch(f"{pods}/a", "json", operations).ok()
    assert changed["spec"]["containers"][0]["image"] == "example.com/main:2"


def test_most_of_a_pod_may_not_change(server: Server, pods: str, bound: JsonObject) -> None:
    answer = server.patch(f"{pods}/a", "merge", {"spec": {"hostname": "other"}})
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    (found,) = answer.body["details"]["causes"]
    assert found == cause(
        "FieldValueForbidden", like("Forbidden: pod updates may not change fields other than .*"), "spec"
    )
    assert version(server.get(f"{pods}/a").ok()) == version(bound)


def test_a_pod_without_containers_is_refused(server: Server, pods: str) -> None:
    message = "Required value"
    server.post(pods, {**named("Pod", "a"), "spec": {"containers": []}}).refused(
        422,
        "Invalid",
        f'Pod "a" is invalid: spec.containers: {message}',
        {"name": "a", "kind": "Pod", "causes": [cause("FieldValueRequired", message, "spec.containers")]},
    )


# Eviction


def eviction(**fields: Any) -> JsonObject:
    return {**named("Eviction", "a", "policy/v1"), **fields}


def guarded(server: Server, namespace: str) -> str:
    """Create a ready Pod with a budget that nobody has looked at yet; return the path of the budget."""
    pods = at("pods", namespace)
    server.post(pods, pod("a", {"nodeName": "nowhere"}, labels={"app": "a"})).ok(201)
    ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    server.patch(f"{pods}/a/status", "merge", {"status": ready}).ok()
    budget = {
        **named("PodDisruptionBudget", "guard", "policy/v1"),
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "a"}}},
    }
    server.post(at("poddisruptionbudgets", namespace), budget).ok(201)
    return at("poddisruptionbudgets", namespace, "guard")


def budget_status(server: Server, path: str, allowed: int) -> None:
    """Play the disruption controller."""
    status = {
        "observedGeneration": 1,
        "disruptionsAllowed": allowed,
        "currentHealthy": 1,
        "desiredHealthy": 1 - allowed,
        "expectedPods": 1,
    }
    server.patch(f"{path}/status", "merge", {"status": status}).ok()


def test_an_eviction_deletes_a_pod_with_grace(server: Server, pods: str, bound: JsonObject) -> None:
    assert server.post(f"{pods}/a/eviction", eviction()).ok(201) == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "code": 201,
    }
    assert grace(server.get(f"{pods}/a").ok()) == 30


def test_the_options_of_an_eviction_are_those_of_a_deletion(
    server: Server, pods: str, bound: JsonObject
) -> None:
    options = {"gracePeriodSeconds": 3, "preconditions": {"uid": bound["metadata"]["uid"]}}
    server.post(f"{pods}/a/eviction", eviction(deleteOptions=options)).ok(201)
    assert grace(server.get(f"{pods}/a").ok()) == 3


def test_a_budget_that_nobody_has_looked_at_yet_stops_an_eviction(server: Server, namespace: str) -> None:
    guarded(server, namespace)
    answer = server.post(at("pods", namespace, "a", "eviction"), eviction())
    message = "Cannot evict pod as it would violate the pod's disruption budget."
    found = cause(
        "DisruptionBudget", "The disruption budget guard is still being processed by the server.", ""
    )
    del found["field"]
    answer.refused(429, "TooManyRequests", message, {"causes": [found], "retryAfterSeconds": 10})
    assert answer.headers["Retry-After"] == "10"
    assert "deletionTimestamp" not in server.get(at("pods", namespace, "a")).ok()["metadata"]


def test_a_budget_that_allows_nothing_stops_an_eviction(server: Server, namespace: str) -> None:
    budget_status(server, guarded(server, namespace), 0)
    found = {
        "reason": "DisruptionBudget",
        "message": "The disruption budget guard needs 1 healthy pods and has 1 currently",
    }
    server.post(at("pods", namespace, "a", "eviction"), eviction()).refused(
        429,
        "TooManyRequests",
        "Cannot evict pod as it would violate the pod's disruption budget.",
        {"causes": [found]},
    )


def test_an_eviction_uses_up_what_a_budget_allows(server: Server, namespace: str) -> None:
    path = guarded(server, namespace)
    budget_status(server, path, 1)
    server.post(at("pods", namespace, "a", "eviction"), eviction()).ok(201)
    status = server.get(path).ok()["status"]
    assert status["disruptionsAllowed"] == 0
    assert status["disruptedPods"].keys() == {"a"}


def test_an_eviction_of_nothing_is_not_found(server: Server, pods: str) -> None:
    server.post(f"{pods}/none/eviction", {**eviction(), "metadata": {"name": "none"}}).refused(
        404, "NotFound", 'pods "none" not found', {"name": "none", "kind": "pods"}
    )
