"""Targets that go: with their copies, without them, by force, or for a while; and copies whose deletion nobody saw."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.real.scene import FINALIZER_PREFIX, Scene, deployment
from tests.real.trouble import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    PATIENCE,
    Servers,
    agent_on,
    command,
    config_maps,
    copies,
    create_all,
    namespace_of,
    patch_target,
    wait_condition,
    wait_copies,
    wait_unready,
)
from tmc_syncer.api.names import state_label
from tmc_syncer.testing.polling import eventually, steady

NAMES = [f"c{number}" for number in range(15)]
MARKS = ("workload.kcp.io", "kcp.io/")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Where the agents of a test keep their files."""
    return tmp_path


def marks(found: dict[str, Any]) -> list[str]:
    """The labels and annotations of ours that an object carries."""
    metadata = found["metadata"]
    entries = {**metadata.get("labels", {}), **metadata.get("annotations", {})}
    return [name for name in entries if any(mark in name for mark in MARKS)]


def is_gone(scene: Scene) -> bool:
    return scene.upstream.get("SyncTarget", scene.agent.target) is None


def remove(tmc: Path, scene: Scene, *words: str) -> subprocess.CompletedProcess[str]:
    done = command(tmc, scene, "target", "remove", scene.agent.target, "--yes", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_a_removed_target_takes_its_copies_and_namespaces_along_and_nothing_foreign(
    servers: Servers, directory: Path, tmc_command: Path
) -> None:
    with agent_on(servers, directory, "leaver", types=(CONFIG_MAPS, DEPLOYMENTS)) as scene:
        shop, shared = namespace_of(scene), namespace_of(scene)
        create_all(scene.upstream, [*config_maps(shop, NAMES), deployment(shop, replicas=1)])
        create_all(scene.upstream, config_maps(shared, NAMES[:2]))
        wait_copies(scene, "ConfigMap", shop, NAMES)
        wait_copies(scene, "ConfigMap", shared, NAMES[:2])
        scene.wait_copy("Deployment", shop, "web")
        place, place_shared = scene.downstream_namespace(shop), scene.downstream_namespace(shared)
        assert place
        assert place_shared
        [foreign] = config_maps(place_shared, ["of-somebody-else"])
        kept = scene.downstream.create(foreign)

        remove(tmc_command, scene)

        assert is_gone(scene)
        assert scene.downstream.get("Namespace", place) is None
        left = scene.downstream.get("Namespace", place_shared)
        assert left is not None
        assert marks(left) == []
        assert copies(scene, "ConfigMap", shared) == {}
        found = scene.downstream.get("ConfigMap", "of-somebody-else", place_shared)
        assert found is not None
        assert found["metadata"]["resourceVersion"] == kept["metadata"]["resourceVersion"]
        for kind, name in (("ConfigMap", NAMES[0]), ("Deployment", "web")):
            assert scene.upstream.get(kind, name, shop) is not None
            assert scene.finalizers(kind, shop, name) == []
        # An agent without a SyncTarget says so and does nothing.
        wait_unready(scene.agent, "SyncTarget leaver does not exist")
        create_all(scene.upstream, config_maps(shop, ["later"]))
        steady(lambda: scene.finalizers("ConfigMap", shop, "later") == [], 2.0)


def test_a_target_removed_with_orphan_leaves_its_copies_as_nobodys(
    servers: Servers, directory: Path, tmc_command: Path
) -> None:
    with agent_on(servers, directory, "parent", types=(CONFIG_MAPS, DEPLOYMENTS)) as scene:
        patch_target(scene, {"onRemoval": "Orphan"})
        shop = namespace_of(scene)
        create_all(scene.upstream, [*config_maps(shop, NAMES), deployment(shop, replicas=1)])
        maps = wait_copies(scene, "ConfigMap", shop, NAMES)
        web = scene.wait_copy("Deployment", shop, "web")
        place = scene.downstream_namespace(shop)
        assert place

        remove(tmc_command, scene)

        assert is_gone(scene)
        for name, uid in maps.items():
            orphan = scene.downstream.get("ConfigMap", name, place)
            assert orphan is not None
            assert orphan["metadata"]["uid"] == uid
            assert orphan["data"]["name"] == name
            assert marks(orphan) == []
            assert scene.finalizers("ConfigMap", shop, name) == []
        orphan = scene.downstream.get("Deployment", "web", place)
        assert orphan is not None
        assert (orphan["metadata"]["uid"], orphan["spec"]) == (web["metadata"]["uid"], web["spec"])
        namespace = scene.downstream.get("Namespace", place)
        assert namespace is not None
        assert marks(namespace) == []
        assert scene.finalizers("Deployment", shop, "web") == []


def test_a_target_deleted_while_its_agent_is_away_goes_when_the_agent_is_back(
    servers: Servers, directory: Path
) -> None:
    with agent_on(servers, directory, "sleeper", types=(CONFIG_MAPS,)) as scene:
        shop = namespace_of(scene)
        create_all(scene.upstream, config_maps(shop, NAMES))
        wait_copies(scene, "ConfigMap", shop, NAMES)
        place = scene.downstream_namespace(shop)
        assert place
        scene.agent.kill()
        scene.upstream.delete("SyncTarget", "sleeper")

        scene.agent.launch()

        eventually(lambda: is_gone(scene), PATIENCE, message="the SyncTarget is gone")
        assert scene.downstream.get("Namespace", place) is None
        assert all(scene.finalizers("ConfigMap", shop, name) == [] for name in NAMES)


def test_an_evicted_target_is_emptied_without_a_brake_and_filled_again_afterwards(
    servers: Servers, directory: Path
) -> None:
    with agent_on(servers, directory, "tenant", types=(CONFIG_MAPS,)) as scene:
        shop = namespace_of(scene)
        create_all(scene.upstream, config_maps(shop, NAMES))
        before = wait_copies(scene, "ConfigMap", shop, NAMES)

        patch_target(scene, {"evictAfter": "2020-01-01T00:00:00Z"})

        wait_copies(scene, "ConfigMap", shop, [])
        eventually(lambda: not any(scene.finalizers("ConfigMap", shop, name) for name in NAMES), PATIENCE)
        wait_condition(scene, "DeletionBrake", "False")

        patch_target(scene, {"evictAfter": None})
        after = wait_copies(scene, "ConfigMap", shop, NAMES)
        assert not set(after.values()) & set(before.values())


def test_without_finalizers_a_deletion_that_nobody_saw_is_proven_object_by_object(
    servers: Servers, directory: Path
) -> None:
    with agent_on(servers, directory, "loose", types=(CONFIG_MAPS,)) as scene:
        patch_target(scene, {"finalizers": "None"})
        shop, closed = namespace_of(scene), namespace_of(scene)
        create_all(scene.upstream, config_maps(shop, NAMES))
        create_all(scene.upstream, config_maps(closed, NAMES[:2]))
        before = wait_copies(scene, "ConfigMap", shop, NAMES)
        wait_copies(scene, "ConfigMap", closed, NAMES[:2])
        scene.agent.kill()
        gone, stay = NAMES[:3], NAMES[3:]
        assert all(scene.finalizers("ConfigMap", shop, name) == [] for name in NAMES)
        for name in gone:
            scene.upstream.delete("ConfigMap", name, shop)
        scene.upstream.delete("Namespace", closed)
        eventually(lambda: scene.upstream.get("Namespace", closed) is None, PATIENCE)
        mark = scene.upstream.audit_mark()

        scene.agent.start()

        after = wait_copies(scene, "ConfigMap", shop, stay)
        assert after == {name: before[name] for name in stay}
        eventually(lambda: scene.downstream_namespace(closed) is None, PATIENCE, message="namespace gone")
        asked = {
            (event["objectRef"].get("namespace"), event["objectRef"]["name"])
            for event in scene.upstream.audit(scene.agent.user, mark)
            if event["verb"] == "get" and event.get("objectRef", {}).get("resource") == "configmaps"
        }
        assert asked == {(shop, name) for name in gone} | {(closed, name) for name in NAMES[:2]}


# The last one: it stops the physical cluster for good.


@pytest.fixture
def lost(servers: Servers, directory: Path) -> Iterator[tuple[Scene, Scene]]:
    """Two targets with copies on a cluster that is gone for good: the agent of the first still runs."""
    types = (CONFIG_MAPS,)
    with (
        agent_on(servers, directory, "alive", types=types) as alive,
        agent_on(servers, directory, "dead", types=types) as dead,
    ):
        for scene in (alive, dead):
            namespace = scene.namespace(f"lost-{scene.agent.target}", team=scene.agent.target)
            create_all(scene.upstream, config_maps(namespace, NAMES))
            wait_copies(scene, "ConfigMap", namespace, NAMES)
        dead.agent.kill()
        servers.downstream.stop()
        yield alive, dead


def test_a_target_removed_by_force_while_its_cluster_is_gone_lets_everything_upstream_go(
    lost: tuple[Scene, Scene], tmc_command: Path
) -> None:
    for scene in lost:
        remove_by_force(scene, tmc_command)
    wait_unready(lost[0].agent, "downstream", "SyncTarget alive does not exist")


def remove_by_force(scene: Scene, tmc_command: Path) -> None:
    upstream, name = scene.upstream, scene.agent.target
    namespace, kept = f"lost-{name}", namespace_of(scene)
    [ours] = scene.finalizers("ConfigMap", namespace, NAMES[0])
    label = state_label(ours.removeprefix(FINALIZER_PREFIX))
    create_all(upstream, config_maps(kept, ["placed"], **{label: "Sync"}))
    upstream.delete("Namespace", namespace)
    upstream.delete("SyncTarget", name)
    steady(lambda: upstream.get("Namespace", namespace) is not None and not is_gone(scene), 2.0)

    done = remove(tmc_command, scene, "--force")

    assert "configmaps: 16 let go" in done.stdout
    assert is_gone(scene)
    eventually(lambda: upstream.get("Namespace", namespace) is None, PATIENCE, message="namespace gone")
    found = upstream.get("ConfigMap", "placed", kept)
    assert found is not None
    assert label not in found["metadata"].get("labels", {})
    steady(lambda: scene.finalizers("ConfigMap", kept, "placed") == [], 2.0)
