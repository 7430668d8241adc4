"""The two tables of the life cycle over the whole product of facts, against a second reading of lifecycle.md.

`ROWS` below is that second reading: each row as the values that its facts may have, first match wins. It was written
from the document, not from the code. The rules that must never break are stated on their own, without any row: a
mistake that code and second reading share would still hit them. A small model of the world then performs what the
rows ask for, until nothing changes any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from itertools import product
from typing import Any, NamedTuple

import pytest

from tmc_syncer.sync import table
from tmc_syncer.sync.facts import Downstream, Drift, Facts, Hold, Namespace, StatusFacts, Upstream
from tmc_syncer.sync.table import Action, StatusAction, Verdict, decide, decide_status

BOOLEANS = (True, False)
DOMAIN: dict[str, tuple[Any, ...]] = {
    "fresh": BOOLEANS,
    "upstream": tuple(Upstream),
    "our_finalizer": BOOLEANS,
    "downstream": tuple(Downstream),
    "downstream_proven": BOOLEANS,
    "namespace": tuple(Namespace),
    "drift": tuple(Drift),
    "hold": tuple(Hold),
    "finalizers_required": BOOLEANS,
}
PRODUCT = [Facts(*values) for values in product(*DOMAIN.values())]
DECIDED = [(facts, decide(facts)) for facts in PRODUCT]

WRITES = frozenset(Action) - {
    Action.WAIT, Action.NOTHING, Action.PARK, Action.PROVE_UPSTREAM, Action.PROVE_DOWNSTREAM,
}  # fmt: skip
DOWNSTREAM_WRITES = WRITES - {Action.ADD_FINALIZER, Action.REMOVE_FINALIZER}

# ---- the second reading ------------------------------------------------------------------------------------

GONE = {Upstream.ABSENT, Upstream.DELETING, Upstream.UNASSIGNED}
WANTED = {Upstream.LIVE, Upstream.FINISHED}
COPY = {Downstream.OURS, Downstream.OTHER_SOURCE_UID}
DELETION_HOLDS = {Hold.SOFT_FINALIZER, Hold.FILTER_VETO, Hold.BRAKE}

Condition = dict[str, set[Any]]

DELETES_IN_ROW_3: Condition = {"upstream": GONE, "downstream": COPY}
DELETES_IN_ROW_11: Condition = {
    "upstream": WANTED,
    "downstream": {Downstream.OTHER_SOURCE_UID},
    "finalizers_required": {False},
    # What the rows between would say first: 8 and 9 want a namespace that is ready (7 is off with the finalizers).
    "namespace": {Namespace.READY},
}


class Row(NamedTuple):
    number: int
    action: Action
    when: Condition


ROWS = (
    Row(0, Action.WAIT, {"fresh": {False}}),
    Row(0, Action.PROVE_UPSTREAM, {"upstream": {Upstream.UNKNOWN}}),
    Row(1, Action.PARK, {"hold": {Hold.OBSERVE}}),
    Row(1, Action.PARK, {"hold": {Hold.PAUSED}, "upstream": {*WANTED, Upstream.UNASSIGNED}}),
    Row(
        2,
        Action.REMOVE_FINALIZER,
        {
            **DELETES_IN_ROW_3,
            "hold": {Hold.FILTER_VETO},
            "upstream": {Upstream.DELETING},
            "our_finalizer": {True},
        },
    ),
    Row(2, Action.PARK, {"hold": DELETION_HOLDS, **DELETES_IN_ROW_3}),
    Row(2, Action.PARK, {"hold": DELETION_HOLDS, **DELETES_IN_ROW_11}),
    Row(3, Action.DELETE, DELETES_IN_ROW_3),
    Row(4, Action.PARK, {"upstream": GONE, "downstream": {Downstream.OURS_DELETING}}),
    Row(
        5,
        Action.REMOVE_FINALIZER,
        {
            "upstream": {Upstream.DELETING, Upstream.UNASSIGNED},
            "our_finalizer": {True},
            "downstream": {Downstream.FOREIGN},
        },
    ),
    Row(
        5,
        Action.REMOVE_FINALIZER,
        {
            "upstream": {Upstream.DELETING, Upstream.UNASSIGNED},
            "our_finalizer": {True},
            "downstream": {Downstream.ABSENT},
            "downstream_proven": {True},
        },
    ),
    Row(
        5,
        Action.PROVE_DOWNSTREAM,
        {
            "upstream": {Upstream.DELETING, Upstream.UNASSIGNED},
            "our_finalizer": {True},
            "downstream": {Downstream.ABSENT},
        },
    ),
    Row(6, Action.NOTHING, {"upstream": GONE}),
    Row(7, Action.ADD_FINALIZER, {"finalizers_required": {True}, "our_finalizer": {False}}),
    Row(8, Action.PARK, {"namespace": {Namespace.TERMINATING, Namespace.FOREIGN}}),
    Row(9, Action.CREATE_NAMESPACE, {"namespace": {Namespace.ABSENT}}),
    Row(10, Action.PARK, {"downstream": {Downstream.FOREIGN}}),
    Row(11, Action.RESTAMP, {"downstream": {Downstream.OTHER_SOURCE_UID}, "finalizers_required": {True}}),
    Row(11, Action.DELETE, DELETES_IN_ROW_11),
    Row(12, Action.PARK, {"downstream": {Downstream.OURS_DELETING}}),
    Row(12, Action.PARK, {"hold": {Hold.OWNER_MISSING}}),
    Row(13, Action.NOTHING, {"upstream": {Upstream.FINISHED}, "downstream": {Downstream.ABSENT}}),
    Row(14, Action.CREATE, {"downstream": {Downstream.ABSENT}}),
    Row(15, Action.APPLY, {"drift": {Drift.CONTENT}}),
    Row(15, Action.RESOLVE, {"drift": {Drift.CONFLICT}}),
    Row(16, Action.NOTHING, {}),
)


def second_reading(facts: Facts) -> tuple[int, Action]:
    return next(
        (row.number, row.action)
        for row in ROWS
        if all(getattr(facts, name) in values for name, values in row.when.items())
    )


def test_the_product_below_covers_every_fact() -> None:
    assert list(DOMAIN) == [field.name for field in fields(Facts)]
    assert len(PRODUCT) == 40_320


def test_each_combination_of_facts_hits_the_row_that_the_document_says() -> None:
    wrong = [
        (facts, verdict, second_reading(facts))
        for facts, verdict in DECIDED
        if (verdict.row, verdict.action) != second_reading(facts)
    ]
    assert wrong == []


def test_each_row_of_both_readings_is_hit_by_some_combination() -> None:
    assert {(verdict.row, verdict.action) for _, verdict in DECIDED} == {(r.number, r.action) for r in ROWS}


@pytest.mark.parametrize("row", range(16))
def test_without_one_row_some_object_would_be_treated_differently(
    row: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "_ROWS", table._ROWS[:row] + table._ROWS[row + 1 :])
    assert any(verdict.row == row and decide(facts).row != row for facts, verdict in DECIDED)


# ---- what must never happen, whatever the rows say ---------------------------------------------------------


def violations(rule: Any) -> list[tuple[Facts, Verdict]]:
    return [(facts, verdict) for facts, verdict in DECIDED if not rule(facts, verdict)]


def test_nothing_is_written_on_stale_facts_or_about_an_object_whose_fate_is_unknown() -> None:
    assert not violations(
        lambda f, v: v.action not in WRITES or (f.fresh and f.upstream is not Upstream.UNKNOWN)
    )


def test_only_a_copy_of_ours_is_ever_deleted() -> None:
    assert not violations(lambda f, v: v.action is not Action.DELETE or f.downstream in COPY)


def test_a_copy_is_deleted_only_when_its_object_is_gone_or_when_another_object_took_its_name() -> None:
    def allowed(f: Facts, v: Verdict) -> bool:
        replaced = f.downstream is Downstream.OTHER_SOURCE_UID and not f.finalizers_required and v.row == 11
        return v.action is not Action.DELETE or f.upstream in GONE or replaced

    assert not violations(allowed)


def test_a_held_deletion_is_never_carried_out() -> None:
    assert not violations(
        lambda f, v: v.action is not Action.DELETE or f.hold not in {*DELETION_HOLDS, Hold.OBSERVE}
    )


def test_our_finalizer_stays_until_the_copy_is_proven_gone_or_a_filter_keeps_it_as_an_orphan() -> None:
    def allowed(f: Facts, v: Verdict) -> bool:
        proven = f.downstream is Downstream.FOREIGN or (
            f.downstream is Downstream.ABSENT and f.downstream_proven
        )
        orphaned = f.hold is Hold.FILTER_VETO and f.upstream is Upstream.DELETING
        return v.action is not Action.REMOVE_FINALIZER or proven or orphaned

    assert not violations(allowed)


def test_an_object_that_nobody_deletes_or_unassigns_keeps_our_finalizer() -> None:
    assert not violations(lambda f, v: v.action is not Action.REMOVE_FINALIZER or f.upstream in GONE)


def test_what_is_only_observed_is_never_written() -> None:
    assert not violations(lambda f, v: f.hold is not Hold.OBSERVE or v.action not in WRITES)


def test_while_paused_only_the_deletion_that_the_owner_asked_for_is_carried_out() -> None:
    def allowed(f: Facts, v: Verdict) -> bool:
        by_owner = f.upstream in {Upstream.ABSENT, Upstream.DELETING}
        carried_out = by_owner and v.action in {Action.DELETE, Action.REMOVE_FINALIZER}
        return f.hold is not Hold.PAUSED or v.action not in WRITES or carried_out

    assert not violations(allowed)


def test_a_foreign_object_is_never_written_to() -> None:
    onto_the_copy = DOWNSTREAM_WRITES - {Action.CREATE_NAMESPACE}
    assert not violations(
        lambda f, v: v.action not in onto_the_copy or f.downstream is not Downstream.FOREIGN
    )


def test_nothing_is_put_into_a_namespace_that_is_not_ready() -> None:
    puts = {Action.CREATE, Action.APPLY, Action.RESTAMP, Action.RESOLVE}
    assert not violations(lambda f, v: v.action not in puts or f.namespace is Namespace.READY)


def test_nothing_is_created_before_our_finalizer_is_on_the_object() -> None:
    creates = {Action.CREATE, Action.APPLY, Action.RESTAMP, Action.CREATE_NAMESPACE}
    assert not violations(
        lambda f, v: v.action not in creates or f.our_finalizer or not f.finalizers_required
    )


def test_a_finished_object_is_never_run_again() -> None:
    assert not violations(lambda f, v: v.action is not Action.CREATE or f.upstream is Upstream.LIVE)


def test_a_dependant_is_not_created_before_its_owner() -> None:
    assert not violations(lambda f, v: v.action is not Action.CREATE or f.hold is not Hold.OWNER_MISSING)


def test_whoever_waits_is_told_why() -> None:
    assert not violations(lambda f, v: v.action not in {Action.PARK, Action.WAIT} or v.reason)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"fresh": False}, "CacheNotFresh"),
        ({"hold": Hold.OBSERVE}, "Observed"),
        ({"hold": Hold.PAUSED}, "Paused"),
        ({"upstream": Upstream.DELETING, "hold": Hold.SOFT_FINALIZER}, "SoftFinalizer"),
        ({"upstream": Upstream.UNASSIGNED, "hold": Hold.FILTER_VETO}, "FilterVeto"),
        ({"upstream": Upstream.DELETING, "hold": Hold.FILTER_VETO}, "Orphaned"),
        ({"upstream": Upstream.ABSENT, "hold": Hold.BRAKE}, "DeletionBrake"),
        ({"upstream": Upstream.ABSENT, "downstream": Downstream.OURS_DELETING}, "Deleting"),
        ({"namespace": Namespace.TERMINATING}, "NamespaceTerminating"),
        ({"namespace": Namespace.FOREIGN}, "Collision"),
        ({"downstream": Downstream.FOREIGN}, "Collision"),
        ({"downstream": Downstream.OTHER_SOURCE_UID}, "SourceReplaced"),
        ({"downstream": Downstream.OTHER_SOURCE_UID, "finalizers_required": False}, "SourceReplaced"),
        ({"downstream": Downstream.OURS_DELETING}, "Deleting"),
        ({"downstream": Downstream.ABSENT, "hold": Hold.OWNER_MISSING}, "OwnerMissing"),
        ({"downstream": Downstream.ABSENT, "upstream": Upstream.FINISHED}, "Finished"),
        ({"drift": Drift.CONFLICT}, "Conflict"),
        ({}, ""),
    ],
)
def test_a_row_says_its_reason(facts: dict[str, Any], reason: str) -> None:
    in_sync = Facts(
        fresh=True,
        upstream=Upstream.LIVE,
        our_finalizer=True,
        downstream=Downstream.OURS,
        downstream_proven=False,
        namespace=Namespace.READY,
        drift=Drift.NONE,
        hold=Hold.NONE,
    )
    assert decide(replace(in_sync, **facts)).reason == reason


# ---- while the world stays still, everything comes to rest -------------------------------------------------

AT_REST = {6, 13, 16}
PARKED = {1, 2, 4, 8, 10, 11, 12}
STEP_LIMIT = 12
UNHINDERED = {Hold.NONE, Hold.PAUSED}


@dataclass(frozen=True, slots=True)
class World:
    """What is seen of a world, and what is true in it.

    `lingers`: what is deleted downstream stays with a deletionTimestamp. `held_by_others`: the upstream object has
    finalizers of others. `refuses`: the downstream server refuses to apply onto a copy made for another uid.
    """

    seen: Facts
    upstream: Upstream
    downstream: Downstream
    namespace: Namespace
    lingers: bool
    held_by_others: bool
    refuses: bool


def worlds(facts: Facts) -> Iterator[World]:
    """Every world in which these facts could be seen; a property of it varies only where something asks for it."""
    unknown = facts.upstream is Upstream.UNKNOWN
    hidden = facts.downstream is Downstream.ABSENT and not facts.downstream_proven
    for upstream, downstream in product(
        set(Upstream) - {Upstream.UNKNOWN} if unknown else {facts.upstream},
        Downstream if hidden else (facts.downstream,),
    ):
        yield from (
            World(facts, upstream, downstream, facts.namespace, *properties)
            for properties in product(
                BOOLEANS if downstream in COPY else (False,),
                BOOLEANS if upstream is Upstream.DELETING else (False,),
                BOOLEANS if downstream is Downstream.OTHER_SOURCE_UID else (False,),
            )
        )


def perform(world: World, action: Action) -> World:
    """The world after the action; what it answered is seen at once, as from the reply of a request.

    The very same world comes back when nothing is left to be done: a write that changes nothing is not rest.
    """
    seen = world.seen
    match action:
        case Action.NOTHING | Action.PARK | Action.WAIT:
            return world
        case Action.PROVE_UPSTREAM:
            return replace(world, seen=replace(seen, upstream=world.upstream))
        case Action.PROVE_DOWNSTREAM:
            proven = world.downstream is Downstream.ABSENT
            return replace(world, seen=replace(seen, downstream=world.downstream, downstream_proven=proven))
        case Action.DELETE:
            left = Downstream.OURS_DELETING if world.lingers else Downstream.ABSENT
            return replace(
                world, seen=replace(seen, downstream=left, downstream_proven=False), downstream=left
            )
        case Action.ADD_FINALIZER:
            return replace(world, seen=replace(seen, our_finalizer=True))
        case Action.REMOVE_FINALIZER:
            ends = world.upstream is Upstream.DELETING and not world.held_by_others
            upstream = Upstream.ABSENT if ends else world.upstream
            return replace(
                world, seen=replace(seen, our_finalizer=False, upstream=upstream), upstream=upstream
            )
        case Action.CREATE_NAMESPACE:
            return replace(world, seen=replace(seen, namespace=Namespace.READY), namespace=Namespace.READY)
        case Action.CREATE:
            found = Downstream.OURS if world.downstream is Downstream.ABSENT else world.downstream
            drift = Drift.NONE if world.downstream is Downstream.ABSENT else seen.drift
            return replace(world, seen=replace(seen, downstream=found, drift=drift), downstream=found)
        case Action.RESTAMP if world.refuses:
            return world
        case Action.RESTAMP | Action.APPLY | Action.RESOLVE:
            return replace(
                world,
                seen=replace(seen, downstream=Downstream.OURS, drift=Drift.NONE),
                downstream=Downstream.OURS,
            )


def last_row(world: World) -> int:
    """The row in which this world comes to rest; fails when it goes in circles or takes too long."""
    path: list[World] = []
    while True:
        verdict = decide(world.seen)
        path.append(world)
        after = perform(world, verdict.action)
        if after is world:
            return verdict.row
        assert after not in path, f"goes in circles: {[decide(w.seen) for w in path]}"
        assert len(path) < STEP_LIMIT, f"takes too long: {[decide(w.seen) for w in path]}"
        world = after


def test_while_the_world_stays_still_every_object_comes_to_rest() -> None:
    rows = {last_row(world) for facts in PRODUCT if facts.fresh for world in worlds(facts)}
    assert rows == AT_REST | PARKED


def test_a_deletion_by_its_owner_ends_with_copy_and_finalizer_gone_once_nothing_holds_it() -> None:
    """Here the world moves too: what lingers with a deletionTimestamp goes in the end."""
    for facts in PRODUCT:
        if not facts.fresh or facts.upstream is not Upstream.DELETING or facts.hold not in UNHINDERED:
            continue
        for world in worlds(facts):
            end = carried_on(world)
            assert decide(end.seen).row == 6
            if facts.our_finalizer:
                assert end.downstream in {Downstream.ABSENT, Downstream.FOREIGN}
                assert not end.seen.our_finalizer


def carried_on(world: World) -> World:
    for _ in range(STEP_LIMIT):
        verdict = decide(world.seen)
        after = perform(world, verdict.action)
        if verdict.row == 4:
            seen = replace(world.seen, downstream=Downstream.ABSENT)
            after = replace(world, seen=seen, downstream=Downstream.ABSENT)
        if after is world:
            return world
        world = after
    pytest.fail("takes too long")


def test_a_restored_world_deletes_nothing_while_finalizers_are_required() -> None:
    """Row 11: with finalizers an object of another uid means that etcd was restored; its copy is taken over."""
    assert not [
        facts
        for facts, verdict in DECIDED
        if verdict.action is Action.DELETE and facts.upstream in WANTED and facts.finalizers_required
    ]


# ---- table 2 -----------------------------------------------------------------------------------------------

STATUS_PRODUCT = [StatusFacts(*values) for values in product(BOOLEANS, BOOLEANS, Downstream, BOOLEANS)]
STATUS_COPY = {Downstream.OURS, Downstream.OURS_DELETING}


@pytest.mark.parametrize("facts", STATUS_PRODUCT, ids=str)
def test_a_status_goes_up_only_from_a_copy_of_ours_that_differs(facts: StatusFacts) -> None:
    row, action = decide_status(facts)
    if not facts.fresh:
        assert (row, action) == (0, StatusAction.WAIT)
    elif facts.paused or facts.downstream not in STATUS_COPY:
        assert (row, action) == (1, StatusAction.NOTHING)
    elif facts.differs:
        assert (row, action) == (2, StatusAction.PATCH)
    else:
        assert (row, action) == (3, StatusAction.NOTHING)


def test_the_status_table_knows_no_hold_but_the_pause_and_no_drift() -> None:
    """A `Manual` conflict over a spec never stops the status (lifecycle.md)."""
    assert {field.name for field in fields(StatusFacts)} == {"fresh", "paused", "downstream", "differs"}
