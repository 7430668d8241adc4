"""Server-side apply: creating by it, its preconditions, what it keeps, prunes and refuses."""

from __future__ import annotations

import pytest

from tests.contract.objects import at, config_map, deployment, named, names, template, version, widget
from tests.contract.servers import Server
from tests.contract.wire import JsonObject, cause, like

GONE = "00000000-0000-4000-8000-000000000000"


def entries(obj: JsonObject) -> list[tuple[str, str, str]]:
    """Return manager, operation and subresource of the entries of managedFields."""
    return [
        (item["manager"], item["operation"], item.get("subresource", ""))
        for item in obj["metadata"].get("managedFields", [])
    ]


def owned(obj: JsonObject, manager: str, operation: str = "Apply") -> JsonObject:
    """Return the fields of the one entry of a manager."""
    (found,) = [
        item
        for item in obj["metadata"]["managedFields"]
        if (item["manager"], item["operation"], item.get("subresource", "")) == (manager, operation, "")
    ]
    fields: JsonObject = found["fieldsV1"]
    return fields


# Creating


def test_applying_what_is_not_there_creates_it(server: Server, maps: str) -> None:
    created = server.apply(f"{maps}/a", config_map("a"), "m").ok(201)
    (entry,) = created["metadata"]["managedFields"]
    assert entry == {
        "manager": "m",
        "operation": "Apply",
        "apiVersion": "v1",
        "time": like(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"),
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:data": {"f:key": {}}},
    }
    assert server.get(f"{maps}/a").ok() == created


def test_applying_what_is_there_updates_it(server: Server, maps: str) -> None:
    created = server.apply(f"{maps}/a", config_map("a"), "m").ok(201)
    updated = server.apply(f"{maps}/a", config_map("a", {"key": "changed"}), "m").ok(200)
    assert updated["metadata"]["uid"] == created["metadata"]["uid"]
    assert updated["data"] == {"key": "changed"}


def test_what_is_applied_has_to_have_a_name(server: Server, maps: str) -> None:
    server.apply(f"{maps}/a", {"apiVersion": "v1", "kind": "ConfigMap"}, "m").refused(
        400,
        "BadRequest",
        "the name of the object (a based on URL) was undeterminable: name must be provided",
    )


@pytest.mark.parametrize("force", ["false", "true"])
@pytest.mark.parametrize("resource", ["configmaps", "widgets"])
def test_a_version_that_nothing_has_makes_applying_a_pure_creation(
    server: Server, namespace: str, resource: str, force: str
) -> None:
    build = {"configmaps": config_map, "widgets": widget}[resource]
    qualified = {"configmaps": "configmaps", "widgets": "widgets.contract.example.com"}[resource]
    path = at(resource, namespace, "a")
    obj = build("a", resourceVersion="1")
    created = server.apply(path, obj, "m", force=force).ok(201)
    answer = server.apply(path, obj, "m", force=force)
    assert (answer.status, answer.body["reason"]) == (409, "Conflict")
    assert answer.body["message"] == (
        f'Operation cannot be fulfilled on {qualified} "a": the object has been modified; please apply your changes to the'
        " latest version and try again"
    )
    assert "causes" not in answer.body["details"]
    assert server.get(path).ok() == created


def test_a_namespace_can_be_created_purely_too(server: Server) -> None:
    name = server.unique("ns")
    obj = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "resourceVersion": "1"}}
    server.apply(at("namespaces", name=name), obj, "m").ok(201)
    assert server.apply(at("namespaces", name=name), obj, "m").status == 409


# Preconditions


def test_applying_with_the_uid_updates_only_that_object(server: Server, maps: str) -> None:
    uid = server.apply(f"{maps}/a", config_map("a"), "m").ok(201)["metadata"]["uid"]
    updated = server.apply(f"{maps}/a", config_map("a", {"key": "changed"}, uid=uid), "m").ok()
    assert updated["data"] == {"key": "changed"}


def test_applying_with_another_uid_is_refused_by_its_field(server: Server, maps: str) -> None:
    created = server.apply(f"{maps}/a", config_map("a"), "m").ok(201)
    message = f'Invalid value: "{GONE}": field is immutable'
    server.apply(f"{maps}/a", config_map("a", uid=GONE), "m").refused(
        422,
        "Invalid",
        like(rf'ConfigMap "a" is invalid: \[?metadata\.uid: {message}.*'),
        {
            "name": "a",
            "kind": "ConfigMap",
            "causes": [cause("FieldValueInvalid", message, "metadata.uid")],
        },
    )
    assert server.get(f"{maps}/a").ok() == created


