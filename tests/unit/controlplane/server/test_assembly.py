from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.unit.controlplane.server.serving import CONFIGMAPS, Http, configmap, made, pod, running, served
from tmc_syncer.controlplane.server.admission import Admission
from tmc_syncer.controlplane.server.errors import ApiError
from tmc_syncer.controlplane.server.served import Object
from tmc_syncer.controlplane.storage.database import Database
from tmc_syncer.controlplane.storage.failures import DataDirectoryError, DiskFailure
from tmc_syncer.engine.env import ManualClock

REPOSITORY = Path(__file__).parents[4]


def test_a_control_plane_is_made_in_half_a_second_and_without_a_thread() -> None:
    made()
    before = threading.active_count()
    started = time.process_time()
    made()
    assert time.process_time() - started < 0.5
    assert threading.active_count() == before


async def test_a_seed_repeats_a_run() -> None:
    found = []
    for _ in range(2):
        plane = made(ManualClock())
        local = plane.local()
        local.create("configmaps", {"metadata": {"generateName": "x-", "namespace": "default"}})
        local.create(
            "services", {"metadata": {"name": "s", "namespace": "default"}, "spec": {"ports": [{"port": 80}]}}
        )
        found.append([*local.list("configmaps"), *local.list("services")])
    assert found[0] == found[1]


async def test_several_servers_live_in_one_process_and_know_nothing_of_each_other() -> None:
    async with served(name="one") as (_, first), served(name="two") as (_, second):
        await first.make(CONFIGMAPS, configmap("a"))
        assert (await second.ask("GET", f"{CONFIGMAPS}/a")).code == 404


async def test_services_get_addresses_where_something_runs() -> None:
    body = {"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}
    path = "/api/v1/namespaces/default/services"
    async with served() as (_, http):
        assert (await http.make(path, body))["spec"]["clusterIP"].startswith("10.96.")
    async with served(workspaces=True) as (_, http):
        assert "clusterIP" not in (await http.make(path, body))["spec"]


async def test_types_may_look_at_other_objects() -> None:
    async with served() as (_, http):
        body = {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {"name": "high"},
            "value": 7,
        }
        await http.make("/apis/scheduling.k8s.io/v1/priorityclasses", body)
        wanted = pod("p")
        wanted["spec"]["priorityClassName"] = "high"
        assert (await http.make("/api/v1/namespaces/default/pods", wanted))["spec"]["priority"] == 7


async def test_admission_sees_writes_and_may_change_or_refuse_them() -> None:
    seen: list[tuple[str, str, str]] = []

    def label(write: Admission) -> Object:
        seen.append((write.verb, write.name, write.subresource))
        if write.name == "forbidden":
            raise ApiError(403, "Forbidden", "no")
        if write.verb != "create" or write.kind.resource != "configmaps":
            return write.obj
        return {
            **write.obj,
            "metadata": {**write.obj["metadata"], "annotations": {"admitted": write.user.name}},
        }

    async with served() as (plane, http):
        plane.admission.append(label)
        admitted = await http.make(CONFIGMAPS, configmap("a"))
        assert admitted["metadata"]["annotations"] == {"admitted": "system:admin"}
        assert (await http.ask("POST", CONFIGMAPS, configmap("forbidden"))).code == 403
        await http.ask("PUT", f"{CONFIGMAPS}/a", configmap("a"))
        await http.ask("DELETE", f"{CONFIGMAPS}/a")
        assert seen == [
            ("create", "a", ""),
            ("create", "forbidden", ""),
            ("update", "a", ""),
            ("delete", "a", ""),
        ]


# On disk


async def test_everything_is_there_after_a_restart_and_watches_resume(tmp_path: Path) -> None:
    async with served(directory=tmp_path) as (first, http):
        made_object = await http.make(CONFIGMAPS, configmap("a"))
        await http.make(CONFIGMAPS, configmap("b"))
        await http.ask("DELETE", f"{CONFIGMAPS}/b")
        before = (await http.ask("GET", CONFIGMAPS)).obj
        revision = first.store.revision
    async with served(directory=tmp_path) as (second, http):
        assert second.store.revision == revision
        assert (await http.ask("GET", CONFIGMAPS)).obj == before
        version = made_object["metadata"]["resourceVersion"]
        async with http.events(f"{CONFIGMAPS}?watch=1&resourceVersion={version}") as events:
            await http.make(CONFIGMAPS, configmap("c"))
            assert await events.take(3) == [("ADDED", "b"), ("DELETED", "b"), ("ADDED", "c")]


async def test_a_broken_or_taken_directory_is_refused_before_anything_is_served(tmp_path: Path) -> None:
    (tmp_path / "test.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(DataDirectoryError):
        made(directory=tmp_path)
    (tmp_path / "test.sqlite").unlink()
    async with served(directory=tmp_path):
        with pytest.raises(DataDirectoryError, match="in use by another process"):
            made(directory=tmp_path)


async def test_what_cannot_be_written_is_not_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Database, batch: object) -> None:
        raise DiskFailure("The disk is full.", hint="Make room.")

    plane = made(directory=tmp_path)
    async with running(plane) as http:
        await http.make(CONFIGMAPS, configmap("a"))
        monkeypatch.setattr(Database, "commit", fail)
        reply = await http.ask("POST", CONFIGMAPS, configmap("b"))
        assert (reply.code, "The disk is full" in reply.message) == (500, True)
        assert isinstance(plane.failures[0][0], DiskFailure)
        plane.failures.clear()
    monkeypatch.undo()
    async with served(directory=tmp_path) as (_, http):
        assert (await http.ask("GET", f"{CONFIGMAPS}/b")).code == 404


@contextlib.asynccontextmanager
async def process(directory: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, Http]]:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.unit.controlplane.server.kept_server",
        str(directory),
        cwd=REPOSITORY,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert child.stdout is not None
        url = (await asyncio.wait_for(child.stdout.readline(), 30)).decode().strip()
        async with aiohttp.ClientSession() as session:
            yield child, Http(session, url, {})
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


