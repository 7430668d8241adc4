from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.unit.controlplane.server.serving import (
    APPLY,
    CONFIGMAPS,
    DEPLOYMENTS,
    JSON_PATCH,
    MERGE,
    NAMESPACES,
    PARTIAL,
    PODS,
    STRATEGIC,
    Reply,
    configmap,
    deployment,
    pod,
    served,
)
from tmc_syncer.controlplane.server.exchange import MAX_BODY_BYTES

OTHER_UID = "00000000-0000-0000-0000-000000000001"


def told(reply: Reply) -> tuple[int, str]:
    return reply.code, reply.message


async def test_a_created_object_has_what_the_server_gives() -> None:
    async with served() as (_, http):
        made = await http.make(
            CONFIGMAPS, configmap("a", uid=OTHER_UID, selfLink="/x", creationTimestamp="1999-01-01T00:00:00Z")
        )
        metadata = made["metadata"]
        assert metadata["namespace"] == "default"
        assert metadata["uid"] != OTHER_UID
        assert metadata["creationTimestamp"] > "2026"
        assert "selfLink" not in metadata
        [entry] = metadata["managedFields"]
        assert (entry["manager"], entry["operation"]) == ("test", "Update")
        assert entry["fieldsV1"] == {"f:data": {".": {}, "f:k": {}}}


async def test_the_field_manager_is_an_option_or_the_client() -> None:
    async with served() as (_, http):
        reply = await http.ask("POST", f"{CONFIGMAPS}?fieldManager=me", configmap("a"))
        assert reply.obj["metadata"]["managedFields"][0]["manager"] == "me"
        reply = await http.ask("POST", CONFIGMAPS, configmap("b"), {"User-Agent": "kubectl/v1 (linux)"})
        assert reply.obj["metadata"]["managedFields"][0]["manager"] == "kubectl"


async def test_names_are_generated() -> None:
    async with served() as (_, http):
        body = configmap("x")
        body["metadata"] = {"generateName": "web-"}
        first, second = await http.make(CONFIGMAPS, body), await http.make(CONFIGMAPS, body)
        assert first["metadata"]["name"] != second["metadata"]["name"]
        assert first["metadata"]["name"].startswith("web-")


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (configmap("taken"), 409, 'configmaps "taken" already exists'),
        (configmap("a", namespace="other"), 400, "the namespace of the provided object does not match"),
        (
            configmap("a", resourceVersion="5"),
            500,
            "resourceVersion should not be set on objects to be created",
        ),
        (configmap("a", resourceVersion="x"), 500, 'strconv.ParseUint: parsing "x": invalid syntax'),
        ({"kind": "ConfigMap", "apiVersion": "v1"}, 422, "metadata.name: Required value"),
        (configmap("A_b"), 422, "metadata.name: Invalid value"),
        (
            {**configmap("a"), "data": {"k": 1}},
            400,
            "json: cannot unmarshal number into Go struct field ConfigMap.data",
        ),
        ({**configmap("a"), "kind": "Secret"}, 400, "cannot be handled as a ConfigMap"),
        (b"{", 400, "couldn't get version/kind; json parse error"),
        ({**configmap("a"), "data": {"k": "x" * 1_100_000}}, 422, "Too long"),
    ],
)
async def test_what_cannot_be_created_is_refused(body: Any, code: int, message: str) -> None:
    async with served() as (plane, http):
        await http.make(CONFIGMAPS, configmap("taken"))
        before = plane.store.revision
        found = await http.ask("POST", CONFIGMAPS, body)
        assert found.code == code
        assert message in found.message
        assert plane.store.revision == before


