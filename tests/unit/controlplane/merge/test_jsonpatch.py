from __future__ import annotations

import copy

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmc_syncer.controlplane.merge import jsonpatch as ours
from tmc_syncer.controlplane.merge.jsonpatch import json_patch
from tmc_syncer.controlplane.merge.patcherrors import PatchError

DOC = {"a": 1, "l": [1, 2, 3], "d": {"x": "y", "s/t": 1, "u~v": 2}, "n": None}


def patch(*operations, doc=DOC):
    before = copy.deepcopy((doc, operations))
    made = json_patch(doc, list(operations))
    assert (doc, operations) == before, "nothing that was given changes"
    return made


def op(kind, path, *value, **more):
    found = {"op": kind, "path": path, **more}
    return {**found, "value": value[0]} if value else found


@pytest.mark.parametrize(
    ("operation", "changed"),
    [
        (op("add", "/b", 2), {"b": 2}),
        (op("add", "/a", 2), {"a": 2}),
        (op("add", "/b"), {"b": None}),
        (op("add", "/l/-", 4), {"l": [1, 2, 3, 4]}),
        (op("add", "/l/0", 0), {"l": [0, 1, 2, 3]}),
        (op("add", "/l/3", 4), {"l": [1, 2, 3, 4]}),
        (op("add", "/l/-1", 4), {"l": [1, 2, 3, 4]}),
        (op("add", "/l/-4", 0), {"l": [0, 1, 2, 3]}),
        (op("add", "/l/+1", 9), {"l": [1, 9, 2, 3]}),
        (op("add", "ignored/b", 2), {"b": 2}),
        (op("add", "/d/s~1t", 2), {"d": {"x": "y", "s/t": 2, "u~v": 2}}),
        (op("add", "/d/u~0v", 3), {"d": {"x": "y", "s/t": 1, "u~v": 3}}),
        (op("remove", "/l/-1"), {"l": [1, 2]}),
        (op("remove", "/l/0"), {"l": [2, 3]}),
        (op("replace", "/l/1", 9), {"l": [1, 9, 3]}),
        (op("replace", "/l/-3", 9), {"l": [9, 2, 3]}),
        (op("replace", "/absent", 9), {"absent": 9}),
        (op("move", "/m", **{"from": "/d/x"}), {"m": "y", "d": {"s/t": 1, "u~v": 2}}),
        (op("move", "/l/0", **{"from": "/l/2"}), {"l": [3, 1, 2]}),
        (op("copy", "/c", **{"from": "/l"}), {"c": [1, 2, 3]}),
        (op("copy", "/c", **{"from": "/absent"}), {"c": None}),
        (op("test", "/a", 1), {}),
        (op("test", "/absent", None), {}),
        (op("test", "/absent"), {}),
        (op("test", "/n", None), {}),
        (op("test", "/l", [1, 2, 3]), {}),
        (op("test", "/d", {"x": "y", "s/t": 1, "u~v": 2}), {}),
        (op("test", "", DOC), {}),
    ],
)
def test_an_operation_does_what_it_does_on_the_server(operation, changed):
    assert patch(operation) == {**DOC, **changed}


def test_a_field_can_be_removed():
    assert "a" not in patch(op("remove", "/a"))


def test_the_whole_can_be_replaced():
    assert patch(op("replace", "", {"x": 1})) == {"x": 1}
    assert patch(op("replace", "", [1]), op("add", "/-", 2)) == [1, 2]


@pytest.mark.parametrize(
    "operation",
    [
        op("remove", "/absent"),
        op("remove", "/l/3"),
        op("remove", "/l/-4"),
        op("remove", "/l/-"),
        op("remove", "/l/x"),
        op("remove", ""),
        op("add", "", {}),
        op("add", "nowhere", 1),
        op("add", "/l/4", 1),
        op("add", "/l/-5", 1),
        op("add", "/absent/x", 1),
        op("add", "/a/x", 1),
        op("add", "/n/x", 1),
        op("replace", "/l/3", 1),
        op("replace", "", 1),
        op("replace", ""),
        op("move", "/m", **{"from": "/absent"}),
        op("move", "/m"),
        op("copy", "/c", **{"from": "/l/9"}),
        op("copy", "/c", **{"from": 1}),
        op("test", "/a", 2),
        op("test", "/a"),
        op("test", "/a", None),
        op("test", "/absent", 1),
        op("test", "/n", 0),
        op("test", "/a", True),
        op("test", "/a", 1.0),
        op("test", "/l", [1, 2]),
        op("test", "/l", [1, 2, True]),
        op("test", "/d", {"x": "y"}),
        op("test", "/d", {"x": "z", "s/t": 1, "u~v": 2}),
        op("test", "/absent/x", None),
        {"op": "add", "value": 1},
        {"op": "bogus", "path": "/a"},
        {"path": "/a"},
        None,
    ],
)
def test_an_operation_that_cannot_be_done_is_unprocessable(operation):
    with pytest.raises(PatchError) as caught:
        patch(operation)
    assert caught.value.code == 422


def test_an_operation_must_be_an_object():
    with pytest.raises(PatchError) as caught:
        patch("add")
    assert caught.value.code == 400


def test_a_patch_fails_as_a_whole():
    with pytest.raises(PatchError):
        patch(op("add", "/b", 1), op("test", "/b", 2))


def test_a_short_patch_cannot_make_a_huge_object(monkeypatch):
    monkeypatch.setattr(ours, "MAX_COPIED_BYTES", 20)
    copies = op("copy", "/c", **{"from": "/l"})
    assert patch(copies, copies)["c"] == [1, 2, 3]
    with pytest.raises(PatchError) as caught:
        patch(copies, copies, copies)
    assert "copies 21 bytes" in caught.value.problem


def test_the_limit_is_the_servers():
    assert ours.MAX_COPIED_BYTES == 3 * 1024 * 1024


# The library jsonpatch keeps to the RFC: where we do too, both agree.

NAMES = "abc"
VALUES = st.recursive(
    st.integers(0, 3) | st.sampled_from("xy"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=6,
)
DOCUMENTS = st.fixed_dictionaries({"a": VALUES, "b": VALUES})
POINTERS = st.lists(st.sampled_from([*NAMES, "0", "1", "2"]), min_size=1, max_size=3).map(
    lambda steps: "".join(f"/{step}" for step in steps)
)
OPERATIONS = st.one_of(
    st.builds(lambda path, value: op("add", path, value), POINTERS, VALUES),
    st.builds(lambda path: op("remove", path), POINTERS),
    st.builds(lambda path, value: op("test", path, value), POINTERS, VALUES),
    st.builds(lambda path, origin: op("copy", path, **{"from": origin}), POINTERS, POINTERS),
    st.builds(lambda path, origin: op("move", path, **{"from": origin}), POINTERS, POINTERS),
)


def exists(doc, path):
    for step in path.split("/")[1:]:
        if isinstance(doc, dict) and step in doc:
            doc = doc[step]
        elif isinstance(doc, list) and step.isdigit() and int(step) < len(doc):
            doc = doc[int(step)]
        else:
            return False
    return True


@given(DOCUMENTS, OPERATIONS)
def test_what_the_rfc_says_is_what_we_do(doc, operation):
    inside_itself = operation["op"] == "move" and operation["path"].startswith(operation["from"])
    if inside_itself or not exists(doc, operation.get("from", "")):
        return  # the server does not keep to the RFC there
    try:
        wanted = jsonpatch.apply_patch(doc, [operation])
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException):
        wanted = None
    try:
        made = json_patch(doc, [operation])
    except PatchError:
        made = None
    assert made == wanted
