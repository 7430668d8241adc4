"""The agent is killed at any write of a churn, again and again, and both worlds end right all the same.

A seed decides what the users do, at which writes the agent dies and at which moment of them. It is printed, and
``TMC_SEED=<seed>`` replays it; the timing of the servers is their own.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.real.churn import CHURN_TYPES, Churn, Name
from tests.real.scene import FINALIZER_PREFIX, Manifest
from tmc_syncer.api.resources import GVR
from tmc_syncer.testing.agent import AgentProcess
from tmc_syncer.testing.agent_writes import WriteKind
from tmc_syncer.testing.cluster import ControlPlane, PhysicalCluster
from tmc_syncer.testing.counting_proxy import CountingProxy, Moment, Strike
from tmc_syncer.testing.polling import eventually, steady

OBJECTS = 2000 if os.environ.get("TMC_SOAK") else 500
NAMESPACES = 12
KILLS = {
    WriteKind.CREATE_NAMESPACE: 2,
    WriteKind.CREATE: 4,
    WriteKind.ADD_FINALIZER: 4,
    WriteKind.APPLY: 4,
    WriteKind.STATUS: 3,
    WriteKind.DELETE: 4,
    WriteKind.REMOVE_FINALIZER: 4,
    WriteKind.DELETE_NAMESPACE: 2,
    WriteKind.RELEASE: 3,
}
IN_FLIGHT = 24
"""So many of the kills are at a moment when the write that is counted is in flight."""
LATEST_SECONDS = 4.0

COLD_KINDS = (WriteKind.CREATE_NAMESPACE, WriteKind.ADD_FINALIZER, WriteKind.CREATE)
COLD_KILLS = 8
RELEASED = GVR("networking.k8s.io", "v1", "networkpolicies")
RELEASED_NAMES = [f"policy-{number:02}" for number in range(60)]
"""More than three times the writes that may be in flight at the start of an agent, fewer than the brake minds."""

TUNE = {
    "lease_seconds": 1.5,
    "namespace_deletion_delay": 0.5,
    "discovery_seconds": 5.0,
    "status_seconds": 1.0,
}
USER = "agent-east"
KINDS = {
    "configmaps": "ConfigMap",
    "secrets": "Secret",
    "services": "Service",
    "ingresses": "Ingress",
    "deployments": "Deployment",
    "pods": "Pod",
    "networkpolicies": "NetworkPolicy",
}


@pytest.fixture
def seed(capsys: pytest.CaptureFixture[str]) -> int:
    """The seed of this run, from TMC_SEED or new."""
    found = int(os.environ.get("TMC_SEED") or random.SystemRandom().randrange(1_000_000))
    with capsys.disabled():
        print(f"\nTMC_SEED={found}")  # noqa: T201  # a run is replayed by it
    return found


@pytest.fixture
def proxy(fresh_pair: tuple[ControlPlane, PhysicalCluster], tmp_path: Path) -> Iterator[CountingProxy]:
    """A counting proxy in front of both servers, for the agent's user."""
    upstream, downstream = fresh_pair
    for cluster in fresh_pair:
        cluster.add_user(USER)
    with CountingProxy(tmp_path, {"upstream": upstream, "downstream": downstream}, USER) as proxy:
        yield proxy


@pytest.mark.timeout(1200)
def test_an_agent_killed_at_thirty_writes_of_a_churn_leaves_both_worlds_right(
    fresh_pair: tuple[ControlPlane, PhysicalCluster], proxy: CountingProxy, tmp_path: Path, seed: int
) -> None:
    upstream, downstream = fresh_pair
    rng = random.Random(seed)
    churn = Churn(upstream, downstream, rng)
    for _ in range(NAMESPACES):
        churn.create_namespace(0)
    home = churn.namespaces.pop()  # nobody deletes it, so that what is released stays in it
    for name in RELEASED_NAMES:
        upstream.create(policy(home, name))
    for _ in range(OBJECTS):
        churn.create()

    plan = planned(rng)
    with contextlib.ExitStack() as at_end:
        agent = agent_behind(proxy, fresh_pair, tmp_path / "agent")
        for number, (kind, nth, moment, late_seconds) in enumerate(plan):
            if number == len(plan) - KILLS[WriteKind.RELEASE]:
                shorten_the_list(upstream)
                agent = agent_behind(proxy, fresh_pair, tmp_path / "agent", name_types=False)
            agent.launch()
            at_end.callback(agent.kill)
            proxy.strike(Strike(agent.pid or 0, kind, nth, moment, late_seconds))
            provoke(churn, kind, nth)
            churn.anything(4)
            wait_for_the_kill(proxy, agent, partial(provoke, churn, kind, 3))
            churn.anything(3)
        churn.namespaces.append(home)

        agent.start()
        eventually(lambda: proxy.late == 0, message="every late request was sent on")
        eventually(churn.is_right, 120, interval=1.0, message="both worlds are right")
        eventually(lambda: is_released(upstream, downstream, home), message="policies are released")
        marks = upstream.audit_mark(), downstream.audit_mark()
        steady(churn.is_right, 3, interval=1.0, message="both worlds stay right")
        assert writes(upstream, marks[0]) == writes(downstream, marks[1]) == []

    assert created_too_often(downstream, churn.born) == {}
    assert len(proxy.hits) == 30
    assert {hit.strike.kind for hit in proxy.hits} == set(KILLS)
    assert sum(hit.in_flight > 0 for hit in proxy.hits) >= 20


# The plan of a run


