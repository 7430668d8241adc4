"""resourceVersion on reads: which state a get or a list shows, and what is refused."""

from __future__ import annotations

import pytest

from tests.contract.objects import WIDGET, at, config_map, named, names, version, widget
from tests.contract.past import Past, once_refused
from tests.contract.servers import Server
from tests.contract.wire import JsonObject, cause, like
from tmc_syncer.testing.polling import eventually

FUTURE = 1_000_000_000

TOO_LARGE = {
    "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
    "retryAfterSeconds": 1,
}


def invalid_options(reason: str, message: str, field: str) -> tuple[int, str, str, JsonObject]:
    """The refusal of query parameters."""
    return (
        422,
        "Invalid",
        f'ListOptions.meta.k8s.io "" is invalid: {field}: {message}',
        {"group": "meta.k8s.io", "kind": "ListOptions", "causes": [cause(reason, message, field)]},
    )


def test_a_list_shows_every_write_that_was_answered_before(server: Server, maps: str) -> None:
    for number in range(10):
        created = server.post(maps, config_map(f"a{number}")).ok(201)
        listing = server.get(maps).ok()
        assert len(listing["items"]) == number + 1
        assert version(listing) >= version(created)


def test_the_version_of_a_list_is_not_older_than_any_write_anywhere(
    server: Server, namespace: str, maps: str
) -> None:
    written = server.post(at("serviceaccounts", namespace), named("ServiceAccount", "b")).ok(201)
    assert version(server.get(maps).ok()) >= version(written)


def test_a_list_of_any_version_comes_to_show_a_write(server: Server, maps: str) -> None:
    server.post(maps, config_map("a")).ok(201)
    listing = eventually(lambda: listed(server, maps), 5, interval=0.02)
    assert listing is not None
    assert names(listing) == ["a"]


def listed(server: Server, maps: str) -> JsonObject | None:
    """A list of any version, None while it is empty."""
    listing: JsonObject = server.get(maps, resourceVersion="0").ok()
    return listing if listing["items"] else None


@pytest.mark.parametrize("match", [None, "NotOlderThan"])
def test_a_list_not_older_than_a_write_shows_it(server: Server, maps: str, match: str | None) -> None:
    query = {"resourceVersionMatch": match} if match else {}
    for number in range(5):
        created = server.post(maps, config_map(f"a{number}")).ok(201)
        listing = server.get(maps, resourceVersion=version(created), **query).ok()
        assert f"a{number}" in names(listing)
        assert version(listing) >= version(created)


def test_a_list_of_an_exact_version_shows_that_state(server: Server, maps: str) -> None:
    first = version(server.post(maps, config_map("a")).ok(201))
    second = version(server.put(f"{maps}/a", config_map("a", {"key": "changed"})).ok())
    third = version(server.post(maps, config_map("b")).ok(201))
    server.delete(f"{maps}/a").ok()

    def at_version(number: int) -> list[tuple[str, str]]:
        listing = server.get(maps, resourceVersion=number, resourceVersionMatch="Exact").ok()
        assert version(listing) == number
        return [(item["metadata"]["name"], item["data"]["key"]) for item in listing["items"]]

    assert at_version(first - 1) == []
    assert at_version(first) == [("a", "value")]
    assert at_version(second) == [("a", "changed")]
    assert at_version(third) == [("a", "changed"), ("b", "value")]
    assert names(server.get(maps).ok()) == ["b"]


def test_pages_of_an_exact_version_show_that_state(server: Server, maps: str) -> None:
    for name in ("a", "b"):
        server.post(maps, config_map(name)).ok(201)
    past = version(server.get(maps).ok())
    server.delete(f"{maps}/b").ok()
    first = server.get(maps, limit=1, resourceVersion=past, resourceVersionMatch="Exact").ok()
    second = server.get(maps, limit=1, continue_=first["metadata"]["continue"]).ok()
    assert names(first) + names(second) == ["a", "b"]


