"""Lists in pages: all pages show one state, tokens expire with it, and a client can go on all the same."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.objects import at, config_map, names, version, widget
from tests.contract.past import Past, once_refused
from tests.contract.servers import Server
from tests.contract.wire import JsonObject, like
from tmc_syncer.testing.polling import eventually

EXPIRED = like("The provided continue parameter is too old to display a consistent list result.*")


def fill(server: Server, maps: str, count: int) -> list[str]:
    """Create `count` ConfigMaps and return their names in order."""
    created = [f"a{number}" for number in range(count)]
    for name in created:
        server.post(maps, config_map(name)).ok(201)
    return created


def pages(server: Server, path: str, first: JsonObject | None = None, **query: Any) -> list[JsonObject]:
    """Return all pages of a list, `first` being one that is there already."""
    found = [first or server.get(path, **query).ok()]
    while token := found[-1]["metadata"].get("continue"):
        found.append(server.get(path, **{**query, "continue": token}).ok())
    return found


def test_the_pages_of_a_list_are_the_list(server: Server, maps: str) -> None:
    created = fill(server, maps, 7)
    found = pages(server, maps, limit=3)
    assert [names(page) for page in found] == [created[:3], created[3:6], created[6:]]


def test_all_pages_have_the_version_of_the_first(server: Server, maps: str) -> None:
    fill(server, maps, 4)
    first = server.get(maps, limit=2).ok()
    server.post(maps, config_map("later")).ok(201)
    assert {version(page) for page in pages(server, maps, first, limit=2)} == {version(first)}


def test_each_page_says_how_many_objects_are_left(server: Server, maps: str) -> None:
    fill(server, maps, 5)
    left = [page["metadata"].get("remainingItemCount") for page in pages(server, maps, limit=2)]
    assert left == [3, 1, None]


def test_the_last_page_has_no_token(server: Server, maps: str) -> None:
    fill(server, maps, 2)
    assert server.get(maps, limit=2).ok()["metadata"].keys() == {"resourceVersion"}


def test_pages_do_not_see_what_was_created_after_the_first(server: Server, maps: str) -> None:
    created = fill(server, maps, 4)
    first = server.get(maps, limit=2).ok()
    server.post(maps, config_map("zz")).ok(201)
    assert [name for page in pages(server, maps, first, limit=2) for name in names(page)] == created


def test_pages_still_see_what_was_deleted_after_the_first(server: Server, maps: str) -> None:
    created = fill(server, maps, 4)
    first = server.get(maps, limit=2).ok()
    server.delete(f"{maps}/{created[-1]}").ok()
    assert [name for page in pages(server, maps, first, limit=2) for name in names(page)] == created
    assert names(server.get(maps).ok()) == created[:-1]


def test_pages_show_objects_as_they_were_at_the_first(server: Server, maps: str) -> None:
    created = fill(server, maps, 3)
    first = server.get(maps, limit=2).ok()
    server.put(f"{maps}/{created[-1]}", config_map(created[-1], {"key": "changed"})).ok()
    assert pages(server, maps, first, limit=2)[-1]["items"][0]["data"] == {"key": "value"}


def test_the_size_of_a_page_may_change_on_the_way(server: Server, maps: str) -> None:
    created = fill(server, maps, 5)
    token = server.get(maps, limit=1).ok()["metadata"]["continue"]
    assert names(server.get(maps, limit=3, continue_=token).ok()) == created[1:4]
    assert names(server.get(maps, continue_=token).ok()) == created[1:]


@pytest.mark.parametrize("limit", [0, 100])
def test_a_list_that_fits_is_whole(server: Server, maps: str, limit: int) -> None:
    created = fill(server, maps, 3)
    listing = server.get(maps, limit=limit).ok()
    assert names(listing) == created
    assert "continue" not in listing["metadata"]


def test_a_page_is_filled_with_what_matches_a_selector(server: Server, maps: str) -> None:
    for number in range(6):
        label = {"parity": "odd" if number % 2 else "even"}
        server.post(maps, config_map(f"a{number}", labels=label)).ok(201)
    found = pages(server, maps, limit=2, labelSelector="parity=odd")
    assert [names(page) for page in found] == [["a1", "a3"], ["a5"]]


def test_a_page_with_a_selector_does_not_say_how_many_are_left(server: Server, maps: str) -> None:
    for number in range(3):
        server.post(maps, config_map(f"a{number}", labels={"x": "y"})).ok(201)
    metadata = server.get(maps, limit=1, labelSelector="x=y").ok()["metadata"]
    assert metadata["continue"]
    assert "remainingItemCount" not in metadata


def test_pages_go_through_all_namespaces(server: Server) -> None:
    label = server.unique("label")
    spaces = sorted(server.create_namespace() for _ in range(3))
    for space in spaces:
        for name in ("a", "b"):
            server.post(at("configmaps", space), config_map(name, labels={label: "x"})).ok(201)
    found = pages(server, at("configmaps"), limit=3, labelSelector=label)
    listed = [
        (item["metadata"]["namespace"], item["metadata"]["name"]) for page in found for item in page["items"]
    ]
    assert listed == [(space, name) for space in spaces for name in ("a", "b")]
    assert all(len(page["items"]) <= 3 for page in found)


def test_custom_objects_come_in_pages_too(server: Server, widgets: str) -> None:
    for number in range(3):
        server.post(widgets, widget(f"a{number}")).ok(201)
    assert [names(page) for page in pages(server, widgets, limit=2)] == [["a0", "a1"], ["a2"]]


def test_a_list_of_any_version_comes_whole_although_it_has_a_limit(server: Server, maps: str) -> None:
    created = fill(server, maps, 3)

    def listed() -> JsonObject:
        listing: JsonObject = server.get(maps, limit=1, resourceVersion="0").ok()
        assert names(listing) == created
        return listing

    assert "continue" not in eventually(listed, 5)["metadata"]


def test_a_limit_that_is_no_number_is_refused(server: Server, maps: str) -> None:
    server.get(maps, limit="x").refused(400, "BadRequest", 'strconv.ParseInt: parsing "x": invalid syntax')


def test_a_token_that_the_server_did_not_make_is_refused(server: Server, maps: str) -> None:
    server.get(maps, limit=1, continue_="abc").refused(
        400, "BadRequest", like("invalid continue token: continue key is not valid: .*")
    )


def test_a_token_and_a_version_exclude_each_other(server: Server, maps: str) -> None:
    fill(server, maps, 2)
    page = server.get(maps, limit=1).ok()["metadata"]
    server.get(maps, limit=1, continue_=page["continue"], resourceVersion=page["resourceVersion"]).refused(
        400, "BadRequest", "specifying resource version is not allowed when using continue"
    )


@pytest.mark.needs("compaction")
def test_the_token_of_a_forgotten_state_is_expired_and_another_leads_on(server: Server, past: Past) -> None:
    answer = once_refused(lambda: server.get(past.path, limit=2, continue_=past.token))
    assert answer.status == 410
    assert answer.body == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {"continue": like(".+")},
        "status": "Failure",
        "message": EXPIRED,
        "reason": "Expired",
        "code": 410,
    }
    # The rest is of the present state: what came meanwhile is in it.
    rest = server.get(past.path, continue_=answer.body["metadata"]["continue"]).ok()
    assert names(rest) == ["c", "d", "zz"]