@pytest.mark.parametrize("resource", ["configmaps", "widgets"])
def test_applying_with_a_uid_does_not_create(server: Server, namespace: str, resource: str) -> None:
    build = {"configmaps": config_map, "widgets": widget}[resource]
    answer = server.apply(at(resource, namespace, "a"), build("a", uid=GONE), "m")
    assert (answer.status, answer.body["reason"]) == (409, "Conflict")
    assert (
        f"uid mismatch: the provided object specified uid {GONE}, and no existing object was found"
        in (answer.body["message"])
    )
    assert names(server.get(at(resource, namespace)).ok()) == []


def test_applying_an_older_version_is_refused(server: Server, maps: str) -> None:
    first = server.apply(f"{maps}/a", config_map("a"), "m").ok(201)
    second = server.apply(f"{maps}/a", config_map("a", {"key": "2"}), "m").ok()
    for obj, status in ((first, 409), (second, 200)):
        sent = config_map("a", {"key": "3"}, resourceVersion=obj["metadata"]["resourceVersion"])
        assert server.apply(f"{maps}/a", sent, "m").status == status


def test_any_version_creates_where_there_is_nothing(server: Server, maps: str) -> None:
    assert server.apply(f"{maps}/a", config_map("a", resourceVersion="5"), "m").status == 201
    assert server.apply(f"{maps}/b", config_map("b", resourceVersion="0"), "m").status == 201


# Keeping and pruning


def test_applying_the_same_again_keeps_the_version(server: Server, maps: str) -> None:
    created = server.apply(f"{maps}/a", config_map("a"), "m").ok(201)
    assert server.apply(f"{maps}/a", config_map("a"), "m").ok() == created


@pytest.mark.needs("workloads")
def test_applying_the_same_again_keeps_the_version_although_there_are_defaults(
    server: Server, namespace: str
) -> None:
    path = at("deployments", namespace, "a")
    created = server.apply(path, deployment("a"), "m").ok(201)
    assert server.apply(path, deployment("a"), "m").ok() == created


def test_what_is_not_applied_any_more_is_removed(server: Server, maps: str) -> None:
    server.apply(f"{maps}/a", config_map("a", {"one": "1", "two": "2"}), "m").ok(201)
    updated = server.apply(f"{maps}/a", config_map("a", {"two": "2"}), "m").ok()
    assert updated["data"] == {"two": "2"}
    assert owned(updated, "m") == {"f:data": {"f:two": {}}}


def test_what_others_set_stays(server: Server, maps: str) -> None:
    server.apply(f"{maps}/a", config_map("a", {"one": "1"}), "m").ok(201)
    server.patch(f"{maps}/a", "merge", {"data": {"two": "2"}}, fieldManager="n").ok()
    updated = server.apply(f"{maps}/a", config_map("a", {"three": "3"}), "m").ok()
    assert updated["data"] == {"two": "2", "three": "3"}


def test_applying_nothing_gives_everything_up(server: Server, maps: str) -> None:
    server.apply(f"{maps}/a", config_map("a", {"one": "1"}, labels={"x": "y"}), "m").ok(201)
    left = server.apply(f"{maps}/a", named("ConfigMap", "a"), "m").ok()
    assert "data" not in left
    assert "labels" not in left["metadata"]
    assert "managedFields" not in left["metadata"]


@pytest.mark.needs("workloads")
def test_a_container_that_is_not_applied_any_more_is_removed(server: Server, namespace: str) -> None:
    def with_containers(*containers: str) -> JsonObject:
        obj = deployment("a")
        obj["spec"]["template"] = template(
            {"app": "a"}, containers=[{"name": name, "image": f"{name}:1"} for name in containers]
        )
        return obj

    path = at("deployments", namespace, "a")
    server.apply(path, with_containers("one", "two"), "m").ok(201)
    updated = server.apply(path, with_containers("two"), "m").ok()
    assert [item["name"] for item in updated["spec"]["template"]["spec"]["containers"]] == ["two"]


def test_what_was_posted_by_the_same_manager_is_not_pruned_by_applying(server: Server, maps: str) -> None:
    server.post(maps, config_map("a", {"one": "1", "two": "2"}), fieldManager="m").ok(201)
    first = server.apply(f"{maps}/a", config_map("a", {"one": "1", "two": "2"}), "m").ok()
    assert entries(first) == [("m", "Apply", ""), ("m", "Update", "")]
    second = server.apply(f"{maps}/a", config_map("a", {"one": "1"}), "m").ok()
    assert second["data"] == {"one": "1", "two": "2"}