async def test_bodies_and_objects_have_limits() -> None:
    async with served() as (_, http):
        huge = b"{" + b" " * MAX_BODY_BYTES + b"}"
        assert told(await http.ask("POST", CONFIGMAPS, huge)) == (
            413,
            f"Request entity too large: limit is {MAX_BODY_BYTES}",
        )

        async def chunks() -> Any:
            for _ in range(4):
                yield b" " * (MAX_BODY_BYTES // 3)

        async with http.session.post(
            http.where(CONFIGMAPS), data=chunks(), headers={"Content-Type": "application/json"}
        ) as response:
            assert response.status == 413
        big = deployment("big", annotations={"a": "x" * 200_000})
        big["spec"]["template"]["spec"]["containers"][0]["args"] = ["y" * 1_500_000]
        assert told(await http.ask("POST", DEPLOYMENTS, big)) == (500, "etcdserver: request is too large")


async def test_a_chunked_body_is_read() -> None:
    async with served() as (_, http):

        async def chunks() -> Any:
            for piece in (b'{"metadata":', b'{"name":"a"},', b'"data":{"k":"v"}}'):
                await asyncio.sleep(0.01)
                yield piece

        async with http.session.post(
            http.where(CONFIGMAPS), data=chunks(), headers={"Content-Type": "application/json"}
        ) as response:
            assert response.status == 201


async def test_unknown_fields_are_told_or_refused() -> None:
    async with served() as (_, http):
        body = {**configmap("a"), "bogus": 1}
        strict = await http.ask("POST", f"{CONFIGMAPS}?fieldValidation=Strict", body)
        assert told(strict) == (
            400,
            'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "bogus"',
        )
        warned = await http.ask("POST", CONFIGMAPS, body)
        assert (warned.code, warned.headers["Warning"]) == (201, '299 - "unknown field \\"bogus\\""')
        assert "bogus" not in warned.obj
        ignored = await http.ask("PUT", f"{CONFIGMAPS}/a?fieldValidation=Ignore", body)
        assert "Warning" not in ignored.headers


async def test_a_dry_run_changes_nothing() -> None:
    async with served() as (plane, http):
        await http.make(CONFIGMAPS, configmap("a"))
        before = plane.store.revision
        created = await http.ask("POST", f"{CONFIGMAPS}?dryRun=All", configmap("b"))
        assert (created.code, "resourceVersion" in created.obj["metadata"]) == (201, False)
        changed = await http.ask("PATCH", f"{CONFIGMAPS}/a?dryRun=All", {"data": {"k": "w"}}, MERGE)
        assert (changed.obj["data"], changed.version) == ({"k": "w"}, str(before))
        assert (await http.ask("DELETE", f"{CONFIGMAPS}/a?dryRun=All")).code == 200
        assert (await http.ask("DELETE", f"{CONFIGMAPS}?dryRun=All")).code == 200
        await http.make(CONFIGMAPS, configmap("held", finalizers=["x.io/a"]))
        before = plane.store.revision
        marked = await http.ask("DELETE", f"{CONFIGMAPS}/held", {"dryRun": ["All"]})
        assert "deletionTimestamp" in marked.obj["metadata"]
        await http.ask("POST", f"{PODS}?dryRun=All", pod("p"))
        assert plane.store.revision == before


async def test_a_put_replaces_with_preconditions() -> None:
    async with served() as (_, http):
        made = await http.make(CONFIGMAPS, configmap("a"))
        uid, version = made["metadata"]["uid"], made["metadata"]["resourceVersion"]
        changed = await http.ask(
            "PUT", f"{CONFIGMAPS}/a", configmap("a", resourceVersion=version, labels={"x": "1"})
        )
        assert changed.code == 200
        assert changed.obj["metadata"]["labels"] == {"x": "1"}
        assert changed.obj["metadata"]["uid"] == uid
        stale = await http.ask("PUT", f"{CONFIGMAPS}/a", configmap("a", resourceVersion=version))
        assert (stale.code, stale.obj["reason"]) == (409, "Conflict")
        other = await http.ask("PUT", f"{CONFIGMAPS}/a", configmap("a", uid=OTHER_UID))
        assert other.code == 409
        assert f"UID in object meta: {uid}" in other.message
        same = await http.ask("PUT", f"{CONFIGMAPS}/a", configmap("a", labels={"x": "1"}))
        assert same.version == changed.version, "what changes nothing keeps its version"
        assert (await http.ask("PUT", f"{CONFIGMAPS}/none", configmap("none"))).code == 404
        assert told(await http.ask("PUT", f"{CONFIGMAPS}/a", configmap("b"))) == (
            400,
            "the name of the object (b) does not match the name on the URL (a)",
        )


async def test_a_put_may_create_some_types() -> None:
    async with served() as (_, http):
        path = "/apis/coordination.k8s.io/v1/namespaces/default/leases/l"
        body = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": "l"},
            "spec": {},
        }
        assert (await http.ask("PUT", path, body)).code == 201
        refused = await http.ask("PUT", path, body)
        assert (refused.code, refused.message) == (
            422,
            (
                'leases.coordination.k8s.io "l" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified '
                "for an update"
            ),
        )


