"""The deletion brake on real servers: it holds what looks like a mistake, says so, and lets go when it is mended or released."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.scene import Scene
from tests.real.trouble import (
    CONFIG_MAPS,
    PATIENCE,
    SECRETS,
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
    objects_of,
    patch_target,
    sync_target,
    wait_condition,
    wait_copies,
    wait_ready,
)
from tmc_syncer.testing.polling import eventually, steady
from tmc_syncer.testing.proxy import TcpProxy

STEADY_SECONDS = 4.0
"""Twice the time that a deletion settles before it goes."""

NAMES = [f"c{number}" for number in range(15)]


@pytest.fixture(scope="module")
def proxy(servers: Servers) -> Iterator[TcpProxy]:
    """Between the agent and the upstream."""
    with TcpProxy(servers.upstream.url) as running:
        yield running


@pytest.fixture(scope="module")
def shop(
    servers: Servers, proxy: TcpProxy, tmp_path_factory: pytest.TempPathFactory, kept_processes: set[int]
) -> Iterator[Scene]:
    """An agent that syncs ConfigMaps and Secrets."""
    with (
        TcpProxy(servers.downstream.url) as other,
        agent_on(
            servers,
            tmp_path_factory.mktemp("agent"),
            "shop",
            types=(CONFIG_MAPS, SECRETS),
            proxies=(proxy, other),
        ) as scene,
    ):
        kept_processes.add(scene.agent.pid or 0)
        yield scene


def end(scene: Scene, namespace: str) -> None:
    """Delete a namespace: what goes with it was asked for, and counts nowhere. Wait, since the next test counts deletions."""
    scene.upstream.delete("Namespace", namespace)
    eventually(lambda: scene.downstream_namespace(namespace) is None, PATIENCE, message="it is gone")


def held(scene: Scene) -> list[str]:
    """Objects that wait for the brake, by ``/statusz``."""
    return [each["name"] for each in objects_of(scene.agent) if each["reason"] == "DeletionBrake"]


def wait_held(scene: Scene, reason: str, count: int) -> None:
    """Wait until the brake holds `count` deletions, everywhere where it can be seen."""
    found = wait_condition(scene, "DeletionBrake", "True", reason)
    assert "tmc target release-brake" in found["message"]

    def seen() -> bool:
        assert f"{count} deletions" in condition(scene, "DeletionBrake")["message"]
        assert metric(scene.agent, "tmc_brake") == 1
        return len(held(scene)) == count

    eventually(seen, PATIENCE, message=f"{count} held deletions")


def test_a_mistyped_selector_deletes_nothing_and_mending_it_is_enough(shop: Scene) -> None:
    namespace = namespace_of(shop)
    create_all(shop.upstream, config_maps(namespace, NAMES, app="shop"))
    before = wait_copies(shop, "ConfigMap", namespace, NAMES)
    mark = shop.downstream.audit_mark()

    patch_target(shop, {"selector": {"matchLabels": {"app": "shpo"}}})
    wait_held(shop, "SelectorChanged", len(NAMES))
    steady(lambda: copies(shop, "ConfigMap", namespace) == before, STEADY_SECONDS)
    # Everything else goes on: what somebody deletes is deleted, what is created is looked at.
    shop.upstream.delete("ConfigMap", NAMES[0], namespace)
    shop.wait_no_copy("ConfigMap", namespace, NAMES[0])

    patch_target(shop, {"selector": {"matchLabels": {"app": "shop"}}})
    wait_condition(shop, "DeletionBrake", "False", "NotTripped")
    eventually(lambda: held(shop) == [] and metric(shop.agent, "tmc_brake") == 0, PATIENCE)
    del before[NAMES[0]]
    assert wait_copies(shop, "ConfigMap", namespace, NAMES[1:]) == before
    assert deletions(shop.downstream, shop, mark) == [f"configmaps/{NAMES[0]}"]

    patch_target(shop, {"selector": None})
    end(shop, namespace)


def test_a_shortened_type_list_waits_for_a_person_who_releases_exactly_what_was_planned(
    shop: Scene, tmc_command: Path
) -> None:
    namespace = namespace_of(shop)
    create_all(shop.upstream, config_maps(namespace, NAMES, app="shop"))
    secrets = [{**each, "kind": "Secret", "data": {}} for each in config_maps(namespace, NAMES)]
    create_all(shop.upstream, secrets)
    maps = wait_copies(shop, "ConfigMap", namespace, NAMES)
    before = wait_copies(shop, "Secret", namespace, NAMES)
    both = sync_target(shop)["spec"]["supportedAPIResources"]
    only_maps = [entry for entry in both if entry["resource"] == "configmaps"]

    patch_target(shop, {"supportedAPIResources": only_maps})
    wait_held(shop, "TypeListShortened", len(NAMES))
    steady(lambda: copies(shop, "Secret", namespace) == before, STEADY_SECONDS)
    patch_target(shop, {"supportedAPIResources": both})
    wait_condition(shop, "DeletionBrake", "False")
    assert wait_copies(shop, "Secret", namespace, NAMES) == before

    patch_target(shop, {"supportedAPIResources": only_maps})
    wait_held(shop, "TypeListShortened", len(NAMES))
    done = command(tmc_command, shop, "target", "release-brake", "shop")
    assert done.returncode == 0, done.stderr
    wait_copies(shop, "Secret", namespace, [])
    wait_condition(shop, "DeletionBrake", "False")
    eventually(
        lambda: (
            [line["resource"] for line in sync_target(shop)["status"]["syncedResources"]] == ["configmaps"]
        ),
        PATIENCE,
        message="the type left",
    )
    assert all(shop.finalizers("Secret", namespace, name) == [] for name in NAMES)

    # The release was for those Secrets. The next mistake is held like the first.
    patch_target(shop, {"selector": {"matchLabels": {"app": "shpo"}}})
    wait_held(shop, "SelectorChanged", len(NAMES))
    steady(lambda: copies(shop, "ConfigMap", namespace) == maps, STEADY_SECONDS)
    patch_target(shop, {"selector": None, "supportedAPIResources": both})
    wait_condition(shop, "DeletionBrake", "False")
    wait_copies(shop, "Secret", namespace, NAMES)
    end(shop, namespace)


def test_a_list_that_lacks_most_objects_deletes_nothing_until_they_are_back(
    servers: Servers, shop: Scene, proxy: TcpProxy
) -> None:
    namespace = namespace_of(shop)
    manifests = config_maps(namespace, NAMES)
    create_all(shop.upstream, manifests)
    before = wait_copies(shop, "ConfigMap", namespace, NAMES)
    eventually(lambda: all(shop.finalizers("ConfigMap", namespace, name) for name in NAMES))
    mark = shop.downstream.audit_mark()

    proxy.refuse()
    for name in NAMES:
        shop.upstream.patch("ConfigMap", name, namespace, {"metadata": {"finalizers": None}})
        shop.upstream.delete("ConfigMap", name, namespace)
    servers.restart(shop.upstream)
    proxy.heal()

    wait_held(shop, "Relist", len(NAMES))
    steady(lambda: copies(shop, "ConfigMap", namespace) == before, STEADY_SECONDS)
    create_all(shop.upstream, manifests)
    wait_condition(shop, "DeletionBrake", "False")
    wait_ready(shop.agent)
    assert wait_copies(shop, "ConfigMap", namespace, NAMES) == before
    assert deletions(shop.downstream, shop, mark) == []