# Refusals


def test_applying_needs_a_manager(server: Server, maps: str) -> None:
    message = "Required value: is required for apply patch"
    server.patch(f"{maps}/a", "apply", config_map("a")).refused(
        422,
        "Invalid",
        f'PatchOptions.meta.k8s.io "" is invalid: fieldManager: {message}',
        {
            "group": "meta.k8s.io",
            "kind": "PatchOptions",
            "causes": [cause("FieldValueRequired", message, "fieldManager")],
        },
    )


@pytest.mark.parametrize(
    ("manager", "message"),
    [
        ("m" * 129, "Too long: may not be more than 128 bytes"),
        ("tab\there", 'Invalid value: "tab\\there": invalid character U+0009 (at position 3)'),
    ],
    ids=["long", "unprintable"],
)
def test_a_manager_has_a_short_printable_name(server: Server, maps: str, manager: str, message: str) -> None:
    answer = server.apply(f"{maps}/a", config_map("a"), manager)
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    (found,) = answer.body["details"]["causes"]
    assert found["field"] == "fieldManager"
    assert found["message"] == message


def test_force_is_for_applying_only(server: Server, maps: str) -> None:
    server.post(maps, config_map("a")).ok(201)
    message = "Forbidden: may not be specified for non-apply patch"
    server.patch(f"{maps}/a", "merge", {}, force="true").refused(
        422,
        "Invalid",
        f'PatchOptions.meta.k8s.io "" is invalid: force: {message}',
        {
            "group": "meta.k8s.io",
            "kind": "PatchOptions",
            "causes": [cause("FieldValueForbidden", message, "force")],
        },
    )


def test_managed_fields_cannot_be_applied(server: Server, maps: str) -> None:
    created = server.apply(f"{maps}/a", config_map("a"), "m").ok(201)
    server.apply(f"{maps}/a", created, "m").refused(400, "BadRequest", "metadata.managedFields must be nil")


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        ({"kind": None}, "/v1, Kind="),
        ({"apiVersion": None}, "/, Kind=ConfigMap"),
        ({"kind": "Secret"}, "/v1, Kind=Secret"),
        ({"apiVersion": "v2"}, "/v2, Kind=ConfigMap"),
    ],
    ids=["no kind", "no version", "other kind", "other version"],
)
def test_what_is_applied_has_to_be_what_its_path_is(
    server: Server, maps: str, change: dict[str, str | None], seen: str
) -> None:
    obj = {key: value for key, value in {**config_map("a"), **change}.items() if value is not None}
    server.apply(f"{maps}/a", obj, "m").refused(400, "BadRequest", f"invalid object type: {seen}")
    assert server.get(f"{maps}/a").status == 404


def test_what_is_applied_has_to_have_the_name_of_its_path(server: Server, maps: str) -> None:
    server.apply(f"{maps}/a", config_map("b"), "m").refused(
        400, "BadRequest", "the name of the object (b) does not match the name on the URL (a)"
    )


def test_what_is_applied_may_be_yaml(server: Server, maps: str) -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {key: 'yes'}\n"
    assert server.apply(f"{maps}/a", text, "m").ok(201)["data"] == {"key": "yes"}


def test_what_is_applied_has_to_be_valid(server: Server, widgets: str) -> None:
    answer = server.apply(f"{widgets}/a", widget("a", {"size": 1000}), "m")
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    (found,) = answer.body["details"]["causes"]
    assert found["field"] == "spec.size"
    assert server.get(f"{widgets}/a").status == 404


def test_what_is_applied_has_to_fit_the_schema_of_its_fields(server: Server, maps: str) -> None:
    server.apply(f"{maps}/a", {**config_map("a"), "data": ["x"]}, "m").refused(
        500,
        "",
        like(
            r"failed to create typed patch object \(.*/a; /v1, Kind=ConfigMap\): \.data: expected map, got .*"
        ),
    )
    assert server.get(f"{maps}/a").status == 404


def test_what_is_applied_has_to_be_readable(server: Server, maps: str) -> None:
    server.apply(f"{maps}/a", "{", "m").refused(400, "BadRequest", like("error decoding YAML: .*"))


def test_applying_without_changes_to_anothers_object_adds_an_owner_only(server: Server, maps: str) -> None:
    created = server.post(maps, config_map("a"), fieldManager="n").ok(201)
    shared = server.apply(f"{maps}/a", config_map("a"), "m").ok()
    assert shared["data"] == created["data"]
    assert entries(shared) == [("m", "Apply", ""), ("n", "Update", "")]
    assert version(shared) > version(created)
