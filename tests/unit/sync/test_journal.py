"""The journal counts exactly, describes what needs somebody, and stays bounded."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from tmc_syncer.api.resources import GVR, Key
from tmc_syncer.sync.journal import Counts, Journal, ObjectState, State

PODS = GVR("", "v1", "pods")
DEPLOYMENTS = GVR("apps", "v1", "deployments")
WEB, DB = Key("c", "shop", "web"), Key("c", "shop", "db")
COUNTED_AS = {
    State.SYNCED: "synced",
    State.FINISHED: "synced",
    State.PENDING: "pending",
    State.DELETING: "pending",
    State.HELD: "pending",
    State.EXCLUDED: "excluded",
    State.CONFLICT: "failed",
    State.COLLISION: "failed",
    State.FAILED: "failed",
}


def failed(journal: Journal, key: Key, now: float = 0.0, *, attempts: int = 1, message: str = "no") -> None:
    journal.note(
        PODS, key, State.FAILED, now=now, code="TMC-101", reason="Refused", message=message, row=14,
        attempts=attempts, next_try=now + 5,
    )  # fmt: skip


@pytest.mark.parametrize("state", list(State))
def test_each_state_belongs_to_one_count(state: State) -> None:
    journal = Journal()
    journal.note(PODS, WEB, state, now=0, reason="Why")
    expected = Counts(**{COUNTED_AS[state]: 1})
    assert journal.counts(PODS) == expected
    assert journal.totals() == expected
    assert journal.types() == (PODS,)


def test_counts_follow_any_sequence_of_notes() -> None:
    rng = random.Random(7)
    journal = Journal(detail_limit=5)
    truth: dict[tuple[GVR, Key], State] = {}
    for step in range(3000):
        gvr, key = rng.choice([PODS, DEPLOYMENTS]), Key("c", "n", f"o{rng.randrange(20)}")
        if rng.random() < 0.2:
            journal.forget(gvr, key)
            truth.pop((gvr, key), None)
        else:
            state = rng.choice(list(State))
            journal.note(gvr, key, state, now=step, reason=rng.choice(["", "Why"]))
            truth[gvr, key] = state
        expected = Counter(COUNTED_AS[state] for (kind, _), state in truth.items() if kind == PODS)
        assert journal.counts(PODS) == Counts(**expected)
        assert journal.totals() == Counts(**Counter(COUNTED_AS[state] for state in truth.values()))
        assert len(journal.snapshot()) <= 5


def test_what_is_given_out_is_a_copy() -> None:
    journal = Journal()
    journal.note(PODS, WEB, State.SYNCED, now=0)
    journal.counts(PODS).synced = 99
    journal.totals().synced = 99
    assert journal.counts(PODS).synced == journal.totals().synced == 1


def test_an_object_that_is_not_synced_is_described() -> None:
    journal = Journal()
    failed(journal, WEB, 3.0)
    assert journal.get(PODS, WEB) == ObjectState(
        PODS, WEB, State.FAILED, "TMC-101", "Refused", "no", 14, 1, 8.0, 3.0
    )
    assert journal.snapshot() == (journal.get(PODS, WEB),)


def test_a_synced_object_is_counted_and_not_described() -> None:
    journal = Journal()
    failed(journal, WEB)
    journal.note(PODS, WEB, State.SYNCED, now=1, message="ignored")
    assert journal.snapshot() == ()
    assert journal.get(PODS, WEB) == ObjectState(PODS, WEB, State.SYNCED)
    assert journal.get(PODS, DB) is None
    assert journal.get(DEPLOYMENTS, WEB) is None


def test_a_synced_object_with_something_to_say_is_described() -> None:
    journal = Journal()
    journal.note(PODS, WEB, State.SYNCED, now=1, reason="ConflictTaken", message="replicas")
    assert [state.reason for state in journal.snapshot()] == ["ConflictTaken"]
    journal.note(PODS, WEB, State.SYNCED, now=2, reason="StatusFrozen")
    assert [state.reason for state in journal.snapshot()] == ["StatusFrozen"]
    assert journal.worst() == ()


def test_since_stays_while_the_trouble_is_the_same() -> None:
    journal = Journal()
    failed(journal, WEB, 1.0)
    failed(journal, WEB, 9.0, attempts=2, message="still no")
    state = journal.get(PODS, WEB)
    assert state is not None
    assert (state.since, state.attempts, state.message) == (1.0, 2, "still no")
    journal.note(PODS, WEB, State.FAILED, now=12.0, code="TMC-101", reason="Other")
    state = journal.get(PODS, WEB)
    assert state is not None
    assert state.since == 12.0


def test_the_revision_grows_only_with_what_can_be_seen() -> None:
    journal = Journal()
    seen = [journal.revision]

    def grew() -> bool:
        seen.append(journal.revision)
        return seen[-1] > seen[-2]

    journal.note(PODS, WEB, State.SYNCED, now=0)
    assert grew()
    journal.note(PODS, WEB, State.SYNCED, now=1)
    assert not grew()
    failed(journal, WEB, 2.0)
    assert grew()
    failed(journal, WEB, 2.0)
    assert not grew()
    failed(journal, WEB, 3.0, attempts=2)
    assert grew()
    journal.forget(PODS, DB)
    assert not grew()
    journal.forget(PODS, WEB)
    assert grew()
    journal.add_type(PODS)
    assert not grew()
    journal.add_type(DEPLOYMENTS)
    assert grew()
    journal.forget_type(DEPLOYMENTS)
    assert grew()
    journal.forget_type(DEPLOYMENTS)
    assert not grew()


def test_a_long_message_is_cut() -> None:
    journal = Journal()
    failed(journal, WEB, message="x" * 5000)
    assert len(journal.snapshot()[0].message) == 300


def test_a_type_is_shown_before_its_first_object_and_forgotten_with_all_of_them() -> None:
    journal = Journal()
    journal.add_type(PODS)
    assert journal.types() == (PODS,)
    assert journal.counts(PODS) == Counts()
    failed(journal, WEB)
    journal.note(DEPLOYMENTS, WEB, State.PENDING, now=0)
    journal.forget_type(PODS)
    assert journal.types() == (DEPLOYMENTS,)
    assert journal.counts(PODS) == Counts()
    assert journal.totals() == Counts(pending=1)
    assert [state.gvr for state in journal.snapshot()] == [DEPLOYMENTS]


def test_the_worst_come_first_by_severity_then_attempts_then_age() -> None:
    journal = Journal()
    for name, state, attempts, now in [
        ("excluded", State.EXCLUDED, 0, 0),
        ("new", State.PENDING, 0, 0),
        ("held", State.HELD, 0, 0),
        ("conflict", State.CONFLICT, 1, 0),
        ("young", State.FAILED, 2, 9),
        ("old", State.FAILED, 2, 1),
        ("stubborn", State.FAILED, 7, 9),
    ]:
        reason = "" if name == "new" else "Why"
        journal.note(PODS, Key("c", "n", name), state, now=now, reason=reason, attempts=attempts)
    assert [s.key.name for s in journal.worst()] == ["stubborn", "old", "young", "conflict", "held"]
    assert [s.key.name for s in journal.worst(2)] == ["stubborn", "old"]


def test_a_pending_object_that_was_tried_is_among_the_worst() -> None:
    journal = Journal()
    journal.note(PODS, WEB, State.PENDING, now=0, attempts=3)
    assert [state.key for state in journal.worst()] == [WEB]


def test_a_snapshot_is_filtered_sorted_and_bounded() -> None:
    journal = Journal()
    journal.note(PODS, WEB, State.PENDING, now=0)
    journal.note(PODS, DB, State.SYNCED, now=0)
    journal.note(DEPLOYMENTS, WEB, State.FAILED, now=0)
    journal.note(DEPLOYMENTS, DB, State.FAILED, now=0)

    def names(**query: object) -> list[str]:
        return [f"{s.gvr.resource}/{s.key.name}" for s in journal.snapshot(**query)]  # type: ignore[arg-type]

    assert names() == ["deployments/db", "deployments/web", "pods/web"]
    assert names(limit=1) == ["deployments/db"]
    assert names(gvr=PODS) == ["pods/web"]
    assert names(gvr=GVR("apps", "", "deployments")) == ["deployments/db", "deployments/web"]
    assert names(gvr=GVR("apps", "v2", "deployments")) == []
    assert names(name="db") == ["deployments/db", "pods/db"]
    assert names(name="shop/db", gvr=PODS) == ["pods/db"]
    assert names(name="other/db") == []


def test_beyond_the_limit_the_least_severe_and_oldest_descriptions_go_and_counts_stay() -> None:
    journal = Journal(detail_limit=3)
    for number in range(4):
        journal.note(PODS, Key("c", "n", f"p{number}"), State.PENDING, now=number)
    assert [s.key.name for s in journal.snapshot()] == ["p1", "p2", "p3"]
    failed(journal, WEB)
    failed(journal, DB)
    assert [s.key.name for s in journal.snapshot()] == ["db", "web", "p3"]
    assert journal.counts(PODS) == Counts(pending=4, failed=2)
    assert journal.details_dropped == 3
    journal.forget(PODS, Key("c", "n", "p0"))
    assert journal.counts(PODS) == Counts(pending=3, failed=2)


def test_news_are_told_once_for_each_new_state_code_or_reason_of_an_object_that_is_held_or_worse() -> None:
    journal = Journal()
    told: list[ObjectState] = []
    journal.on_news = told.append
    for now, state, reason in [
        (0, State.PENDING, "NamespaceMissing"),
        (1, State.HELD, "NamespaceTerminating"),
        (2, State.HELD, "NamespaceTerminating"),
        (3, State.HELD, "Paused"),
        (4, State.SYNCED, ""),
        (5, State.COLLISION, "Collision"),
    ]:
        journal.note(PODS, WEB, state, now=now, reason=reason, next_try=now + 30)
    failed(journal, WEB)
    failed(journal, WEB, attempts=2)
    assert [(each.state, each.reason) for each in told] == [
        (State.HELD, "NamespaceTerminating"),
        (State.HELD, "Paused"),
        (State.COLLISION, "Collision"),
        (State.FAILED, "Refused"),
    ]