async def test_each_kind_of_patch_changes_an_object() -> None:
    async with served() as (_, http):
        await http.make(DEPLOYMENTS, deployment("web"))
        path = f"{DEPLOYMENTS}/web"
        env = {
            "spec": {
                "template": {"spec": {"containers": [{"name": "main", "env": [{"name": "A", "value": "1"}]}]}}
            }
        }
        merged = await http.ask("PATCH", path, env, STRATEGIC)
        [container] = merged.obj["spec"]["template"]["spec"]["containers"]
        assert (container["image"], container["env"]) == ("nginx", [{"name": "A", "value": "1"}])
        scaled = await http.ask("PATCH", path, {"spec": {"replicas": 3}}, MERGE)
        assert (scaled.obj["spec"]["replicas"], scaled.obj["metadata"]["generation"]) == (3, 3)
        operations = [
            {"op": "test", "path": "/spec/replicas", "value": 3},
            {"op": "add", "path": "/metadata/labels", "value": {"l": "m"}},
        ]
        labelled = await http.ask("PATCH", path, operations, JSON_PATCH)
        assert labelled.obj["metadata"]["labels"] == {"l": "m"}
        failed = await http.ask(
            "PATCH", path, [{"op": "test", "path": "/spec/replicas", "value": 9}], JSON_PATCH
        )
        assert (failed.code, failed.obj["reason"], failed.obj["details"]) == (422, "Invalid", {})
        shown = await http.ask("PATCH", path, {"metadata": {"labels": {"l": "n"}}}, {**MERGE, **PARTIAL})
        assert shown.obj["kind"] == "PartialObjectMetadata"


@pytest.mark.parametrize(
    ("patch", "headers", "code", "message"),
    [
        ({"metadata": {"resourceVersion": "1"}}, MERGE, 409, "the object has been modified"),
        ({"metadata": {"uid": OTHER_UID}}, MERGE, 422, "metadata.uid: Invalid value"),
        ({"metadata": {"name": "q"}}, MERGE, 400, "the name of the object (q) does not match"),
        ({"metadata": {"namespace": "q"}}, MERGE, 400, "the namespace of the provided object"),
        ({"data": {"k": 1}}, MERGE, 422, "json: cannot unmarshal number into Go struct field ConfigMap.data"),
        (b"{", MERGE, 400, "error decoding patch: unexpected end of JSON input"),
        ([], MERGE, 400, "error decoding patch: json: cannot unmarshal array"),
        ({}, {"Content-Type": "application/json"}, 415, "415: Unsupported Media Type"),
        (
            {"bogus": 1},
            {**STRATEGIC, "X": "strict"},
            422,
            'Invalid value: "map[bogus:1]": strict decoding error',
        ),
    ],
)
async def test_what_is_no_patch_is_refused(
    patch: Any, headers: dict[str, str], code: int, message: str
) -> None:
    async with served() as (_, http):
        await http.make(CONFIGMAPS, configmap("a"))
        query = "?fieldValidation=Strict" if headers.get("X") else ""
        found = await http.ask("PATCH", f"{CONFIGMAPS}/a{query}", patch, headers)
        assert found.code == code
        assert message in found.message


async def test_an_apply_creates_and_owns_what_it_says() -> None:
    async with served() as (_, http):
        path = f"{CONFIGMAPS}/a?fieldManager=one"
        created = await http.ask("PATCH", path, configmap("a"), APPLY)
        assert created.code == 201
        again = await http.ask("PATCH", path, configmap("a"), APPLY)
        assert (again.code, again.version) == (200, created.version)
        theirs = {**configmap("a"), "data": {"k": "theirs"}}
        conflict = await http.ask("PATCH", f"{CONFIGMAPS}/a?fieldManager=two", theirs, APPLY)
        assert conflict.code == 409
        assert conflict.obj["details"]["causes"] == [
            {"reason": "FieldManagerConflict", "message": 'conflict with "one"', "field": ".data.k"}
        ]
        forced = await http.ask("PATCH", f"{CONFIGMAPS}/a?fieldManager=two&force=true", theirs, APPLY)
        assert forced.obj["data"] == {"k": "theirs"}