@pytest.mark.needs("compaction")
def test_a_list_of_a_forgotten_version_is_expired(server: Server, past: Past) -> None:
    query = {"resourceVersion": past.version, "resourceVersionMatch": "Exact"}
    answer = once_refused(lambda: server.get(past.path, **query))
    answer.refused(410, "Expired", "The resourceVersion for the provided list is too old.")


@pytest.mark.needs("compaction")
def test_a_list_not_older_than_a_forgotten_version_is_the_present_one(server: Server, past: Past) -> None:
    query = {"resourceVersion": past.version, "resourceVersionMatch": "NotOlderThan"}
    assert names(server.get(past.path, **query).ok()) == ["a", "b", "c", "d", "zz"]


@pytest.mark.parametrize("what", ["list", "exact list", "object"])
def test_a_version_of_the_future_is_a_timeout_with_a_cause(server: Server, maps: str, what: str) -> None:
    server.post(maps, config_map("a")).ok(201)
    path = f"{maps}/a" if what == "object" else maps
    match = {"resourceVersionMatch": "Exact"} if what == "exact list" else {}
    answer = server.get(path, resourceVersion=FUTURE, **match)
    answer.refused(
        504, "Timeout", like(rf"Timeout: Too large resource version: {FUTURE}, current: \d+"), TOO_LARGE
    )
    assert answer.headers["Retry-After"] == "1"


def test_an_object_of_any_version_comes_to_show_a_write(server: Server, maps: str) -> None:
    created = server.post(maps, config_map("a")).ok(201)

    def read() -> bool:
        answer = server.get(f"{maps}/a", resourceVersion="0")
        return answer.status == 200 and answer.body == created

    assert eventually(read, 5, interval=0.02)


def test_an_object_not_older_than_a_write_shows_it(server: Server, maps: str) -> None:
    server.post(maps, config_map("a")).ok(201)
    for number in range(5):
        changed = server.put(f"{maps}/a", config_map("a", {"key": str(number)})).ok()
        assert server.get(f"{maps}/a", resourceVersion=version(changed)).ok() == changed


def test_a_match_without_a_version_is_refused(server: Server, maps: str) -> None:
    server.get(maps, resourceVersionMatch="Exact").refused(
        *invalid_options(
            "FieldValueForbidden",
            "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
            "resourceVersionMatch",
        )
    )


def test_an_unknown_match_is_refused(server: Server, maps: str) -> None:
    server.get(maps, resourceVersion="1", resourceVersionMatch="Newest").refused(
        *invalid_options(
            "FieldValueNotSupported",
            'Unsupported value: "Newest": supported values: "Exact", "NotOlderThan", ""',
            "resourceVersionMatch",
        )
    )


def test_an_exact_match_of_any_version_is_refused(server: Server, maps: str) -> None:
    server.get(maps, resourceVersion="0", resourceVersionMatch="Exact").refused(
        *invalid_options(
            "FieldValueForbidden",
            'Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
            "resourceVersionMatch",
        )
    )


@pytest.mark.parametrize("text", ["abc", "-1"])
def test_a_list_of_a_version_that_is_no_number_is_refused(server: Server, maps: str, text: str) -> None:
    server.get(maps, resourceVersion=text).refused(
        400,
        "BadRequest",
        f'invalid resource version: resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}":'
        " invalid syntax",
    )


def test_initial_events_are_refused_for_a_list(server: Server, maps: str) -> None:
    server.get(maps, sendInitialEvents="true").refused(
        *invalid_options(
            "FieldValueForbidden",
            "Forbidden: sendInitialEvents is forbidden for list",
            "sendInitialEvents",
        )
    )


def test_a_list_of_custom_objects_names_their_kind_and_its_own(server: Server, widgets: str) -> None:
    created = server.post(widgets, widget("a")).ok(201)
    listing = server.get(widgets).ok()
    assert (listing["kind"], listing["apiVersion"]) == ("WidgetList", WIDGET)
    assert listing["items"] == [created]
