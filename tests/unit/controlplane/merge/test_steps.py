from __future__ import annotations

import pytest

from tmc_syncer.controlplane.merge.steps import canonical, key_of, key_step, order, value_step, words


def test_a_list_item_is_named_by_its_keys_in_their_order():
    assert key_step({"name": "web"}) == 'k:{"name":"web"}'
    assert key_step({"protocol": "TCP", "port": 80}) == 'k:{"port":80,"protocol":"TCP"}'


def test_keys_of_any_type_make_steps():
    assert key_step({"on": True}) == 'k:{"on":true}'
    assert key_step({"ratio": 0.5}) == 'k:{"ratio":0.5}'
    assert key_step({"key": None}) == 'k:{"key":null}'


def test_one_and_true_are_different_keys():
    assert key_step({"id": 1}) == 'k:{"id":1}'
    assert key_step({"id": True}) == 'k:{"id":true}'
    assert value_step(1) == "v:1"
    assert value_step(True) == "v:true"


def test_a_number_without_a_fraction_is_an_integer():
    assert value_step(1.0) == "v:1"


def test_steps_are_escaped_as_go_does():
    assert value_step("<&>") == 'v:"\\u003c\\u0026\\u003e"'


def test_the_keys_of_a_step_can_be_read():
    assert key_of('k:{"port":80,"protocol":"TCP"}') == {"port": 80, "protocol": "TCP"}


@pytest.mark.parametrize(
    ("written", "step"),
    [
        ("f:a.b", "f:a.b"),
        ('k:{ "b": 1, "a": "x" }', 'k:{"a":"x","b":1}'),
        ('v:"<"', 'v:"\\u003c"'),
        ("v: 1", "v:1"),
        ("i:07", "i:7"),
        ("x:later", None),
    ],
)
def test_what_a_client_writes_becomes_our_form(written, step):
    assert canonical(written) == step


@pytest.mark.parametrize("written", ["", "f", "name", "k:", "k:[]", "v:{", "i:x"])
def test_nonsense_is_an_error(written):
    with pytest.raises(ValueError, match=written[:1] or "colon"):
        canonical(written)


def test_a_path_reads_as_in_messages():
    path = ("f:spec", "f:ports", 'k:{"protocol":"TCP","port":80}', "f:name")
    assert words(path) == '.spec.ports[port=80,protocol="TCP"].name'
    assert words(("f:tags", 'v:"a"')) == '.tags[="a"]'
    assert words(("f:plain", "i:3")) == ".plain[3]"


def test_steps_have_the_servers_order():
    expected = [
        ".",
        "f:a",
        "f:b",
        'k:{"port":9}',
        'k:{"port":80}',
        'k:{"port":"a"}',
        "v:9",
        "v:10",
        'v:"1"',
        "v:false",
        "v:true",
        "v:null",
        "i:2",
        "i:10",
    ]
    assert sorted(reversed(expected), key=order) == expected
