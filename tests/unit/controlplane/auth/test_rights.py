"""Compiled rights find what the definition in `rules` allows, and the first binding gives the reason."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from tmc_syncer.controlplane.auth.attributes import Attributes
from tmc_syncer.controlplane.auth.rights import Grant, MissingRole, Rights
from tmc_syncer.controlplane.auth.rules import Rule, allows

VERBS, GROUPS, NAMES = ("get", "list", "*"), ("", "apps", "*"), ("one", "two")
RESOURCES = ("pods", "pods/log", "*/log", "pods/*", "*")
PATHS = ("/a", "/a/b", "/a/*", "/a*", "*")


def some(values: tuple[str, ...], least: int = 0) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), min_size=least, max_size=3, unique=True).map(tuple)


RULES = st.builds(Rule, some(VERBS, 1), some(GROUPS), some(RESOURCES), some(NAMES), some(PATHS))
ASKED = st.one_of(
    st.builds(
        Attributes,
        st.just("c"),
        st.sampled_from(("get", "list", "watch")),
        st.sampled_from(("", "apps", "batch")),
        st.just("v1"),
        st.sampled_from(("pods", "jobs")),
        st.sampled_from(("", "log", "status")),
        st.just("ns"),
        st.sampled_from(("", "one", "three")),
    ),
    st.builds(
        Attributes,
        st.just("c"),
        st.sampled_from(("get", "put")),
        path=st.sampled_from(("/a", "/a/b", "/ab", "/b")),
    ),
)


def test_the_tables_agree_with_trying_every_rule_in_thousands_of_drawn_cases() -> None:
    rng = random.Random(1)

    def draw(values: tuple[str, ...], least: int = 0) -> tuple[str, ...]:
        return tuple(rng.sample(values, rng.randint(least, 2)))

    found = 0
    for _ in range(400):
        grants = [
            Grant(
                tuple(
                    Rule(
                        draw(VERBS, 1),
                        draw(GROUPS, 1),
                        draw(RESOURCES, 1),
                        draw(NAMES) if rng.random() < 0.4 else (),
                    )
                    for _ in range(rng.randint(1, 3))
                ),
                f"by {number}",
            )
            for number in range(rng.randint(1, 4))
        ]
        rights = Rights(grants)
        for _ in range(20):
            asked = Attributes(
                "c",
                rng.choice(("get", "list", "watch")),
                rng.choice(("", "apps", "batch")),
                "v1",
                rng.choice(("pods", "jobs")),
                rng.choice(("", "log", "status")),
                "ns",
                rng.choice(("", "one", "three")),
            )
            assert rights.find(asked) == defined(grants, asked)
            found += rights.find(asked) is not None
    assert 1_000 < found < 7_000


def defined(grants: list[Grant], asked: Attributes) -> str | None:
    """The reason by trying every rule in turn."""
    return next((grant.reason for grant in grants for rule in grant.rules if allows(rule, asked)), None)


@given(st.lists(st.lists(RULES, max_size=3).map(tuple), max_size=4), st.lists(ASKED, min_size=1, max_size=8))
def test_the_tables_agree_with_trying_every_rule(
    drawn: list[tuple[Rule, ...]], asked: list[Attributes]
) -> None:
    grants = [Grant(rules, f"by {number}") for number, rules in enumerate(drawn)]
    rights = Rights(grants)
    for attributes in asked:
        assert rights.find(attributes) == defined(grants, attributes)


def test_a_rule_with_names_is_passed_over_for_one_without() -> None:
    named, plain = Rule(("get",), ("",), ("pods",), ("one",)), Rule(("get",), ("",), ("pods",))
    rights = Rights([Grant((named,), "named"), Grant((plain,), "plain")])
    asked = Attributes("c", "get", "", "v1", "pods")
    assert [rights.find(asked._replace(name=name)) for name in ("one", "two", "")] == [
        "named",
        "plain",
        "plain",
    ]


def test_a_rule_with_a_huge_product_is_searched_and_not_multiplied_out() -> None:
    many = tuple(f"r{number}" for number in range(60))
    huge = Rule(many, many, (*many, "pods"), ("x",))
    before, after = Rule(("r1",), ("r1",), ("r1",)), Rule(("r2",), ("r2",), ("r2",))
    grants = [Grant((before,), "before"), Grant((huge,), "huge"), Grant((after, huge), "after")]
    rights = Rights(grants)
    assert rights.size < 50
    for resource, name in (("r1", "x"), ("r2", "x"), ("r2", "y"), ("r3", "x"), ("r3", "y"), ("pods", "x")):
        asked = Attributes(
            "c",
            resource if resource != "pods" else "r5",
            resource if resource != "pods" else "r6",
            "v1",
            resource,
            "",
            "",
            name,
        )
        assert rights.find(asked) == defined(grants, asked)


def test_the_same_rule_again_takes_no_room() -> None:
    rule = Rule(("get", "list"), ("",), ("pods",))
    once = Rights([Grant((rule,), "a")])
    assert Rights([Grant((rule, rule), "a"), Grant((rule,), "b")]).size == once.size
    assert Rights([]).size < once.size == Rights([]).size + 2


def test_bindings_to_missing_roles_are_remembered() -> None:
    rights = Rights([Grant((), "", MissingRole("ClusterRole", "z")), Grant((), "", MissingRole("Odd", "z"))])
    assert rights.errors == (
        'clusterrole.rbac.authorization.k8s.io "z" not found',
        'unsupported role reference kind: "Odd"',
    )
    assert rights.find(Attributes("c", "get", path="/x")) is None
    assert (MissingRole("Role", "z").kind, MissingRole("Role", "z").name) == ("Role", "z")
