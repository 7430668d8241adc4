"""The rules of aggregated ClusterRoles."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.controlplane.auth.stage import role, rule
from tmc_syncer.controlplane.auth.aggregation import effective_rules, is_aggregated, outdated
from tmc_syncer.controlplane.auth.rules import rules_of

PODS, NODES, JOBS = rule("get", "''", "pods"), rule("get", "''", "nodes"), rule("get", "batch", "jobs")


def labelled(
    name: str, labels: dict[str, str], *rules: dict[str, Any], gathers: list[Any] | None = None
) -> dict[str, Any]:
    found = role(name, *rules)
    found["metadata"]["labels"] = labels
    if gathers is not None:
        found["aggregationRule"] = {"clusterRoleSelectors": gathers}
    return found


def by_name(*roles: dict[str, Any]) -> dict[str, Any]:
    return {item["metadata"]["name"]: item for item in roles}


def verdict(name: str, roles: dict[str, Any]) -> list[dict[str, Any]]:
    return [each.to_object() for each in effective_rules(name, roles)]


def test_an_ordinary_role_has_its_own_rules() -> None:
    roles = by_name(role("plain", PODS, PODS))
    assert not is_aggregated(roles["plain"])
    assert effective_rules("plain", roles) == rules_of(roles["plain"])


def test_rules_are_gathered_by_selector_then_by_name_and_never_twice() -> None:
    roles = by_name(
        labelled(
            "all", {}, JOBS, gathers=[{"matchLabels": {"second": "y"}}, {"matchLabels": {"first": "y"}}]
        ),
        labelled("b", {"first": "y"}, PODS, NODES),
        labelled("a", {"first": "y", "second": "n"}, NODES),
        labelled("z", {"second": "y"}, JOBS),
        labelled("other", {"third": "y"}, rule("*", "*", "*")),
        {"metadata": {"name": "bare"}},
    )
    assert verdict("all", roles) == [JOBS, NODES, PODS]


def test_rules_written_by_hand_into_an_aggregated_role_do_not_count() -> None:
    roles = by_name(labelled("all", {}, rule("*", "*", "*"), gathers=[]))
    assert verdict("all", roles) == []


def test_roles_gather_through_other_aggregated_roles() -> None:
    roles = by_name(
        labelled("admin", {}, gathers=[{"matchLabels": {"to-admin": "y"}}]),
        labelled("edit", {"to-admin": "y"}, gathers=[{"matchLabels": {"to-edit": "y"}}]),
        labelled("view", {"to-edit": "y"}, gathers=[{"matchLabels": {"to-view": "y"}}]),
        labelled("own", {"to-view": "y"}, PODS),
    )
    assert verdict("admin", roles) == [PODS]


def test_roles_that_gather_each_other_end_at_what_is_written_by_hand() -> None:
    roles = by_name(
        labelled("a", {"x": "y"}, gathers=[{"matchLabels": {"x": "y"}}]),
        labelled("b", {"x": "y"}, gathers=[{"matchLabels": {"x": "y"}}]),
        labelled("c", {"x": "y"}, PODS),
    )
    assert verdict("a", roles) == verdict("b", roles) == [PODS]


def test_many_roles_that_gather_each_other_are_no_burden() -> None:
    """Trying every way through them would take for ever."""
    gathers = [{"matchLabels": {"x": "y"}}]
    roles = by_name(*(labelled(f"r{number}", {"x": "y"}, gathers=gathers) for number in range(60)))
    assert verdict("r0", roles) == []


def test_a_selector_that_cannot_be_read_selects_nothing() -> None:
    broken = [{"matchExpressions": [{"key": "x", "operator": "Odd"}]}, "text", {"matchLabels": {"x": "y"}}]
    roles = by_name(labelled("all", {}, gathers=broken), labelled("a", {"x": "y"}, PODS))
    assert verdict("all", roles) == [PODS]


def test_expressions_select_too() -> None:
    exists = [{"matchExpressions": [{"key": "x", "operator": "Exists"}]}]
    roles = by_name(
        labelled("all", {}, gathers=exists), labelled("a", {"x": "1"}, PODS), labelled("b", {}, NODES)
    )
    assert verdict("all", roles) == [PODS]


def test_the_stored_form_is_outdated_until_it_is_written() -> None:
    roles = by_name(
        labelled("all", {}, gathers=[{"matchLabels": {"x": "y"}}]),
        labelled("a", {"x": "y"}, PODS),
        labelled("none", {}, gathers=[]),
    )
    assert outdated(roles) == [("all", [PODS])]
    roles["all"] = {**roles["all"], "rules": [PODS]}
    assert outdated(roles) == []


LABELS = st.sampled_from(("p", "q", "r"))


@given(
    st.lists(st.tuples(LABELS, st.none() | st.lists(LABELS, max_size=2)), min_size=1, max_size=6),
)
def test_the_result_is_what_a_controller_comes_to(drawn: list[tuple[str, list[str] | None]]) -> None:
    """The controller of the real server, run until nothing changes, from empty aggregated roles."""
    roles = by_name(
        *(
            labelled(
                f"r{number}",
                {label: "y"},
                *([rule("get", "''", f"res{number}")] if gathers is None else []),
                gathers=None if gathers is None else [{"matchLabels": {each: "y"}} for each in gathers],
            )
            for number, (label, gathers) in enumerate(drawn)
        )
    )
    stored = {name: list(item["rules"]) for name, item in roles.items()}
    for _ in range(len(roles) + 1):
        for name, item in roles.items():
            if not is_aggregated(item):
                continue
            wanted = [each["matchLabels"] for each in item["aggregationRule"]["clusterRoleSelectors"]]
            found: list[dict[str, Any]] = []
            for labels in wanted:
                for other in sorted(roles):
                    if other != name and labels.items() <= roles[other]["metadata"]["labels"].items():
                        found += [each for each in stored[other] if each not in found]
            stored[name] = found
    for name in roles:
        assert sorted(map(str, verdict(name, roles))) == sorted(map(str, stored[name]))