async def test_an_apply_with_version_one_only_creates() -> None:
    async with served() as (_, http):
        body = configmap("a", resourceVersion="1")
        for query, code in (("", 201), ("", 409), ("&force=true", 409)):
            reply = await http.ask("PATCH", f"{CONFIGMAPS}/a?fieldManager=m{query}", body, APPLY)
            assert reply.code == code


async def test_an_apply_with_a_uid_only_updates_that_object() -> None:
    async with served() as (_, http):
        body = configmap("a", uid=OTHER_UID)
        missing = await http.ask("PATCH", f"{CONFIGMAPS}/a?fieldManager=m", body, APPLY)
        assert missing.code == 409
        assert f"uid mismatch: the provided object specified uid {OTHER_UID}" in missing.message
        await http.make(CONFIGMAPS, configmap("a"))
        wrong = await http.ask("PATCH", f"{CONFIGMAPS}/a?fieldManager=m", body, APPLY)
        assert (wrong.code, "metadata.uid" in wrong.message) == (422, True)


@pytest.mark.parametrize(
    ("query", "body", "code", "message"),
    [
        ("", configmap("a"), 422, "fieldManager: Required value: is required for apply patch"),
        (
            "?fieldManager=m",
            configmap("b"),
            400,
            "the name of the object (b) does not match the name on the URL (a)",
        ),
        (
            "?fieldManager=m",
            b"a: b: c",
            400,
            "error decoding YAML: error converting YAML to JSON: yaml: mapping values",
        ),
        (
            "?fieldManager=m",
            configmap("a", managedFields=[{"manager": "x"}]),
            400,
            "metadata.managedFields must be nil",
        ),
        ("?fieldManager=m", {**configmap("a"), "bogus": 1}, 500, ".bogus: field not declared in schema"),
    ],
)
async def test_what_is_no_configuration_is_refused(query: str, body: Any, code: int, message: str) -> None:
    async with served() as (_, http):
        found = await http.ask("PATCH", f"{CONFIGMAPS}/a{query}", body, APPLY)
        assert found.code == code
        assert message in found.message


async def test_a_delete_says_what_is_gone() -> None:
    async with served() as (_, http):
        made = await http.make(CONFIGMAPS, configmap("a"))
        reply = await http.ask("DELETE", f"{CONFIGMAPS}/a")
        assert reply.obj == {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Success",
            "details": {"name": "a", "kind": "configmaps", "uid": made["metadata"]["uid"]},
        }
        assert (await http.ask("DELETE", f"{CONFIGMAPS}/a")).code == 404
        await http.make(PODS, pod("p"))
        assert (await http.ask("DELETE", f"{PODS}/p")).obj["kind"] == "Pod"
        assert (await http.ask("GET", f"{PODS}/p")).code == 404


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"preconditions": {"uid": OTHER_UID}}, 409, "the UID in the precondition"),
        ({"preconditions": {"resourceVersion": "1"}}, 409, "the ResourceVersion in the precondition (1)"),
        (b"{", 400, "couldn't get version/kind; json parse error: unexpected end of JSON input"),
        ([], 400, "couldn't get version/kind; json parse error: not an object"),
        ({"propagationPolicy": "Foo"}, 422, "propagationPolicy: Unsupported value"),
    ],
)
async def test_a_delete_has_preconditions(body: Any, code: int, message: str) -> None:
    async with served() as (_, http):
        await http.make(CONFIGMAPS, configmap("a"))
        found = await http.ask("DELETE", f"{CONFIGMAPS}/a", body)
        assert found.code == code
        assert message in found.message
        assert (await http.ask("GET", f"{CONFIGMAPS}/a")).code == 200


