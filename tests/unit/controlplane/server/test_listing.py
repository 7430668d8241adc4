from __future__ import annotations

from typing import Any

import pytest

from tests.unit.controlplane.server.kinds_for_tests import CONFIGMAPS, NODES, PODS, Objects, kind_of
from tmc_syncer.controlplane.server import continuation
from tmc_syncer.controlplane.server.errors import ApiError
from tmc_syncer.controlplane.server.listing import CONTINUE_TOO_OLD, TOO_OLD, Listed, read_list, select
from tmc_syncer.controlplane.server.options import ListOptions
from tmc_syncer.controlplane.types.registry import Type


def filled() -> Objects:
    objects = Objects()
    for number in range(5):
        colour = "red" if number % 2 else "blue"
        objects.put(
            PODS, f"p{number}", metadata={"labels": {"colour": colour}}, spec={"nodeName": f"n{number % 2}"}
        )
    objects.put(PODS, "other", namespace="zoo")
    objects.put(PODS, "p0", cluster="d")
    return objects


def listed(
    objects: Objects,
    namespace: str = "shop",
    cluster: str = "c",
    served: Type = PODS,
    present: int | None = None,
    **options: Any,
) -> Listed:
    kind, found = kind_of(served), ListOptions(**options)
    return read_list(objects.store, kind, select(kind, cluster, namespace, found), found, present=present)


def names(found: Listed) -> list[str]:
    return [record.key for record in found.records]


def test_a_list_is_of_a_namespace_a_cluster_or_all_clusters() -> None:
    objects = filled()
    assert names(listed(objects))[:2] == ["c/shop/p0", "c/shop/p1"]
    assert len(names(listed(objects))) == 5
    assert len(names(listed(objects, ""))) == 6
    assert len(names(listed(objects, "", "*"))) == 7
    assert listed(objects).revision == 7


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"label_selector": "colour=red"}, ["p1", "p3"]),
        ({"field_selector": "metadata.name=p1"}, ["p1"]),
        ({"field_selector": "metadata.name!=p1", "label_selector": "colour=red"}, ["p3"]),
        ({"field_selector": "spec.nodeName=n0"}, ["p0", "p2", "p4"]),
        ({"field_selector": "spec.nodeName=n0,metadata.name=p2"}, ["p2"]),
        ({"field_selector": "spec.nodeName=n0", "label_selector": "colour=red"}, []),
        ({"field_selector": "metadata.namespace=shop,metadata.name=p2"}, ["p2"]),
        ({"field_selector": "metadata.namespace=zoo"}, []),
    ],
)
def test_selectors_select(options: dict[str, Any], found: list[str]) -> None:
    assert [key.rpartition("/")[2] for key in names(listed(filled(), **options))] == found


def test_selectors_of_name_and_namespace_work_over_all_namespaces_and_clusters() -> None:
    objects = filled()
    assert names(listed(objects, "", field_selector="metadata.namespace=zoo")) == ["c/zoo/other"]
    assert names(listed(objects, "", field_selector="metadata.namespace=zoo,metadata.name=other")) == [
        "c/zoo/other"
    ]
    assert names(listed(objects, "", field_selector="metadata.name=p0")) == ["c/shop/p0"]
    assert names(listed(objects, "", "*", field_selector="metadata.name=p0")) == ["c/shop/p0", "d/shop/p0"]
    assert names(listed(objects, "", "*", field_selector="metadata.namespace=zoo")) == ["c/zoo/other"]
    objects.put(NODES, "n1")
    assert names(listed(objects, "", served=NODES, field_selector="metadata.name=n1")) == ["c/n1"]
    assert names(listed(objects, "", served=NODES, field_selector="metadata.name!=n1")) == []


def test_one_object_may_be_selected_by_the_path() -> None:
    kind = kind_of(PODS)
    assert select(kind, "c", "shop", ListOptions(), "p1").prefix == "c/shop/p1"


def test_unknown_fields_are_refused() -> None:
    with pytest.raises(ApiError, match="is not a known field selector"):
        listed(filled(), field_selector="spec.foo=x")


