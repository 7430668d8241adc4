"""Transformers are found by type and run by number."""

from __future__ import annotations

from typing import Any

import pytest

from tmc_syncer.api.errors import UsageError
from tmc_syncer.api.resources import GVR
from tmc_syncer.transformation.registry import ENTRY_POINT_GROUP, Registry, Transformer

DEPLOYMENTS = GVR("apps", "v1", "deployments")
PODS = GVR("", "v1", "pods")


class Named:
    def __init__(self, name: str = "custom", priority: int = 250) -> None:
        self.name = name
        self.priority = priority

    def applies(self, gvr, meta) -> bool:
        return True

    def down(self, obj, ctx):
        return obj

    def up(self, obj, ctx):
        return obj


class EntryPoint:
    def __init__(self, name: str, loaded: Any) -> None:
        self.name = name
        self.loaded = loaded

    def load(self) -> Any:
        return self.loaded


def names(registry: Registry, gvr: GVR = DEPLOYMENTS) -> list[str]:
    return [transformer.name for transformer in registry.for_type(gvr)]


def test_they_run_by_number_and_equal_numbers_by_name() -> None:
    registry = Registry([Named("c", 200), Named("b", 200), Named("a", 300), Named("d", -1)])
    assert names(registry) == ["d", "b", "c", "a"]
    assert registry.for_type(DEPLOYMENTS) is registry.for_type(DEPLOYMENTS)


def test_one_for_a_type_is_not_found_for_another() -> None:
    registry = Registry([Named("all")])
    registry.register(Named("one"), DEPLOYMENTS)
    registry.register(Named("any-version"), GVR("apps", "", "deployments"))
    assert names(registry) == ["all", "any-version", "one"]
    assert names(registry, DEPLOYMENTS._replace(version="v2")) == ["all", "any-version"]
    assert names(registry, DEPLOYMENTS._replace(group="example.com")) == ["all"]
    assert names(registry, PODS) == ["all"]


def test_one_that_is_registered_late_is_found() -> None:
    registry = Registry([Named("a")])
    assert names(registry) == ["a"]
    registry.register(Named("b"))
    assert names(registry) == ["a", "b"]


def test_a_name_is_taken_once() -> None:
    registry = Registry([Named("a")])
    with pytest.raises(UsageError, match="'a'") as caught:
        registry.register(Named("a"), DEPLOYMENTS)
    assert "a name of its own" in caught.value.hint
    assert names(registry) == ["a"]


@pytest.mark.parametrize("odd", [object(), Named, None, 7])
def test_what_is_no_transformer_is_refused(odd: Any) -> None:
    with pytest.raises(UsageError, match="not a transformer"):
        Registry().register(odd)


def test_entry_points_name_transformers_or_what_makes_them() -> None:
    registry = Registry()
    registry.load(
        [
            EntryPoint("an-object", Named("object")),
            EntryPoint("a-class", Named),
            EntryPoint("a-function", lambda: Named("function")),
        ]
    )
    assert names(registry) == ["custom", "function", "object"]


def test_a_bad_entry_point_is_named() -> None:
    with pytest.raises(UsageError, match=f"'broken' of {ENTRY_POINT_GROUP}") as caught:
        Registry().load([EntryPoint("broken", 7)])
    assert "applies" in caught.value.hint


def test_the_protocol_can_be_checked_at_run_time() -> None:
    assert isinstance(Named(), Transformer)
    assert not isinstance(object(), Transformer)
