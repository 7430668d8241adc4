"""Reports: what is counted and logged of each write, each conflict and each failed attempt.

The interpreter and the controllers call these as hooks (`agent.composition` binds them); they decide nothing
and never fail. Failures are also noted in the journal, which is where people look first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tmc_syncer.agent.synced_type import Item
from tmc_syncer.agent.world import World
from tmc_syncer.api.resources import GVR, Key
from tmc_syncer.downstream.applier import Applied
from tmc_syncer.engine.outcomes import Outcome, Verdict
from tmc_syncer.observability.logs import Logger, log_write
from tmc_syncer.observability.metrics import Metrics
from tmc_syncer.sync.interpreter import Write
from tmc_syncer.sync.journal import ObjectState, State

__all__ = ["note_failure", "report_applied", "report_state", "report_write"]


def report_write(log: Logger, metrics: Metrics, write: Write) -> None:
    """Count and log one write, whether it succeeded or not."""
    metrics.write(write.side, write.verb, write.result)
    log_write(
        log, write.gvr, write.key, verb=write.verb, row=write.row, result=write.result, seconds=write.seconds,
        side=write.side,
    )  # fmt: skip


def report_applied(
    log: Logger, metrics: Metrics, gvr: GVR, key: Key, applied: Applied, drifted: bool
) -> None:
    """Count and name what somebody else had changed in a copy."""
    if drifted:
        metrics.drift(gvr)
    if not applied.conflicts:
        return
    metrics.conflict("field", "UpstreamWins")
    log.warning(
        "conflict", gvr=str(gvr), namespace=key.namespace, name=key.name, policy="UpstreamWins",
        outcome=applied.result.value, managers=sorted({c.manager for c in applied.conflicts}),
        fields=[c.field_path for c in applied.conflicts][:10],
    )  # fmt: skip


def report_state(log: Logger, now: Callable[[], float], state: ObjectState) -> None:
    """Say once of an object that it is held, collides or is refused; failed attempts are said by `note_failure`."""
    if state.attempts:
        return
    say = log.info if state.state is State.HELD else log.warning  # a pause or a brake holds thousands
    say(
        "not synced", gvr=str(state.gvr), namespace=state.key.namespace, name=state.key.name, state=state.state.value,
        code=state.code, reason=state.reason, problem=state.message,
        retry_in=None if state.next_try is None else round(state.next_try - now(), 3),
    )  # fmt: skip


def note_failure(world: World, metrics: Metrics, log: Logger, item: Item, outcome: Outcome[Any]) -> None:
    """Remember a failed attempt: journal, metric, log."""
    if outcome.verdict is not Verdict.FAILED or outcome.error is None:
        return
    gvr, key = item
    now = world.now()
    error = outcome.error
    code = getattr(error, "code", "TMC-001")
    reason = getattr(error, "reason", "") or type(error).__name__
    metrics.retry(gvr)
    world.journal.note(
        gvr, key, State.FAILED, now=now, code=code, reason=reason, message=str(error),
        attempts=outcome.attempts, next_try=None if outcome.retry_in is None else now + outcome.retry_in,
    )  # fmt: skip
    log.warning(
        "failed", gvr=str(gvr), namespace=key.namespace, name=key.name, code=code, reason=reason, problem=str(error),
        attempts=outcome.attempts, retry_in=outcome.retry_in,
    )  # fmt: skip
