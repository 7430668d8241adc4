"""What upstream shall show as status, and what it must never show: a generation that nobody has observed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmc_syncer.api.objects import Meta, Record, encode_json
from tmc_syncer.api.resources import GVR
from tmc_syncer.upstream.status import desired_status, extract_whole

DEPLOYMENTS = GVR("apps", "v1", "deployments")
WIDGETS = GVR("example.com", "v1", "widgets")
SERVICES = GVR("", "v1", "services")

Status = dict[str, Any]


def record(generation: int, status: Any = None, **fields: Any) -> Record:
    if status is not None:
        fields["status"] = status
    raw = {name: encode_json(value) for name, value in fields.items()}
    return Record("example.com/v1", "Widget", Meta(name="w", generation=generation), raw)


def shown(
    status: Any,
    present: Any = None,
    *,
    upstream: int = 7,
    copy: int = 3,
    in_sync: bool = True,
    gvr: GVR = WIDGETS,
) -> Status | None:
    return desired_status(gvr, record(upstream, present), record(copy, status), in_sync=in_sync)


# ---- the whole status --------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [None, {}, "text", [1]])
def test_a_copy_without_a_status_brings_none(status: Any) -> None:
    assert extract_whole(record(1, status)) is None
    assert shown(status, {"old": 1}) is None


def test_the_status_of_the_copy_replaces_what_upstream_has() -> None:
    assert shown({"a": 1}, {"b": 2}) == {"a": 1}
    assert shown({"a": 1}) == {"a": 1}


def test_an_upstream_status_that_is_no_object_is_replaced() -> None:
    assert shown({"a": 1}, "text") == {"a": 1}


def test_nothing_is_brought_that_upstream_already_has_in_whatever_order() -> None:
    assert shown({"a": 1, "b": {"c": 1, "d": 2}}, {"b": {"d": 2, "c": 1}, "a": 1}) is None


def test_a_status_that_is_the_same_after_clamping_is_not_brought() -> None:
    assert (
        shown({"replicas": 1, "readyReplicas": 2}, {"replicas": 1, "readyReplicas": 1}, gvr=DEPLOYMENTS)
        is None
    )


def test_the_upstream_spec_decides_where_a_rule_asks_for_it() -> None:
    status = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}
    for kind, expected in (("LoadBalancer", status), ("ClusterIP", {"loadBalancer": {}})):
        upstream = record(1, spec={"type": kind})
        assert desired_status(SERVICES, upstream, record(1, status), in_sync=True) == expected


def test_an_extractor_of_its_own_chooses_what_is_shown() -> None:
    def only_phase(copy: Record) -> Status | None:
        return {"phase": copy.field("status")["phase"]}

    copy = record(1, {"phase": "Ready", "secret": "x"})
    assert desired_status(WIDGETS, record(1), copy, in_sync=True, extract=only_phase) == {"phase": "Ready"}


# ---- observed generations ----------------------------------------------------------------------------------


def test_an_observed_copy_in_sync_shows_the_upstream_generation() -> None:
    assert shown({"observedGeneration": 3}) == {"observedGeneration": 7}


@pytest.mark.parametrize(
    ("observed", "in_sync"), [(2, True), (3, False), (2, False)], ids=["late", "drifted", "both"]
)
def test_what_is_not_observed_keeps_what_upstream_shows(observed: int, in_sync: bool) -> None:
    status = {"observedGeneration": observed, "x": 1}
    assert shown(status, {"observedGeneration": 5}, in_sync=in_sync) == {"observedGeneration": 5, "x": 1}
    assert shown(status, in_sync=in_sync) == {"x": 1}


def test_a_generation_written_as_text_stays_text() -> None:
    assert shown({"observedGeneration": "3"}) == {"observedGeneration": "7"}


def test_conditions_show_upstream_generations_too_each_its_own() -> None:
    status = {
        "observedGeneration": 3,
        "conditions": [
            {"type": "A", "observedGeneration": 3},
            {"type": "B", "observedGeneration": 2},
            {"type": "C", "observedGeneration": 2},
            {"type": "D"},
            "no condition",
        ],
    }
    present = {"conditions": [{"type": "C"}, {"type": "B", "observedGeneration": 6}, None]}
    assert shown(status, present) == {
        "observedGeneration": 7,
        "conditions": [
            {"type": "A", "observedGeneration": 7},
            {"type": "B", "observedGeneration": 6},
            {"type": "C"},
            {"type": "D"},
            "no condition",
        ],
    }


def test_conditions_count_also_where_the_status_itself_has_no_generation() -> None:
    """Gateway API: only conditions carry one, also those of listeners and of a route's parents."""
    parent = {"parentRef": {"name": "g"}, "controllerName": "c"}
    status = {
        "listeners": [{"name": "http", "conditions": [{"type": "A", "observedGeneration": 2}]}],
        "parents": [{**parent, "conditions": [{"type": "A", "observedGeneration": 3}]}],
        "other": [{"conditions": [{"type": "A", "observedGeneration": 2}]}],
    }
    present = {
        "listeners": [{"name": "http", "conditions": [{"type": "A", "observedGeneration": 4}]}],
        "parents": "damaged",
        "other": [{"conditions": [{"type": "A", "observedGeneration": 4}]}],
    }
    assert shown(status, present) == {
        "listeners": [{"name": "http", "conditions": [{"type": "A", "observedGeneration": 4}]}],
        "parents": [{**parent, "conditions": [{"type": "A", "observedGeneration": 7}]}],
        "other": [{"conditions": [{"type": "A"}]}],  # nothing says which entry of upstream's list this is
    }


