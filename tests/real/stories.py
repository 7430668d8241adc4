"""The stories of the statuses: what happens to one object of each kind, up to each status that is to be seen upstream.

Where a controller downstream writes the status, the story makes it do so; where none does, the story plays it, and
nothing else does. A story is a generator: it acts, then yields what the status downstream has to be like before it
goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any

from tests.real.samples import SAMPLES, Manifest
from tests.real.scene import Scene


@dataclass
class Shop:
    """The upstream namespace with one object of every sample, named by its id."""

    scene: Scene
    name: str

    def up(self, sample: str) -> Manifest:
        found = self.scene.upstream.get(kind_of(sample), sample, self.name)
        assert found is not None
        return found

    def down(self, sample: str) -> Manifest:
        found = self.scene.copy(kind_of(sample), self.name, sample)
        assert found is not None, f"a copy of {sample}"
        return found

    @property
    def place(self) -> str:
        found = self.scene.downstream_namespace(self.name)
        assert found is not None
        return found


def kind_of(sample: str) -> str:
    return str(SAMPLES[sample]("any", "any")["kind"])


Expectation = Callable[[Manifest], object]
"""Whether a status downstream is the one that is waited for."""

Story = Callable[[Shop], Iterator[Expectation]]
"""What happens to an object, up to each status that is to be seen upstream."""


# The stories of the statuses: what happens downstream, up to each status that is to be seen upstream


def change(shop: Shop, sample: str, **spec: Any) -> None:
    """A user changes the spec upstream."""
    shop.scene.upstream.patch(kind_of(sample), sample, shop.name, {"spec": spec})


def play(shop: Shop, sample: str, **status: Any) -> None:
    """Be the controller of a copy."""
    subresource = None if sample == "custom-without-status" else "status"
    shop.scene.downstream.patch(
        kind_of(sample), sample, shop.place, {"status": status}, subresource=subresource
    )


def raise_generation(shop: Shop, sample: str, field: str) -> None:
    """Set and remove a field that upstream does not have: from now on the copy counts generations otherwise."""
    for value in (True, None):
        patch = {"spec": {field: value}}
        shop.scene.downstream.patch(kind_of(sample), sample, shop.place, patch)
    assert shop.down(sample)["metadata"]["generation"] > shop.up(sample)["metadata"]["generation"]


def deployment(shop: Shop) -> Iterator[Expectation]:
    raise_generation(shop, "deployment", "paused")
    yield lambda status: status["readyReplicas"] == 2
    shop.scene.upstream.kubectl("scale", "deployment/deployment", "--replicas=3", "-n", shop.name)
    yield lambda status: status["readyReplicas"] == 3
    image = "deployment/deployment", "main=example.com/main:2"
    image_changed = partial(observes, shop.down("deployment")["metadata"]["generation"] + 1)
    shop.scene.upstream.kubectl("set", "image", *image, "-n", shop.name)
    yield lambda status: image_changed(status) and status["updatedReplicas"] == status["readyReplicas"] == 3


def pod(shop: Shop) -> Iterator[Expectation]:
    yield lambda status: status["phase"] == "Running" and status["podIP"]
    for answer in ("True", "False"):
        conditions = [c for c in shop.down("pod")["status"]["conditions"] if c["type"] != "example.com/warm"]
        play(shop, "pod", conditions=[*conditions, {"type": "example.com/warm", "status": answer}])
        yield partial(has_condition, "example.com/warm", answer)


def stateful_set(shop: Shop) -> Iterator[Expectation]:
    yield lambda status: status["readyReplicas"] == 1
    change(shop, "statefulset", replicas=2)
    yield lambda status: status["readyReplicas"] == 2
    change(shop, "statefulset", replicas=1)
    yield lambda status: status["replicas"] == status["readyReplicas"] == 1


def daemon_set(shop: Shop) -> Iterator[Expectation]:
    yield lambda status: status["numberReady"] == 3
    node = {"kubernetes.io/hostname": "downstream-1"}
    change(shop, "daemonset", template={"spec": {"nodeSelector": node}})
    yield lambda status: status["numberReady"] == status["desiredNumberScheduled"] == 1
    change(shop, "daemonset", template={"spec": {"nodeSelector": None}})
    yield lambda status: status["numberReady"] == status["updatedNumberScheduled"] == 3


def job(shop: Shop) -> Iterator[Expectation]:
    yield partial(has_condition, "Suspended", "True")
    change(shop, "job", suspend=False)
    yield lambda status: status["active"] == 1
    shop.scene.downstream.kubectl("label", "node", "downstream-1", "example.com/jobs=allowed")
    yield lambda status: status["succeeded"] == 1 and has_condition("Complete", "True", status)


def cron_job(shop: Shop) -> Iterator[Expectation]:
    yield lambda status: status["lastScheduleTime"]
    change(shop, "cronjob", suspend=True)  # the test goes on alone
    yield lambda status: status["lastSuccessfulTime"] and not status.get("active")
    for year in ("2020", "2021"):
        play(shop, "cronjob", lastScheduleTime=f"{year}-01-01T00:00:00Z")
        yield shows(f"{year}-01-01T00:00:00Z", "lastScheduleTime")


def service(shop: Shop, sample: str) -> Iterator[Expectation]:
    yield lambda status: "loadBalancer" in status
    for answer in ("True", "False"):
        condition = {
            "type": "example.com/known",
            "status": answer,
            "reason": "Played",
            "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
        play(shop, sample, conditions=[condition])
        yield partial(has_condition, "example.com/known", answer)


def load_balanced(shop: Shop, sample: str) -> Iterator[Expectation]:
    yield lambda status: status == {"loadBalancer": {}}
    for address in ("192.0.2.1", "192.0.2.2"):
        ingress = [{"ip": address, "ipMode": "VIP"} if sample == "loadbalancer" else {"ip": address}]
        play(shop, sample, loadBalancer={"ingress": ingress})
        yield shows(ingress, "loadBalancer", "ingress")


def claim(shop: Shop) -> Iterator[Expectation]:
    """The binder runs here; the provisioner is the test."""
    downstream, volume = shop.scene.downstream, f"volume-of-{shop.name}"
    yield lambda status: status == {"phase": "Pending"}
    spec = {
        "capacity": {"storage": "2Gi"},
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "by-hand",
        "claimRef": {"namespace": shop.place, "name": "claim"},
        "hostPath": {"path": "/nowhere"},
    }
    downstream.create(
        {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": volume}, "spec": spec}
    )
    yield lambda status: status["phase"] == "Bound" and status["capacity"] == {"storage": "2Gi"}
    downstream.patch("PersistentVolume", volume, None, {"metadata": {"finalizers": None}})
    downstream.delete("PersistentVolume", volume)
    yield lambda status: status["phase"] == "Lost"


def autoscaler(shop: Shop) -> Iterator[Expectation]:
    yield partial(has_condition, "AbleToScale", "False")
    for replicas in (4, 7):
        play(shop, "autoscaler", currentReplicas=replicas, desiredReplicas=replicas + 1)
        yield shows(replicas, "currentReplicas")


def budget(shop: Shop) -> Iterator[Expectation]:
    replicas = shop.up("deployment")["spec"]["replicas"]
    for pods in (replicas, replicas + 1, replicas + 2):
        change(shop, "deployment", replicas=pods)
        yield shows(pods, "currentHealthy")


def custom(shop: Shop, sample: str) -> Iterator[Expectation]:
    raise_generation(shop, sample, "theirs")
    for phase in ("Pending", "Ready", "Gone"):
        observed = shop.down(sample)["metadata"]["generation"] if sample == "custom" else None
        left = "something" if phase == "Pending" else None  # what leaves a status leaves it upstream too
        play(shop, sample, phase=phase, left=left, observedGeneration=observed)
        yield shows(phase, "phase")


def shows(value: Any, *path: str) -> Expectation:
    """The status has this value at this path."""
    return lambda status: reduce(lambda part, name: part[name], path, status) == value


def observes(generation: int, status: Manifest) -> bool:
    return bool(status["observedGeneration"] >= generation)


def has_condition(name: str, answer: str, status: Manifest) -> bool:
    return any(
        condition["type"] == name and condition["status"] == answer
        for condition in status.get("conditions", ())
    )


STORIES: dict[str, Story] = {
    "deployment": deployment,
    "pod": pod,
    "statefulset": stateful_set,
    "daemonset": daemon_set,
    "job": job,
    "service": partial(service, sample="service"),
    "headless-service": partial(service, sample="headless-service"),
    "loadbalancer": partial(load_balanced, sample="loadbalancer"),
    "claim": claim,
    "ingress": partial(load_balanced, sample="ingress"),
    "autoscaler": autoscaler,
    "budget": budget,
    "custom": partial(custom, sample="custom"),
    "custom-without-status": partial(custom, sample="custom-without-status"),
    "cronjob": cron_job,  # last: it waits for a full minute
}
