from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from tests.unit.engine.records import CONFIGMAPS, key, record
from tmc_syncer.api.errors import UsageError
from tmc_syncer.api.resources import GVR, ResourceInfo
from tmc_syncer.api.selectors import parse_selector
from tmc_syncer.engine.filters import (
    ALLOWED,
    FilterChain,
    LabelSelectorFilter,
    NamespaceFilter,
    ResourceFilter,
    Verdict,
    load_filters,
)

NAMESPACES = ResourceInfo(GVR("", "v1", "namespaces"), "Namespace", namespaced=False)
NODES = ResourceInfo(GVR("", "v1", "nodes"), "Node", namespaced=False)


class Opinion:
    """A filter with one answer to everything, which notes that it was asked."""

    def __init__(self, name, priority, answer, asked=None):
        self.name, self.priority, self.answer = name, priority, answer
        self.asked = [] if asked is None else asked

    def should_sync(self, record, info):
        self.asked.append(self.name)
        return self.answer

    def should_delete(self, key, info):
        self.asked.append(self.name)
        return self.answer


def both(chain: FilterChain) -> tuple[Verdict, Verdict]:
    return chain.should_sync(record(), CONFIGMAPS), chain.should_delete(key(), CONFIGMAPS)


def test_no_filter_has_anything_against_anything():
    assert both(FilterChain([])) == (ALLOWED, ALLOWED)


@pytest.mark.parametrize("answer", [True, None])
def test_a_filter_without_objection_allows(answer):
    assert both(FilterChain([Opinion("mine", 1, answer)])) == (ALLOWED, ALLOWED)


def test_an_objection_names_the_filter_and_its_reason():
    expected = Verdict(False, "mine", "too large")
    assert both(FilterChain([Opinion("mine", 1, "too large")])) == (expected, expected)


def test_an_objection_without_a_reason_gets_one():
    expected = Verdict(False, "mine", "excluded by filter mine")
    assert both(FilterChain([Opinion("mine", 1, False)])) == (expected, expected)


def test_the_highest_priority_is_asked_first_and_the_first_objection_ends_it():
    asked: list[str] = []
    chain = FilterChain(
        [Opinion("low", 1, "no", asked), Opinion("b", 5, "no", asked), Opinion("a", 5, True, asked)]
    )
    assert both(chain) == (Verdict(False, "b", "no"), Verdict(False, "b", "no"))
    assert asked == ["a", "b", "a", "b"]


def test_no_filter_overrules_another():
    chain = FilterChain([Opinion("yes", 2000, True), Opinion("no", 1, "no")])
    assert not chain.should_sync(record(), CONFIGMAPS).allowed


def test_only_listed_types_pass_with_or_without_their_version():
    assert ResourceFilter({GVR("", "", "configmaps")}).should_sync(record(), CONFIGMAPS) is None
    assert ResourceFilter({GVR("", "v1", "configmaps")}).should_sync(record(), CONFIGMAPS) is None
    refused = ResourceFilter({GVR("apps", "v1", "deployments")}).should_sync(record(), CONFIGMAPS)
    assert refused == "configmaps is not on the list of synced types"


@pytest.mark.parametrize(
    ("options", "namespace", "reason"),
    [
        ({}, "team-a", None),
        ({"allow": ("team-*",)}, "team-a", None),
        ({"allow": ("team-*",)}, "other", "namespace other is not among the allowed ones"),
        ({"allow": ("team-*",), "deny": ("team-a",)}, "team-a", "namespace team-a is denied"),
        ({"deny": ("team-?",)}, "team-ab", None),
    ],
)
def test_namespaces_are_allowed_and_denied_by_pattern(options, namespace, reason):
    assert NamespaceFilter(**options).should_sync(record(namespace=namespace), CONFIGMAPS) == reason


def test_a_namespace_counts_by_its_own_name_and_other_cluster_scoped_objects_pass():
    denying = NamespaceFilter(deny=("secret",))
    assert denying.should_sync(record("secret", namespace=""), NAMESPACES) == "namespace secret is denied"
    assert denying.should_sync(record("secret", namespace=""), NODES) is None


def test_labels_are_selected():
    team = LabelSelectorFilter(parse_selector("team=shop"))
    assert team.should_sync(record(labels={"team": "shop"}), CONFIGMAPS) is None
    assert team.should_sync(record(), CONFIGMAPS) == "its labels do not match team in (shop)"


def test_the_built_in_ones_object_to_no_deletion_and_have_their_places():
    chain = FilterChain(
        [LabelSelectorFilter(parse_selector("a=b")), NamespaceFilter(deny=("*",)), ResourceFilter(())]
    )
    assert [f.name for f in chain.filters] == ["resources", "namespaces", "labels"]
    assert chain.should_delete(key(), CONFIGMAPS) == ALLOWED
    assert chain.should_sync(record(), CONFIGMAPS).filter == "resources"


# Entry points


instance = Opinion("instance", 1, None)


def make():
    return Opinion("made", 1, None)


def broken():
    raise RuntimeError("no")


nothing = object()


def entry(name, target=None):
    return EntryPoint(name, f"{__name__}:{target or name}", "tmc_syncer.filters")


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    import sys
    from types import SimpleNamespace

    here = SimpleNamespace(instance=instance, make=make, broken=broken, nothing=nothing)
    monkeypatch.setitem(sys.modules, __name__, here)


def test_filters_are_loaded_by_name_as_they_are_or_made():
    assert [f.name for f in load_filters([entry("b", "instance"), entry("a", "make")])] == [
        "made",
        "instance",
    ]


def test_installed_entry_points_are_the_default():
    assert isinstance(load_filters(), list)


@pytest.mark.parametrize(
    ("name", "message"),
    [("broken", "cannot be loaded"), ("missing", "cannot be loaded"), ("nothing", "is no filter")],
)
def test_an_entry_point_that_is_no_filter_is_named(name, message):
    with pytest.raises(UsageError, match=f"'{name}'.*{message}"):
        load_filters([entry(name)])
