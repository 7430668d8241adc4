from __future__ import annotations

import pytest

from tmc_syncer.controlplane.merge.managers import (
    MAX_UPDATE_OWNERS,
    BadEntries,
    Entry,
    Owner,
    capped,
    is_reset,
    read,
    write,
)


def entry(manager, operation="Update", version="v1", time="2024-01-01T00:00:00Z", fields=None, **more):
    return {
        "manager": manager,
        "operation": operation,
        "apiVersion": version,
        "time": time,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields or {"f:data": {}},
        **more,
    }


def test_an_updater_has_an_entry_for_each_version_and_subresource():
    entries = [entry("m"), entry("m", version="v2"), entry("m", subresource="status")]
    assert set(read(entries)) == {
        Owner("m", "Update", "v1"),
        Owner("m", "Update", "v2"),
        Owner("m", "Update", "v1", "status"),
    }


def test_an_applier_is_the_same_in_every_version():
    assert set(read([entry("m", "Apply", "v1"), entry("m", "Apply", "v2")])) == {Owner("m", "Apply")}
    assert Owner.of("m", "Apply", "v1", "") == Owner("m", "Apply")
    assert Owner.of("m", "Update", "v1", "scale") == Owner("m", "Update", "v1", "scale")


def test_a_manager_without_a_name_is_unknown():
    assert Owner.of("", "Update", "v1", "").manager == "unknown"


def test_entries_come_in_the_servers_order():
    entries = [
        entry("b"),
        entry("a", version="v2"),
        entry("a"),
        entry("a", subresource="status"),
        entry("z", time="2023-01-01T00:00:00Z"),
        entry("c", "Apply", time="2025-01-01T00:00:00Z"),
    ]
    written = write(read(list(reversed(entries))))
    assert [(one["manager"], one["apiVersion"], one.get("subresource", "")) for one in written] == [
        ("c", "v1", ""),
        ("z", "v1", ""),
        ("a", "v1", ""),
        ("a", "v1", "status"),
        ("a", "v2", ""),
        ("b", "v1", ""),
    ]


def test_an_entry_that_did_not_change_is_written_as_it_was_read():
    (kept,) = entries = [entry("m", subresource="status")]
    assert write(read(entries))[0] is kept
    managed = read(entries)
    ((owner, found),) = managed.items()
    changed = found.with_fields({"f:b": {}, "f:a": {}})
    assert write({owner: changed}) == [{**kept, "fieldsV1": {"f:a": {}, "f:b": {}}}]
    assert found.with_fields(found.fields) is found


def test_an_entry_may_have_no_time():
    ((owner, found),) = read([{**entry("m"), "time": None}]).items()
    assert found.time == ""
    assert "time" not in write({owner: Entry({"f:a": {}}, "v1")})[0]


def test_no_entries_are_no_owners():
    assert read(None) == {}
    assert write({}) == []


def test_what_a_client_sends_is_made_canonical():
    sent = entry("m", fields={"f:a": {".": {}}, "f:b": {'k:{ "n": 1 }': {}}})
    ((_, found),) = read([sent], trusted=False).items()
    assert found.fields == {"f:a": {}, "f:b": {'k:{"n":1}': {}}}
    assert found.written is None


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"operation": "Guess"}, "operation must be `Apply` or `Update`"),
        ({"apiVersion": ""}, "apiVersion must not be empty"),
        ({"fieldsType": ""}, "missing fieldsType in managed fields entry 0"),
        ({"fieldsType": "FieldsV2"}, 'invalid fieldsType "FieldsV2" in managed fields entry 0'),
        ({"fieldsV1": {"nonsense": {}}}, "error decoding set"),
    ],
)
def test_what_a_client_sends_must_make_sense(change, problem):
    with pytest.raises(BadEntries, match=problem):
        read([{**entry("m"), **change}], trusted=False)


@pytest.mark.parametrize(
    ("entries", "reset"), [([], True), ([{}], True), (None, False), ([entry("m")], False), ([{}, {}], False)]
)
def test_an_empty_list_or_one_empty_entry_asks_to_forget(entries, reset):
    assert is_reset(entries) is reset


def many(count, version="v1"):
    return {
        Owner(f"m{number:02}", "Update", version): Entry({f"f:{number}": {}}, version, f"2024-01-01T00:00:{number:02}Z")
        for number in range(count)
    }


def test_ten_updates_are_kept():
    managed = {**many(MAX_UPDATE_OWNERS), Owner("a", "Apply"): Entry({"f:a": {}}, "v1")}
    assert capped(managed) is managed


def test_the_oldest_updates_become_ancient_changes():
    found = capped(many(12))
    assert len(found) == MAX_UPDATE_OWNERS
    ancient = found[Owner("ancient-changes", "Update", "v1")]
    assert ancient.fields == {"f:0": {}, "f:1": {}, "f:2": {}}
    assert ancient.time == "2024-01-01T00:00:02Z"


def test_ancient_changes_grow():
    found = capped(many(11))
    ancient = Owner("ancient-changes", "Update", "v1")
    later = {**found, Owner("n", "Update", "v1"): Entry({"f:n": {}}, "v1", "2025-01-01T00:00:00Z")}
    grown = capped(later)
    assert len(grown) == MAX_UPDATE_OWNERS
    assert grown[ancient].fields == {"f:0": {}, "f:1": {}, "f:2": {}}


def test_each_version_has_its_ancient_changes():
    found = capped({**many(6, "v1"), **many(6, "v2")})
    assert {owner for owner in found if owner.manager == "ancient-changes"} == {
        Owner("ancient-changes", "Update", "v1"),
        Owner("ancient-changes", "Update", "v2"),
    }
    assert len(found) == MAX_UPDATE_OWNERS


def test_updates_that_share_no_version_are_not_merged():
    apart = {
        Owner("m", "Update", f"v{number}"): Entry({"f:a": {}}, f"v{number}", "2024-01-01T00:00:00Z")
        for number in range(12)
    }
    assert len(capped(apart)) == 12


def test_a_bucket_that_is_not_the_oldest_is_forgotten_as_the_server_does():
    managed = many(10)
    ancient = Owner("ancient-changes", "Update", "v1")
    managed[ancient] = Entry({"f:old": {}}, "v1", "2024-01-01T00:00:00Z")
    del managed[Owner("m00", "Update", "v1")]
    managed[Owner("aaa", "Update", "v1")] = Entry({"f:a": {}}, "v1", "2024-01-01T00:00:00Z")
    found = capped(managed)
    assert ancient not in found
    assert Owner("aaa", "Update", "v1") in found