async def test_finalizers_hold_an_object_until_the_last_one_is_gone() -> None:
    async with served() as (_, http):
        await http.make(CONFIGMAPS, configmap("a", finalizers=["x.io/a", "x.io/b"]))
        marked = await http.ask("DELETE", f"{CONFIGMAPS}/a")
        assert marked.obj["metadata"]["deletionGracePeriodSeconds"] == 0
        again = await http.ask("DELETE", f"{CONFIGMAPS}/a")
        assert again.version == marked.version
        exists = await http.ask("POST", CONFIGMAPS, configmap("a"))
        assert told(exists) == (409, 'object is being deleted: configmaps "a" already exists')
        added = await http.ask(
            "PATCH", f"{CONFIGMAPS}/a", {"metadata": {"finalizers": ["x.io/a", "x.io/c"]}}, MERGE
        )
        assert (added.code, "no new finalizers can be added" in added.message) == (422, True)
        one = await http.ask("PATCH", f"{CONFIGMAPS}/a", {"metadata": {"finalizers": ["x.io/b"]}}, MERGE)
        assert one.code == 200
        tried = await http.ask(
            "PATCH", f"{CONFIGMAPS}/a?dryRun=All", {"metadata": {"finalizers": None}}, MERGE
        )
        assert tried.code == 200
        last = await http.ask("PATCH", f"{CONFIGMAPS}/a", {"metadata": {"finalizers": None}}, MERGE)
        assert (last.code, last.version) == (200, one.version)
        assert (await http.ask("GET", f"{CONFIGMAPS}/a")).code == 404


async def test_a_collection_is_deleted_by_what_a_list_selects() -> None:
    async with served() as (_, http):
        for name, colour in (("a", "red"), ("b", "blue"), ("c", "red")):
            await http.make(CONFIGMAPS, configmap(name, labels={"colour": colour}))
        deleted = await http.ask("DELETE", f"{CONFIGMAPS}?labelSelector=colour%3Dred")
        assert [item["metadata"]["name"] for item in deleted.obj["items"]] == ["a", "c"]
        left = await http.ask("GET", CONFIGMAPS)
        assert [item["metadata"]["name"] for item in left.obj["items"]] == ["b"]
        assert (await http.ask("DELETE", NAMESPACES)).code == 405


async def test_status_and_object_are_written_apart() -> None:
    async with served() as (_, http):
        await http.make(DEPLOYMENTS, deployment("web"))
        path = f"{DEPLOYMENTS}/web"
        main = await http.ask("PATCH", path, {"status": {"replicas": 5}}, MERGE)
        assert main.obj["status"] == {}
        body = {
            "spec": {"replicas": 9},
            "status": {"replicas": 5},
            "metadata": {"labels": {"l": "s"}, "annotations": {"a": "s"}},
        }
        status = await http.ask("PATCH", f"{path}/status", body, MERGE)
        assert status.obj["status"] == {"replicas": 5}
        assert status.obj["spec"]["replicas"] == 1
        metadata = status.obj["metadata"]
        assert (metadata.get("labels"), metadata["annotations"], metadata["generation"]) == (
            None,
            {"a": "s"},
            1,
        )
        assert (await http.ask("GET", f"{path}/status")).obj == status.obj
        replaced = await http.ask("PUT", f"{path}/status", {**deployment("web"), "status": {"replicas": 6}})
        assert replaced.obj["status"] == {"replicas": 6}
        assert (await http.ask("POST", f"{path}/status", deployment("web"))).code == 405
        annotated = await http.ask("PATCH", path, {"metadata": {"annotations": {"b": "c"}}}, MERGE)
        assert annotated.obj["metadata"]["generation"] == 2


async def test_a_namespace_must_be_there_and_stay() -> None:
    async with served() as (_, http):
        missing = await http.ask("POST", "/api/v1/namespaces/none/configmaps", configmap("a"))
        assert told(missing) == (404, 'namespaces "none" not found')
        await http.make(NAMESPACES, {"metadata": {"name": "shop"}})
        terminating = await http.ask("DELETE", f"{NAMESPACES}/shop")
        assert terminating.obj["status"]["phase"] == "Terminating"
        for method, path, headers in (
            ("POST", "/api/v1/namespaces/shop/configmaps", None),
            ("PATCH", "/api/v1/namespaces/shop/configmaps/a?fieldManager=m", APPLY),
        ):
            refused = await http.ask(method, path, configmap("a"), headers)
            assert refused.code == 403
            assert refused.obj["details"]["causes"][0]["reason"] == "NamespaceTerminating"
        finalized = await http.ask(
            "PUT", f"{NAMESPACES}/shop/finalize", {"metadata": {"name": "shop"}, "spec": {}}
        )
        assert finalized.code == 200
        assert (await http.ask("GET", f"{NAMESPACES}/shop")).code == 404
