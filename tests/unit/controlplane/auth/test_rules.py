"""What one rule allows, and how rules are read from objects."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.controlplane.auth.stage import on_paths, rule
from tmc_syncer.controlplane.auth.attributes import Attributes
from tmc_syncer.controlplane.auth.rules import Rule, allows, path_matches, rules_of


def ask(verb: str, group: str, resource: str, name: str = "") -> Attributes:
    resource, _, subresource = resource.partition("/")
    return Attributes("c", verb, group, "v1", resource, subresource, "ns", name)


def given(body: dict[str, Any]) -> Rule:
    (found,) = rules_of({"rules": [body]})
    return found


@pytest.mark.parametrize(
    ("body", "asked", "allowed"),
    [
        (rule("get", "''", "pods"), ask("get", "", "pods"), True),
        (rule("get", "''", "pods"), ask("list", "", "pods"), False),
        (rule("get", "''", "pods"), ask("get", "apps", "pods"), False),
        (rule("get", "''", "pods"), ask("get", "", "pods/log"), False),
        (rule("get", "''", "pods/log"), ask("get", "", "pods/log"), True),
        (rule("get", "''", "pods/log"), ask("get", "", "pods"), False),
        (rule("*", "*", "*"), ask("get", "apps", "deployments/scale", "x"), True),
        (rule("get", "apps", "*/scale"), ask("get", "apps", "deployments/scale"), True),
        (rule("get", "apps", "*/scale"), ask("get", "apps", "deployments"), False),
        (rule("get", "apps", "*/scale"), ask("get", "apps", "deployments/status"), False),
        (rule("get", "''", "pods", "one two"), ask("get", "", "pods", "two"), True),
        (rule("get", "''", "pods", "one two"), ask("get", "", "pods", "three"), False),
        (rule("get", "''", "pods", "one"), ask("get", "", "pods"), False),
        (rule("get", "''", "pods"), Attributes("c", "get", path="/x"), False),
        (on_paths("get", "/healthz /api/*"), Attributes("c", "get", path="/healthz"), True),
        (on_paths("get", "/healthz /api/*"), Attributes("c", "get", path="/api/v1"), True),
        (on_paths("get", "/healthz /api/*"), Attributes("c", "get", path="/api"), False),
        (on_paths("get", "/healthz /api/*"), Attributes("c", "post", path="/healthz"), False),
        (on_paths("*", "*"), Attributes("c", "post", path="/x"), True),
        (on_paths("get", "*"), ask("get", "", "pods"), False),
    ],
)
def test_a_rule_allows_what_it_names(body: dict[str, Any], asked: Attributes, allowed: bool) -> None:
    assert allows(given(body), asked) is allowed


def test_patterns_of_paths_match_by_their_beginning() -> None:
    assert path_matches("/a*", "/a")
    assert path_matches("/a**", "/ab")
    assert not path_matches("/a*b", "/aab")


def test_a_malformed_rule_gives_no_right() -> None:
    assert rules_of({}) == ()
    assert rules_of({"rules": None}) == ()
    assert rules_of({"rules": ["x", 5, None]}) == ()
    assert rules_of({"rules": [{"verbs": "*", "apiGroups": None, "resources": ["*", 5]}]}) == (
        Rule((), (), ("*",)),
    )


def test_rules_are_written_as_in_messages_and_as_in_objects() -> None:
    full = Rule(("get", "list"), ("", "apps"), ("pods",), ("one",), ("/x",))
    assert str(full) == (
        '{APIGroups:["" "apps"], Resources:["pods"], NonResourceURLs:["/x"], ResourceNames:["one"], Verbs:["get" "list"]}'
    )
    assert str(Rule(("get",), ("",), ("pods",))) == '{APIGroups:[""], Resources:["pods"], Verbs:["get"]}'
    assert rules_of({"rules": [full.to_object()]}) == (full,)
    assert Rule().to_object() == {"verbs": []}
