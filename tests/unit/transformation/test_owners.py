"""An owner is named by its uid on the other side, or not at all."""

from __future__ import annotations

import pytest

from tests.unit.transformation.samples import (
    TYPES,
    check_golden,
    context,
    golden_cases,
    owner_from,
    owner_uid,
)
from tmc_syncer.api.objects import Meta, OwnerReference
from tmc_syncer.transformation.context import OwnerState
from tmc_syncer.transformation.owners import Owners, has_to_wait, look_up

OWNERS = Owners()
INFO = TYPES["ConfigMap"]
KNOWN = OwnerReference("apps/v1", "Deployment", "web", "known-1", controller=True, block_owner_deletion=False)
WAITING = OwnerReference("apps/v1", "Deployment", "late", "waiting-1")
OTHER = OwnerReference("apps/v1", "Deployment", "other", "other-1")


@pytest.mark.parametrize("case", golden_cases("owners"))
def test_golden(case: str) -> None:
    check_golden(case)


def owned(*references: OwnerReference) -> Meta:
    return Meta(name="cfg", namespace="shop", owner_references=references)


def test_only_known_owners_are_named_and_by_their_uid_there() -> None:
    ctx = context(INFO, owners=look_up(owned(OTHER, KNOWN, WAITING), owner_uid))
    copy = OWNERS.down({"metadata": {"ownerReferences": [{"uid": "whatever"}]}}, ctx)
    assert copy["metadata"]["ownerReferences"] == [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "name": "web",
            "uid": "downstream-known-1",
            "controller": True,
            "blockOwnerDeletion": False,
        }
    ]


def test_without_a_known_owner_there_are_no_references() -> None:
    ctx = context(INFO, owners=look_up(owned(OTHER), owner_uid))
    assert OWNERS.down({"metadata": {"ownerReferences": [{"uid": "other-1"}]}}, ctx) == {"metadata": {}}
    assert OWNERS.down({"metadata": {}}, ctx) == {"metadata": {}}


def test_the_way_up_is_the_same_with_the_owners_there() -> None:
    downstream = OwnerReference("apps/v1", "Deployment", "web", "downstream-known-1")
    ctx = context(INFO, owners=look_up(owned(downstream), owner_from))
    (reference,) = OWNERS.up({"metadata": {}}, ctx)["metadata"]["ownerReferences"]
    assert reference["uid"] == "known-1"


@pytest.mark.parametrize(
    ("references", "waits"), [((), False), ((KNOWN, OTHER), False), ((KNOWN, WAITING), True)]
)
def test_a_dependant_waits_while_an_owner_is_on_its_way(references: tuple, waits: bool) -> None:
    assert has_to_wait(look_up(owned(*references), owner_uid)) == waits


def test_each_owner_is_asked_for_with_the_namespace_of_the_dependant() -> None:
    asked: list[tuple[str, str]] = []

    def answer(reference: OwnerReference, namespace: str) -> OwnerState:
        asked.append((reference.uid, namespace))
        return OwnerState.drop()

    look_up(owned(KNOWN, OTHER), answer)
    assert asked == [("known-1", "shop"), ("other-1", "shop")]
    assert look_up(Meta(name="cfg"), answer) == ()


def test_it_applies_to_copies_with_owners_only() -> None:
    assert OWNERS.applies(INFO.gvr, owned(KNOWN))
    assert not OWNERS.applies(INFO.gvr, owned())
    assert not OWNERS.applies(INFO.gvr, Meta())
    default = Meta(name="default", owner_references=(KNOWN,))
    assert not OWNERS.applies(TYPES["ServiceAccount"].gvr, default)
