"""What is seen gets its name: which facts follow from a look at both sides."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import msgspec
import pytest

from tmc_syncer.api.locator import Locator, TargetReference
from tmc_syncer.api.names import finalizer, soft_finalizers_annotation
from tmc_syncer.api.objects import ManagedEntry, Meta, OwnerReference, Record
from tmc_syncer.downstream.namespaces import NamespacePlace
from tmc_syncer.downstream.observation import Sighting, is_paused, observe
from tmc_syncer.sync.facts import Downstream, Drift, Facts, Hold, Namespace, Upstream
from tmc_syncer.sync.table import Action, decide

TARGET = TargetReference("root", "eu", "t1")
LOCATOR = Locator(TARGET, "c", "shop")
SOFT = soft_finalizers_annotation(TARGET.key)
MARKS = {"workload.kcp.io/source-uid": "u1", "workload.kcp.io/source-name": "shop/web"}
COPY = Meta(name="web", uid="d1", labels={"internal.workload.kcp.io/cluster": TARGET.key}, annotations=MARKS)
DELETED = "2026-01-01T00:00:00Z"


def upstream(**meta: Any) -> Record:
    return Record("v1", "ConfigMap", Meta(name="web", namespace="shop", uid="u1", **meta), {})


LIVE = Sighting(
    fresh=True,
    locator=LOCATOR,
    place=NamespacePlace("kcp-c-shop", Namespace.READY),
    record=upstream(finalizers=(finalizer(TARGET.key),)),
    upstream_proven=False,
    assigned=True,
    finished=False,
    copy=COPY,
    copy_proven=False,
    finalizers_required=True,
)


def seen(**changes: Any) -> Facts:
    return observe(replace(LIVE, **changes))


def test_an_object_in_sync() -> None:
    assert seen() == Facts(
        fresh=True,
        upstream=Upstream.LIVE,
        our_finalizer=True,
        downstream=Downstream.OURS,
        downstream_proven=False,
        namespace=Namespace.READY,
        drift=Drift.NONE,
        hold=Hold.NONE,
        finalizers_required=True,
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"fresh": False}, {"fresh": False}),
        ({"drift": Drift.CONFLICT}, {"drift": Drift.CONFLICT}),
        ({"copy_proven": True, "copy": None}, {"downstream_proven": True, "downstream": Downstream.ABSENT}),
        ({"finalizers_required": False}, {"finalizers_required": False}),
        ({"record": upstream(finalizers=("other",))}, {"our_finalizer": False}),
        ({"record": upstream()}, {"our_finalizer": False}),
        ({"finished": True}, {"upstream": Upstream.FINISHED}),
        ({"assigned": False}, {"upstream": Upstream.UNASSIGNED}),
    ],
)
def test_each_fact_follows_what_was_seen(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    assert seen(**changes) == replace(seen(), **expected)


def test_a_deleted_object_is_deleting_whether_it_is_assigned_or_not() -> None:
    for assigned in (True, False):
        assert (
            seen(record=upstream(deletion_timestamp=DELETED), assigned=assigned).upstream is Upstream.DELETING
        )


# ---- absence ----------------------------------------------------------------------------------------------


def test_an_object_that_is_missing_while_a_copy_stands_is_unknown_until_proven() -> None:
    for copy in (COPY, msgspec.structs.replace(COPY, deletion_timestamp=DELETED)):
        assert seen(record=None, assigned=False, copy=copy).upstream is Upstream.UNKNOWN
        assert seen(record=None, assigned=False, copy=copy, upstream_proven=True).upstream is Upstream.ABSENT


def test_without_a_copy_the_absence_of_an_object_needs_no_proof() -> None:
    foreign = Meta(name="web")
    for copy in (None, foreign):
        assert seen(record=None, assigned=False, copy=copy).upstream is Upstream.ABSENT


def test_a_copy_of_a_vanished_object_is_that_of_another_uid() -> None:
    assert seen(record=None, assigned=False).downstream is Downstream.OTHER_SOURCE_UID


# ---- the namespace -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", list(Namespace))
def test_a_copy_is_ours_only_in_a_namespace_of_ours(state: Namespace) -> None:
    facts = seen(place=NamespacePlace("n", state))
    ours = state in {Namespace.READY, Namespace.TERMINATING}
    assert facts.namespace is state
    assert facts.downstream is (Downstream.OURS if ours else Downstream.FOREIGN)


def test_a_cluster_scoped_copy_needs_no_namespace_but_its_own_locator() -> None:
    locator = Locator(TARGET, "c", "")
    marks = {**MARKS, "workload.kcp.io/source-name": "/web", "kcp.io/namespace-locator": locator.encode()}
    copy = msgspec.structs.replace(COPY, annotations=marks)
    facts = seen(locator=locator, place=None, copy=copy)
    assert (facts.namespace, facts.downstream) == (Namespace.READY, Downstream.OURS)


# ---- adoption ----------------------------------------------------------------------------------------------

ADOPTING = upstream(finalizers=(finalizer(TARGET.key),), annotations={"workload.kcp.io/adopt": "true"})
FOREIGN = Meta(name="web", uid="f1")


def test_a_foreign_object_that_is_to_be_adopted_is_applied_to() -> None:
    facts = seen(record=ADOPTING, copy=FOREIGN)
    assert (facts.downstream, facts.drift) == (Downstream.OURS, Drift.CONTENT)
    assert decide(facts).action is Action.APPLY
    assert seen(record=ADOPTING, copy=FOREIGN, finished=True).downstream is Downstream.OURS


OWNED = msgspec.structs.replace(FOREIGN, owner_references=(OwnerReference(uid="x", controller=True),))


@pytest.mark.parametrize(
    "changes",
    [
        {"record": upstream()},
        {"record": upstream(annotations={"workload.kcp.io/adopt": "yes"})},
        {"record": None, "assigned": False},
        {"assigned": False},
        {"place": None, "locator": Locator(TARGET, "c", "")},
        {"place": NamespacePlace("n", Namespace.FOREIGN)},
        {"place": NamespacePlace("n", Namespace.TERMINATING)},
        {"copy": msgspec.structs.replace(FOREIGN, deletion_timestamp=DELETED)},
        {"copy": OWNED},
    ],
    ids=str,
)
def test_a_foreign_object_stays_foreign_where_adoption_is_not_allowed(changes: dict[str, Any]) -> None:
    assert seen(**{"record": ADOPTING, "copy": FOREIGN, **changes}).downstream is Downstream.FOREIGN


def test_an_object_that_only_a_controller_of_ours_owns_may_be_adopted() -> None:
    entry = ManagedEntry(
        fields_v1=msgspec.Raw(b'{"f:metadata":{"f:ownerReferences":{"k:{\\"uid\\":\\"x\\"}":{}}}}')
    )
    copy = msgspec.structs.replace(OWNED, managed_fields=(entry,))
    assert seen(record=ADOPTING, copy=copy).downstream is Downstream.OURS


# ---- holds -------------------------------------------------------------------------------------------------

PAUSED = {"workload.kcp.io/sync-paused": "true"}


def test_a_pause_is_exactly_the_text_true() -> None:
    assert is_paused(Meta(annotations=PAUSED))
    assert not is_paused(Meta(annotations={"workload.kcp.io/sync-paused": "false"}))
    assert not is_paused(Meta())
    assert not is_paused(None)


@pytest.mark.parametrize(
    "changes",
    [{"target_paused": True}, {"namespace_paused": True}, {"record": upstream(annotations=PAUSED)}],
    ids=["target", "namespace", "object"],
)
def test_a_pause_may_come_from_the_target_the_namespace_or_the_object(changes: dict[str, Any]) -> None:
    assert seen(**changes).hold is Hold.PAUSED


def holds(**more: Any) -> Hold:
    return seen(**more).hold


HOLDS = ("soft", "vetoed", "braked", "paused", "owner_missing")
NAMES = {
    "soft": Hold.SOFT_FINALIZER,
    "vetoed": Hold.FILTER_VETO,
    "braked": Hold.BRAKE,
    "paused": Hold.PAUSED,
    "owner_missing": Hold.OWNER_MISSING,
}
ORDER_BY_FATE = {
    "gone": ("soft", "vetoed", "braked", "paused", "owner_missing"),
    "unassigned": ("paused", "soft", "vetoed", "braked", "owner_missing"),
    "live": ("paused", "owner_missing", "soft", "vetoed", "braked"),
    "replaced": ("paused", "soft", "vetoed", "braked", "owner_missing"),
}


@pytest.mark.parametrize("fate", ORDER_BY_FATE)
def test_of_several_holds_the_one_that_matters_for_the_object_wins(fate: str) -> None:
    for present in product((False, True), repeat=len(HOLDS)):
        on = {name for name, is_on in zip(HOLDS, present, strict=True) if is_on}
        meta: dict[str, Any] = {"annotations": {SOFT: "a,b" if "soft" in on else ""}}
        if fate == "gone":
            meta["deletion_timestamp"] = DELETED
        copy = COPY
        if fate == "replaced":
            copy = msgspec.structs.replace(COPY, annotations={**MARKS, "workload.kcp.io/source-uid": "u0"})
        facts = seen(
            record=upstream(**meta),
            copy=copy,
            assigned=fate != "unassigned",
            target_paused="paused" in on,
            vetoed="vetoed" in on,
            braked="braked" in on,
            owner_missing="owner_missing" in on,
        )
        expected = next((NAMES[name] for name in ORDER_BY_FATE[fate] if name in on), Hold.NONE)
        assert facts.hold is expected, on


def test_a_dependant_with_a_soft_finalizer_waits_for_its_owner_all_the_same() -> None:
    record = upstream(finalizers=(finalizer(TARGET.key),), annotations={SOFT: "a"})
    facts = seen(record=record, copy=None, copy_proven=True, owner_missing=True)
    assert decide(facts).action is Action.PARK


def test_the_deletion_of_a_vanished_object_is_carried_out_while_paused() -> None:
    facts = seen(record=None, assigned=False, upstream_proven=True, target_paused=True)
    assert decide(facts).action is Action.DELETE
