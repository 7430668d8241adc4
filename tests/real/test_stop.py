"""An agent that is told to stop: it ends within its grace, loses nothing, and says goodbye; and a token that is rotated.

A counting proxy holds answers back, so that writes are in flight for as long as a test wants; a byte-level one swallows
everything, as a partition does.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.real.scene import OWN_AGENT, Scene, config_map
from tmc_syncer.api.resources import GVR
from tmc_syncer.testing.agent import AgentProcess, grant
from tmc_syncer.testing.agent_writes import WriteKind
from tmc_syncer.testing.cluster import ControlPlane
from tmc_syncer.testing.counting_proxy import CountingProxy
from tmc_syncer.testing.polling import eventually
from tmc_syncer.testing.proxy import TcpProxy

CONFIG_MAPS = (GVR("", "v1", "configmaps"),)
OBJECTS = 200
GRACE_SECONDS = 6.0


@contextmanager
def ended(agent: AgentProcess) -> Iterator[None]:
    """At the end of a test the agent does not run any more, whatever happened."""
    try:
        yield
    finally:
        agent.kill()


def agent_of(scene: Scene, directory: Path, name: str, **more: Any) -> AgentProcess:
    """An agent of its own, for namespaces that are labelled for it."""
    flags = ("--namespace-selector", f"{OWN_AGENT}={name}")
    tune = {"grace_seconds": GRACE_SECONDS}
    return AgentProcess(
        directory,
        scene.upstream,
        scene.downstream,
        target=name,
        types=CONFIG_MAPS,
        flags=flags,
        tune=tune,
        **more,
    )


def lease_holder(upstream: ControlPlane, target: str) -> str:
    found = upstream.get("Lease", f"tmc-{target}", "tmc-system")
    assert found is not None
    return str(found["spec"].get("holderIdentity", ""))


def events(agent: AgentProcess) -> list[str]:
    return [str(line.get("event", line.get("text"))) for line in agent.log()]


@contextmanager
def under_load(scene: Scene, directory: Path, name: str) -> Iterator[tuple[Scene, CountingProxy, str]]:
    """An agent with work for a while and with writes in flight, whose answers are held back."""
    user = f"agent-{name}"
    for cluster in (scene.upstream, scene.downstream):
        cluster.add_user(user)
    sides = {"upstream": scene.upstream, "downstream": scene.downstream}
    with CountingProxy(directory, sides, user) as proxy:
        urls = {f"{side}_url": url for side, url in proxy.urls.items()}
        agent = agent_of(scene, directory / "agent", name, **urls)
        own = Scene(scene.upstream, scene.downstream, agent)
        namespace = own.namespace(**{OWN_AGENT: name})
        for number in range(OBJECTS):
            own.upstream.create(config_map(namespace, f"c{number}"))
        with ended(agent):
            proxy.hold({WriteKind.CREATE})
            agent.start()
            eventually(lambda: proxy.held > 3, message="writes are in flight")
            yield own, proxy, namespace


def unfinished(scene: Scene, namespace: str) -> list[str]:
    """Objects that are not synced, by what stands on both sides."""
    place = scene.downstream_namespace(namespace)
    copies = {each["metadata"]["name"]: each for each in scene.downstream.list_objects("ConfigMap", place)}
    return [
        each["metadata"]["name"]
        for each in scene.upstream.list_objects("ConfigMap", namespace)
        if each["metadata"]["name"] != "kube-root-ca.crt"
        and (
            len(each["metadata"].get("finalizers", [])) != 1
            or copies.get(each["metadata"]["name"], {}).get("data") != each["data"]
        )
    ]


def test_a_signal_under_load_lets_what_is_in_flight_end_and_gives_the_lease_up(
    scene: Scene, tmp_path: Path
) -> None:
    with under_load(scene, tmp_path, "stopped") as (own, proxy, namespace):
        agent = own.agent
        assert lease_holder(own.upstream, "stopped")
        agent.terminate()
        eventually(lambda: "stopping" in events(agent), message="it says that it stops")
        assert agent.running, "it waits for the answers to what it sent"
        proxy.release()
        eventually(lambda: not agent.running, GRACE_SECONDS, message="it has ended")
        assert agent.exit_code == 0
        assert events(agent)[-1] == "stopped"
        assert lease_holder(own.upstream, "stopped") == ""
        assert unfinished(own, namespace), "there was work left"

        agent.start()  # at once: nobody else holds the Lease
        eventually(lambda: unfinished(own, namespace) == [], 60, message="everything is synced")


def test_a_second_signal_ends_it_at_once(scene: Scene, tmp_path: Path) -> None:
    with under_load(scene, tmp_path, "hurried") as (own, proxy, namespace):
        agent = own.agent
        pid = agent.pid or 0
        agent.terminate()
        eventually(lambda: "stopping" in events(agent), message="it says that it stops")
        assert proxy.held > 3
        os.kill(pid, signal.SIGINT)
        eventually(lambda: not agent.running, GRACE_SECONDS / 2, message="it has ended without the answers")
        assert agent.exit_code == 0
        proxy.release()

        agent.start()
        eventually(lambda: unfinished(own, namespace) == [], 60, message="everything is synced")


def test_servers_that_do_not_answer_do_not_keep_it_from_stopping(scene: Scene, tmp_path: Path) -> None:
    with TcpProxy(scene.upstream.url) as up, TcpProxy(scene.downstream.url) as down:
        agent = agent_of(scene, tmp_path / "cut-off", "cut-off", upstream_url=up.url, downstream_url=down.url)
        with ended(agent):
            agent.start()
            for proxy in (up, down):
                proxy.blackhole()
            agent.terminate()
            eventually(lambda: not agent.running, 20, message="it has ended")
            assert agent.exit_code == 0
            # It can be stopped before it has come up, too.
            before = up.connections
            agent.launch()
            eventually(lambda: up.connections > before, message="it asks upstream")
            agent.terminate()
            eventually(lambda: not agent.running, 20, message="it has ended")
            assert agent.exit_code == 0


# A token in a file


def service_account_token(cluster: ControlPlane, user: str, number: int) -> str:
    """A token of the ServiceAccount ``user`` in namespace default that is good as long as its own Secret stands."""
    secret = f"{user}-{number}"
    cluster.create(
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": secret, "namespace": "default"}}
    )
    bound = ("--bound-object-kind", "Secret", "--bound-object-name", secret)
    return cluster.kubectl(
        "create", "token", user, "-n", "default", "--duration", "1h", *bound
    ).stdout.strip()


def token_kubeconfig(cluster: ControlPlane, token_file: Path) -> Path:
    """A kubeconfig that names the file."""
    document = json.loads(cluster.kubeconfig().read_text())
    document["users"][0]["user"] = {"tokenFile": str(token_file)}
    path = token_file.with_suffix(".yaml")
    path.write_text(json.dumps(document))
    return path


def is_refused(cluster: ControlPlane, token: str) -> bool:
    review = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenReview",
        "spec": {"token": token},
    }
    status, answer = cluster.request("POST", "/apis/authentication.k8s.io/v1/tokenreviews", review)
    assert status == 201, answer
    return not answer["status"].get("authenticated")


@pytest.mark.timeout(180)
def test_a_token_file_that_is_rotated_costs_no_failed_sync(scene: Scene, tmp_path: Path) -> None:
    name, files, clusters = "rotated", [], (scene.upstream, scene.downstream)
    user = f"system:serviceaccount:default:{name}"
    grant(*clusters, user, CONFIG_MAPS)
    for cluster in clusters:
        cluster.apply(
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": "default"}}
        )
        path = tmp_path / f"{cluster.name}.token"
        path.write_text(service_account_token(cluster, name, 1))
        files.append(path)
    kubeconfigs = [token_kubeconfig(*pair) for pair in zip(clusters, files, strict=True)]
    agent = agent_of(scene, tmp_path / "agent", name, user=user, kubeconfigs=kubeconfigs)
    own = Scene(*clusters, agent)
    namespace = own.namespace(**{OWN_AGENT: name})
    with ended(agent):
        agent.start()
        own.upstream.create(config_map(namespace, "before"))
        own.wait_copy("ConfigMap", namespace, "before")

        old = [path.read_text() for path in files]
        for cluster, path in zip(clusters, files, strict=True):
            fresh = path.with_suffix(".new")
            fresh.write_text(service_account_token(cluster, name, 2))
            fresh.replace(path)
            cluster.delete("Secret", f"{name}-1", "default")
        for cluster, token in zip(clusters, old, strict=True):
            eventually(partial(is_refused, cluster, token), message="the old token is refused")

        for number in range(5):
            own.upstream.create(config_map(namespace, f"after-{number}"))
            own.wait_copy("ConfigMap", namespace, f"after-{number}")
        eventually(lambda: unfinished(own, namespace) == [], message="everything is synced")
        failed = [line for line in agent.log() if line.get("event") == "failed"]
        assert failed == []
        assert [line["failed"] for line in agent.statusz()["types"]] == [0]
