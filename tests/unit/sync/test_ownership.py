"""Only what carries every mark is ours: each single one gets copied by controllers and by people."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import msgspec
import pytest

from tmc_syncer.api.locator import Locator, TargetReference
from tmc_syncer.api.objects import ManagedEntry, Meta, OwnerReference
from tmc_syncer.sync.facts import Downstream
from tmc_syncer.sync.ownership import classify, has_foreign_controller, owned_paths, source_name

TARGET = TargetReference("root", "eu", "t1")
LOCATOR = Locator(TARGET, "c", "shop")
CLUSTER_LOCATOR = Locator(TARGET, "c", "")
LABEL = "internal.workload.kcp.io/cluster"
UID, NAME, PLACE = "workload.kcp.io/source-uid", "workload.kcp.io/source-name", "kcp.io/namespace-locator"
COPY = Meta(name="web", labels={LABEL: TARGET.key}, annotations={UID: "u1", NAME: "shop/web"})
CLUSTER_COPY = Meta(
    name="web",
    labels={LABEL: TARGET.key},
    annotations={UID: "u1", NAME: "/web", PLACE: CLUSTER_LOCATOR.encode()},
)


def entry(fields: str) -> ManagedEntry:
    return ManagedEntry("syncer", "Apply", "", msgspec.Raw(fields.encode()))


def seen(
    copy: Meta | None = COPY,
    *,
    locator: Locator = LOCATOR,
    in_our_namespace: bool = True,
    source_uid: str | None = "u1",
    **changes: Any,
) -> Downstream:
    copy = msgspec.structs.replace(copy, **changes) if copy is not None else None
    return classify(copy, locator=locator, in_our_namespace=in_our_namespace, source_uid=source_uid)


def test_nothing_there_is_absent() -> None:
    assert seen(None) is Downstream.ABSENT


def test_a_copy_with_all_marks_is_ours() -> None:
    assert seen() is Downstream.OURS


def test_a_copy_that_lacks_only_the_label_is_ours() -> None:
    """F47: the label is restored."""
    assert seen(labels=None) is Downstream.OURS
    assert seen(labels={"app": "web"}) is Downstream.OURS


@pytest.mark.parametrize("source_uid", ["u2", None])
def test_a_copy_made_for_another_uid_says_so(source_uid: str | None) -> None:
    assert seen(source_uid=source_uid) is Downstream.OTHER_SOURCE_UID


@pytest.mark.parametrize("source_uid", ["u1", "u2", None])
def test_a_copy_that_is_being_deleted_is_that_first_of_all(source_uid: str | None) -> None:
    assert seen(source_uid=source_uid, deletion_timestamp="t") is Downstream.OURS_DELETING


FOREIGN: dict[str, dict[str, Any]] = {
    "another namespace": {"in_our_namespace": False},
    "label of another target": {"labels": {LABEL: "other"}},
    "no annotations": {"annotations": None},
    "no source uid": {"annotations": {NAME: "shop/web"}},
    "empty source uid": {"annotations": {UID: "", NAME: "shop/web"}},
    "no source name": {"annotations": {UID: "u1"}},
    "name of another object": {"annotations": {UID: "u1", NAME: "shop/other"}},
    "name of another namespace": {"annotations": {UID: "u1", NAME: "else/web"}},
    "a controller of somebody": {"owner_references": (OwnerReference(uid="x", controller=True),)},
}


@pytest.mark.parametrize("changes", FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize("deleting", [None, "t"])
def test_each_mark_alone_makes_a_copy_foreign(changes: dict[str, Any], deleting: str | None) -> None:
    assert seen(**changes, deletion_timestamp=deleting) is Downstream.FOREIGN


@pytest.mark.parametrize("names", list(combinations(FOREIGN, 2)), ids=" and ".join)
def test_no_two_wrong_marks_make_a_right_one(names: tuple[str, str]) -> None:
    assert seen(**FOREIGN[names[0]] | FOREIGN[names[1]]) is Downstream.FOREIGN


# ---- cluster-scoped copies ---------------------------------------------------------------------------------


def cluster_scoped(locator: str | None) -> Downstream:
    annotations = {UID: "u1", NAME: "/web"} | ({} if locator is None else {PLACE: locator})
    return seen(CLUSTER_COPY, locator=CLUSTER_LOCATOR, in_our_namespace=False, annotations=annotations)


def test_a_cluster_scoped_copy_carries_its_own_locator() -> None:
    assert cluster_scoped(CLUSTER_LOCATOR.encode()) is Downstream.OURS


def test_the_locator_of_a_target_that_was_made_anew_is_still_ours() -> None:
    again = Locator(TargetReference("root", "eu", "t2"), "c", "")
    assert cluster_scoped(again.encode()) is Downstream.OURS


@pytest.mark.parametrize(
    "locator",
    [
        None,
        "{",
        LOCATOR.encode(),
        Locator(TARGET, "d", "").encode(),
        Locator(TargetReference("root", "us", "t1"), "c", "").encode(),
    ],
)
def test_any_other_locator_makes_it_foreign(locator: str | None) -> None:
    assert cluster_scoped(locator) is Downstream.FOREIGN


# ---- controllers -------------------------------------------------------------------------------------------

CONTROLLED = msgspec.structs.replace(
    COPY,
    owner_references=(OwnerReference(uid="o1", controller=True), OwnerReference(uid="o2", controller=False)),
)


@pytest.mark.parametrize(
    ("fields", "foreign"),
    [
        ('{"f:metadata":{"f:ownerReferences":{".":{},"k:{\\"uid\\":\\"o1\\"}":{}}}}', False),
        ('{"f:metadata":{"f:ownerReferences":{"k:{\\"uid\\":\\"o2\\"}":{}}}}', True),
        ('{"f:metadata":{"f:labels":{}}}', True),
        ('{"f:spec":{}}', True),
        ("{}", True),
    ],
)
def test_a_controller_is_ours_when_we_wrote_the_reference(fields: str, foreign: bool) -> None:
    copy = msgspec.structs.replace(CONTROLLED, managed_fields=(entry(fields),))
    assert has_foreign_controller(copy) is foreign
    assert seen(copy) is (Downstream.FOREIGN if foreign else Downstream.OURS)


def test_owners_that_control_nothing_do_not_matter() -> None:
    owners = (OwnerReference(uid="x"), OwnerReference(uid="y", controller=False))
    assert seen(owner_references=owners) is Downstream.OURS


# ---- small things ------------------------------------------------------------------------------------------


def test_the_owned_fields_are_those_of_our_entry() -> None:
    assert owned_paths(Meta()) == {}
    assert owned_paths(Meta(managed_fields=(entry('{"f:a":{}}'),))) == {"f:a": {}}


def test_a_source_name_holds_namespace_and_name() -> None:
    assert source_name("shop", "web") == "shop/web"
    assert source_name("", "web") == "/web"