def test_a_paged_list_goes_on_at_the_revision_of_its_first_page() -> None:
    objects = filled()
    first = listed(objects, limit=2)
    assert (len(first.records), first.remaining, first.revision) == (2, 3, 7)
    objects.put(PODS, "p1a")
    second = listed(objects, limit=2, continuation=first.continuation)
    assert (names(second), second.remaining, second.revision) == (["c/shop/p2", "c/shop/p3"], 1, 7)
    last = listed(objects, limit=2, continuation=second.continuation)
    assert (names(last), last.continuation, last.remaining) == (["c/shop/p4"], "", None)
    whole = listed(objects, continuation=first.continuation)
    assert names(whole) == ["c/shop/p2", "c/shop/p3", "c/shop/p4"]
    assert names(listed(objects, limit=1, continuation=first.continuation, resource_version="0")) == names(
        whole
    )


def test_with_selectors_it_is_not_known_how_much_remains() -> None:
    found = listed(filled(), limit=1, label_selector="colour=red")
    assert (names(found), found.remaining) == (["c/shop/p1"], None)
    assert found.continuation


def test_a_token_and_a_version_exclude_each_other() -> None:
    objects = filled()
    token = listed(objects, limit=2).continuation
    with pytest.raises(ApiError, match="specifying resource version is not allowed when using continue"):
        listed(objects, continuation=token, resource_version="5")


@pytest.mark.parametrize(
    ("options", "revision", "count"),
    [
        ({}, 7, 5),
        ({"resource_version": "0"}, 7, 5),
        ({"resource_version": "0", "limit": 1}, 7, 5),
        ({"resource_version": "3"}, 7, 5),
        ({"resource_version": "3", "limit": 9}, 3, 3),
        ({"resource_version": "3", "match": "NotOlderThan", "limit": 9}, 7, 5),
        ({"resource_version": "3", "match": "Exact"}, 3, 3),
    ],
)
def test_a_version_means_exactly_or_not_older_than(
    options: dict[str, Any], revision: int, count: int
) -> None:
    found = listed(filled(), **options)
    assert (found.revision, len(found.records)) == (revision, count)


def test_a_version_that_is_none_is_a_bad_request() -> None:
    with pytest.raises(ApiError) as refused:
        listed(filled(), resource_version="abc")
    assert (refused.value.code, refused.value.message) == (
        400,
        (
            'invalid resource version: resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid '
            "syntax"
        ),
    )


@pytest.mark.parametrize("match", ["", "Exact", "NotOlderThan"])
def test_the_future_is_a_timeout(match: str) -> None:
    with pytest.raises(ApiError, match="Too large resource version: 99, current: 7") as refused:
        listed(filled(), resource_version="99", match=match)
    assert refused.value.code == 504


def test_the_distant_past_is_expired() -> None:
    objects = filled()
    token = listed(objects, limit=2).continuation
    objects.put(PODS, "p9")
    objects.store.compact(8)
    with pytest.raises(ApiError) as refused:
        listed(objects, resource_version="3", match="Exact")
    assert (refused.value.code, refused.value.message) == (410, TOO_OLD)
    with pytest.raises(ApiError) as refused:
        listed(objects, continuation=token)
    assert (refused.value.code, refused.value.message) == (410, CONTINUE_TOO_OLD)
    way_on = refused.value.to_object()["metadata"]["continue"]
    assert continuation.decode(way_on).revision is None
    rest = listed(objects, continuation=way_on)
    assert (names(rest)[-1], rest.revision) == ("c/shop/p9", 8)


def test_a_fault_may_serve_the_past_as_the_present() -> None:
    objects = filled()
    found = listed(objects, present=2)
    assert (names(found), found.revision) == (["c/shop/p0", "c/shop/p1"], 2)
    with pytest.raises(ApiError, match="current: 2"):
        listed(objects, present=2, resource_version="5")
    assert listed(objects, present=3, resource_version="2", match="Exact").revision == 2


def test_configmaps_have_no_fields_but_their_names() -> None:
    objects = Objects()
    objects.put(CONFIGMAPS, "a")
    assert names(listed(objects, served=CONFIGMAPS, field_selector="metadata.name!=b")) == ["c/shop/a"]
