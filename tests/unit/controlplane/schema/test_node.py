from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest

from tmc_syncer.controlplane.schema.node import (
    ABSENT,
    ANY_ATOMIC,
    DEDUCED,
    SCHEMALESS,
    ListOf,
    MapOf,
    Schema,
)


def test_no_value_is_something_else_than_null():
    assert ABSENT is not None
    assert repr(ABSENT) == "ABSENT"


def test_a_node_does_not_change():
    node = Schema(scalar="string")
    with pytest.raises(FrozenInstanceError):
        node.scalar = "numeric"  # type: ignore[misc]


def test_nodes_are_told_apart_by_identity():
    assert Schema(scalar="string") != Schema(scalar="string")


def test_anything_owned_as_a_whole_holds_itself():
    assert ANY_ATOMIC.mapping is not None
    assert ANY_ATOMIC.array is not None
    assert ANY_ATOMIC.mapping.child("x") is ANY_ATOMIC
    assert ANY_ATOMIC.mapping.atomic
    assert ANY_ATOMIC.array.items is ANY_ATOMIC
    assert not ANY_ATOMIC.array.granular


def test_in_a_deduced_place_maps_are_owned_by_key_and_lists_as_a_whole():
    assert DEDUCED.mapping is not None
    assert DEDUCED.array is not None
    assert DEDUCED.mapping.child("x") is DEDUCED
    assert not DEDUCED.mapping.atomic
    assert DEDUCED.array.items is ANY_ATOMIC


def test_a_set_and_a_list_with_keys_are_granular():
    item = Schema(scalar="string")
    assert [ListOf(item, kind).granular for kind in ("atomic", "set", "map")] == [False, True, True]


def test_a_map_knows_its_fields_then_its_other_keys():
    known, other = Schema(scalar="string"), Schema(scalar="numeric")
    mapping = MapOf({"known": known}, other)
    assert mapping.child("known") is known
    assert mapping.child("another") is other
    assert MapOf({"known": known}).child("another") is None


def test_a_type_without_versions_is_the_same_in_every_version():
    assert SCHEMALESS.in_version("v7") is SCHEMALESS


def test_a_type_with_versions_has_a_node_for_each_that_is_served():
    first, second = Schema(scalar="string"), Schema(scalar="numeric")
    root = replace(SCHEMALESS, versions={"g/v1": first, "g/v2": second})
    assert root.in_version("g/v2") is second
    assert root.in_version("g/v3") is None
