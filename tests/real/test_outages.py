"""Outages on real servers: an API server that is away for a minute, and partitions in the middle of a list.

What cannot be seen is not taken for gone: nothing is deleted downstream and nothing let go upstream meanwhile, the agent
says exactly what it does not see, and once that is back everything catches up without help.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.real.samples import SAMPLES
from tests.real.scene import Scene, deployment
from tests.real.trouble import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    PATIENCE,
    Servers,
    agent_on,
    condition,
    config_maps,
    copies,
    create_all,
    deletions,
    namespace_of,
    place_of,
    ready,
    say,
    sync_target,
    unseen,
    wait_all_well,
    wait_copies,
    wait_ready,
    wait_said,
    wait_unseen,
)
from tmc_syncer.api.resources import GVR
from tmc_syncer.testing.control_plane import ControlPlane
from tmc_syncer.testing.errors import NotInTime
from tmc_syncer.testing.polling import eventually, steady
from tmc_syncer.testing.proxy import TcpProxy

TYPES = (CONFIG_MAPS, DEPLOYMENTS, GVR("networking.k8s.io", "v1", "ingresses"))
UPSTREAM = {f"upstream {what}" for what in ("namespaces", *TYPES)}
DOWNSTREAM = {f"downstream {what}" for what in ("namespaces", *TYPES)}
UPSTREAM_MAPS, DOWNSTREAM_MAPS = f"upstream {CONFIG_MAPS}", f"downstream {CONFIG_MAPS}"

OUTAGE_SECONDS, LOOK_SECONDS = 60.0, 0.5
STEADY_SECONDS = 4.0
"""Twice the time that a deletion settles before it goes."""

MANY = [f"many-{number:03}" for number in range(120)]
PART_OF_A_LIST = 500_000
"""Bytes: less than half of a list of all of them, and more than anything else that comes over one connection."""

Remote = tuple[Scene, TcpProxy, TcpProxy]


@pytest.fixture(scope="module")
def scene(
    servers: Servers, tmp_path_factory: pytest.TempPathFactory, kept_processes: set[int]
) -> Iterator[Scene]:
    """An agent of the two tests whose servers stop."""
    with agent_on(servers, tmp_path_factory.mktemp("agent"), "east", types=TYPES) as running:
        kept_processes.add(running.agent.pid or 0)
        yield running


@pytest.fixture
def remote(servers: Servers, tmp_path: Path) -> Iterator[Remote]:
    """An agent that is not started yet, and the proxies between it and the upstream and the physical cluster."""
    with (
        TcpProxy(servers.upstream.url) as up,
        TcpProxy(servers.downstream.url) as down,
        agent_on(servers, tmp_path, "west", types=(CONFIG_MAPS,), proxies=(up, down), start=False) as scene,
    ):
        yield scene, up, down


def world(cluster: ControlPlane, place: str) -> dict[str, str]:
    """The objects and Pods of a namespace, in their present versions."""
    return {
        f"{kind}/{each['metadata']['name']}": str(each["metadata"]["resourceVersion"])
        for kind in ("ConfigMap", "Deployment", "Ingress", "Pod")
        for each in cluster.list_objects(kind, place)
    }


def running_pods(cluster: ControlPlane, place: str) -> set[str]:
    """The Pods that run."""
    pods = cluster.list_objects("Pod", place)
    return {pod["metadata"]["name"] for pod in pods if pod["status"]["phase"] == "Running"}


def status_of(scene: Scene, kind: str, namespace: str, name: str) -> dict[str, Any]:
    """A status upstream."""
    return dict((scene.upstream.get(kind, name, namespace) or {}).get("status", {}))


@pytest.mark.timeout(400)
def test_a_minute_without_the_upstream_changes_nothing_downstream(servers: Servers, scene: Scene) -> None:
    upstream, downstream, agent = scene.upstream, scene.downstream, scene.agent
    namespace, names = namespace_of(scene), ["changed", "edited", "lost", "still", "unwanted"]
    create_all(upstream, config_maps(namespace, names))
    create_all(upstream, [deployment(namespace), SAMPLES["ingress"](namespace, "door")])
    uids = wait_copies(scene, "ConfigMap", namespace, names)
    eventually(lambda: scene.copy("Ingress", namespace, "door"), PATIENCE)
    eventually(lambda: status_of(scene, "Deployment", namespace, "web").get("readyReplicas") == 2, PATIENCE)
    place, mark = place_of(scene, namespace), downstream.audit_mark()
    upstream.apiserver.stop()
    wait_unseen(agent, {"lease", "synctarget"} | UPSTREAM)
    say(downstream, place, "edited", "by hand")
    downstream.delete("ConfigMap", "lost", place)
    balancer = {"loadBalancer": {"ingress": [{"hostname": "door.example.com"}]}}
    downstream.patch("Ingress", "door", place, {"status": balancer}, subresource="status")
    first, second = running_pods(downstream, place)
    downstream.delete("Pod", first, place)
    eventually(lambda: len(running_pods(downstream, place) - {first, second}) == 1, PATIENCE)

    def at_rest() -> dict[str, str]:
        found = world(downstream, place)
        steady(lambda: world(downstream, place) == found, 1.0)
        return found

    before, pods = eventually(at_rest, PATIENCE, ignoring=(NotInTime,)), running_pods(downstream, place)
    assert "ConfigMap/lost" not in before
    wait_said(downstream, place, "edited", "by hand")

    def stands() -> bool:
        assert unseen(agent) == {"lease", "synctarget"} | UPSTREAM
        assert "Another agent" not in ready(agent)[1]
        assert agent.read("/healthz") == b"ok\n"
        assert agent.statusz()["connected"] is False
        return world(downstream, place) == before

    steady(stands, OUTAGE_SECONDS, interval=LOOK_SECONDS, message="everything stands downstream")
    servers.start(upstream)
    say(upstream, namespace, "changed", "after the outage")
    create_all(upstream, config_maps(namespace, ["added"]))
    upstream.delete("ConfigMap", "unwanted", namespace)
    wait_all_well(scene)
    after = wait_copies(scene, "ConfigMap", namespace, ["added", "changed", "edited", "lost", "still"])
    assert all(after[name] == uids[name] for name in ("changed", "edited", "still"))
    wait_said(downstream, place, "changed", "after the outage")
    wait_said(downstream, place, "edited", "x" * 500)
    eventually(lambda: status_of(scene, "Ingress", namespace, "door") == balancer, PATIENCE)
    assert status_of(scene, "Deployment", namespace, "web")["readyReplicas"] == 2
    assert running_pods(downstream, place) == pods
    eventually(lambda: upstream.get("ConfigMap", "unwanted", namespace) is None, PATIENCE)
    assert deletions(downstream, scene, mark) == ["configmaps/unwanted"]


@pytest.mark.timeout(400)
def test_a_minute_without_the_physical_cluster_lets_nothing_go(servers: Servers, scene: Scene) -> None:
    upstream, downstream, agent = scene.upstream, scene.downstream, scene.agent
    namespace, doomed = namespace_of(scene), namespace_of(scene)
    names = ["changed", "still", "unwanted"]
    create_all(upstream, config_maps(namespace, names) + config_maps(doomed, ["inside"]))
    uids = wait_copies(scene, "ConfigMap", namespace, names)
    wait_copies(scene, "ConfigMap", doomed, ["inside"])
    place, doomed_place = place_of(scene, namespace), place_of(scene, doomed)
    downstream.patch("ConfigMap", "unwanted", place, {"metadata": {"finalizers": ["example.com/hold"]}})
    wait_all_well(scene)
    mark = downstream.audit_mark()
    downstream.apiserver.stop()
    wait_unseen(agent, DOWNSTREAM)
    say(upstream, namespace, "changed", "during the outage")
    create_all(upstream, config_maps(namespace, ["added"]))
    upstream.delete("ConfigMap", "unwanted", namespace)
    upstream.delete("Namespace", doomed)
    create_all(upstream, config_maps(later := namespace_of(scene), ["inside"]))

    def holds() -> bool:
        assert unseen(agent) == DOWNSTREAM
        assert sync_target(scene)["status"]["connected"] is False
        found = [condition(scene, f"{side}Healthy")["status"] for side in ("Upstream", "Downstream")]
        assert [*found, condition(scene, "Ready")["status"]] == ["True", "False", "False"]
        assert condition(scene, "DownstreamHealthy")["reason"] == "NotReachable"
        assert scene.finalizers("ConfigMap", doomed, "inside")
        return all(scene.finalizers("ConfigMap", namespace, name) for name in names)

    eventually(holds, PATIENCE, message="the target says what is wrong")
    heartbeat = sync_target(scene)["status"]["lastSyncerHeartbeatTime"]
    steady(holds, OUTAGE_SECONDS, interval=LOOK_SECONDS, message="everything is held upstream")
    assert sync_target(scene)["status"]["lastSyncerHeartbeatTime"] > heartbeat
    servers.start(downstream)
    wait_all_well(scene)
    after = wait_copies(scene, "ConfigMap", namespace, [*names, "added"])
    wait_said(downstream, place, "changed", "during the outage")
    wait_copies(scene, "ConfigMap", later, ["inside"])
    eventually(lambda: "configmaps/unwanted" in deletions(downstream, scene, mark), PATIENCE)
    steady(lambda: scene.finalizers("ConfigMap", namespace, "unwanted"), STEADY_SECONDS)
    downstream.patch("ConfigMap", "unwanted", place, {"metadata": {"finalizers": None}})
    eventually(lambda: upstream.get("ConfigMap", "unwanted", namespace) is None, PATIENCE)
    eventually(lambda: upstream.get("Namespace", doomed) is None, PATIENCE, message=f"{doomed} is gone")
    gone = {"configmaps/inside", "configmaps/unwanted", f"namespaces/{doomed_place}"}
    eventually(lambda: set(deletions(downstream, scene, mark)) == gone, PATIENCE)
    assert {name: after[name] for name in names} == uids


def create_many(scene: Scene) -> str:
    """A namespace with objects whose list is large."""
    namespace = namespace_of(scene)
    manifests = config_maps(namespace, MANY)
    create_all(scene.upstream, [{**each, "data": {"text": "x" * 10_000}} for each in manifests])
    return namespace


def cut_lists(scene: Scene, proxy: TcpProxy, cache: str, disturb: Callable[[], None], times: int = 3) -> None:
    """Let no list of the many through from a disturbance on; wait until some were: two as a watch, the next in pages."""
    cuts = proxy.cuts + times
    proxy.cut_after(PART_OF_A_LIST, times=1000)
    disturb()
    eventually(lambda: proxy.cuts >= cuts, PATIENCE, message="lists are cut")
    wait_unseen(scene.agent, {cache})


def lists_since(scene: Scene, mark: int) -> bool:
    """Whether the upstream has begun to send ConfigMaps to the agent since a mark."""
    events = scene.upstream.audit(scene.agent.user, mark)
    begun = [event["objectRef"]["resource"] for event in events if event["stage"] == "ResponseStarted"]
    return "configmaps" in begun


@pytest.mark.timeout(300)
def test_a_list_that_is_cut_in_the_middle_deletes_nothing(servers: Servers, remote: Remote) -> None:
    scene, up, down = remote
    upstream, agent, namespace = scene.upstream, scene.agent, create_many(scene)
    cut_lists(scene, up, UPSTREAM_MAPS, agent.launch)  # its first start of all
    assert copies(scene, "ConfigMap", namespace) == {}
    up.heal()
    before = standing = wait_copies(scene, "ConfigMap", namespace, MANY)
    mark = scene.downstream.audit_mark()

    def stands() -> bool:
        found = upstream.list_objects("ConfigMap", namespace)
        assert {each["metadata"]["name"] for each in found if "finalizers" in each["metadata"]} >= set(
            standing
        )
        return copies(scene, "ConfigMap", namespace) == standing

    def restart_agent() -> None:
        agent.stop()
        agent.launch()

    for number, (proxy, cache, disturb, times) in enumerate((
        (up, UPSTREAM_MAPS, restart_agent, 3),  # sees all copies, and not what they are copies of
        (down, DOWNSTREAM_MAPS, restart_agent, 3),  # sees no copy
        (up, UPSTREAM_MAPS, lambda: servers.restart(upstream), 1),  # it forgets its history: lists are needed
    )):  # fmt: skip
        cut_lists(scene, proxy, cache, disturb, times)
        upstream.delete("ConfigMap", MANY[number], namespace)
        say(upstream, namespace, MANY[-1], f"partition {number}")
        steady(stands, STEADY_SECONDS, interval=LOOK_SECONDS)
        proxy.heal()
        wait_ready(agent)
        standing = wait_copies(scene, "ConfigMap", namespace, MANY[number + 1 :])
        wait_said(scene.downstream, place_of(scene, namespace), MANY[-1], f"partition {number}")
    assert standing == {name: before[name] for name in MANY[3:]}
    assert sorted(deletions(scene.downstream, scene, mark)) == [f"configmaps/{name}" for name in MANY[:3]]


@pytest.mark.timeout(300)
def test_a_connection_that_falls_silent_in_a_list_or_a_watch_deletes_nothing(remote: Remote) -> None:
    scene, proxy, _ = remote
    upstream, downstream, agent, namespace = scene.upstream, scene.downstream, scene.agent, create_many(scene)
    agent.start()
    before = wait_copies(scene, "ConfigMap", namespace, MANY)
    agent.stop()
    upstream.delete("ConfigMap", MANY[0], namespace)
    place, mark, since = place_of(scene, namespace), downstream.audit_mark(), upstream.audit_mark()
    proxy.delay(0.3)  # for each part, so that a list takes its time
    agent.launch()
    eventually(lambda: lists_since(scene, since), PATIENCE, message="a list is under way")
    proxy.blackhole()
    wait_unseen(agent, {"lease", UPSTREAM_MAPS})
    steady(lambda: copies(scene, "ConfigMap", namespace) == before, 2 * STEADY_SECONDS)
    assert unseen(agent) == {"lease", UPSTREAM_MAPS}
    proxy.heal()
    wait_ready(agent)
    wait_copies(scene, "ConfigMap", namespace, MANY[1:])

    proxy.blackhole()
    wait_unseen(agent, {"lease"})
    upstream.delete("ConfigMap", MANY[1], namespace)
    say(upstream, namespace, MANY[2], "during the partition")
    downstream.delete("ConfigMap", MANY[3], place)
    standing = {name: before[name] for name in MANY if name not in (MANY[0], MANY[3])}
    steady(lambda: copies(scene, "ConfigMap", namespace) == standing, 2 * STEADY_SECONDS)
    proxy.cut()
    proxy.heal()
    wait_ready(agent)
    after = wait_copies(scene, "ConfigMap", namespace, MANY[2:])
    wait_said(downstream, place, MANY[2], "during the partition")
    assert {name for name in after if after[name] != before[name]} == {MANY[3]}
    assert sorted(deletions(downstream, scene, mark)) == [f"configmaps/{name}" for name in MANY[:2]]
