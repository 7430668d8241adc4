"""A restart over a synced world costs reads only, and what changed while the agent was down is found whole.

Who wrote what is read from the audit logs of both servers: the agent has a user of its own. Two thousand objects of all
kinds are synced once for all tests of this module; each test leaves the world synced.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from tests.real.samples import SAMPLES
from tests.real.scene import ALL_TYPES, Manifest, Scene
from tests.real.trouble import Servers
from tmc_syncer.testing.agent import AgentProcess
from tmc_syncer.testing.errors import NotInTime
from tmc_syncer.testing.polling import eventually, steady

NAMESPACES = 20
COUNTS = {
    "configmap": 1160, "secret": 300, "tls-secret": 20, "docker-secret": 20, "service": 140, "headless-service": 20,
    "serviceaccount": 60, "ingress": 60, "networkpolicy": 40, "claim": 20, "budget": 20, "autoscaler": 20,
    "deployment": 40, "statefulset": 20, "daemonset": 4, "job": 16, "cronjob": 20, "pod": 20,
}  # fmt: skip
OBJECTS = sum(COUNTS.values())

RESYNC_SECONDS = 5.0
RELISTS = 3
REST_SECONDS = 3.0

Marks = tuple[int, int]


@dataclass
class World:
    """The synced objects, and two agents of one target that serve them, one at a time."""

    scene: Scene
    restless: AgentProcess
    namespaces: list[str]

    @contextmanager
    def served(self, agent: AgentProcess) -> Iterator[AgentProcess]:
        """Start the agent, wait until it has found all objects in sync, and stop it at the end."""
        try:
            agent.start()
            eventually(
                lambda: synced_by(agent) >= OBJECTS, 120, message=f"{OBJECTS} objects are found synced"
            )
            yield agent
        finally:
            agent.stop()

    def marks(self) -> Marks:
        return self.scene.upstream.audit_mark(), self.scene.downstream.audit_mark()

    def written(self, since: Marks) -> set[str]:
        """The objects that the agents wrote since the marks, as ``resource/name``, on either side."""
        found = set()
        for cluster, mark in zip((self.scene.upstream, self.scene.downstream), since, strict=True):
            for event in cluster.audit(self.scene.agent.user, mark):
                if event["verb"] in ("get", "list", "watch"):
                    continue
                what = event["objectRef"]
                own_status = what["resource"] == "synctargets" and what.get("subresource") == "status"
                if what["resource"] != "leases" and not own_status:
                    found.add(f"{what['resource']}/{what['name']}")
        return found

    def comes_to_rest(self) -> bool:
        """Whether nothing was written for a while."""
        since = self.marks()
        return steady(lambda: self.written(since) == set(), REST_SECONDS, message="no write")

    def autoscalers_were_looked_at(self) -> bool:
        """Whether their controller has written a status, which it does for the first time after 15 s."""
        found = self.scene.upstream.list_objects("HorizontalPodAutoscaler")
        return len(found) == COUNTS["autoscaler"] and all(each["status"].get("conditions") for each in found)

    def place(self, name: str) -> str:
        """The upstream namespace of an object, by the number in its name."""
        return self.namespaces[int(name.rpartition("-")[2]) % NAMESPACES]

    def copy(self, kind: str, name: str) -> Manifest:
        found = self.scene.copy(kind, self.place(name), name)
        assert found is not None
        return found

    def change(self, kind: str, name: str, patch: Manifest) -> None:
        """A user changes an object upstream."""
        self.scene.upstream.patch(kind, name, self.place(name), patch)


def synced_by(agent: AgentProcess) -> int:
    """How many objects the agent has looked at since its start and found in sync."""
    return sum(line["synced"] for line in agent.statusz()["types"])


def relists(agent: AgentProcess) -> list[float]:
    """How often each cache of each type was listed again."""
    text = agent.read("/metrics").decode()
    return [float(count) for count in re.findall(r"^tmc_relists_total{.*} (.*)$", text, re.MULTILINE)]


def manifests(namespaces: list[str]) -> Iterator[Manifest]:
    """The objects; the number at the end of each name is its own."""
    kinds = [kind for kind, times in COUNTS.items() for _ in range(times)]
    for number, kind in enumerate(kinds):
        found = SAMPLES[kind](namespaces[number % NAMESPACES], f"{kind}-{number}")
        if kind == "configmap":
            found["data"]["shape"] = "round"
        elif kind == "cronjob":
            found["spec"]["suspend"] = True  # it would go on changing its status
        elif kind == "deployment":
            found["spec"]["replicas"] = 2 if number % 4 == 0 else 0
            found["spec"]["template"]["spec"]["containers"].append(
                {"name": "side", "image": "example.com/side:1"}
            )
        yield found


@pytest.fixture(scope="module")
def world(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Everything synced and at rest, no agent running."""
    upstream, downstream = servers.upstream, servers.downstream
    namespaces = [f"rest-{number}" for number in range(NAMESPACES)]
    for name in namespaces:
        upstream.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    for manifest in manifests(namespaces):
        upstream.create(manifest)
    agents = [
        AgentProcess(
            tmp_path_factory.mktemp("agent"),
            upstream,
            downstream,
            types=ALL_TYPES,
            tune={"status_seconds": 1.0, **tune},
        )
        for tune in ({}, {"resync_seconds": RESYNC_SECONDS})
    ]
    world = World(Scene(upstream, downstream, agents[0]), agents[1], namespaces)
    with world.served(agents[0]):
        eventually(world.autoscalers_were_looked_at, 60, message="a status of each autoscaler")
        eventually(world.comes_to_rest, 120, message="nothing is written any more", ignoring=(NotInTime,))
    return world


