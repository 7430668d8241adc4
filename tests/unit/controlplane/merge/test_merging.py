from __future__ import annotations

import copy

import pytest

from tests.unit.controlplane.merge.parcels import PARCEL, parcel
from tmc_syncer.controlplane.merge.merging import merged


def merge(live, config):
    before = copy.deepcopy((live, config))
    made = merged(parcel(live), parcel(config), PARCEL)
    assert (live, config) == before, "nothing that was given changes"
    return made["spec"]


@pytest.mark.parametrize(
    ("live", "config", "result"),
    [
        ({"size": 1, "name": "a"}, {"size": 2}, {"size": 2, "name": "a"}),
        ({"size": 1}, {"size": None}, {"size": None}),
        ({"labels": {"a": "x"}}, {"labels": {"b": "y"}}, {"labels": {"a": "x", "b": "y"}}),
        ({"labels": {"a": "x"}}, {"labels": {}}, {"labels": {"a": "x"}}),
        ({"labels": {"a": "x"}}, {"labels": None}, {"labels": {"a": "x"}}),
        ({"labels": {}}, {"labels": None}, {"labels": None}),
        ({}, {"labels": {}}, {"labels": {}}),
        ({"settings": {"a": "x"}}, {"settings": {"b": "y"}}, {"settings": {"b": "y"}}),
        ({"settings": {"a": "x"}}, {"settings": None}, {"settings": None}),
        ({"plain": ["a"]}, {"plain": ["b"]}, {"plain": ["b"]}),
        ({"plain": ["a"]}, {"plain": None}, {"plain": None}),
        ({"tags": ["a"]}, {"tags": None}, {"tags": ["a"]}),
        ({"tags": ["a"]}, {"tags": []}, {"tags": ["a"]}),
        ({"tags": []}, {"tags": None}, {"tags": None}),
        ({"tags": ["a", "b"]}, {"tags": ["c"]}, {"tags": ["a", "b", "c"]}),
        ({"any": {"a": 1}}, {"any": [2]}, {"any": [2]}),
        ({"any": [1]}, {"any": {"a": 1}}, {"any": {"a": 1}}),
        ({"any": "x"}, {"any": {}}, {"any": {}}),
        ({"any": [1]}, {"any": None}, {"any": None}),
        ({"either": [1]}, {"either": "x"}, {"either": "x"}),
        ({"free": {"a": {"b": 1}}}, {"free": {"a": {"c": 2}}}, {"free": {"a": {"b": 1, "c": 2}}}),
        (
            {"items": [{"name": "a", "value": 1}, {"name": "b"}]},
            {"items": [{"name": "b", "value": 2}]},
            {"items": [{"name": "a", "value": 1}, {"name": "b", "value": 2}]},
        ),
        ({"items": None}, {"items": [{"name": "a"}]}, {"items": [{"name": "a"}]}),
        ({"map": {"k": {"a": "x"}}}, {"map": {"k": {"b": 1}}}, {"map": {"k": {"a": "x", "b": 1}}}),
    ],
)
def test_a_configuration_takes_its_leaves_and_leaves_the_rest(live, config, result):
    assert merge(live, config) == result


@pytest.mark.parametrize(
    ("live", "config", "result"),
    [
        ("abc", "cba", "cba"),
        ("abc", "ac", "abc"),
        ("abc", "ca", "bca"),
        ("xay", "ab", "xayb"),
        ("xaybz", "ba", "xybza"),
        ("abcd", "db", "acdb"),
        ("", "ab", "ab"),
        ("ab", "", "ab"),
        ("aab", "b", "aab"),
        ("aab", "a", "ab"),
        ("abab", "ba", "ba"),
        ("ab", "xay", "xaby"),
    ],
)
def test_items_come_in_the_order_of_the_configuration_and_others_stay_between(live, config, result):
    assert "".join(merge({"tags": list(live)}, {"tags": list(config)})["tags"]) == result


def test_what_does_not_change_is_the_live_object_itself():
    live = parcel(
        {"size": 1, "labels": {"a": "x"}, "tags": ["a", "b"], "items": [{"name": "a"}], "plain": ["x"]}
    )
    config = copy.deepcopy(live)
    assert merged(live, config, PARCEL) is live
    made = merged(live, parcel({"size": 2, "tags": ["b"]}), PARCEL)
    assert made is not live
    assert made["spec"]["labels"] is live["spec"]["labels"]
    assert made["spec"]["tags"] is live["spec"]["tags"]


def test_true_takes_the_place_of_one():
    assert merge({"free": {"x": 1}}, {"free": {"x": True}})["free"]["x"] is True
