"""Removing a target asks first, and says why it takes long."""

from __future__ import annotations

import io
import json
import sys
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.unit.cli.conftest import Tmc
from tmc_syncer.api.errors import UsageError
from tmc_syncer.api.names import finalizer, state_label
from tmc_syncer.api.objects import Record, decode_record
from tmc_syncer.api.synctarget import Condition
from tmc_syncer.cli import removal
from tmc_syncer.cli.stripping import release_patch
from tmc_syncer.cli.targets import release_time
from tmc_syncer.engine.env import ManualClock, rfc3339

CLOCK = ManualClock()


def target(**status: Any) -> Record:
    return decode_record(
        json.dumps(
            {"metadata": {"name": "eu-1", "uid": "u"}, "status": {"connected": True, **status}}
        ).encode()
    )


ALIVE = target(lastSyncerHeartbeatTime=rfc3339(CLOCK.now() - timedelta(seconds=20)))
SILENT = target(lastSyncerHeartbeatTime=rfc3339(CLOCK.now() - timedelta(seconds=90)))


class Terminal(io.StringIO):
    """A person who types."""

    def isatty(self) -> bool:
        return True


def ask(monkeypatch: pytest.MonkeyPatch, answer: str, record: Record | None, *, force: bool) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    removal._confirm("eu-1", record, CLOCK, force=force, yes=False)


@pytest.mark.parametrize("answer", ["y\n", "Yes\n"])
def test_a_yes_goes_on(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    ask(monkeypatch, answer, ALIVE, force=False)


@pytest.mark.parametrize("answer", ["\n", "n\n", "", "yeah\n"])
def test_anything_else_changes_nothing(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    with pytest.raises(removal.RemovalError, match="Nothing was changed"):
        ask(monkeypatch, answer, ALIVE, force=False)


@pytest.mark.parametrize(
    ("record", "force", "question"),
    [
        (ALIVE, False, "Delete SyncTarget eu-1 and its copies?"),
        (ALIVE, True, "The agent of eu-1 is alive!"),
        (SILENT, True, "Strip all traces of eu-1 upstream"),
        (target(), True, "Strip all traces of eu-1 upstream"),
        (None, True, "Strip all traces of eu-1 upstream"),
    ],
)
def test_the_question_says_what_will_happen(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    record: Record | None,
    force: bool,
    question: str,
) -> None:
    ask(monkeypatch, "y\n", record, force=force)
    assert question in capsys.readouterr().err


def test_without_a_terminal_a_yes_has_to_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    with pytest.raises(UsageError) as caught:
        removal._confirm("eu-1", ALIVE, CLOCK, force=False, yes=False)
    assert "--yes" in caught.value.hint
    removal._confirm("eu-1", ALIVE, CLOCK, force=False, yes=True)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (ALIVE, "its agent is still deleting copies."),
        (SILENT, "its agent is silent (last heartbeat: 90s)."),
        (
            target(conditions=[{"type": "DeletionBrake", "status": "True", "message": "30 of 40"}]),
            "its deletion brake holds (30 of 40).",
        ),
    ],
)
def test_a_wait_that_takes_too_long_is_explained(record: Record, reason: str) -> None:
    assert removal._reason(record, CLOCK) == reason


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--cluster-name", "x", "--yes"], "--cluster-name goes with --force."),
        (["--timeout", "-1", "--yes"], "--timeout is -1.0."),
        (["--timeout", "inf", "--yes"], "--timeout is inf."),
    ],
)
def test_flags_that_do_not_fit_are_refused(tmc: Tmc, words: list[str], sentence: str) -> None:
    result = tmc("target", "remove", "eu-1", *words)
    assert result.code == 2
    assert sentence in result.err


def object_with(finalizers: list[str], labels: dict[str, str]) -> Record:
    metadata = {"name": "a", "uid": "u", "finalizers": finalizers, "labels": labels}
    return decode_record(json.dumps({"metadata": metadata}).encode())


OURS, LABEL = finalizer("KEY"), state_label("KEY")
OTHERS, OTHER_LABEL = finalizer("OTHER"), state_label("OTHER")


def test_only_our_finalizer_and_label_are_taken_off_and_each_is_tested_first() -> None:
    assert release_patch(object_with([OTHERS, OURS], {LABEL: "Sync", OTHER_LABEL: "Sync"}), OURS, LABEL) == [
        {"op": "test", "path": "/metadata/uid", "value": "u"},
        {"op": "test", "path": "/metadata/finalizers", "value": [OTHERS, OURS]},
        {"op": "remove", "path": "/metadata/finalizers/1"},
        {"op": "test", "path": "/metadata/labels/state.workload.kcp.io~1KEY", "value": "Sync"},
        {"op": "remove", "path": "/metadata/labels/state.workload.kcp.io~1KEY"},
    ]


def test_what_has_nothing_of_ours_is_not_patched() -> None:
    assert release_patch(object_with([OTHERS], {OTHER_LABEL: "Sync"}), OURS, LABEL) == []
    assert release_patch(decode_record(b'{"metadata":{"name":"a"}}'), OURS, LABEL) == []


def test_a_state_label_with_an_empty_value_goes_too() -> None:
    assert len(release_patch(object_with([], {LABEL: ""}), OURS, LABEL)) == 3


NOW = datetime.fromisoformat("2026-01-01T00:10:00Z")


@pytest.mark.parametrize(
    ("condition", "moment"),
    [
        (None, "2026-01-01T00:10:00Z"),
        (Condition("DeletionBrake", "True", "", "", "2026-01-01T00:05:00Z"), "2026-01-01T00:10:00Z"),
        (Condition("DeletionBrake", "True", "", "", "2026-01-01T00:11:00Z"), "2026-01-01T00:11:01Z"),
        (Condition("DeletionBrake", "False", "", "", "2026-01-01T00:11:00Z"), "2026-01-01T00:10:00Z"),
        (Condition("DeletionBrake", "True"), "2026-01-01T00:10:00Z"),
    ],
)
def test_a_brake_is_released_also_when_our_clock_is_behind(condition: Condition | None, moment: str) -> None:
    assert release_time(condition, NOW) == moment
