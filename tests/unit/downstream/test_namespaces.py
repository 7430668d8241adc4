"""Upstream namespaces find their place downstream without ever touching one that is not ours."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmc_syncer.api.locator import Locator, TargetReference, downstream_namespace, hashed_namespace
from tmc_syncer.api.objects import Meta, Record
from tmc_syncer.downstream.namespaces import (
    NamespacePlace,
    desired_namespace,
    is_bookkeeping,
    locator_of,
    place,
)
from tmc_syncer.sync.facts import Namespace

TARGET = TargetReference("root", "eu-1", "uid-1")
LOCATOR = Locator(TARGET, "2x8nt", "shop")
READABLE = "kcp-2x8nt-shop"
DNS_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def namespace(name: str, locator: Locator | None = None, **meta: Any) -> Record:
    annotations = {} if locator is None else {"kcp.io/namespace-locator": locator.encode()}
    return Record("v1", "Namespace", Meta(name=name, annotations=annotations, **meta), {})


def placed(*carriers: Record, standing: tuple[Record, ...] = (), readable: bool = True) -> NamespacePlace:
    there = {record.meta.name: record for record in (*carriers, *standing)}
    return place(LOCATOR, list(carriers), there.get, readable=readable)


# ---- places ------------------------------------------------------------------------------------------------


def test_a_new_namespace_gets_the_readable_name_or_the_hashed_one_where_asked_for() -> None:
    assert placed() == NamespacePlace(READABLE, Namespace.ABSENT)
    assert placed(readable=False) == NamespacePlace(hashed_namespace(LOCATOR), Namespace.ABSENT)


def test_a_namespace_that_carries_our_locator_wins_over_the_computed_name() -> None:
    ours = namespace("made-by-hand", LOCATOR)
    assert placed(ours) == NamespacePlace("made-by-hand", Namespace.READY, ours)


def test_a_namespace_of_ours_that_is_being_deleted_is_waited_for() -> None:
    ours = namespace(READABLE, LOCATOR, deletion_timestamp="2026-01-01T00:00:00Z")
    assert placed(ours) == NamespacePlace(READABLE, Namespace.TERMINATING, ours)


def test_of_several_that_carry_our_locator_the_oldest_wins() -> None:
    young = namespace("a", LOCATOR, creation_timestamp="2026-01-02T00:00:00Z")
    old = namespace("b", LOCATOR, creation_timestamp="2026-01-01T00:00:00Z")
    assert placed(young, old).name == "b"
    assert placed(old, young).name == "b"


def test_a_readable_name_that_is_taken_gives_way_to_the_hashed_one() -> None:
    other = namespace(READABLE, Locator(TARGET, "other", "shop"))
    assert placed(standing=(other,)) == NamespacePlace(hashed_namespace(LOCATOR), Namespace.ABSENT)


def test_where_both_names_are_taken_there_is_no_place() -> None:
    taken = namespace(hashed_namespace(LOCATOR))
    found = placed(standing=(namespace(READABLE), taken))
    assert found == NamespacePlace(hashed_namespace(LOCATOR), Namespace.FOREIGN, taken)


CLUSTERS = st.one_of(
    st.from_regex(r"[a-z0-9]{1,16}", fullmatch=True),
    st.from_regex(r"root(:[a-z0-9-]{1,12}){1,4}", fullmatch=True),
    st.sampled_from(["a-b", "a", "A.b", "ü"]),
)
NAMESPACES = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,60}[a-z0-9])?", fullmatch=True) | st.sampled_from(
    ["b", "b-c"]
)
LOCATORS = st.builds(Locator, st.just(TARGET), CLUSTERS, NAMESPACES)


@given(LOCATORS, st.booleans())
def test_every_name_is_a_dns_label_that_nobody_reserves(locator: Locator, readable: bool) -> None:
    found = place(locator, [], lambda _name: None, readable=readable)
    assert DNS_LABEL.fullmatch(found.name)
    assert found.name.startswith("kcp-")


@given(LOCATORS, LOCATORS, st.booleans())
def test_two_upstream_namespaces_never_share_a_name(one: Locator, other: Locator, readable: bool) -> None:
    names = {downstream_namespace(locator, readable=readable) for locator in (one, other)}
    names |= {hashed_namespace(locator) for locator in (one, other)}
    if one != other:
        assert downstream_namespace(one) != downstream_namespace(other)
        assert hashed_namespace(one) != hashed_namespace(other)
        assert downstream_namespace(one) != hashed_namespace(other)


@given(
    LOCATORS,
    st.sets(st.sampled_from(["readable", "hashed"])),
    st.sampled_from([None, Locator(TARGET, "someone", "else")]),
    st.booleans(),
)
def test_a_namespace_of_somebody_else_is_never_a_place_to_write_to(
    locator: Locator, taken: set[str], owner: Locator | None, readable: bool
) -> None:
    names = {"readable": downstream_namespace(locator), "hashed": hashed_namespace(locator)}
    there = {names[each]: namespace(names[each], owner) for each in taken}
    found = place(locator, [], there.get, readable=readable)
    assert found.state in {Namespace.ABSENT, Namespace.FOREIGN}
    assert (found.name in there) is (found.state is Namespace.FOREIGN)


def test_a_locator_that_cannot_be_read_is_none() -> None:
    assert locator_of(namespace("n", LOCATOR).meta) == LOCATOR
    assert locator_of(Meta(annotations={"kcp.io/namespace-locator": "{"})) is None
    assert locator_of(Meta()) is None


# ---- what a namespace looks like ---------------------------------------------------------------------------

OURS_LABELS = {
    "internal.workload.kcp.io/cluster": TARGET.key,
    "kcp.io/sync-target": "eu-1",
    "kcp.io/workspace": "2x8nt",
    "kcp.io/managed": "true",
    "kcp.io/tenant-id": LOCATOR.tenant,
}
OURS_ANNOTATIONS = {
    "kcp.io/namespace-locator": LOCATOR.encode(),
    "workload.kcp.io/source-uid": "u1",
    "workload.kcp.io/source-name": "/shop",
}


def test_a_namespace_carries_our_marks_and_what_its_user_wrote() -> None:
    upstream = Meta(name="shop", uid="u1", labels={"team": "a", "a.b/c": "d"}, annotations={"note": "n"})
    assert desired_namespace("n", LOCATOR, upstream, pod_security="baseline") == {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": "n",
            "labels": {
                "team": "a",
                "a.b/c": "d",
                **OURS_LABELS,
                "pod-security.kubernetes.io/enforce": "baseline",
            },
            "annotations": {"note": "n", **OURS_ANNOTATIONS},
        },
    }


RESERVED = [
    "kubernetes.io/metadata.name",
    "pod-security.kubernetes.io/enforce",
    "pod-security.kubernetes.io/warn",
    "kcp.io/tenant-id",
    "kcp.io/cluster",
    "tenancy.kcp.io/x",
    "state.workload.kcp.io/abc",
    "workload.kcp.io/source-uid",
    "internal.workload.kcp.io/cluster",
    "kubectl.kubernetes.io/last-applied-configuration",
]


@pytest.mark.parametrize("name", RESERVED)
def test_what_belongs_to_the_cluster_or_to_us_does_not_come_from_a_user(name: str) -> None:
    upstream = Meta(name="shop", uid="u1", labels={name: "evil"}, annotations={name: "evil"})
    metadata = desired_namespace("n", LOCATOR, upstream, pod_security="")["metadata"]
    assert metadata["labels"] == OURS_LABELS
    assert metadata["annotations"] == OURS_ANNOTATIONS


def test_without_a_pod_security_level_there_is_no_such_label() -> None:
    labels = desired_namespace("n", LOCATOR, Meta(name="shop"), pod_security="")["metadata"]["labels"]
    assert labels == OURS_LABELS


def test_the_upstream_labels_are_not_changed() -> None:
    upstream = Meta(name="shop", labels={"kcp.io/x": "1"}, annotations={"a": "b"})
    desired_namespace("n", LOCATOR, upstream, pod_security="baseline")
    assert upstream == Meta(name="shop", labels={"kcp.io/x": "1"}, annotations={"a": "b"})


# ---- what does not keep a namespace alive ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("group", "kind", "name", "expected"),
    [
        ("", "ServiceAccount", "default", True),
        ("", "ServiceAccount", "mine", False),
        ("", "ConfigMap", "kube-root-ca.crt", True),
        ("", "ConfigMap", "default", False),
        ("", "Event", "any", True),
        ("events.k8s.io", "Event", "any", True),
        ("example.com", "Event", "any", False),
        ("coordination.k8s.io", "Lease", "any", True),
        ("example.com", "Lease", "any", False),
        ("", "Endpoints", "any", True),
        ("discovery.k8s.io", "EndpointSlice", "any", True),
        ("", "Pod", "default", False),
        ("", "Secret", "any", False),
    ],
)
def test_only_what_a_cluster_makes_by_itself_counts_as_nothing(
    group: str, kind: str, name: str, expected: bool
) -> None:
    assert is_bookkeeping(kind, Meta(name=name), group=group) is expected


def test_a_token_of_a_service_account_counts_as_nothing() -> None:
    token = Meta(name="any", annotations={"kubernetes.io/service-account.name": "default"})
    assert is_bookkeeping("Secret", token, group="")
    assert not is_bookkeeping("Secret", token, group="example.com")