async def test_kill_9_under_load_loses_no_acknowledged_write_and_shows_none_that_is_lost(
    tmp_path: Path,
) -> None:
    acknowledged: dict[str, str] = {}
    told: dict[str, str] = {}
    rng = random.Random(5)
    for round_number in range(2):
        async with process(tmp_path) as (child, http):
            for name, version in acknowledged.items():
                reply = await http.ask("GET", f"{CONFIGMAPS}/{name}")
                assert (reply.code, reply.version) == (200, version)

            async def write(worker: int, http: Http = http, round_number: int = round_number) -> None:
                with contextlib.suppress(aiohttp.ClientError):
                    for number in range(10_000):
                        name = f"w{round_number}-{worker}-{number}"
                        reply = await http.ask("POST", CONFIGMAPS, configmap(name))
                        acknowledged[name] = reply.version

            async def listen(http: Http = http) -> None:
                with contextlib.suppress(aiohttp.ClientError, AssertionError):
                    async with http.events(f"{CONFIGMAPS}?watch=1") as events:
                        while True:
                            event = await events.next()
                            metadata = event["object"]["metadata"]
                            told[metadata["name"]] = metadata["resourceVersion"]

            tasks = [asyncio.create_task(write(worker)) for worker in range(8)] + [
                asyncio.create_task(listen())
            ]
            await asyncio.sleep(0.7 + rng.random() / 3)
            child.send_signal(signal.SIGKILL)
            await asyncio.gather(*tasks)
    assert len(acknowledged) > 100
    async with process(tmp_path) as (_, http):
        items = (await http.ask("GET", CONFIGMAPS)).obj["items"]
        found = {item["metadata"]["name"]: item["metadata"]["resourceVersion"] for item in items}
        assert {name: found.get(name) for name in acknowledged} == acknowledged
        assert {name: found.get(name) for name in told} == told
