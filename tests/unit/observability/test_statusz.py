"""The document of /statusz always has all its fields, and health is that of the worst part that counts."""

from __future__ import annotations

import msgspec
import pytest

from tmc_syncer.observability.statusz import Component, ComponentState, Health, ObjectLine, Statusz, worst_of

OK, DEGRADED, FAILING = ComponentState.OK, ComponentState.DEGRADED, ComponentState.FAILING


@pytest.mark.parametrize(
    ("states", "health"),
    [
        ([], Health.UNKNOWN),
        ([OK], Health.HEALTHY),
        ([OK, DEGRADED, OK], Health.DEGRADED),
        ([DEGRADED, FAILING, OK], Health.UNHEALTHY),
    ],
)
def test_health_is_that_of_the_worst_component(states: list[ComponentState], health: Health) -> None:
    assert worst_of(tuple(Component(name=str(n), state=state) for n, state in enumerate(states))) is health


def test_a_component_that_does_not_count_is_shown_and_changes_nothing() -> None:
    parts = (Component(name="a", state=OK), Component(name="b", state=FAILING, counts=False))
    assert worst_of(parts) is Health.HEALTHY
    assert worst_of(parts[1:]) is Health.UNKNOWN


def test_a_document_has_all_its_fields_and_an_object_only_those_that_say_something() -> None:
    line = ObjectLine(
        gvr="pods.v1", cluster="c", namespace="n", name="web", state="failed", next_try="2026-01-01T00:00:00Z"
    )
    document = Statusz(connected=False, version="1", target="eu-1", objects=(line,))
    assert msgspec.to_builtins(document) == {
        "connected": False, "version": "1", "target": "eu-1", "health": "Unknown", "lastSyncTime": None, "types": (),
        "objects": (
            {
                "gvr": "pods.v1", "cluster": "c", "namespace": "n", "name": "web", "state": "failed",
                "nextTry": "2026-01-01T00:00:00Z",
            },
        ),
        "objectsLeftOut": 0, "components": (),
    }  # fmt: skip