def planned(rng: random.Random) -> list[tuple[WriteKind, int, Moment, float]]:
    """The kills: kind of write, which of them since the agent's start, moment, and how late a late request is.

    The first ones hit the cold start, far into it; releases come last, when a type has been taken off the list.
    """
    kinds: list[WriteKind] = [
        kind for kind, times in KILLS.items() if kind != WriteKind.RELEASE for _ in range(times)
    ]
    rng.shuffle(kinds)
    kinds.sort(key=lambda kind: kind not in COLD_KINDS)
    kinds += [WriteKind.RELEASE] * KILLS[WriteKind.RELEASE]
    in_flight = [moment for moment in Moment if moment != Moment.AFTER_REPLY]
    moments: list[Moment] = [in_flight[number % len(in_flight)] for number in range(IN_FLIGHT)]
    moments += [Moment.AFTER_REPLY] * (len(kinds) - len(moments))
    rng.shuffle(moments)
    return [
        (kind, rng.randint(1, highest(kind, number)), moments[number], rng.uniform(0, LATEST_SECONDS))
        for number, kind in enumerate(kinds)
    ]


def highest(kind: WriteKind, number: int) -> int:
    """How far a kill may lie behind the agent's start, in writes of its kind."""
    if kind in (WriteKind.CREATE_NAMESPACE, WriteKind.DELETE_NAMESPACE):
        return 1
    if kind == WriteKind.RELEASE:
        return 2
    return 60 if number < COLD_KILLS else 10


def provoke(churn: Churn, kind: WriteKind, times: int) -> None:
    """Let users do what makes the agent write so."""
    if kind == WriteKind.CREATE_NAMESPACE:
        churn.create_namespace()
    elif kind == WriteKind.DELETE_NAMESPACE:
        churn.create_namespace()  # one for one, so that there are always some
        churn.delete_namespace()
    for _ in range(times):
        if kind in (WriteKind.CREATE, WriteKind.ADD_FINALIZER):
            churn.create()
        elif kind == WriteKind.APPLY:
            churn.change()
        elif kind == WriteKind.STATUS:
            churn.change("Deployment")
        elif kind in (WriteKind.DELETE, WriteKind.REMOVE_FINALIZER):
            churn.delete()


def wait_for_the_kill(proxy: CountingProxy, agent: AgentProcess, provoke_more: Callable[[], None]) -> None:
    """Wait until the agent is dead by the strike; users go on when it does not come to that write."""
    kills, looks = len(proxy.hits), itertools.count(1)

    def killed() -> bool:
        if agent.running and len(proxy.hits) == kills and next(looks) % 30 == 0:
            provoke_more()
        return not agent.running

    eventually(killed, 90, message="the agent was killed")
    assert len(proxy.hits) > kills, f"the agent ended by itself\n{agent.log_tail()}"
    print(proxy.hits[-1])  # noqa: T201  # shown when the test fails


# A type that is released


def policy(namespace: str, name: str) -> Manifest:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"podSelector": {"matchLabels": {"app": name}}},
    }


def shorten_the_list(upstream: ControlPlane) -> None:
    """The platform owner takes NetworkPolicies off the list, and wants their copies to stay."""
    target = upstream.get("SyncTarget", "east")
    assert target is not None
    kept = [e for e in target["spec"]["supportedAPIResources"] if e["resource"] != RELEASED.resource]
    spec = {"supportedAPIResources": kept, "onRemoval": "Orphan"}
    upstream.patch("SyncTarget", "east", None, {"spec": spec})


def is_released(upstream: ControlPlane, downstream: ControlPlane, namespace: str) -> bool:
    """Each NetworkPolicy stands on both sides, free of every mark; True, or an assertion that says what is not."""
    ups = upstream.list_objects("NetworkPolicy", namespace)
    downs = downstream.list_objects("NetworkPolicy")
    for found in (ups, downs):
        assert sorted(o["metadata"]["name"] for o in found) == RELEASED_NAMES
    for up in ups:
        assert not [f for f in up["metadata"].get("finalizers", []) if f.startswith(FINALIZER_PREFIX)]
    for down in downs:
        assert down["metadata"]["namespace"].endswith(f"-{namespace}")
        marks = {**down["metadata"].get("labels", {}), **down["metadata"].get("annotations", {})}
        assert not [name for name in marks if "kcp.io/" in name]
    return True


# What the audit log tells


def writes(cluster: ControlPlane, mark: int) -> list[str]:
    """What the agent wrote, beside its Leases and its SyncTarget."""
    return [
        f"{event['verb']} {event['requestURI']}"
        for event in cluster.audit(USER, mark)
        if event["verb"] not in ("get", "list", "watch")
        and event["objectRef"]["resource"] not in ("leases", "synctargets")
    ]


def created_too_often(downstream: ControlPlane, born: Counter[Name]) -> dict[Name, int]:
    """Names that the agent created more often downstream than users did upstream."""
    made: Counter[Name] = Counter()
    for event in downstream.audit(USER):
        if event["verb"] != "patch" or event["responseStatus"]["code"] != 201:
            continue
        what = event["objectRef"]
        namespace = re.sub("^.*-churn-", "churn-", what["namespace"])
        if what["resource"] == "namespaces":  # its own name stands as its namespace in an audit event
            made["Namespace", "", namespace] += 1
        elif KINDS[what["resource"]] != "NetworkPolicy":
            made[KINDS[what["resource"]], namespace, what["name"]] += 1
    assert sum(made.values()) > OBJECTS
    return {name: times for name, times in made.items() if times > born[name]}


def agent_behind(
    proxy: CountingProxy,
    pair: tuple[ControlPlane, PhysicalCluster],
    directory: Path,
    *,
    name_types: bool = True,
) -> AgentProcess:
    return AgentProcess(
        directory,
        *pair,
        types=(*CHURN_TYPES, RELEASED),
        tune=TUNE,
        upstream_url=proxy.urls["upstream"],
        downstream_url=proxy.urls["downstream"],
        name_types=name_types,
    )
