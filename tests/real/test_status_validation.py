"""A real API server accepts every clamped status, and refuses most of them unclamped.

The statuses are drawn at random, each after the one that the object has by then: what a re-created copy, an older cluster
or a webhook downstream may bring. Nothing but `upstream.clamp` stands between them and the server's validation.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

import pytest

from tmc_syncer.api.resources import GVR
from tmc_syncer.testing.cluster import ControlPlane
from tmc_syncer.upstream.clamp import clamp

Json = dict[str, Any]
Draw = Callable[[random.Random], Json]

OBJECTS = 6
STATUSES = 8
TIMES = [f"2026-01-01T00:00:0{second}Z" for second in range(4)]
RUNNING: Json = {"running": {"startedAt": TIMES[0]}}
WORKLOAD: Json = {
    "selector": {"matchLabels": {"a": "b"}},
    "template": {
        "metadata": {"labels": {"a": "b"}},
        "spec": {"containers": [{"name": "a", "image": "b"}]},
    },
}


def counters(rng: random.Random, *names: str) -> Json:
    return {name: rng.randint(0, 3) for name in names if rng.random() < 0.6}


# ---- Jobs --------------------------------------------------------------------------------------------------

OUTCOMES = [
    (), (), ("FailureTarget",), ("FailureTarget", "Failed"), ("Failed",), ("SuccessCriteriaMet",),
    ("SuccessCriteriaMet", "Complete"), ("Complete",),
]  # fmt: skip


def job_status(rng: random.Random) -> Json:
    status = counters(rng, "active", "ready", "succeeded", "failed", "terminating")
    if rng.random() < 0.5:
        status["startTime"] = rng.choice(TIMES[:3])
    if rng.random() < 0.3:
        status["uncountedTerminatedPods"] = {"succeeded": ["u1"]}
    outcome = rng.choice(OUTCOMES)
    kinds = [("Suspended", value) for value in rng.choice([(), ("True",), ("False",)])]
    kinds += [(kind, "True") for kind in outcome]
    if kinds:
        status["conditions"] = [
            {"type": kind, "status": value, "lastProbeTime": TIMES[2], "lastTransitionTime": TIMES[2]}
            for kind, value in kinds
        ]
    if "Complete" in outcome and rng.random() < 0.5:
        status["completionTime"] = rng.choice(TIMES)
    return status


def job_spec(rng: random.Random) -> Json:
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "b"}]}}
    spec: Json = {"template": template, "suspend": rng.random() < 0.3}
    if rng.random() < 0.4:
        completions = rng.randint(0, 2)
        parallelism = completions if rng.random() < 0.5 else 2
        spec |= {"completionMode": "Indexed", "completions": completions, "parallelism": parallelism}
    elif rng.random() < 0.4:
        spec["completions"] = rng.randint(0, 2)
    return spec


# ---- Pods --------------------------------------------------------------------------------------------------


def container_status(rng: random.Random, name: str) -> Json:
    states = [RUNNING, {"waiting": {"reason": "x"}}, *({"terminated": {"exitCode": code}} for code in (0, 1))]
    status: Json = {
        "name": name,
        "image": "i",
        "imageID": "",
        "ready": False,
        "restartCount": rng.randint(0, 2),
    }
    status["state"] = rng.choice(states)
    if name != "debug" and rng.random() < 0.2:
        health = [{"resourceID": "r", "health": "Healthy"}]
        status["allocatedResourcesStatus"] = [
            {"name": resource, "resources": health} for resource in ("cpu", "claim:c", "example.com/x")
        ]
    return status


def pod_status(rng: random.Random) -> Json:
    status: Json = {"phase": rng.choice(["Pending", "Running", "Running", "Succeeded", "Failed"])}
    for field, names in (("containerStatuses", "a b injected"), ("initContainerStatuses", "i side")):
        status[field] = [container_status(rng, name) for name in names.split() if rng.random() < 0.7]
    status["ephemeralContainerStatuses"] = [container_status(rng, "debug")]
    addresses = rng.sample(["10.0.0.1", "10.0.0.2", "fd00::1", "fd00::2"], rng.randint(0, 3))
    if addresses:
        status |= {"podIP": addresses[0], "podIPs": [{"ip": address} for address in addresses]}
    if rng.random() < 0.5:
        status["qosClass"] = rng.choice(["BestEffort", "Burstable", "Guaranteed"])
    if rng.random() < 0.3:
        status["nominatedNodeName"] = rng.choice(["n1", "n2"])
    if rng.random() < 0.3:
        status["resourceClaimStatuses"] = [{"name": "c"}, {"name": "injected"}]
    return status


def pod_spec(rng: random.Random) -> Json:
    resources = {"requests": {"cpu": "1"}, "claims": [{"name": "c"}]}
    second: Json = {"name": "b", "image": "i"}
    if rng.random() < 0.4:
        exits = {"operator": rng.choice(["In", "NotIn"]), "values": [1]}
        second["restartPolicy"] = rng.choice(["Always", "OnFailure", "Never"])
        second["restartPolicyRules"] = [{"action": "Restart", "exitCodes": exits}]
    spec = {
        "restartPolicy": rng.choice(["Always", "OnFailure", "Never"]),
        "containers": [{"name": "a", "image": "i", "resources": resources}, second],
        "initContainers": [
            {"name": "i", "image": "i"},
            {"name": "side", "image": "i", "restartPolicy": "Always"},
        ],
        "resourceClaims": [{"name": "c", "resourceClaimName": "claim"}],
    }
    return spec | ({"nodeName": "n1"} if rng.random() < 0.4 else {})


# ---- the others --------------------------------------------------------------------------------------------


def replicas(*more: str) -> Draw:
    names = ("replicas", "readyReplicas", "availableReplicas", *more)
    return lambda rng: {"replicas": 0, **counters(rng, *names)}


def workload(**more: str) -> Draw:
    return lambda _rng: copy.deepcopy(WORKLOAD) | more


def daemon_set_status(rng: random.Random) -> Json:
    numbers = ("currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady")
    return dict.fromkeys(numbers, 1) | counters(rng, "collisionCount")


def service_spec(rng: random.Random) -> Json:
    return {"type": rng.choice(["ClusterIP", "LoadBalancer"]), "ports": [{"port": 80}]}


def service_status(rng: random.Random) -> Json:
    return {
        "loadBalancer": rng.choice(
            [{}, {"ingress": [{"ip": "192.0.2.1"}]}, {"ingress": [{"hostname": "a.b"}]}]
        )
    }


KINDS: dict[str, tuple[GVR, Draw, Draw]] = {
    "Job": (GVR("batch", "v1", "jobs"), job_spec, job_status),
    "Pod": (GVR("", "v1", "pods"), pod_spec, pod_status),
    "Deployment": (
        GVR("apps", "v1", "deployments"), workload(), replicas("updatedReplicas", "collisionCount"),
    ),
    "ReplicaSet": (GVR("apps", "v1", "replicasets"), workload(), replicas("fullyLabeledReplicas")),
    "StatefulSet": (
        GVR("apps", "v1", "statefulsets"),
        workload(serviceName="x"),
        replicas("updatedReplicas", "currentReplicas", "collisionCount"),
    ),
    "DaemonSet": (GVR("apps", "v1", "daemonsets"), workload(), daemon_set_status),
    "Service": (GVR("", "v1", "services"), service_spec, service_status),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_real_server_accepts_whatever_status_was_clamped(kind: str, upstream: ControlPlane) -> None:
    gvr, spec_of, status_of = KINDS[kind]
    rng = random.Random(kind)
    refused_unclamped = 0
    for number in range(OBJECTS):
        name = f"clamp-{number}"
        manifest = {
            "apiVersion": gvr.api_version,
            "kind": kind,
            "metadata": {"name": name},
            "spec": spec_of(rng),
        }
        found = upstream.create(manifest)
        path = upstream.resource(kind, gvr.api_version).path("default", name) + "/status"
        for _ in range(STATUSES):
            status = status_of(rng)
            refused_unclamped += put_status(upstream, f"{path}?dryRun=All", status)[0] != 200
            clamp(gvr, status, copy.deepcopy(found.get("status", {})), found["spec"])
            if status != found.get("status"):
                code, answer = put_status(upstream, path, status)
                assert code == 200, answer["message"]
                found = answer
        upstream.delete(kind, name)
    assert refused_unclamped, "the draw is too tame: nothing had to be clamped"


def put_status(cluster: ControlPlane, path: str, status: Json) -> tuple[int, Json]:
    patch = [{"op": "add", "path": "/status", "value": status}]
    return cluster.request("PATCH", path, patch, "application/json-patch+json")
