from __future__ import annotations

from typing import Any

import pytest

from tests.unit.controlplane.server.kinds_for_tests import CONFIGMAPS, DEPLOYMENTS, JOBS, kind_of
from tmc_syncer.controlplane.server.generations import raises_generation
from tmc_syncer.controlplane.types.registry import Type

OLD: dict[str, Any] = {"metadata": {"annotations": {"a": "1"}}, "spec": {"n": 1}, "status": {"s": 1}}


@pytest.mark.parametrize(
    ("served", "change", "raises"),
    [
        (JOBS, {}, False),
        (JOBS, {"spec": {"n": 2}}, True),
        (JOBS, {"more": 1}, True),
        (JOBS, {"status": {"s": 2}}, False),
        (JOBS, {"metadata": {"annotations": {"a": "2"}}}, False),
        (DEPLOYMENTS, {"metadata": {"annotations": {"a": "2"}}}, True),
        (DEPLOYMENTS, {"metadata": {"annotations": {"a": "1"}, "labels": {"l": "m"}}}, False),
        (CONFIGMAPS, {"status": {"s": 2}}, True),
    ],
)
def test_what_the_user_wants_is_counted(served: Type, change: dict[str, Any], raises: bool) -> None:
    assert raises_generation(kind_of(served), {**OLD, **change}, OLD) is raises
