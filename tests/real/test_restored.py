"""Clusters that come back from a backup: what the backup does not know is neither deleted nor forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.scene import Scene
from tests.real.trouble import (
    CONFIG_MAPS,
    PATIENCE,
    Servers,
    agent_on,
    command,
    condition,
    config_maps,
    copies,
    create_all,
    deletions,
    metric,
    namespace_of,
    wait_condition,
    wait_copies,
    wait_ready,
)
from tmc_syncer.testing.polling import eventually, steady

STEADY_SECONDS = 4.0
"""Twice the time that a deletion settles before it goes."""

OLD = [f"old-{number}" for number in range(4)]
NEW = [f"new-{number}" for number in range(3)]
"""Fewer than the brake lets go: that upstream was restored has to be enough to hold them."""


@pytest.fixture(scope="module")
def scene(
    servers: Servers, tmp_path_factory: pytest.TempPathFactory, kept_processes: set[int]
) -> Iterator[Scene]:
    """An agent that syncs ConfigMaps."""
    with agent_on(servers, tmp_path_factory.mktemp("agent"), "east", types=(CONFIG_MAPS,)) as running:
        kept_processes.add(running.agent.pid or 0)
        yield running


def text(scene: Scene, namespace: str, name: str) -> str:
    """What the copy of a ConfigMap says."""
    found = scene.copy("ConfigMap", namespace, name)
    assert found is not None
    return str(found["data"]["text"])


def say(scene: Scene, namespace: str, name: str, words: str) -> None:
    """Change a ConfigMap upstream and wait until its copy says so."""
    scene.upstream.patch("ConfigMap", name, namespace, {"data": {"text": words}})
    eventually(lambda: text(scene, namespace, name) == words, PATIENCE, message=f"{name} says {words}")


def release(scene: Scene, tmc: Path) -> None:
    """What a person does who has looked."""
    done = command(tmc, scene, "target", "release-brake", scene.agent.target)
    assert done.returncode == 0, done.stderr


def test_an_upstream_restored_under_a_running_agent_deletes_nothing_until_it_is_released(
    servers: Servers, scene: Scene, tmc_command: Path
) -> None:
    namespace = namespace_of(scene)
    create_all(scene.upstream, config_maps(namespace, OLD))
    wait_copies(scene, "ConfigMap", namespace, OLD)
    say(scene, namespace, "old-1", "in the backup")
    snapshot = scene.upstream.snapshot()
    younger = namespace_of(scene)
    create_all(scene.upstream, config_maps(namespace, NEW) + config_maps(younger, NEW[:1]))
    scene.upstream.delete("ConfigMap", "old-0", namespace)
    say(scene, namespace, "old-1", "after the backup")
    before = wait_copies(scene, "ConfigMap", namespace, [*OLD[1:], *NEW])
    before_in_younger = wait_copies(scene, "ConfigMap", younger, NEW[:1])
    mark = scene.downstream.audit_mark()

    servers.restore(scene.upstream, snapshot)

    wait_condition(scene, "DeletionBrake", "True", "UpstreamRestored")
    eventually(lambda: metric(scene.agent, "tmc_brake") == 1, PATIENCE)
    # It has caught up with the older state: what was deleted since is back, what was changed is as it was.
    after = wait_copies(scene, "ConfigMap", namespace, [*OLD, *NEW])
    eventually(lambda: text(scene, namespace, "old-1") == "in the backup", PATIENCE, message="old text")
    assert {name: after[name] for name in before} == before
    steady(lambda: copies(scene, "ConfigMap", namespace) == after, STEADY_SECONDS)
    assert copies(scene, "ConfigMap", younger) == before_in_younger
    assert deletions(scene.downstream, scene, mark) == []
    create_all(scene.upstream, config_maps(namespace, ["later"]))
    wait_copies(scene, "ConfigMap", namespace, [*OLD, *NEW, "later"])

    release(scene, tmc_command)

    wait_copies(scene, "ConfigMap", namespace, [*OLD, "later"])
    eventually(lambda: scene.downstream_namespace(younger) is None, PATIENCE, message="younger is gone")
    wait_condition(scene, "DeletionBrake", "False")


def test_an_upstream_restored_while_the_agent_was_away_is_noticed_by_the_next_ones_too(
    servers: Servers, scene: Scene, tmc_command: Path, kept_processes: set[int]
) -> None:
    namespace = namespace_of(scene)
    create_all(scene.upstream, config_maps(namespace, OLD))
    wait_copies(scene, "ConfigMap", namespace, OLD)
    snapshot = scene.upstream.snapshot()
    create_all(scene.upstream, config_maps(namespace, NEW))
    before = wait_copies(scene, "ConfigMap", namespace, [*OLD, *NEW])
    mark = scene.downstream.audit_mark()
    scene.agent.stop()

    servers.restore(scene.upstream, snapshot)
    scene.agent.start()
    wait_condition(scene, "DeletionBrake", "True", "UpstreamRestored")
    steady(lambda: copies(scene, "ConfigMap", namespace) == before, STEADY_SECONDS)

    # The one after that, which may find that upstream has come as far as it was by now.
    scene.agent.kill()
    create_all(scene.upstream, config_maps(namespace, [f"filler-{number}" for number in range(60)]))
    scene.agent.start()
    kept_processes.add(scene.agent.pid or 0)
    eventually(lambda: metric(scene.agent, "tmc_brake") == 1, PATIENCE)
    steady(lambda: copies(scene, "ConfigMap", namespace).items() >= before.items(), STEADY_SECONDS)
    assert condition(scene, "DeletionBrake")["reason"] == "UpstreamRestored"
    assert deletions(scene.downstream, scene, mark) == []

    release(scene, tmc_command)
    eventually(lambda: not copies(scene, "ConfigMap", namespace).keys() & set(NEW), PATIENCE)
    wait_condition(scene, "DeletionBrake", "False")


def test_a_restored_physical_cluster_is_brought_up_to_date_and_upstream_loses_nothing(
    servers: Servers, scene: Scene
) -> None:
    namespace = namespace_of(scene)
    create_all(scene.upstream, config_maps(namespace, OLD))
    wait_copies(scene, "ConfigMap", namespace, OLD)
    snapshot = scene.downstream.snapshot()
    younger = namespace_of(scene)
    create_all(scene.upstream, config_maps(namespace, NEW) + config_maps(younger, NEW))
    scene.upstream.delete("ConfigMap", "old-0", namespace)
    say(scene, namespace, "old-1", "after the backup")
    wait_copies(scene, "ConfigMap", namespace, [*OLD[1:], *NEW])
    wait_copies(scene, "ConfigMap", younger, NEW)
    upstream = {
        each["metadata"]["name"]: each["metadata"]["uid"]
        for each in scene.upstream.list_objects("ConfigMap", namespace)
    }

    servers.restore(scene.downstream, snapshot)

    wait_ready(scene.agent)
    wait_copies(scene, "ConfigMap", namespace, [*OLD[1:], *NEW])
    wait_copies(scene, "ConfigMap", younger, NEW)
    eventually(lambda: text(scene, namespace, "old-1") == "after the backup", PATIENCE)
    wait_condition(scene, "Ready", "True")
    assert condition(scene, "DeletionBrake")["status"] == "False"
    found = scene.upstream.list_objects("ConfigMap", namespace)
    assert {each["metadata"]["name"]: each["metadata"]["uid"] for each in found} == upstream
    assert not any("deletionTimestamp" in each["metadata"] for each in found)
    assert all(scene.finalizers("ConfigMap", namespace, name) for name in [*OLD[1:], *NEW])
