"""A copy that holds all we want is never touched; one that lost any field of ours is found.

The goldens in tests/data/drift are what kube-apiserver 1.36 recorded for our apply. The properties build the entry from
the object themselves, after structured-merge-diff's `tofieldset.go`: a field set has the path of each scalar, of each
empty or atomic map, of each atomic list, of each item of a list with keys and each value of a set.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmc_syncer.downstream.drift import desired_digest, missing_paths, still_holds

GOLDENS = sorted((Path(__file__).parents[2] / "data" / "drift").glob("*.json"))

Json = dict[str, Any]

DEFAULTS = {"port": 80, "protocol": "TCP"}  # of keys that items below leave out


def removed(entry: Json, *path: str) -> Json:
    """The entry without one path; what holds nothing any more goes with it, as a server would write it."""
    result = copy.deepcopy(entry)
    parents = [result]
    for step in path[:-1]:
        parents.append(parents[-1][step])
    del parents[-1][path[-1]]
    for parent, child, step in zip(parents[-2::-1], parents[:0:-1], path[-2::-1], strict=True):
        if not child:
            del parent[step]
        elif set(child) == {"."}:
            child.clear()
    return result


def paths(entry: Json, *above: str) -> list[tuple[str, ...]]:
    """The paths that another writer can take: all but the membership of a parent and the keys of an item."""
    found = []
    for step, child in entry.items():
        if step not in {".", "f:key", "f:port"}:
            found += [(*above, step), *paths(child, *above, step)]
    return found


# ---- what a real server recorded ---------------------------------------------------------------------------


@pytest.mark.parametrize("golden", GOLDENS, ids=lambda path: path.stem)
def test_what_a_server_recorded_for_our_apply_covers_it(golden: Path) -> None:
    case = json.loads(golden.read_text())
    assert missing_paths(case["desired"], case["fieldsV1"]) == []


@pytest.mark.parametrize("golden", GOLDENS, ids=lambda path: path.stem)
def test_each_field_that_a_server_takes_from_our_entry_is_missed(golden: Path) -> None:
    case = json.loads(golden.read_text())
    for path in paths(case["fieldsV1"]):
        entry = removed(case["fieldsV1"], *path)
        assert not still_holds(entry, case["fieldsV1"])
        if not is_ambiguous(case["desired"], entry, path):
            assert missing_paths(case["desired"], entry), path


def is_ambiguous(desired: Json, entry: Json, lost: tuple[str, ...]) -> bool:
    """Whether an entry without `lost` could be that of another schema: only `still_holds` can tell."""
    parent: Any = entry
    for step in lost[:-1]:
        parent = parent.get(step) if parent is not None else None
    return parent == {} or applied_empty(desired, lost)


def applied_empty(desired: Any, path: tuple[str, ...]) -> bool:
    """Whether what was applied at `path` is an empty list, a map of such, or an empty part of the metadata."""
    value = desired
    for step in path:
        value = value[step[2:]] if step.startswith("f:") else next(i for i in value if is_item(i, step))
    return is_traceless(value) or (value == {} and path[0] == "f:metadata")


def is_traceless(value: Any) -> bool:
    if isinstance(value, dict):
        return bool(value) and all(map(is_traceless, value.values()))
    return bool(value == [])


def is_item(item: Any, step: str) -> bool:
    wanted = json.loads(step[2:])
    if step.startswith("v:"):
        return bool(item == wanted)
    return all(item.get(name, DEFAULTS.get(name)) == value for name, value in wanted.items())


# ---- objects with any schema -------------------------------------------------------------------------------

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=4)
NAMES = st.sampled_from(["a", "b", "c.d/e", "x-y"])
SCALARS = TEXTS | st.integers(-5, 5) | st.booleans()


class Both:
    """A value as it was applied, and what its field set is: None when it leaves no trace."""

    def __init__(self, value: Any, fields: Json | None) -> None:
        self.value = value
        self.fields = fields

    def __repr__(self) -> str:
        return f"Both({self.value!r}, {self.fields!r})"


def structure(parts: dict[str, Both]) -> Both:
    fields = {f"f:{name}": part.fields for name, part in parts.items() if part.fields is not None}
    return Both({name: part.value for name, part in parts.items()}, fields if fields or not parts else None)


def string_map(entries: dict[str, Any]) -> Both:
    return Both(entries, {f"f:{name}": {} for name in entries})


def whole(value: Any) -> Both:
    return Both(value, {})


def value_set(values: list[Any]) -> Both:
    return Both(values, {f"v:{json.dumps(value)}": {} for value in values} or None)


def keyed_list(items: list[tuple[str, bool, dict[str, Both]]]) -> Both:
    """Items with the keys `key` and `port`; the server defaults the port to 80, so an item may leave it out."""
    value, fields = [], {}
    for key, is_default, parts in items:
        port = {} if is_default else {"port": 81}
        step = "k:" + json.dumps({"key": key, "port": 80 if is_default else 81}, separators=(",", ":"))
        inner = structure(parts)
        value.append({"key": key, **port, **inner.value})
        own: Json = {f"f:{name}": {} for name in ("key", *port)}
        fields[step] = {".": {}, **own, **(inner.fields or {})}
    return Both(value, fields or None)


LEAVES = st.one_of(
    SCALARS.map(whole),
    st.dictionaries(NAMES, SCALARS, max_size=2).map(string_map),
    st.dictionaries(NAMES, SCALARS, min_size=1, max_size=2).map(whole),
    st.lists(SCALARS, max_size=2).map(whole),
    st.lists(TEXTS, max_size=3, unique=True).map(value_set),
)
TREES = st.recursive(
    LEAVES,
    lambda below: st.one_of(
        st.dictionaries(NAMES, below, max_size=3).map(structure),
        st.lists(
            st.tuples(TEXTS, st.booleans(), st.dictionaries(NAMES, below, max_size=2)),
            max_size=3,
            unique_by=lambda item: item[:2],
        ).map(keyed_list),
    ),
    max_leaves=8,
)
OBJECTS = st.tuples(
    st.dictionaries(st.sampled_from(["spec", "data"]), TREES, min_size=1),
    st.dictionaries(NAMES, TEXTS, min_size=1),
).map(lambda parts: whole_object(*parts))


def whole_object(content: dict[str, Both], labels: dict[str, str]) -> tuple[Json, Json]:
    body = structure(content)
    metadata = {"name": "w", "namespace": "n", "uid": "u", "labels": labels}
    desired = {"apiVersion": "v1", "kind": "Widget", "metadata": metadata, **body.value}
    return desired, {"f:metadata": {"f:labels": string_map(labels).fields}, **(body.fields or {})}


@given(OBJECTS)
def test_a_copy_as_its_server_owns_it_is_in_sync(case: tuple[Json, Json]) -> None:
    desired, entry = case
    assert missing_paths(desired, entry) == []
    assert still_holds(entry, entry)


@given(OBJECTS)
def test_a_field_that_was_taken_from_us_is_missing(case: tuple[Json, Json]) -> None:
    desired, entry = case
    for path in paths(entry):
        without = removed(entry, *path)
        assert not still_holds(without, entry)
        if not is_ambiguous(desired, without, path):
            assert missing_paths(desired, without), path


@given(OBJECTS)
def test_a_field_that_a_rule_gave_away_is_never_missing(case: tuple[Json, Json]) -> None:
    desired, entry = case
    for path in paths(entry):
        without = removed(entry, *path)
        lost = missing_paths(desired, without)
        assert missing_paths(desired, without, ceded=lost) == []
        assert still_holds(without, entry, ceded=[path])


@given(OBJECTS, st.randoms(use_true_random=False))
def test_the_digest_does_not_depend_on_the_order_of_keys(case: tuple[Json, Json], rng: Any) -> None:
    def shuffled(value: Any) -> Any:
        if isinstance(value, list):
            return [shuffled(item) for item in value]
        if not isinstance(value, dict):
            return value
        names = list(value)
        rng.shuffle(names)
        return {name: shuffled(value[name]) for name in names}

    desired, _ = case
    assert desired_digest(shuffled(desired), "1") == desired_digest(desired, "1")
    assert desired_digest(desired, "2") != desired_digest(desired, "1")


# ---- cases of their own ------------------------------------------------------------------------------------


def test_a_digest_is_128_bits_and_stays_what_it_was() -> None:
    """Copies out there carry it: another formula would rewrite every one of them."""
    assert desired_digest({"b": [1, "x"], "a": None}, "1") == "1129348fc945f05bf8247461f5e0840a"


def test_the_value_of_an_item_counts_and_not_only_its_neighbours() -> None:
    """Two ports may differ only in the key that one leaves out: each needs an entry of its own."""
    ports = [{"port": 53, "protocol": "UDP"}, {"port": 53}]
    udp: Json = {'k:{"port":53,"protocol":"UDP"}': {".": {}, "f:port": {}, "f:protocol": {}}}
    tcp: Json = {'k:{"port":53,"protocol":"TCP"}': {".": {}, "f:port": {}}}
    assert missing_paths({"spec": ports}, {"f:spec": udp | tcp}) == []
    assert missing_paths({"spec": ports[::-1]}, {"f:spec": udp | tcp}) == []
    assert missing_paths({"spec": ports}, {"f:spec": udp}) == [("f:spec", 'k:{"port":53}')]


def test_texts_that_a_server_escapes_in_a_key_are_recognized() -> None:
    entry: Json = {
        "f:spec": {'k:{"name":"\\u003ca\\u003e"}': {".": {}, "f:name": {}}},
        "f:set": {'v:"\\u0026"': {}},
    }
    assert missing_paths({"spec": [{"name": "<a>"}], "set": ["&"]}, entry) == []


def test_an_item_of_another_shape_than_its_list_is_missing() -> None:
    entry: Json = {"f:spec": {'k:{"name":"a"}': {".": {}, "f:name": {}}}}
    assert missing_paths({"spec": ["a", {"other": 1}]}, entry) == [("f:spec", 'v:"a"'), ("f:spec", "k:{}")]
    assert missing_paths({"spec": [{"name": "a"}]}, {"f:spec": {'v:"a"': {}}}) == [
        ("f:spec", 'v:{"name":"a"}')
    ]


def test_a_set_may_hold_maps() -> None:
    assert missing_paths({"spec": [{"a": 1}]}, {"f:spec": {'v:{"a":1}': {}}}) == []


def test_a_scalar_where_the_entry_has_parts_is_left_to_the_digest() -> None:
    assert missing_paths({"spec": 1}, {"f:spec": {"f:a": {}}}) == []


def test_at_most_ten_missing_paths_are_named() -> None:
    desired = {"data": {f"k{number}": "v" for number in range(20)}}
    found = missing_paths(desired, {"f:data": {"f:other": {}}})
    assert found == [("f:data", f"f:k{number}") for number in range(10)]


def test_a_map_that_lost_all_its_parts_is_told_from_an_atomic_one_by_what_was_there_before() -> None:
    desired = {"spec": {"templates": {"x": {"size": 1}}}}
    before: Json = {"f:spec": {"f:templates": {"f:x": {".": {}, "f:size": {}}}}}
    after = removed(before, "f:spec", "f:templates", "f:x", "f:size")
    assert after == {"f:spec": {"f:templates": {"f:x": {}}}}
    assert missing_paths(desired, after) == []
    assert not still_holds(after, before)


def test_a_field_of_which_we_own_only_parts_now_is_lost_as_a_whole() -> None:
    assert not still_holds({"f:a": {"f:b": {}}}, {"f:a": {}})
    assert still_holds({"f:a": {".": {}, "f:b": {}}}, {"f:a": {}})
