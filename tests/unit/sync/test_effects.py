"""Effects are plain data: they name one object by type and place, and what is destructive carries its precondition."""

from __future__ import annotations

import dataclasses
from typing import get_args

import pytest

from tmc_syncer.api.resources import GVR, Key, ResourceInfo
from tmc_syncer.sync import effects
from tmc_syncer.sync.effects import ApplyCopy, CreateCopy, Effect

EFFECTS = get_args(Effect)
INFO = ResourceInfo(GVR("", "v1", "configmaps"), "ConfigMap", namespaced=True)


def fields(kind: type) -> set[str]:
    return {field.name for field in dataclasses.fields(kind)}


def test_every_effect_is_listed() -> None:
    assert {kind.__name__ for kind in EFFECTS} | {"Effect"} == set(effects.__all__)


@pytest.mark.parametrize("kind", EFFECTS, ids=lambda kind: kind.__name__)
def test_an_effect_names_one_object_and_all_but_a_creation_name_its_uid(kind: type) -> None:
    assert {"info", "key"} <= fields(kind)
    assert ("uid" in fields(kind)) is (kind is not CreateCopy)


def test_what_is_destructive_carries_its_precondition() -> None:
    assert "resource_version" in fields(effects.DeleteCopy)
    for kind in (effects.AddFinalizer, effects.RemoveFinalizer):
        assert {"present", "finalizer"} <= fields(kind)


def test_an_effect_cannot_be_changed_and_takes_nothing_by_force_unless_told() -> None:
    effect = ApplyCopy(INFO, Key("c", "n", "a"), Key("", "m", "a"), "u", {})
    assert effect.force is False
    with pytest.raises(dataclasses.FrozenInstanceError):
        effect.force = True  # type: ignore[misc]
