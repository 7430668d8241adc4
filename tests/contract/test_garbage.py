"""Owners and dependents: the three propagation policies, and what becomes of dependents whose owner is gone."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from tests.contract.objects import at, config_map, lease, owner_reference, widget
from tests.contract.servers import Server
from tests.contract.wire import JsonObject, cause
from tmc_syncer.testing.errors import NotInTime
from tmc_syncer.testing.polling import eventually

COLLECTION_SECONDS = 30
"""A kube-controller-manager collects in milliseconds what it knows; a machine may be slow."""

NEW_TYPE_SECONDS = 100
"""It looks for new types only every 30 s."""


def reference(owner: JsonObject, *, block: bool = True) -> JsonObject:
    return owner_reference(owner, blockOwnerDeletion=block)


@pytest.fixture
def family(server: Server, namespace: str, maps: str) -> tuple[str, str]:
    """The paths of an owner (a ConfigMap) and its dependent (a Lease)."""
    owner = server.post(maps, config_map("owner")).ok(201)
    dependent = lease("dependent", ownerReferences=[reference(owner)])
    server.post(at("leases", namespace), dependent).ok(201)
    return f"{maps}/owner", at("leases", namespace, "dependent")


def gone(server: Server, path: str) -> None:
    eventually(lambda: server.get(path).status == 404, COLLECTION_SECONDS, message=f"{path} gone")


def test_in_the_background_the_owner_goes_first(server: Server, family: tuple[str, str]) -> None:
    owner, dependent = family
    server.delete(owner, {"propagationPolicy": "Background"}).ok()
    assert server.get(owner).status == 404
    gone(server, dependent)


def test_dependents_of_a_built_in_type_go_by_default(server: Server, family: tuple[str, str]) -> None:
    owner, dependent = family
    server.delete(owner).ok()
    gone(server, dependent)


def test_orphans_stay_without_their_owner(server: Server, family: tuple[str, str]) -> None:
    owner, dependent = family
    server.delete(owner, {"propagationPolicy": "Orphan"}).ok()
    gone(server, owner)
    assert "ownerReferences" not in server.get(dependent).ok()["metadata"]


def test_an_owner_that_orphans_waits_until_the_dependents_are_released(server: Server, maps: str) -> None:
    server.post(maps, config_map("owner", finalizers=["example.com/f"])).ok(201)
    waiting = server.delete(f"{maps}/owner", {"propagationPolicy": "Orphan"}).ok()
    assert set(waiting["metadata"]["finalizers"]) == {"example.com/f", "orphan"}


def test_the_old_form_of_orphaning_still_works(server: Server, family: tuple[str, str]) -> None:
    owner, dependent = family
    server.delete(owner, {"orphanDependents": True}).ok()
    gone(server, owner)
    assert "ownerReferences" not in server.get(dependent).ok()["metadata"]


def test_in_the_foreground_the_owner_waits_for_its_dependents(
    server: Server, namespace: str, maps: str
) -> None:
    owner = server.post(maps, config_map("owner")).ok(201)
    held = lease("dependent", ownerReferences=[reference(owner)], finalizers=["example.com/hold"])
    server.post(at("leases", namespace), held).ok(201)
    ending = server.delete(f"{maps}/owner", {"propagationPolicy": "Foreground"}).ok()
    assert ending["metadata"]["finalizers"] == ["foregroundDeletion"]
    assert ending["metadata"]["deletionTimestamp"]
    path = at("leases", namespace, "dependent")
    eventually(lambda: "deletionTimestamp" in server.get(path).ok()["metadata"], COLLECTION_SECONDS)
    assert server.get(f"{maps}/owner").status == 200
    server.patch(path, "merge", {"metadata": {"finalizers": None}}).ok()
    gone(server, f"{maps}/owner")
    assert server.get(path).status == 404


def test_an_owner_waits_only_for_dependents_that_block_it(server: Server, namespace: str, maps: str) -> None:
    owner = server.post(maps, config_map("owner")).ok(201)
    references = [reference(owner, block=False)]
    held = lease("dependent", ownerReferences=references, finalizers=["example.com/hold"])
    server.post(at("leases", namespace), held).ok(201)
    server.delete(f"{maps}/owner", {"propagationPolicy": "Foreground"}).ok()
    gone(server, f"{maps}/owner")
    path = at("leases", namespace, "dependent")
    eventually(lambda: "deletionTimestamp" in server.get(path).ok()["metadata"], COLLECTION_SECONDS)


def test_a_dependent_of_an_earlier_life_of_its_owner_is_collected(
    server: Server, namespace: str, maps: str
) -> None:
    owner = server.post(maps, config_map("owner")).ok(201)
    stale = {**reference(owner), "uid": "00000000-0000-4000-8000-000000000000"}
    server.post(at("leases", namespace), lease("dependent", ownerReferences=[stale])).ok(201)
    gone(server, at("leases", namespace, "dependent"))
    assert server.get(f"{maps}/owner").status == 200


def test_a_dependent_of_two_owners_outlives_one(server: Server, namespace: str, maps: str) -> None:
    owners = [server.post(maps, config_map(name)).ok(201) for name in ("one", "two")]
    path = at("leases", namespace, "dependent")
    both = [reference(owner) for owner in owners]
    server.post(at("leases", namespace), lease("dependent", ownerReferences=both)).ok(201)
    server.delete(f"{maps}/one", {"propagationPolicy": "Background"}).ok()

    def only_second() -> bool:
        left = server.get(path).ok()["metadata"]["ownerReferences"]
        return bool([item["name"] for item in left] == ["two"])

    eventually(only_second, COLLECTION_SECONDS)
    server.delete(f"{maps}/two").ok()
    gone(server, path)


def test_dependents_of_dependents_go_too(server: Server, namespace: str, maps: str) -> None:
    grand = server.post(maps, config_map("grand")).ok(201)
    parent = config_map("parent", ownerReferences=[reference(grand)])
    parent = server.post(maps, parent).ok(201)
    child = lease("child", ownerReferences=[reference(parent)])
    server.post(at("leases", namespace), child).ok(201)
    server.delete(f"{maps}/grand").ok()
    gone(server, at("leases", namespace, "child"))
    assert server.get(f"{maps}/parent").status == 404


@pytest.mark.late
def test_custom_objects_own_and_are_owned(server: Server, widgets: str, maps: str) -> None:
    def collected() -> bool:
        """Try with a new family each time: a collector that did not know the type asks about the old one ever more rarely."""
        name = server.unique()
        owner = server.post(widgets, widget(name)).ok(201)
        server.post(maps, config_map(name, ownerReferences=[reference(owner)])).ok(201)
        server.delete(f"{widgets}/{name}", {"propagationPolicy": "Background"}).ok()
        with contextlib.suppress(NotInTime):
            return eventually(lambda: server.get(f"{maps}/{name}").status == 404, 3)
        return False

    eventually(collected, NEW_TYPE_SECONDS)


@pytest.mark.parametrize("place", ["body", "query"])
def test_an_unknown_policy_is_refused(server: Server, maps: str, place: str) -> None:
    server.post(maps, config_map("a")).ok(201)
    message = 'Unsupported value: "Nobody": supported values: "Foreground", "Background", "Orphan", "nil"'
    policy = {"propagationPolicy": "Nobody"}
    options: Any = policy if place == "body" else None
    query = policy if place == "query" else {}
    server.delete(f"{maps}/a", options, **query).refused(
        422,
        "Invalid",
        f'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: {message}',
        {
            "group": "meta.k8s.io",
            "kind": "DeleteOptions",
            "causes": [cause("FieldValueNotSupported", message, "propagationPolicy")],
        },
    )
    assert server.get(f"{maps}/a").status == 200


def test_the_old_and_the_new_form_exclude_each_other(server: Server, maps: str) -> None:
    server.post(maps, config_map("a")).ok(201)
    message = 'Invalid value: "Orphan": orphanDependents and deletionPropagation cannot be both set'
    server.delete(f"{maps}/a", {"propagationPolicy": "Orphan", "orphanDependents": True}).refused(
        422,
        "Invalid",
        f'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: {message}',
        {
            "group": "meta.k8s.io",
            "kind": "DeleteOptions",
            "causes": [cause("FieldValueInvalid", message, "propagationPolicy")],
        },
    )


def test_an_owner_reference_needs_a_uid(server: Server, maps: str) -> None:
    incomplete = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": ""}
    server.post(maps, config_map("a", ownerReferences=[incomplete])).refused(
        422,
        "Invalid",
        'ConfigMap "a" is invalid: metadata.ownerReferences.uid: Invalid value: "": must not be empty',
        {
            "name": "a",
            "kind": "ConfigMap",
            "causes": [
                cause(
                    "FieldValueInvalid",
                    'Invalid value: "": must not be empty',
                    "metadata.ownerReferences.uid",
                )
            ],
        },
    )


def test_only_one_owner_may_be_the_controller(server: Server, maps: str) -> None:
    references = [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": name, "controller": True}
        for name in ("one", "two")
    ]
    answer = server.post(maps, config_map("a", ownerReferences=references))
    assert answer.status == 422
    (found,) = answer.body["details"]["causes"]
    assert (found["reason"], found["field"]) == ("FieldValueInvalid", "metadata.ownerReferences")
    assert "Only one reference can have Controller set to true." in found["message"]


def test_the_body_of_a_deletion_has_to_be_readable(server: Server, maps: str) -> None:
    server.post(maps, config_map("a")).ok(201)
    assert server.request("DELETE", f"{maps}/a", "{").status == 400
    server.delete(f"{maps}/a", {"kind": "DeleteOptions", "apiVersion": "v1"}).ok()
