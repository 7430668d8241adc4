"""The CRDs in the package are complete, and say the same as the structs of the agent."""

from __future__ import annotations

import types
import typing
from enum import StrEnum
from typing import Any, Union

import msgspec
import pytest

from tmc_syncer.api.manifests import SCHEMA_REVISION, crd_objects, crd_yaml
from tmc_syncer.api.synctarget import (
    API_VERSION,
    KIND,
    SYNC_TARGETS,
    WORST_OBJECTS_LIMIT,
    SyncedState,
    SyncTargetStatus,
)
from tmc_syncer.api.synctarget_spec import SyncTargetSpec
from tmc_syncer.api.synctarget_validation import FIELD_RULE_LIMIT, RESOURCE_LIMIT


def version() -> dict[str, Any]:
    (crd,) = crd_objects()
    (only,) = crd["spec"]["versions"]
    return dict(only)


def schema(part: str) -> dict[str, Any]:
    return dict(version()["schema"]["openAPIV3Schema"]["properties"][part])


def test_the_crd_defines_the_type_that_the_agent_uses() -> None:
    (crd,) = crd_objects()
    assert crd["metadata"]["name"] == f"{SYNC_TARGETS.gvr.resource}.{SYNC_TARGETS.gvr.group}"
    assert f"{crd['spec']['group']}/{version()['name']}" == API_VERSION
    assert crd["spec"]["names"]["kind"] == KIND
    assert crd["spec"]["scope"] == "Cluster"
    assert crd["metadata"]["annotations"][SCHEMA_REVISION].isdigit()
    assert version()["subresources"] == {"status": {}}


def test_people_see_ready_synced_failed_heartbeat_and_age() -> None:
    columns = version()["additionalPrinterColumns"]
    assert [column["name"] for column in columns] == ["Ready", "Synced", "Failed", "Heartbeat", "Age"]


def test_every_call_gives_fresh_objects_of_the_same_text() -> None:
    assert crd_objects() == crd_objects()
    assert crd_objects()[0] is not crd_objects()[0]
    assert crd_yaml().startswith("#")


@pytest.mark.parametrize(("struct", "part"), [(SyncTargetSpec, "spec"), (SyncTargetStatus, "status")])
def test_schema_and_struct_have_the_same_fields_values_and_defaults(
    struct: type[msgspec.Struct], part: str
) -> None:
    assert differences(struct, schema(part), part) == []


def test_the_bounds_of_the_schema_are_those_of_the_agent() -> None:
    assert schema("spec")["properties"]["supportedAPIResources"]["maxItems"] == RESOURCE_LIMIT
    assert schema("spec")["properties"]["fieldRules"]["maxItems"] == FIELD_RULE_LIMIT
    assert schema("status")["properties"]["worstObjects"]["maxItems"] == WORST_OBJECTS_LIMIT


def test_a_difference_would_be_seen() -> None:
    altered = schema("spec")
    altered["properties"]["paused"]["default"] = True
    del altered["properties"]["finalizers"]
    altered["properties"]["assignment"]["enum"] = ["All"]
    assert len(differences(SyncTargetSpec, altered, "spec")) == 3


def differences(struct: type[msgspec.Struct], node: dict[str, Any], where: str) -> list[str]:
    """Return how a struct and an OpenAPI object schema differ: names, kinds, enums, what is required, defaults."""
    found: list[str] = []
    hints = typing.get_type_hints(struct)
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    if fields.keys() != node["properties"].keys():
        found.append(f"{where}: {sorted(fields.keys() ^ node['properties'].keys())} stand on one side only")
    for name in fields.keys() & node["properties"].keys():
        field, child = fields[name], node["properties"][name]
        found += value_differences(hints[field.name], child, f"{where}.{name}")
        has_default = part_of_spec(where) and isinstance(field.default, bool | StrEnum)
        if (has_default or "default" in child) and child.get("default") != field.default:
            found.append(f"{where}.{name}: default {child.get('default')!r} is not {field.default!r}")
        if part_of_spec(where) and where != "spec" and field.required != (name in node.get("required", [])):
            found.append(f"{where}.{name}: required on one side only")
    return found


def part_of_spec(where: str) -> bool:
    return where.startswith("spec")


def value_differences(kind: Any, node: dict[str, Any], where: str) -> list[str]:
    if typing.get_origin(kind) in (Union, types.UnionType):
        (kind,) = (option for option in typing.get_args(kind) if option is not type(None))
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return differences(kind, node, where)
    if typing.get_origin(kind) is tuple:
        return value_differences(typing.get_args(kind)[0], node["items"], f"{where}[]")
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        values = [str(value) for value in kind]
        return [] if node.get("enum") == values else [f"{where}: {node.get('enum')} is not {values}"]
    expected = {str: "string", bool: "boolean", int: "integer"}.get(kind, "object")
    return [] if node["type"] == expected else [f"{where}: {node['type']} is not {expected}"]


def test_the_states_of_a_type_in_the_schema_are_those_that_the_agent_writes() -> None:
    states = schema("status")["properties"]["syncedResources"]["items"]["properties"]["state"]["enum"]
    assert states == [str(state) for state in SyncedState]
