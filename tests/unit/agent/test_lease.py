"""The Lease against a server that holds preconditions: who may write, from when, and until when."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.unit.agent.apiserver import Object, Server
from tmc_syncer.agent.lease import AgentLease, LeaseTimes
from tmc_syncer.engine.env import Env, ManualClock
from tmc_syncer.kube.client import Client
from tmc_syncer.kube.connection import Connection
from tmc_syncer.kube.errors import ApiError
from tmc_syncer.kube.transport import Transport

PATH = "/apis/coordination.k8s.io/v1/namespaces/tmc-system/leases/tmc-east"
TIMES = LeaseTimes(duration=15.0, deadline=10.0, renew=5.0, retry=2.0)


@dataclass
class Agents:
    """Two agents of one target, on one clock and one server."""

    server: Server
    clock: ManualClock
    first: AgentLease
    second: AgentLease

    @property
    def lease(self) -> Object:
        return self.server.objects[PATH]

    @property
    def holder(self) -> str:
        return str(self.lease["spec"]["holderIdentity"])

    def replace(self, **spec: Any) -> Object:
        """Another Lease under the name: that of somebody else, whose version cannot be told from the old one's."""
        version = self.lease["metadata"]["resourceVersion"]
        body = {"metadata": {"name": "tmc-east", "uid": "another"}, "spec": {**self.lease["spec"], **spec}}
        obj = self.server.put(PATH, body)
        obj["metadata"]["resourceVersion"] = version
        return obj

    def change(self, **spec: Any) -> None:
        """Somebody else writes the Lease."""
        self.server.put(PATH, {**self.lease, "spec": {**self.lease["spec"], **spec}})


@pytest.fixture
async def agents() -> AsyncIterator[Agents]:
    clock = ManualClock()
    env = Env(clock, random.Random(7), lambda: "id")
    async with (
        Server().running() as server,
        Transport(Connection(server.url), user_agent="test") as transport,
    ):
        client = Client(transport)
        yield Agents(
            server, clock, *(AgentLease(client, "east", name, env, TIMES) for name in ("first", "second"))
        )


async def test_the_first_agent_makes_the_lease_and_holds_it(agents: Agents) -> None:
    assert not agents.first.held()

    assert await agents.first.attempt() == TIMES.renew

    assert agents.first.held()
    assert agents.lease["spec"] == {
        "holderIdentity": "first",
        "leaseDurationSeconds": 15,
        "acquireTime": "2026-01-01T00:00:00.000000Z",
        "renewTime": "2026-01-01T00:00:00.000000Z",
        "leaseTransitions": 0,
    }


async def test_of_two_agents_that_make_the_lease_at_once_one_holds_it(agents: Agents) -> None:
    def other_makes_it(path: str) -> None:
        agents.server.after_read = lambda _path: None
        agents.server.put("/api/v1/namespaces/tmc-system", {"metadata": {"name": "tmc-system"}})
        agents.server.put(PATH, {"metadata": {"name": "tmc-east"}, "spec": {"holderIdentity": "second"}})

    agents.server.after_read = other_makes_it

    assert await agents.first.attempt() == TIMES.retry

    assert not agents.first.held()
    assert agents.holder == "second"


async def test_a_renewal_is_trusted_until_the_deadline(agents: Agents) -> None:
    await agents.first.attempt()

    agents.clock.advance(9.9)
    assert agents.first.held()
    agents.clock.advance(0.1)
    assert not agents.first.held()


async def test_a_renewal_counts_from_the_moment_it_was_asked_for(agents: Agents) -> None:
    await agents.first.attempt()
    agents.server.after_read = lambda _path: agents.clock.advance(4)

    await agents.first.attempt()
    agents.clock.advance(6)

    assert not agents.first.held()


async def test_a_renewal_keeps_what_others_wrote_and_when_the_lease_was_taken(agents: Agents) -> None:
    await agents.first.attempt()
    agents.lease["metadata"]["annotations"] = {"note": "x"}
    agents.first.annotations = {"ours": "y"}
    agents.clock.advance(5)

    assert await agents.first.attempt() == TIMES.renew

    spec = agents.lease["spec"]
    assert (spec["acquireTime"], spec["renewTime"]) == (
        "2026-01-01T00:00:00.000000Z",
        "2026-01-01T00:00:05.000000Z",
    )
    assert spec["leaseTransitions"] == 0
    assert agents.lease["metadata"]["annotations"] == {"note": "x", "ours": "y"}


async def test_a_second_agent_stands_by_as_long_as_the_first_renews(agents: Agents) -> None:
    for _ in range(20):
        await agents.first.attempt()
        assert await agents.second.attempt() == TIMES.retry
        agents.clock.advance(5)

    assert agents.holder == "first"
    assert agents.second.holder_is_other
    assert not agents.second.held()
    assert not agents.first.holder_is_other


async def test_a_lease_that_stands_still_for_its_whole_duration_is_taken_over(agents: Agents) -> None:
    await agents.first.attempt()
    agents.change(leaseTransitions=4)
    agents.clock.advance(3600)  # the times in the Lease are old, but nobody watched it yet
    await agents.second.attempt()
    agents.clock.advance(15)
    await agents.second.attempt()
    assert agents.holder == "first"

    agents.clock.advance(0.1)
    assert await agents.second.attempt() == TIMES.renew

    assert agents.holder == "second"
    assert agents.second.held()
    assert agents.lease["spec"]["leaseTransitions"] == 5
    assert agents.lease["spec"]["acquireTime"] == "2026-01-01T01:00:15.100000Z"


