"""Whether some rights cover others."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tmc_syncer.controlplane.auth.attributes import Attributes
from tmc_syncer.controlplane.auth.coverage import described, missing
from tmc_syncer.controlplane.auth.rules import Rule, allows

VERBS, GROUPS = ("get", "list", "*"), ("", "apps", "*")
RESOURCES = ("pods", "pods/log", "deployments/scale", "*/scale", "*")
PATHS = ("/a", "/a/b", "/a/*", "*")

RULES = st.builds(
    Rule,
    st.lists(st.sampled_from(VERBS), min_size=1, max_size=2).map(tuple),
    st.lists(st.sampled_from(GROUPS), max_size=2).map(tuple),
    st.lists(st.sampled_from(RESOURCES), max_size=2).map(tuple),
    st.lists(st.sampled_from(("one", "two")), max_size=2).map(tuple),
    st.lists(st.sampled_from(PATHS), max_size=1).map(tuple),
)


def test_each_right_must_be_covered_by_one_rule() -> None:
    owned = [Rule(("get",), ("",), ("pods",)), Rule(("list",), ("",), ("pods",), ("one",))]
    wanted = [Rule(("get", "list"), ("", "apps"), ("pods",))]
    assert missing(owned, wanted) == [
        Rule(("list",), ("",), ("pods",)),
        Rule(("get",), ("apps",), ("pods",)),
        Rule(("list",), ("apps",), ("pods",)),
    ]


def test_names_are_covered_by_rules_without_names_and_by_the_same_names() -> None:
    named = Rule(("get",), ("",), ("pods",), ("one", "two"))
    assert missing([Rule(("get",), ("",), ("pods",))], [named]) == []
    assert missing([Rule(("get",), ("",), ("pods",), ("one",))], [named]) == [
        Rule(("get",), ("",), ("pods",), ("two",))
    ]
    assert missing([named], [Rule(("get",), ("",), ("pods",))]) == [Rule(("get",), ("",), ("pods",))]


def test_stars_cover_everything_but_are_covered_by_stars_only() -> None:
    everything = Rule(("*",), ("*",), ("*",))
    assert missing([everything], [Rule(("get",), ("apps",), ("a/b",), ("x",)), everything]) == []
    assert missing([Rule(("get", "list"), ("",), ("pods",))], [Rule(("*",), ("",), ("pods",))]) != []
    assert missing([Rule(("get",), ("",), ("*/scale",))], [Rule(("get",), ("",), ("a/scale",))]) == []
    assert missing([Rule(("get",), ("",), ("*/scale",))], [Rule(("get",), ("",), ("scale",))]) != []
    assert missing([Rule(("get",), ("",), ("*/",))], [Rule(("get",), ("",), ("a",))]) != []
    assert missing([Rule(("get",), ("",), ("*/b/c",))], [Rule(("get",), ("",), ("a/b/c",))]) == []
    assert missing([Rule(("get",), ("",), ("*/c",))], [Rule(("get",), ("",), ("a/b/c",))]) != []


def test_paths_are_covered_by_equal_and_wider_patterns() -> None:
    owned = [Rule(("get",), paths=("/a/*", "/x"))]
    wanted = [Rule(("get", "post"), paths=("/a/b", "/a/b/*", "/x", "/y"))]
    assert missing(owned, wanted) == [
        Rule(("post",), paths=("/a/b",)),
        Rule(("post",), paths=("/a/b/*",)),
        Rule(("post",), paths=("/x",)),
        Rule(("get",), paths=("/y",)),
        Rule(("post",), paths=("/y",)),
    ]


def test_rights_on_one_resource_are_described_in_one_line() -> None:
    lacking = missing(
        [], [Rule(("get", "list"), ("",), ("pods", "nodes"), ("one",)), Rule(("get",), paths=("/x",))]
    )
    assert described(lacking) == [
        '{APIGroups:[""], Resources:["nodes"], ResourceNames:["one"], Verbs:["get" "list"]}',
        '{APIGroups:[""], Resources:["pods"], ResourceNames:["one"], Verbs:["get" "list"]}',
        '{NonResourceURLs:["/x"], Verbs:["get"]}',
    ]


@given(st.lists(RULES, max_size=4))
def test_rules_cover_themselves(rules: list[Rule]) -> None:
    assert missing(rules, rules) == []


@given(st.lists(RULES, max_size=3), st.lists(RULES, max_size=3), RULES)
def test_more_rights_never_lack_more(owned: list[Rule], wanted: list[Rule], more: Rule) -> None:
    lacking = missing(owned, wanted)
    assert all(right in lacking for right in missing([*owned, more], wanted))


@given(st.lists(RULES, max_size=3), st.lists(RULES, max_size=3))
def test_what_covers_allows_every_request_that_the_covered_allows(
    owned: list[Rule], wanted: list[Rule]
) -> None:
    """The guarantee of an escalation check: nothing new becomes possible by the role that is written."""
    if missing(owned, wanted):
        return
    asked = [
        Attributes("c", verb, group, "v1", *resource.partition("/")[::2], "ns", name)
        for verb in ("get", "list", "watch")
        for group in ("", "apps", "batch")
        for resource in ("pods", "pods/log", "deployments/scale", "jobs")
        for name in ("", "one", "two", "three")
    ]
    asked += [
        Attributes("c", verb, path=path)
        for verb in ("get", "post")
        for path in ("/a", "/a/b", "/a/b/c", "/z")
    ]
    for attributes in asked:
        if any(allows(rule, attributes) for rule in wanted):
            assert any(allows(rule, attributes) for rule in owned), attributes
