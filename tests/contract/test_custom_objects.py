"""Custom objects against their structural schema: pruning, defaults, validation with its causes, rules, scale."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.objects import GROUP, at, gadget, widget
from tests.contract.servers import Server
from tests.contract.wire import JsonObject, cause, like


@pytest.fixture
def path(widgets: str) -> str:
    return f"{widgets}/a"


def spec(**fields: Any) -> JsonObject:
    return widget("a", {"size": 1, **fields})


# Pruning


def test_unknown_fields_are_pruned_at_every_depth(server: Server, widgets: str, path: str) -> None:
    obj = spec(bogus=1, nested={"depth": 1, "bogus": 1}, ports=[{"number": 1, "bogus": 1}], limits={"a": 1})
    stored = server.post(widgets, {**obj, "bogus": {"x": 1}}).ok(201)
    assert "bogus" not in stored
    assert stored["spec"] == {
        "size": 1,
        "color": "red",
        "nested": {"depth": 1},
        "ports": [{"number": 1, "protocol": "TCP"}],
        "limits": {"a": 1},
    }
    assert server.get(path).ok() == stored


def test_where_unknown_fields_are_preserved_everything_stays(server: Server, widgets: str) -> None:
    free = {"a": [1, {"b": None}], "c": {"d": 1.5}}
    assert server.post(widgets, spec(free=free)).ok(201)["spec"]["free"] == free


def test_a_type_without_fields_preserves_everything(server: Server, namespace: str) -> None:
    created = server.post(at("gadgets", namespace), gadget("a", anything={"x": [1, 2]}, more="y")).ok(201)
    assert (created["anything"], created["more"]) == ({"x": [1, 2]}, "y")


def test_metadata_of_a_custom_object_is_pruned_too(server: Server, namespace: str) -> None:
    obj = gadget("a")
    obj["metadata"]["bogus"] = "x"
    assert "bogus" not in server.post(at("gadgets", namespace), obj).ok(201)["metadata"]


# Defaults


def test_defaults_fill_what_is_missing_at_every_depth(server: Server, widgets: str) -> None:
    stored = server.post(widgets, spec(ports=[{"number": 1}])).ok(201)["spec"]
    assert (stored["color"], stored["nested"]) == ("red", {"depth": 3})
    assert stored["ports"] == [{"number": 1, "protocol": "TCP"}]


def test_defaults_do_not_replace_what_is_there(server: Server, widgets: str) -> None:
    stored = server.post(widgets, spec(color="blue", nested={"depth": 0})).ok(201)["spec"]
    assert (stored["color"], stored["nested"]) == ("blue", {"depth": 0})


def test_a_null_where_none_is_allowed_takes_the_default(server: Server, widgets: str) -> None:
    assert server.post(widgets, spec(color=None)).ok(201)["spec"]["color"] == "red"


def test_a_null_without_a_default_is_dropped_where_none_is_allowed(server: Server, widgets: str) -> None:
    assert "code" not in server.post(widgets, spec(code=None)).ok(201)["spec"]


def test_a_null_stays_where_it_is_allowed(server: Server, widgets: str) -> None:
    stored = server.post(widgets, spec(note=None)).ok(201)["spec"]
    assert stored["note"] is None


def test_removing_a_field_brings_its_default_back(server: Server, widgets: str, path: str) -> None:
    server.post(widgets, spec(color="blue")).ok(201)
    assert server.patch(path, "merge", {"spec": {"color": None}}).ok()["spec"]["color"] == "red"


# Validation


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"size": "big"},
            cause(
                "FieldValueTypeInvalid",
                'Invalid value: "string": spec.size in body must be of type integer: "string"',
                "spec.size",
            ),
        ),
        (
            {"size": 101},
            cause(
                "FieldValueInvalid",
                "Invalid value: 101: spec.size in body should be less than or equal to 100",
                "spec.size",
            ),
        ),
        (
            {"size": -1},
            cause(
                "FieldValueInvalid",
                "Invalid value: -1: spec.size in body should be greater than or equal to 0",
                "spec.size",
            ),
        ),
        (
            {"color": "pink"},
            cause(
                "FieldValueNotSupported",
                'Unsupported value: "pink": supported values: "red", "green", "blue"',
                "spec.color",
            ),
        ),
        (
            {"code": "ABC"},
            cause(
                "FieldValueInvalid",
                "Invalid value: \"ABC\": spec.code in body should match '^[a-z]+$'",
                "spec.code",
            ),
        ),
        (
            {"code": "abcdef"},
            cause("FieldValueTooLong", "Too long: may not be more than 5 bytes", "spec.code"),
        ),
        (
            {"code": "a"},
            cause(
                "FieldValueInvalid",
                'Invalid value: "a": spec.code in body should be at least 2 chars long',
                "spec.code",
            ),
        ),
        (
            {"enabled": "yes"},
            cause(
                "FieldValueTypeInvalid",
                'Invalid value: "string": spec.enabled in body must be of type boolean: "string"',
                "spec.enabled",
            ),
        ),
        (
            {"tags": ["a", "b", "c", "d", "e"]},
            cause("FieldValueTooMany", "Too many: 5: must have at most 4 items", "spec.tags"),
        ),
        (
            {"tags": ["a", "a"]},
            cause("FieldValueDuplicate", 'Duplicate value: "a"', "spec.tags[1]"),
        ),
        (
            {"ports": [{"label": "x"}]},
            cause("FieldValueRequired", "Required value", "spec.ports[0].number"),
        ),
        (
            {"ports": [{"number": 1}, {"number": 1}]},
            cause(
                "FieldValueDuplicate",
                'Duplicate value: {"number":1,"protocol":"TCP"}',
                "spec.ports[1]",
            ),
        ),
        (
            {"limits": {"a": "x"}},
            cause(
                "FieldValueTypeInvalid",
                'Invalid value: "string": spec.limits.a in body must be of type integer: "string"',
                "spec.limits.a",
            ),
        ),
        (
            {"when": "yesterday"},
            cause(
                "FieldValueTypeInvalid",
                'Invalid value: "yesterday": spec.when in body must be of type date-time: "yesterday"',
                "spec.when",
            ),
        ),
        (
            {"minimum": 2, "maximum": 1},
            cause(
                "FieldValueInvalid",
                "Invalid value: minimum must not be above maximum",
                "spec",
            ),
        ),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) and "reason" not in value else None,
)
def test_a_value_against_the_schema_is_refused_by_its_field(
    server: Server, widgets: str, fields: JsonObject, expected: JsonObject
) -> None:
    answer = server.post(widgets, spec(**fields))
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    # A field of a wrong type is followed by the remark that the rules were not checked.
    assert answer.body["details"]["causes"][0] == expected
    assert answer.body["details"]["kind"] == "Widget"
    assert answer.body["details"]["group"] == GROUP


def test_a_refusal_names_every_field_that_is_wrong(server: Server, widgets: str) -> None:
    answer = server.post(widgets, spec(size=101, code="ABC"))
    causes = [
        cause(
            "FieldValueInvalid",
            "Invalid value: 101: spec.size in body should be less than or equal to 100",
            "spec.size",
        ),
        cause(
            "FieldValueInvalid",
            "Invalid value: \"ABC\": spec.code in body should match '^[a-z]+$'",
            "spec.code",
        ),
    ]
    assert answer.status == 422
    found = answer.body["details"]["causes"]
    assert sorted(found, key=lambda item: item["field"])[-2:] == sorted(
        causes, key=lambda item: item["field"]
    )
    assert answer.body["message"].startswith('Widget.contract.example.com "a" is invalid: [')


def test_a_required_field_that_is_missing_is_named(server: Server, widgets: str) -> None:
    answer = server.post(widgets, widget("a", {"color": "red"}))
    assert answer.status == 422
    assert cause("FieldValueRequired", "Required value", "spec.size") in answer.body["details"]["causes"]


@pytest.mark.parametrize("value", [80, "http"])
def test_a_number_or_a_text_may_be_either(server: Server, widgets: str, value: int | str) -> None:
    assert server.post(widgets, spec(port=value)).ok(201)["spec"]["port"] == value


def test_a_number_or_a_text_may_be_nothing_else(server: Server, widgets: str) -> None:
    answer = server.post(widgets, spec(port=True))
    assert answer.status == 422
    assert answer.body["details"]["causes"][0]["field"] == "spec.port"


@pytest.mark.parametrize("value", [1, 1.5, -2.0])
def test_a_number_may_be_whole_or_not(server: Server, widgets: str, value: float) -> None:
    assert server.post(widgets, spec(ratio=value)).ok(201)["spec"]["ratio"] == value


def test_an_update_is_validated_too_and_changes_nothing_when_refused(
    server: Server, widgets: str, path: str
) -> None:
    created = server.post(widgets, spec()).ok(201)
    assert server.patch(path, "merge", {"spec": {"size": 101}}).status == 422
    assert server.get(path).ok() == created


def test_status_is_validated_on_its_own(server: Server, widgets: str, path: str) -> None:
    server.post(widgets, spec()).ok(201)
    answer = server.patch(f"{path}/status", "merge", {"status": {"phase": 1}})
    assert answer.status == 422
    assert answer.body["details"]["causes"][0]["field"] == "status.phase"


# Rules over several fields


def test_a_rule_may_compare_with_what_was_before(server: Server, widgets: str, path: str) -> None:
    server.post(widgets, spec(fixed="a")).ok(201)
    answer = server.patch(path, "merge", {"spec": {"fixed": "b"}})
    assert answer.status == 422
    assert answer.body["details"]["causes"] == [
        cause("FieldValueInvalid", like('Invalid value: ("b": )?is fixed'), "spec.fixed")
    ]
    assert server.patch(path, "merge", {"spec": {"size": 2}}).status == 200


def test_a_rule_that_holds_is_silent(server: Server, widgets: str) -> None:
    assert server.post(widgets, spec(minimum=1, maximum=2)).status == 201


# Scale


def test_the_scale_of_a_custom_object_reads_and_writes_its_paths(
    server: Server, widgets: str, path: str
) -> None:
    server.post(widgets, spec(replicas=2)).ok(201)
    status = {"replicas": 1, "selector": "app=a"}
    server.patch(f"{path}/status", "merge", {"status": status}).ok()
    scale = server.get(f"{path}/scale").ok()
    assert (scale["kind"], scale["apiVersion"]) == ("Scale", "autoscaling/v1")
    assert (scale["spec"], scale["status"]) == ({"replicas": 2}, {"replicas": 1, "selector": "app=a"})
    scaled = server.put(f"{path}/scale", {**scale, "spec": {"replicas": 7}}).ok()
    assert scaled["spec"] == {"replicas": 7}
    obj = server.get(path).ok()
    assert (obj["spec"]["replicas"], obj["metadata"]["generation"]) == (7, 2)


def test_a_custom_object_without_replicas_can_be_given_some(server: Server, widgets: str, path: str) -> None:
    server.post(widgets, spec()).ok(201)
    server.get(f"{path}/scale").refused(
        500,
        "InternalError",
        'Internal error occurred: the spec replicas field ".spec.replicas" does not exist',
        {"causes": [{"message": 'the spec replicas field ".spec.replicas" does not exist'}]},
    )
    scaled = server.patch(f"{path}/scale", "merge", {"spec": {"replicas": 3}}).ok()
    assert scaled["spec"] == {"replicas": 3}
    assert server.get(path).ok()["spec"]["replicas"] == 3
