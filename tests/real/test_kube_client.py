"""The client against a real kube-apiserver: what it takes for granted about real answers is shown here."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.real.scene import OWN_AGENT
from tmc_syncer.api.objects import Record
from tmc_syncer.api.resources import GVR, ResourceInfo
from tmc_syncer.engine.env import real_env
from tmc_syncer.kube.client import Client, PatchType
from tmc_syncer.kube.discovery import Discovery, discover
from tmc_syncer.kube.errors import ApiError, CredentialsError, KubeconfigError, RetryClass
from tmc_syncer.kube.kubeconfig import load_connection
from tmc_syncer.kube.transport import Transport
from tmc_syncer.kube.upstreams import open_upstream
from tmc_syncer.testing.control_plane import ControlPlane

CONFIG_MAPS = ResourceInfo(GVR("", "v1", "configmaps"), "ConfigMap", namespaced=True)
NAMESPACES = ResourceInfo(GVR("", "v1", "namespaces"), "Namespace", namespaced=False)
SECRETS = ResourceInfo(GVR("", "v1", "secrets"), "Secret", namespaced=True)
SERVICES = ResourceInfo(GVR("", "v1", "services"), "Service", namespaced=True)


@asynccontextmanager
async def connected(cluster: ControlPlane, user: str = "admin") -> AsyncIterator[Client]:
    connection = load_connection(str(cluster.kubeconfig(user)), None, environ=os.environ)
    async with Transport(connection, user_agent="tmc-test") as transport:
        yield Client(transport)


@pytest.fixture
async def client(upstream: ControlPlane) -> AsyncIterator[Client]:
    async with connected(upstream) as client:
        yield client


@pytest.fixture
async def namespace(client: Client) -> str:
    name = f"kube-{uuid.uuid4().hex[:8]}"
    labels = {OWN_AGENT: "nobody"}  # an agent of the run would write here, too
    await client.create(NAMESPACES, "", {"metadata": {"name": name, "labels": labels}})
    return name


def config_map(namespace: str, name: str = "a", /, data: Any = None, **metadata: Any) -> dict[str, Any]:
    meta = {"name": name, "namespace": namespace} | metadata
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data or {"x": "1"}}


async def created(client: Client, namespace: str, name: str = "a") -> Record:
    return await client.apply(CONFIG_MAPS, namespace, name, config_map(namespace, name, resourceVersion="1"))


async def refused(call: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        await call
    return caught.value


# Creating and updating


async def test_an_apply_with_version_1_creates_only_where_nothing_is(client: Client, namespace: str) -> None:
    record = await created(client, namespace)
    assert record.meta.managed_fields is not None
    assert [(e.manager, e.operation) for e in record.meta.managed_fields] == [("syncer", "Apply")]
    for force in (False, True):
        body = config_map(namespace, resourceVersion="1", data={"x": "2"})
        error = await refused(client.apply(CONFIG_MAPS, namespace, "a", body, force=force))
        assert (error.status, error.retry_class, error.field_conflicts) == (409, RetryClass.CONFLICT, ())
    assert (await client.get(CONFIG_MAPS, namespace, "a")).field("data") == {"x": "1"}


async def test_an_apply_with_a_uid_updates_only_that_object(client: Client, namespace: str) -> None:
    record = await created(client, namespace)
    body = config_map(namespace, uid=record.meta.uid, data={"x": "2"})
    assert (await client.apply(CONFIG_MAPS, namespace, "a", body)).field("data") == {"x": "2"}
    wrong = config_map(namespace, uid=str(uuid.uuid4()))
    error = await refused(client.apply(CONFIG_MAPS, namespace, "a", wrong))
    assert (error.status, error.retry_class) == (422, RetryClass.CONFLICT)
    gone = config_map(namespace, "gone", uid=record.meta.uid)
    error = await refused(client.apply(CONFIG_MAPS, namespace, "gone", gone))
    assert (error.status, error.retry_class) == (409, RetryClass.CONFLICT)
    assert (await refused(client.get(CONFIG_MAPS, namespace, "gone"))).is_not_found_of(CONFIG_MAPS, "gone")


async def test_a_dry_run_changes_nothing(client: Client, namespace: str) -> None:
    body = config_map(namespace, resourceVersion="1")
    assert (await client.apply(CONFIG_MAPS, namespace, "a", body, dry_run=True)).meta.name == "a"
    assert (await refused(client.get(CONFIG_MAPS, namespace, "a"))).status == 404


async def test_a_conflict_names_manager_operation_and_field(client: Client, namespace: str) -> None:
    record = await created(client, namespace)
    mine = config_map(namespace, uid=record.meta.uid, data={"x": "2"})
    error = await refused(client.apply(CONFIG_MAPS, namespace, "a", mine, field_manager="helm"))
    conflicts = [(c.manager, c.operation, c.field_path) for c in error.field_conflicts]
    assert conflicts == [("syncer", "Apply", ".data.x")]
    odd = 'k "ubectl\\'
    change = {"data": {"x": "3"}}
    await client.patch(CONFIG_MAPS, namespace, "a", change, patch_type=PatchType.MERGE, field_manager=odd)
    error = await refused(client.apply(CONFIG_MAPS, namespace, "a", mine))
    assert error.retry_class is RetryClass.CONFLICT
    assert [(c.manager, c.operation, c.field_path, c.api_version) for c in error.field_conflicts] == [
        (odd, "Update", ".data.x", "v1")
    ]
    assert (await client.apply(CONFIG_MAPS, namespace, "a", mine, force=True)).field("data") == {"x": "2"}


async def test_a_conflict_over_a_subresource_names_it(client: Client, namespace: str) -> None:
    types = await discover(client)
    deployments = types.find(GVR("apps", "", "deployments"))
    assert deployments is not None
    labels = {"app": "web"}
    spec = {
        "replicas": 1,
        "selector": {"matchLabels": labels},
        "template": {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "web", "image": "example.com/web"}]},
        },
    }
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}
    await client.apply(deployments, namespace, "web", body)
    await client.patch(
        deployments,
        namespace,
        "web",
        {"spec": {"replicas": 3}},
        patch_type=PatchType.MERGE,
        subresource="scale",
        field_manager="hpa",
    )
    error = await refused(client.apply(deployments, namespace, "web", body))
    (conflict,) = error.field_conflicts
    assert (conflict.manager, conflict.operation, conflict.field_path, conflict.subresource) == (
        "hpa",
        "Update",
        ".spec.replicas",
        "scale",
    )


# Patches


async def test_a_failed_test_is_a_conflict_and_finalizers_are_guarded(client: Client, namespace: str) -> None:
    record = await created(client, namespace)
    finalizer = "workload.kcp.io/syncer-test"

    def add(uid: str, held: list[str] | None) -> list[dict[str, Any]]:
        where, value = (
            ("/metadata/finalizers/-", finalizer) if held else ("/metadata/finalizers", [finalizer])
        )
        return [
            {"op": "test", "path": "/metadata/uid", "value": uid},
            {"op": "test", "path": "/metadata/finalizers", "value": held},
            {"op": "add", "path": where, "value": value},
        ]

    async def patch(body: list[dict[str, Any]]) -> Record:
        return await client.patch(CONFIG_MAPS, namespace, "a", body, patch_type=PatchType.JSON)

    for body in (add("other", None), add(record.meta.uid, ["x"])):
        error = await refused(patch(body))
        assert (error.status, error.retry_class, error.causes) == (422, RetryClass.CONFLICT, ())
    assert (await patch(add(record.meta.uid, None))).meta.finalizers == (finalizer,)
    waiting = await client.delete(CONFIG_MAPS, namespace, "a", uid=record.meta.uid)
    assert waiting is not None
    assert waiting.meta.deleting
    error = await refused(
        patch([{"op": "add", "path": "/metadata/finalizers/-", "value": "workload.kcp.io/late"}])
    )
    assert (error.status, error.retry_class) == (422, RetryClass.CONFLICT)
    await patch([{"op": "remove", "path": "/metadata/finalizers"}])
    assert (await refused(client.get(CONFIG_MAPS, namespace, "a"))).is_not_found_of(CONFIG_MAPS, "a")


async def test_a_status_that_validation_refuses_is_terminal_although_the_patch_tested(
    client: Client, namespace: str
) -> None:
    types = await discover(client)
    jobs = types.find(GVR("batch", "", "jobs"))
    assert jobs is not None
    pod = {"restartPolicy": "Never", "containers": [{"name": "a", "image": "example.com/a"}]}
    job = await client.create(
        jobs, namespace, {"metadata": {"name": "a"}, "spec": {"template": {"spec": pod}}}
    )
    body: list[dict[str, Any]] = [
        {"op": "test", "path": "/metadata/uid", "value": job.meta.uid},
        {"op": "add", "path": "/status", "value": {"succeeded": -1}},
    ]
    error = await refused(
        client.patch(jobs, namespace, "a", body, patch_type=PatchType.JSON, subresource="status")
    )
    assert (error.status, error.retry_class) == (422, RetryClass.TERMINAL)
    assert any("status" in cause.field for cause in error.causes)


# Deleting


async def test_a_delete_spares_what_is_not_the_object_that_was_meant(client: Client, namespace: str) -> None:
    record = await created(client, namespace)
    for uid, version in ((str(uuid.uuid4()), ""), (record.meta.uid, "1")):
        error = await refused(client.delete(CONFIG_MAPS, namespace, "a", uid=uid, resource_version=version))
        assert (error.status, error.retry_class) == (409, RetryClass.CONFLICT)
    version = record.meta.resource_version
    gone = await client.delete(CONFIG_MAPS, namespace, "a", uid=record.meta.uid, resource_version=version)
    assert gone is None
    error = await refused(client.delete(CONFIG_MAPS, namespace, "a"))
    assert error.is_not_found_of(CONFIG_MAPS, "a")


async def test_a_service_is_gone_at_once_although_the_answer_shows_it(client: Client, namespace: str) -> None:
    body = {"metadata": {"name": "a"}, "spec": {"ports": [{"port": 80}]}}
    await client.create(SERVICES, namespace, body)
    assert await client.delete(SERVICES, namespace, "a") is None


async def test_a_namespace_that_ends_refuses_newcomers_by_a_class_of_its_own(
    client: Client, namespace: str
) -> None:
    await client.patch(
        CONFIG_MAPS,
        namespace,
        (await created(client, namespace)).meta.name,
        {"metadata": {"finalizers": ["workload.kcp.io/hold"]}},
        patch_type=PatchType.MERGE,
    )
    waiting = await client.delete(NAMESPACES, "", namespace)
    assert waiting is not None
    assert waiting.meta.deleting
    error = await refused(created(client, namespace, "late"))
    assert (error.status, error.retry_class) == (403, RetryClass.NAMESPACE_TERMINATING)
    free = {"metadata": {"finalizers": None}}
    await client.patch(CONFIG_MAPS, namespace, "a", free, patch_type=PatchType.MERGE)


# Refusals


async def test_what_is_not_served_is_no_proof_of_absence(client: Client, namespace: str) -> None:
    type_ = ResourceInfo(GVR("", "v1", "nothings"), "Nothing", namespaced=True)
    error = await refused(client.get(type_, namespace, "a"))
    assert (error.status, error.retry_class) == (404, RetryClass.TERMINAL)
    assert not error.is_not_found_of(type_, "a")
    group = ResourceInfo(GVR("no.such.io", "v1", "nothings"), "Nothing", namespaced=True)
    error = await refused(client.get(group, namespace, "a"))
    assert (error.status, error.retry_class) == (404, RetryClass.TRANSIENT)
    assert not error.is_not_found_of(group, "a")
    error = await refused(created(client, f"{namespace}-gone"))
    assert (error.status, error.retry_class, error.details_kind) == (404, RetryClass.CONFLICT, "namespaces")


async def test_a_refused_secret_is_told_without_its_values(client: Client, namespace: str) -> None:
    metadata = {"name": "a"}
    for body in (
        {"metadata": metadata, "data": {"password": "hunter2 is not base64"}},
        {
            "metadata": metadata,
            "type": "kubernetes.io/dockerconfigjson",
            "stringData": {".dockerconfigjson": "hunter2"},
        },
        {"metadata": metadata, "type": "kubernetes.io/tls", "stringData": {"tls.key": "hunter2"}},
    ):
        error = await refused(client.create(SECRETS, namespace, body))
        assert error.retry_class is RetryClass.TERMINAL
        assert "hunter2" not in f"{error!r} {error} {vars(error)}"


async def test_who_may_not_is_told_what_is_missing(upstream: ControlPlane, namespace: str) -> None:
    user = f"nobody-{uuid.uuid4().hex[:6]}"
    await asyncio.to_thread(upstream.add_user, user)
    async with connected(upstream, user) as client:
        error = await refused(client.list_page(SECRETS, namespace=namespace))
    assert (error.status, error.retry_class) == (403, RetryClass.TERMINAL)
    assert f'User "{user}" cannot list resource "secrets"' in str(error)


async def test_a_wrong_token_is_a_401_that_may_heal(upstream: ControlPlane) -> None:
    connection = load_connection(str(upstream.kubeconfig()), None, environ=os.environ)
    from dataclasses import replace

    from tmc_syncer.kube.connection import TokenAuth

    wrong = replace(connection, auth=TokenAuth("wrong"), reload=None)
    async with Transport(wrong, user_agent="tmc-test") as transport:
        error = await refused(Client(transport).list_page(NAMESPACES))
    assert (error.status, error.retry_class) == (401, RetryClass.TRANSIENT)


async def test_a_client_certificate_is_accepted_and_an_expired_one_told_up_front(
    upstream: ControlPlane,
) -> None:
    valid = str(upstream.kubeconfig_with_certificate("admin"))
    async with Transport(load_connection(valid, None, environ={}), user_agent="tmc-test") as transport:
        assert (await transport.request("GET", "/version")).status == 200
    expired = str(upstream.kubeconfig_with_certificate("admin", expired=True))
    with pytest.raises((KubeconfigError, CredentialsError), match="expired on"):
        load_connection(expired, None, environ={}, now=real_env().clock.now())


# Lists and watches


async def test_pages_give_everything_once(client: Client, namespace: str) -> None:
    names = [f"c{n}" for n in range(7)]
    for name in names:
        await created(client, namespace, name)
    seen, token = [], ""
    while True:
        page = await client.list_page(CONFIG_MAPS, namespace=namespace, limit=3, continue_token=token)
        seen += [(r.meta.name, r.kind, r.api_version) for r in page.records]
        if not page.continue_token:
            break
        token = page.continue_token
    assert [s for s in seen if s[0] in names] == [(name, "ConfigMap", "v1") for name in names]
    partial = await client.list_page(CONFIG_MAPS, namespace=namespace, metadata_only=True)
    assert {(r.kind, tuple(r.fields)) for r in partial.records} == {("ConfigMap", ())}


async def test_a_list_from_the_future_says_so_and_a_wrong_token_too(client: Client) -> None:
    error = await refused(client.list_page(CONFIG_MAPS, resource_version="999999999", match="NotOlderThan"))
    assert error.resource_version_too_large
    assert error.retry_class is RetryClass.TRANSIENT
    assert (await refused(client.list_page(CONFIG_MAPS, continue_token="wrong"))).status == 400


async def test_a_watch_tells_what_happens_after_its_version(client: Client, namespace: str) -> None:
    page = await client.list_page(CONFIG_MAPS, namespace=namespace)
    record = await created(client, namespace)
    got = []
    async with client.watch(
        CONFIG_MAPS, namespace=namespace, resource_version=page.resource_version, timeout_seconds=30
    ) as events:
        await client.apply(
            CONFIG_MAPS, namespace, "a", config_map(namespace, uid=record.meta.uid, data={"x": "2"})
        )
        await client.delete(CONFIG_MAPS, namespace, "a")
        async for event in events:
            if event.record is not None and event.record.meta.name == "a":
                got.append((event.type, event.record.version, event.record.field("data")["x"]))
            if event.type == "DELETED":
                break
    assert [(kind, data) for kind, _, data in got] == [("ADDED", "1"), ("MODIFIED", "2"), ("DELETED", "2")]
    versions = [version for _, version, _ in got]
    assert versions == sorted(set(versions))


async def test_a_watch_list_ends_its_beginning_by_a_bookmark(client: Client, namespace: str) -> None:
    for name in ("a", "b"):
        await created(client, namespace, name)
    names = []
    async with client.watch(
        CONFIG_MAPS, namespace=namespace, timeout_seconds=30, send_initial_events=True
    ) as events:
        async for event in events:
            assert event.record is not None
            if event.initial_end:
                assert event.record.version > 0
                break
            names.append((event.type, event.record.meta.name))
    assert {("ADDED", "a"), ("ADDED", "b")} <= set(names)


async def test_a_watch_ends_well_at_its_timeout(client: Client, namespace: str) -> None:
    async with client.watch(CONFIG_MAPS, namespace=namespace, timeout_seconds=1) as events:
        kinds = {event.type async for event in events}
    assert kinds <= {"ADDED", "BOOKMARK"}


async def test_an_object_of_nearly_the_largest_size_passes_in_both_directions(
    client: Client, namespace: str
) -> None:
    data = {"x": '"' * (500 << 10)}  # escaped, twice as long
    body = config_map(namespace, resourceVersion="1", data=data)
    async with client.watch(
        CONFIG_MAPS, namespace=namespace, timeout_seconds=30, send_initial_events=True
    ) as events:
        await client.apply(CONFIG_MAPS, namespace, "a", body)
        async for event in events:
            if event.record is not None and event.record.meta.name == "a":
                assert event.record.field("data") == data
                break
    too_large = config_map(namespace, "b", resourceVersion="1", data={"x": "y" * (4 << 20)})
    error = await refused(client.apply(CONFIG_MAPS, namespace, "b", too_large))
    assert error.retry_class is RetryClass.TERMINAL


# Discovery and upstreams


def check_types(types: Discovery) -> None:
    deployments = types.find(GVR("apps", "", "deployments"))
    assert deployments is not None
    assert deployments.gvr.version == "v1"
    assert deployments.has_status
    assert deployments.namespaced
    assert {"get", "list", "watch", "patch"} <= deployments.verbs
    cluster_roles = types.find(GVR("rbac.authorization.k8s.io", "", "clusterroles"))
    assert cluster_roles is not None
    assert not cluster_roles.namespaced
    assert types.complete
    assert "deployments.apps" in types.suggest("deploymets")


async def test_both_forms_of_discovery_find_the_same_types(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    aggregated = await discover(client)
    check_types(aggregated)
    monkeypatch.setattr("tmc_syncer.kube.discovery.ACCEPT", "application/json")
    classic = await discover(client)
    check_types(classic)
    assert classic.resources == aggregated.resources
    assert classic.preferred == aggregated.preferred


async def test_a_plain_cluster_has_a_name_of_its_own(
    upstream: ControlPlane, downstream: ControlPlane, client: Client
) -> None:
    first = await open_upstream(client.transport, "kubernetes")
    again = await open_upstream(client.transport, "kubernetes")
    async with connected(downstream) as other:
        second = await open_upstream(other.transport, "kubernetes")
    assert first.cluster == again.cluster != second.cluster
    assert (await first.client.get(NAMESPACES, "", "default")).cluster == first.cluster
