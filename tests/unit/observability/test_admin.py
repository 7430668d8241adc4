"""The admin endpoint answers probes, metrics and /statusz, and gives nothing away where others can ask."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest

from tmc_syncer.api.resources import GVR
from tmc_syncer.observability.admin import AdminAddressError, AdminServer, AdminSources, Probe, parse_address
from tmc_syncer.observability.metrics import Metrics
from tmc_syncer.observability.statusz import OBJECT_LIMIT, ObjectLine, Statusz, StatuszQuery


class Agent:
    """What stands behind the endpoint: settable health, and the queries that came."""

    def __init__(self) -> None:
        self.health = Probe(ok=True)
        self.ready = Probe(ok=True)
        self.queries: list[StatuszQuery] = []
        self.objects = 1

    def statusz(self, query: StatuszQuery) -> Statusz:
        self.queries.append(query)
        line = ObjectLine(gvr="pods.v1", cluster="c", namespace="n", name="web", state="failed")
        return Statusz(connected=True, version="1", target="eu-1", objects=(line,) * self.objects)

    def sources(self) -> AdminSources:
        return AdminSources(lambda: self.health, lambda: self.ready, self.statusz, Metrics().render)


async def ask(port: int, path: str, method: str = "GET", **settings: Any) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"http://127.0.0.1:{port}{path}", **settings) as response,
    ):
        return response.status, await response.text()


async def test_probes_say_ok_or_what_is_not() -> None:
    agent = Agent()
    async with AdminServer("127.0.0.1:0", agent.sources()) as admin:
        assert await ask(admin.port, "/healthz") == (200, "ok\n")
        assert await ask(admin.port, "/readyz") == (200, "ok\n")
        agent.ready = Probe(ok=False, problems=("upstream: no answer", "pods: not listed yet"))
        agent.health = Probe(ok=False)
        assert await ask(admin.port, "/readyz") == (503, "upstream: no answer\npods: not listed yet\n")
        assert await ask(admin.port, "/healthz") == (503, "not ok\n")


async def test_metrics_are_served_as_prometheus_reads_them() -> None:
    async with AdminServer("127.0.0.1:0", Agent().sources()) as admin:
        status, text = await ask(admin.port, "/metrics")
    assert status == 200
    assert "tmc_build_info" in text


async def test_statusz_is_json_and_never_cached() -> None:
    async with (
        AdminServer("localhost:0", Agent().sources()) as admin,
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{admin.port}/statusz") as response,
    ):
        document = await response.json()
        assert response.headers["Cache-Control"] == "no-store"
    assert document["target"] == "eu-1"
    assert [line["name"] for line in document["objects"]] == ["web"]
    assert document["objectsLeftOut"] == 0


async def test_statusz_is_narrowed_by_type_and_name() -> None:
    agent = Agent()
    async with AdminServer("127.0.0.1:0", agent.sources()) as admin:
        await ask(admin.port, "/statusz?gvr=deployments.apps&name=shop/web")
        await ask(admin.port, "/statusz?gvr=&name=")
    assert agent.queries == [
        StatuszQuery(GVR("apps", "", "deployments"), "shop/web", OBJECT_LIMIT),
        StatuszQuery(None, None, OBJECT_LIMIT),
    ]


async def test_statusz_is_cut_at_a_thousand_objects_and_says_so() -> None:
    agent = Agent()
    agent.objects = OBJECT_LIMIT + 5
    async with AdminServer("127.0.0.1:0", agent.sources()) as admin:
        document = json.loads((await ask(admin.port, "/statusz"))[1])
    assert len(document["objects"]) == OBJECT_LIMIT
    assert document["objectsLeftOut"] == 5


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("gvr=Not!a.type", "is not a resource type"),
        ("kind=Pod", "'kind' is not a filter. Use ?gvr= and ?name=."),
        ("name=" + "x" * 600, "?name= is too long"),
    ],
)
async def test_a_filter_that_cannot_be_read_is_answered_with_a_sentence(query: str, sentence: str) -> None:
    async with AdminServer("127.0.0.1:0", Agent().sources()) as admin:
        status, text = await ask(admin.port, f"/statusz?{query}")
    assert status == 400
    assert sentence in text


async def test_nothing_but_reading_is_answered() -> None:
    async with AdminServer("127.0.0.1:0", Agent().sources()) as admin:
        assert (await ask(admin.port, "/healthz", "POST"))[0] == 405
        assert (await ask(admin.port, "/healthz", "HEAD"))[0] == 200
        assert (await ask(admin.port, "/"))[0] == 404


@pytest.mark.parametrize("address", ["0.0.0.0:0", ":0"])
async def test_where_others_can_ask_statusz_is_not_served(address: str) -> None:
    async with AdminServer(address, Agent().sources()) as admin:
        assert not admin.private
        assert (await ask(admin.port, "/statusz"))[0] == 404
        for path in ("/healthz", "/readyz", "/metrics"):
            assert (await ask(admin.port, path, headers={"Host": "agent.example:8085"}))[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8085", "10.0.0.1:8085", ""])
async def test_a_web_page_cannot_read_a_private_endpoint_by_rebinding_a_name(host: str) -> None:
    async with AdminServer("127.0.0.1:0", Agent().sources()) as admin:
        assert (await ask(admin.port, "/statusz", headers={"Host": host}))[0] in (400, 421)
        for own in ("localhost:8085", "127.0.0.1", "[::1]:8085", "LocalHost"):
            assert (await ask(admin.port, "/statusz", headers={"Host": own}))[0] == 200


async def test_a_port_in_use_is_an_error_that_names_it() -> None:
    async with AdminServer("127.0.0.1:0", Agent().sources()) as admin:
        with pytest.raises(AdminAddressError) as caught:
            async with AdminServer(f"127.0.0.1:{admin.port}", Agent().sources()):
                pass
    assert f"127.0.0.1:{admin.port}" in caught.value.message
    assert "another process listens there" in caught.value.message
    assert "--admin-address" in caught.value.hint
    assert caught.value.exit_code == 1


async def test_an_address_that_this_machine_does_not_have_is_an_error() -> None:
    with pytest.raises(AdminAddressError, match="this machine has no such address"):
        async with AdminServer("192.0.2.1:8085", Agent().sources()):
            pass


@pytest.mark.parametrize("address", ["8085", "host", "host:", "host:99999", "a:b:1", "http://x:1"])
def test_what_is_no_address_is_refused_with_an_example(address: str) -> None:
    with pytest.raises(AdminAddressError, match=r"127\.0\.0\.1:8085"):
        parse_address(address)


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [
        ("127.0.0.1:8085", "127.0.0.1", 8085),
        ("[::1]:80", "::1", 80),
        (":0", "", 0),
        ("localhost:1", "localhost", 1),
    ],
)
def test_an_address_is_a_host_and_a_port(address: str, host: str, port: int) -> None:
    assert parse_address(address) == (host, port)


async def test_leaving_closes_the_port_and_an_unopened_server_closes_silently() -> None:
    async with AdminServer("127.0.0.1:0", Agent().sources()) as admin:
        port = admin.port
    with pytest.raises(aiohttp.ClientConnectorError):
        await ask(port, "/healthz")
    await AdminServer("127.0.0.1:0", Agent().sources()).__aexit__(None, None, None)