def test_conditions_that_are_no_list_are_nothing_special() -> None:
    status = {"conditions": {"observedGeneration": 3, "conditions": "text"}, "n": [[1]]}
    assert shown(status, {"conditions": 1}) == status


def test_a_generation_elsewhere_belongs_to_somebody_else() -> None:
    status = {"other": {"observedGeneration": 3}}
    assert shown(status) == status


GENERATIONS = st.integers(1, 6)
CONDITION_LISTS = st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from("AB")}, optional={"observedGeneration": st.integers(1, 6)}
    ),
    max_size=3,
    unique_by=lambda condition: condition["type"],
)


@given(
    edits=st.lists(
        st.tuples(
            st.sampled_from(["edit upstream", "apply", "change downstream", "observe", "report"]),
            st.integers(1, 3),
        ),
        max_size=30,
    )
)
def test_upstream_never_shows_a_generation_that_the_cluster_has_not_observed(
    edits: list[tuple[str, int]],
) -> None:
    """I7, as a story: whatever happens in whatever order, the shown generation is one whose content was observed."""
    upstream, copy, applied, observed = 1, 1, 0, 0
    content_of: dict[int, int] = {}  # generation of the copy -> upstream generation that it holds
    present: Status = {}
    for step, times in edits:
        if step == "edit upstream":
            upstream += times
        elif step == "apply":
            copy, applied = copy + 1, upstream
            content_of[copy] = applied
        elif step == "change downstream":
            copy += 1
            content_of[copy] = applied
        elif step == "observe":
            observed = copy
        status = {
            "observedGeneration": observed,
            "conditions": [{"type": "A", "observedGeneration": observed}],
            "n": observed,
        }
        found = shown(status, present, upstream=upstream, copy=copy, in_sync=applied == upstream)
        present = present if found is None else found
        reached = max((content_of.get(g, 0) for g in range(observed + 1)), default=0)
        assert present.get("observedGeneration", 0) <= reached
        for each in present.get("conditions", ()):
            assert each.get("observedGeneration", 0) <= reached


@given(status=CONDITION_LISTS, present=CONDITION_LISTS, copy=GENERATIONS, in_sync=st.booleans())
def test_every_condition_shows_the_upstream_generation_or_what_was_shown_before(
    status: list[Status], present: list[Status], copy: int, in_sync: bool
) -> None:
    found = shown(
        {"conditions": status, "n": 1}, {"conditions": present}, copy=copy, in_sync=in_sync, upstream=9
    )
    assert found is not None
    before = {each["type"]: each.get("observedGeneration") for each in present}
    for original, each in zip(status, found["conditions"], strict=True):
        if in_sync and original.get("observedGeneration") == copy:
            assert each["observedGeneration"] == 9
        elif "observedGeneration" in original:
            assert each.get("observedGeneration") == before.get(each["type"])
        else:
            assert "observedGeneration" not in each


@given(status=CONDITION_LISTS, present=CONDITION_LISTS, in_sync=st.booleans())
def test_what_was_brought_is_not_brought_again(
    status: list[Status], present: list[Status], in_sync: bool
) -> None:
    whole = {"conditions": status, "observedGeneration": 3, "n": 1}
    found = shown(whole, {"conditions": present}, in_sync=in_sync)
    assert found is not None
    assert shown(whole, found, in_sync=in_sync) is None