@pytest.mark.timeout(600)
def test_a_restart_over_two_thousand_synced_objects_writes_nothing(world: World) -> None:
    start = world.marks()
    with world.served(world.scene.agent):
        steady(lambda: world.written(start) == set(), REST_SECONDS, message="no write")

        world.change("ConfigMap", "configmap-7", {"data": {"colour": "blue"}})
        eventually(lambda: world.copy("ConfigMap", "configmap-7")["data"]["colour"] == "blue")
        eventually(world.comes_to_rest, 60, ignoring=(NotInTime,))
    assert world.written(start) == {"configmaps/configmap-7"}


@pytest.mark.timeout(600)
def test_three_resyncs_of_an_unchanged_world_write_nothing(world: World) -> None:
    start = world.marks()
    with world.served(world.restless) as agent:
        eventually(
            lambda: len(found := relists(agent)) == 2 * len(ALL_TYPES) and min(found) >= RELISTS,
            120,
            message="each cache of each type was listed again three times",
        )
        assert world.written(start) == set()

        world.change("Secret", f"secret-{COUNTS['configmap']}", {"metadata": {"labels": {"team": "red"}}})
        eventually(world.comes_to_rest, 60, ignoring=(NotInTime,))
    assert world.written(start) == {f"secrets/secret-{COUNTS['configmap']}"}


@pytest.mark.timeout(600)
def test_what_changed_while_the_agent_was_down_is_all_that_is_written(world: World) -> None:
    first = iter(itertools.accumulate(COUNTS.values(), initial=0))
    number = dict(zip(COUNTS, first, strict=False))
    secret, deployment = f"secret-{number['secret'] + 1}", f"deployment-{number['deployment']}"
    world.change("Secret", secret, {"metadata": {"labels": {"team": None}}})
    world.change("ConfigMap", "configmap-8", {"data": {"shape": None}})
    up = world.scene.upstream.get("Deployment", deployment, world.place(deployment))
    assert up is not None
    world.change(
        "Deployment",
        deployment,
        {"spec": {"template": {"spec": {"containers": up["spec"]["template"]["spec"]["containers"][:1]}}}},
    )
    edited = world.copy("ConfigMap", "configmap-9")
    world.scene.downstream.patch(
        "ConfigMap", "configmap-9", edited["metadata"]["namespace"], {"data": {"colour": "black"}}
    )

    start = world.marks()
    with world.served(world.scene.agent):
        eventually(world.comes_to_rest, 60, message="nothing is written any more", ignoring=(NotInTime,))
        assert "team" not in world.copy("Secret", secret)["metadata"]["labels"]
        assert "shape" not in world.copy("ConfigMap", "configmap-8")["data"]
        assert len(world.copy("Deployment", deployment)["spec"]["template"]["spec"]["containers"]) == 1
        assert world.copy("ConfigMap", "configmap-9")["data"]["colour"] == "green"
    assert world.written(start) == {
        f"secrets/{secret}", f"deployments/{deployment}", "configmaps/configmap-8", "configmaps/configmap-9",
    }  # fmt: skip
