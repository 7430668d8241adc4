"""Workload types: defaults, what cannot change, the scale subresource, and which status a server takes back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.objects import at, deployment, named, pod, template
from tests.contract.servers import Server
from tests.contract.wire import JsonObject, cause, like

pytestmark = pytest.mark.needs("workloads")


@pytest.fixture
def web(server: Server, namespace: str) -> str:
    """The path of Deployment web with two replicas."""
    server.post(at("deployments", namespace), deployment("web", 2)).ok(201)
    return at("deployments", namespace, "web")


def test_a_deployment_gets_defaults(server: Server, namespace: str) -> None:
    spec = server.post(at("deployments", namespace), deployment("a", None)).ok(201)["spec"]
    assert {key: value for key, value in spec.items() if key not in {"template", "selector"}} == {
        "replicas": 1,
        "progressDeadlineSeconds": 600,
        "revisionHistoryLimit": 10,
        "strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"},
        },
    }
    pods = spec["template"]["spec"]
    assert (pods["restartPolicy"], pods["terminationGracePeriodSeconds"]) == ("Always", 30)


def test_a_job_gets_a_selector_and_labels_of_its_own(server: Server, namespace: str) -> None:
    pods = {"spec": {"containers": [{"name": "main", "image": "x:1"}], "restartPolicy": "Never"}}
    created = server.post(
        at("jobs", namespace), {**named("Job", "a", "batch/v1"), "spec": {"template": pods}}
    ).ok(201)
    uid = created["metadata"]["uid"]
    assert created["spec"]["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
    assert created["spec"]["template"]["metadata"]["labels"] == {
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": "a",
        "controller-uid": uid,
        "job-name": "a",
    }
    expected = {"parallelism": 1, "completions": 1, "backoffLimit": 6, "suspend": False}
    assert {key: created["spec"][key] for key in expected} == expected


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"spec": {"selector": {"matchLabels": {"app": "other"}}}}, "spec.selector"),
        ({"spec": {"template": {"metadata": {"labels": {"app": "other"}}}}}, "spec.template.metadata.labels"),
        ({"spec": {"replicas": -1}}, "spec.replicas"),
        ({"spec": {"template": {"spec": {"restartPolicy": "Never"}}}}, "spec.template.spec.restartPolicy"),
    ],
)
def test_a_deployment_that_makes_no_sense_is_refused(
    server: Server, web: str, change: JsonObject, field: str
) -> None:
    before = server.get(web).ok()
    answer = server.patch(web, "merge", change)
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    assert field in {item["field"] for item in answer.body["details"]["causes"]}
    assert server.get(web).ok() == before


def test_a_refusal_of_several_fields_lists_them_in_brackets(server: Server, namespace: str) -> None:
    obj = deployment("a", -1)
    obj["spec"]["template"]["spec"]["containers"] = []
    required = cause("FieldValueRequired", "Required value", "spec.template.spec.containers")
    negative = cause(
        "FieldValueInvalid", "Invalid value: -1: must be greater than or equal to 0", "spec.replicas"
    )
    server.post(at("deployments", namespace), obj).refused(
        422,
        "Invalid",
        'Deployment.apps "a" is invalid: [spec.replicas: Invalid value: -1: must be greater than or equal to 0,'
        " spec.template.spec.containers: Required value]",
        {"name": "a", "group": "apps", "kind": "Deployment", "causes": [negative, required]},
    )


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"template": {"metadata": {"labels": {"app": "a"}}}}, "spec"),
        ({"serviceName": "other"}, "spec"),
        ({"volumeClaimTemplates": [{"metadata": {"name": "v"}}]}, "spec"),
    ],
    ids=["template", "service", "claims"],
)
def test_of_a_stateful_set_little_may_change(
    server: Server, namespace: str, spec: JsonObject, field: str
) -> None:
    labels = {"app": "a"}
    full = {"selector": {"matchLabels": labels}, "template": template(labels), "serviceName": "s"}
    server.post(at("statefulsets", namespace), {**named("StatefulSet", "a", "apps/v1"), "spec": full}).ok(201)
    answer = server.patch(at("statefulsets", namespace, "a"), "merge", {"spec": spec})
    if "template" in spec:
        assert answer.status == 200
        return
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    (found,) = answer.body["details"]["causes"]
    assert found["field"] == field
    assert found["message"].startswith("Forbidden: updates to statefulset spec for fields other than")


def test_the_template_of_a_job_cannot_change(server: Server, namespace: str) -> None:
    pods = {"spec": {"containers": [{"name": "main", "image": "x:1"}], "restartPolicy": "Never"}}
    job = {**named("Job", "a", "batch/v1"), "spec": {"template": pods}}
    server.post(at("jobs", namespace), job).ok(201)
    change = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "x:2"}]
    answer = server.patch(at("jobs", namespace, "a"), "json", change)
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    (found,) = answer.body["details"]["causes"]
    assert (found["field"], found["message"][-18:]) == ("spec.template", "field is immutable")


# Scale


def test_a_scale_shows_replicas_and_selector(server: Server, namespace: str, web: str) -> None:
    server.patch(f"{web}/status", "merge", {"status": {"replicas": 1}}).ok()
    obj = server.get(web).ok()
    scale = server.get(f"{web}/scale").ok()
    assert scale == {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {
            key: obj["metadata"][key]
            for key in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
        },
        "spec": {"replicas": 2},
        "status": {"replicas": 1, "selector": "app=web"},
    }


def test_a_scale_is_replaced_and_patched(server: Server, web: str) -> None:
    scale = server.get(f"{web}/scale").ok()
    scale["spec"]["replicas"] = 5
    assert server.put(f"{web}/scale", scale).ok()["spec"] == {"replicas": 5}
    assert server.patch(f"{web}/scale", "merge", {"spec": {"replicas": 7}}).ok()["spec"] == {"replicas": 7}
    assert server.get(web).ok()["spec"]["replicas"] == 7


def test_a_scale_can_be_replaced_without_a_content_type(server: Server, web: str) -> None:
    scale = server.get(f"{web}/scale").ok()
    scale["spec"]["replicas"] = 4
    answer = server.request("PUT", f"{web}/scale", scale, content_type=None)
    assert answer.ok()["spec"] == {"replicas": 4}


def test_an_older_scale_is_refused(server: Server, web: str) -> None:
    scale = server.get(f"{web}/scale").ok()
    server.patch(web, "merge", {"metadata": {"labels": {"x": "y"}}}).ok()
    answer = server.put(f"{web}/scale", {**scale, "spec": {"replicas": 5}})
    assert (answer.status, answer.body["reason"]) == (409, "Conflict")
    assert server.get(web).ok()["spec"]["replicas"] == 2


def test_a_negative_scale_is_refused(server: Server, web: str) -> None:
    message = "Invalid value: -1: must be greater than or equal to 0"
    server.patch(f"{web}/scale", "merge", {"spec": {"replicas": -1}}).refused(
        422,
        "Invalid",
        f'Scale.autoscaling "web" is invalid: spec.replicas: {message}',
        {
            "name": "web",
            "group": "autoscaling",
            "kind": "Scale",
            "causes": [cause("FieldValueInvalid", message, "spec.replicas")],
        },
    )


def test_the_scale_of_nothing_is_not_found(server: Server, namespace: str) -> None:
    server.get(at("deployments", namespace, "none", "scale")).refused(
        404,
        "NotFound",
        like(r'deployments\.apps "none" not found'),
        {"name": "none", "group": "apps", "kind": "deployments"},
    )


@pytest.mark.parametrize("resource", ["daemonsets", "jobs"])
def test_what_cannot_be_scaled_has_no_scale(server: Server, namespace: str, resource: str) -> None:
    answer = server.get(at(resource, namespace, "a", "scale"))
    answer.refused(404, "NotFound", "the server could not find the requested resource", {})


# Status that is taken back


def status_of(server: Server, path: str, status: JsonObject) -> Any:
    return server.patch(f"{path}/status", "merge", {"status": status})


def refused_status(server: Server, path: str, status: JsonObject) -> set[str]:
    answer = status_of(server, path, status)
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    return {item["field"] for item in answer.body["details"]["causes"]}


def test_counts_of_a_status_are_not_negative(server: Server, web: str) -> None:
    assert "status.replicas" in refused_status(server, web, {"replicas": -1})


@pytest.mark.parametrize("field", ["readyReplicas", "updatedReplicas", "availableReplicas"])
def test_no_more_replicas_are_ready_than_there_are(server: Server, web: str, field: str) -> None:
    assert f"status.{field}" in refused_status(server, web, {"replicas": 1, field: 2})
    assert status_of(server, web, {"replicas": 2, "readyReplicas": 2, field: 2}).status == 200


def test_no_more_replicas_are_available_than_ready(server: Server, web: str) -> None:
    assert "status.availableReplicas" in refused_status(
        server, web, {"replicas": 2, "readyReplicas": 1, "availableReplicas": 2}
    )


def test_collisions_are_never_forgotten(server: Server, web: str) -> None:
    status_of(server, web, {"collisionCount": 2}).ok()
    assert refused_status(server, web, {"collisionCount": 1}) == {"status.collisionCount"}
    assert refused_status(server, web, {"collisionCount": None}) == {"status.collisionCount"}


@pytest.fixture
def job(server: Server, namespace: str) -> str:
    """The path of a Job that has begun."""
    pods = {"spec": {"containers": [{"name": "main", "image": "x:1"}], "restartPolicy": "Never"}}
    obj = {**named("Job", "a", "batch/v1"), "spec": {"template": pods, "completions": 3}}
    server.post(at("jobs", namespace), obj).ok(201)
    path = at("jobs", namespace, "a")
    begun = {"startTime": "2026-01-01T00:00:00Z", "active": 1, "succeeded": 1, "failed": 1}
    status_of(server, path, {**begun, "uncountedTerminatedPods": {}}).ok()
    return path


@pytest.mark.parametrize("field", ["succeeded", "failed"])
def test_a_job_never_counts_backwards(server: Server, job: str, field: str) -> None:
    assert refused_status(server, job, {field: 0}) == {f"status.{field}"}
    assert status_of(server, job, {field: 2}).status == 200


def test_a_job_begins_once(server: Server, job: str) -> None:
    assert refused_status(server, job, {"startTime": "2026-01-02T00:00:00Z"}) == {"status.startTime"}


def test_a_finished_job_stays_finished(server: Server, job: str) -> None:
    done = {
        "completionTime": "2026-01-01T01:00:00Z",
        "active": 0,
        "succeeded": 3,
        "conditions": [
            {"type": "SuccessCriteriaMet", "status": "True", "lastTransitionTime": "2026-01-01T01:00:00Z"},
            {"type": "Complete", "status": "True", "lastTransitionTime": "2026-01-01T01:00:00Z"},
        ],
    }
    status_of(server, job, done).ok()
    assert "status.conditions" in refused_status(server, job, {"conditions": []})
    assert status_of(server, job, {"completionTime": "2026-01-01T02:00:00Z"}).status == 422


def test_a_job_is_not_complete_without_a_time(server: Server, job: str) -> None:
    conditions = [
        {"type": "SuccessCriteriaMet", "status": "True"},
        {"type": "Complete", "status": "True"},
    ]
    assert "status.completionTime" in refused_status(
        server, job, {"active": 0, "succeeded": 3, "conditions": conditions}
    )


@pytest.fixture
def running(server: Server, namespace: str) -> str:
    """The path of a Pod that runs."""
    server.post(at("pods", namespace), pod("a", {"nodeName": "nowhere"})).ok(201)
    path = at("pods", namespace, "a")
    status_of(server, path, {"phase": "Running"}).ok()
    return path


def test_the_quality_of_a_pod_cannot_change(server: Server, running: str) -> None:
    assert refused_status(server, running, {"qosClass": "Guaranteed"}) == {"status.qosClass"}


def test_addresses_of_a_pod_are_one_for_each_family(server: Server, running: str) -> None:
    two = [{"ip": "10.0.0.1"}, {"ip": "10.0.0.2"}]
    assert refused_status(server, running, {"podIP": "10.0.0.1", "podIPs": two}) == {"status.podIPs"}
    both = [{"ip": "10.0.0.1"}, {"ip": "fd00::1"}]
    assert status_of(server, running, {"podIP": "10.0.0.1", "podIPs": both}).status == 200


def test_a_container_that_ended_for_good_does_not_run_again(server: Server, namespace: str) -> None:
    server.post(at("pods", namespace), pod("a", {"nodeName": "nowhere", "restartPolicy": "Never"})).ok(201)
    path = at("pods", namespace, "a")

    def container(state: JsonObject) -> JsonObject:
        status = {
            "name": "main",
            "image": "x",
            "imageID": "",
            "ready": False,
            "restartCount": 0,
            "state": state,
        }
        return {"containerStatuses": [status]}

    status_of(server, path, container({"terminated": {"exitCode": 0}})).ok()
    answer = status_of(server, path, container({"running": {"startedAt": "2026-01-01T00:00:00Z"}}))
    assert answer.status == 422
    assert "terminated" in answer.body["message"]


def test_metadata_of_a_pods_status_write_is_taken_in_part(server: Server, running: str) -> None:
    change = {"metadata": {"annotations": {"x": "y"}}, "status": {"phase": "Running"}}
    changed = server.patch(f"{running}/status", "merge", change).ok()
    assert changed["metadata"].get("annotations") == {"x": "y"}
