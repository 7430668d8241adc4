from __future__ import annotations

from typing import Any

import pytest

from tests.unit.controlplane.server.kinds_for_tests import DEPLOYMENTS, Objects
from tmc_syncer.controlplane import merge
from tmc_syncer.controlplane.server import patches as module
from tmc_syncer.controlplane.server.bodies import Bodies
from tmc_syncer.controlplane.server.errors import ApiError
from tmc_syncer.controlplane.server.patches import Patches, check_configuration
from tmc_syncer.controlplane.types.builtin import builtin_types

OBJECTS = Objects()
PATCHES = Patches(merge, Bodies(lambda served, obj: [], lambda data: {}))
REAL = {made.name: made for made in builtin_types()}
OLD = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "a"}, "data": {"k": "v"}}


def changed(form: str, patch: Any) -> Any:
    call = OBJECTS.call(REAL["configmaps"], "a")
    before = {**OLD, "data": dict(OLD["data"])}  # type: ignore[call-overload]
    made = PATCHES.change(call, form, patch)(OLD)
    assert before == OLD
    return made["data"]


def refusal(form: str, patch: Any) -> tuple[int, str]:
    with pytest.raises(ApiError) as refused:
        changed(form, patch)
    return refused.value.code, refused.value.message


def test_each_form_of_patch_changes_an_object() -> None:
    assert changed("json", [{"op": "add", "path": "/data/x", "value": "y"}]) == {"k": "v", "x": "y"}
    assert changed("merge", {"data": {"k": None, "x": "y"}}) == {"x": "y"}
    assert changed("strategic", {"data": {"$patch": "replace", "x": "y"}}) == {"x": "y"}


@pytest.mark.parametrize(
    ("form", "patch", "message"),
    [
        ("json", {"a": 1}, "json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"),
        ("json", None, "json: cannot unmarshal null into Go value of type []handlers.jsonPatchOp"),
        ("merge", [], "json: cannot unmarshal array into Go value of type map[string]interface {}"),
        ("strategic", "x", "json: cannot unmarshal string into Go value of type map[string]interface {}"),
    ],
)
def test_a_patch_of_the_wrong_form_is_a_bad_request(form: str, patch: Any, message: str) -> None:
    assert refusal(form, patch) == (400, f"error decoding patch: {message}")


def test_nothing_is_no_merge_patch() -> None:
    assert refusal("merge", None) == (400, "Invalid JSON Patch")


def test_a_json_patch_has_so_many_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_OPERATIONS", 2)
    code, message = refusal("json", [{"op": "test", "path": "/data/k", "value": "v"}] * 3)
    assert (code, message) == (413, "The allowed maximum operations in a JSON patch is 2, got 3")


def test_a_failed_test_is_unprocessable() -> None:
    assert refusal("json", [{"op": "test", "path": "/data/k", "value": "x"}]) == (
        422,
        "the server rejected our request due to an error in our request",
    )


def test_a_configuration_says_what_it_is() -> None:
    call = OBJECTS.call(DEPLOYMENTS, "web")
    good = {"apiVersion": "apps/v1", "kind": "Deployment"}
    assert check_configuration(call, dict(good)) == {**good, "metadata": {}}
    assert check_configuration(call, {**good, "metadata": {"name": "web"}})["metadata"] == {"name": "web"}


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        ([], "error decoding YAML: not an object"),
        ({"metadata": {}}, "invalid object type: /, Kind="),
        ({"apiVersion": "v1", "kind": "Secret"}, "invalid object type: /v1, Kind=Secret"),
        ({"apiVersion": "apps/v2", "kind": "Deployment"}, "invalid object type: apps/v2, Kind=Deployment"),
        ({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": "x"}, "metadata must be an object"),
        (
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"managedFields": []}},
            "metadata.managedFields must be nil",
        ),
    ],
)
def test_what_is_no_configuration_is_a_bad_request(patch: Any, message: str) -> None:
    with pytest.raises(ApiError) as refused:
        check_configuration(OBJECTS.call(DEPLOYMENTS, "web"), patch)
    assert (refused.value.code, refused.value.message) == (400, message)