@pytest.mark.parametrize(("written", "seconds"), [(60, 60), (None, 15)])
async def test_the_duration_is_that_of_the_holder(
    agents: Agents, written: int | None, seconds: float
) -> None:
    await agents.first.attempt()
    agents.change(leaseDurationSeconds=written)
    await agents.second.attempt()
    agents.clock.advance(seconds)
    await agents.second.attempt()
    assert agents.holder == "first"

    agents.clock.advance(0.1)
    await agents.second.attempt()
    assert agents.holder == "second"


async def test_an_agent_that_finds_another_one_holding_holds_no_more(agents: Agents) -> None:
    await agents.first.attempt()
    agents.change(holderIdentity="second")

    assert await agents.first.attempt() == TIMES.retry

    assert not agents.first.held()
    assert agents.first.holder_is_other
    assert agents.holder == "second"


async def test_a_lease_that_another_agent_takes_at_the_same_moment_is_his(agents: Agents) -> None:
    await agents.first.attempt()
    await agents.second.attempt()
    agents.clock.advance(16)

    def third_takes_it(_path: str) -> None:
        agents.server.after_read = lambda _path: None
        agents.change(holderIdentity="third")

    agents.server.after_read = third_takes_it
    assert await agents.second.attempt() == TIMES.retry

    assert agents.holder == "third"
    assert not agents.second.held()


async def test_a_lease_is_told_from_another_of_the_same_version_by_its_uid(agents: Agents) -> None:
    # After a restore of etcd another Lease can have the very resourceVersion that we saw.
    await agents.first.attempt()
    agents.server.after_read = lambda _path: void(agents.replace(holderIdentity="second"))

    assert await agents.first.attempt() == TIMES.retry

    assert agents.holder == "second"


def void(_: object) -> None:
    """Nothing."""


async def test_a_lease_that_is_deleted_meanwhile_is_made_anew_by_the_next_attempt(agents: Agents) -> None:
    await agents.first.attempt()

    def delete(_path: str) -> None:
        agents.server.after_read = lambda _path: None
        del agents.server.objects[PATH]

    agents.server.after_read = delete
    assert await agents.first.attempt() == TIMES.retry
    assert PATH not in agents.server.objects

    assert await agents.first.attempt() == TIMES.renew
    assert agents.holder == "first"


async def test_an_upstream_that_does_not_answer_ends_nothing_before_the_deadline(agents: Agents) -> None:
    await agents.first.attempt()
    agents.server.refused[PATH] = 503
    agents.clock.advance(5)

    with pytest.raises(ApiError):
        await agents.first.attempt()

    assert agents.first.held()
    agents.clock.advance(5)
    assert not agents.first.held()


@pytest.mark.parametrize("there", ["nothing", "namespace", "lease"])
async def test_an_agent_that_may_not_write_the_lease_says_so(agents: Agents, there: str) -> None:
    if there == "namespace":
        agents.server.put("/api/v1/namespaces/tmc-system", {"metadata": {"name": "tmc-system"}})
    if there == "lease":
        await agents.first.attempt()
        await agents.first.release()
    agents.server.refused_writes = 403

    with pytest.raises(ApiError):
        await agents.first.attempt()

    assert not agents.first.held()


async def test_a_lease_in_which_nothing_stands_is_free(agents: Agents) -> None:
    agents.server.put(PATH, {"metadata": {"name": "tmc-east"}})

    assert await agents.first.attempt() == TIMES.renew

    assert agents.holder == "first"
    assert not agents.first.holder_is_other


async def test_who_may_not_write_knows_why(agents: Agents) -> None:
    assert "not acquired" in agents.first.why_not_held()
    await agents.first.attempt()
    await agents.second.attempt()
    assert agents.first.why_not_held() == ""
    assert "Another agent" in agents.second.why_not_held()
    agents.clock.advance(10)
    assert "not be renewed" in agents.first.why_not_held()


async def test_a_lease_that_was_given_up_is_taken_at_once(agents: Agents) -> None:
    await agents.first.attempt()
    await agents.second.attempt()

    await agents.first.release()

    assert not agents.first.held()
    assert await agents.second.attempt() == TIMES.renew
    assert agents.holder == "second"
    assert agents.lease["spec"]["leaseTransitions"] == 1


@pytest.mark.parametrize("when", ["before", "meanwhile"])
async def test_a_lease_of_another_holder_is_not_given_up(agents: Agents, when: str) -> None:
    await agents.first.attempt()

    def take(_path: str) -> None:
        agents.change(holderIdentity="second")

    if when == "before":
        take(PATH)
    else:
        agents.server.after_read = take
    await agents.first.release()

    assert agents.holder == "second"


async def test_a_lease_that_ran_out_is_not_given_up_any_more(agents: Agents) -> None:
    await agents.first.attempt()
    agents.clock.advance(10)
    written = list(agents.server.writes)

    await agents.first.release()

    assert agents.server.writes == written
    assert agents.holder == "first"


@pytest.mark.parametrize("status", [403, 503])
async def test_giving_up_a_lease_never_fails(agents: Agents, status: int) -> None:
    await agents.first.attempt()
    agents.server.refused[PATH] = status

    await agents.first.release()

    assert not agents.first.held()
