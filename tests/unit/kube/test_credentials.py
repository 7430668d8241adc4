"""Credentials against real files and a clock that stands; logins by a function (see test_logins for real ones)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.unit.kube.clocks import StandingClock
from tmc_syncer.kube.clock import LoopClock
from tmc_syncer.kube.connection import Connection, LoginAuth, NoAuth, Pem, TokenAuth, TokenFileAuth
from tmc_syncer.kube.credentials import LOGIN_PAUSE_SECONDS, TOKEN_FILE_SECONDS, Credentials
from tmc_syncer.kube.errors import CredentialsError, KubeconfigError
from tmc_syncer.kube.logins import Login

SERVER = "https://127.0.0.1:1"


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


async def test_no_auth_is_a_certificate_or_nothing(clock: StandingClock) -> None:
    nothing = Credentials(Connection(SERVER), clock=clock)
    assert await nothing.headers() == {}
    certificate, key = Pem(data=b"c"), Pem(data=b"k")
    grant = await Credentials(
        Connection(SERVER, client_certificate=certificate, client_key=key), clock=clock
    ).ensure()
    assert (grant.certificate, grant.key) == (certificate, key)


async def test_a_token_is_used_until_the_kubeconfig_holds_another(clock: StandingClock) -> None:
    held = ["t0"]
    connection = Connection(
        SERVER, auth=TokenAuth("t0"), reload=lambda: Connection(SERVER, auth=TokenAuth(held[0]))
    )
    credentials = Credentials(connection, clock=clock)
    first = await credentials.ensure()
    assert await credentials.headers() == {"Authorization": "Bearer t0"}
    assert await credentials.refresh(first) is first  # refused, and nothing newer to be had
    held[0] = "t1"
    assert await credentials.ensure() is first
    second = await credentials.refresh(first)
    assert second.authorization == "Bearer t1"
    assert await credentials.refresh(first) is second  # a second 401 of the old one renews nothing
    assert credentials.grant is second


async def test_a_certificate_inside_the_kubeconfig_is_renewed_with_it(clock: StandingClock) -> None:
    new = Connection(SERVER, client_certificate=Pem(data=b"c1"), client_key=Pem(data=b"k1"))
    old = replace(new, client_certificate=Pem(data=b"c0"), client_key=Pem(data=b"k0"), reload=lambda: new)
    credentials = Credentials(old, clock=clock)
    first = await credentials.ensure()
    second = await credentials.refresh(first)
    assert (second.certificate, second.key) == (Pem(data=b"c1"), Pem(data=b"k1"))


async def test_a_kubeconfig_that_is_broken_meanwhile_leaves_the_credentials_as_they_are(
    clock: StandingClock,
) -> None:
    def broken() -> Connection:
        raise KubeconfigError("being written")

    credentials = Credentials(Connection(SERVER, auth=TokenAuth("t0"), reload=broken), clock=clock)
    first = await credentials.ensure()
    assert await credentials.refresh(first) is first


async def test_a_token_file_is_read_again_every_minute_and_after_a_401(
    clock: StandingClock, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("t0\n")
    credentials = Credentials(Connection(SERVER, auth=TokenFileAuth(str(file))), clock=clock)
    first = await credentials.ensure()
    assert first.authorization == "Bearer t0"
    file.write_text("t1")
    assert await credentials.ensure() is first
    clock.advance(TOKEN_FILE_SECONDS)
    second = await credentials.ensure()
    assert second.authorization == "Bearer t1"
    assert await credentials.refresh(second) is second  # not rotated yet: the 401 stands
    file.write_text("t2")
    assert (await credentials.refresh(second)).authorization == "Bearer t2"


@pytest.mark.parametrize("content", [b"", b"\n", b"a\nb", b"\xff", None])
async def test_a_token_file_that_holds_none_is_an_error_and_found_again_later(
    clock: StandingClock, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    credentials = Credentials(Connection(SERVER, auth=TokenFileAuth(str(file))), clock=clock)
    with pytest.raises(CredentialsError, match=str(file)):
        await credentials.ensure()
    file.write_text("t0")
    assert (await credentials.ensure()).authorization == "Bearer t0"


async def test_a_token_file_that_is_just_being_replaced_costs_nothing(
    clock: StandingClock, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("t0")
    credentials = Credentials(Connection(SERVER, auth=TokenFileAuth(str(file))), clock=clock)
    first = await credentials.ensure()
    file.unlink()
    clock.advance(TOKEN_FILE_SECONDS)
    assert (await credentials.ensure()).authorization == first.authorization
    with pytest.raises(CredentialsError):  # but a refused one is of no use any more
        await credentials.refresh(credentials.grant)
    file.write_text("t1")
    clock.advance(LOGIN_PAUSE_SECONDS)
    assert (await credentials.ensure()).authorization == "Bearer t1"


# Logins: what runs a plugin is given to Credentials; the real one is tested in test_logins


class Plugin:
    """What a login gives: set `login` or `failure`; `runs` counts."""

    auth = LoginAuth(("config",), "dev", "exec plugin test")

    def __init__(self) -> None:
        self.runs = 0
        self.login: Login | None = Login("t1")

    def credentials(self, clock: StandingClock) -> Credentials:
        return Credentials(Connection(SERVER, auth=self.auth), clock=clock, login=self)

    async def __call__(self, auth: LoginAuth) -> Login:
        self.runs += 1
        login = self.login
        await asyncio.sleep(0.01)
        if login is None:
            raise CredentialsError("not logged in")
        return login


@pytest.fixture
def plugin() -> Plugin:
    return Plugin()


async def test_a_login_is_made_once_for_all_who_were_refused_at_once(
    clock: StandingClock, plugin: Plugin
) -> None:
    credentials = plugin.credentials(clock)
    first = await credentials.ensure()
    assert first.authorization == "Bearer t1"
    plugin.login = Login("t2")
    clock.advance(LOGIN_PAUSE_SECONDS)
    grants = await asyncio.gather(*(credentials.refresh(first) for _ in range(20)))
    assert {grant.authorization for grant in grants} == {"Bearer t2"}
    assert plugin.runs == 2


async def test_a_failed_login_fails_all_who_waited_and_is_not_repeated_at_once(
    clock: StandingClock, plugin: Plugin
) -> None:
    plugin.login = None
    credentials = plugin.credentials(clock)
    results = await asyncio.gather(*(credentials.ensure() for _ in range(5)), return_exceptions=True)
    assert all(isinstance(result, CredentialsError) for result in results)
    assert "not logged in" in str(results[0])
    with pytest.raises(CredentialsError, match="not logged in"):
        await credentials.ensure()
    assert plugin.runs == 1
    plugin.login = Login("t1")
    clock.advance(LOGIN_PAUSE_SECONDS)
    assert (await credentials.ensure()).authorization == "Bearer t1"


async def test_a_server_that_refuses_every_token_does_not_make_us_log_in_without_end(
    clock: StandingClock, plugin: Plugin
) -> None:
    credentials = plugin.credentials(clock)
    grant = await credentials.ensure()
    for _ in range(50):
        grant = await credentials.refresh(grant)
    assert plugin.runs == 1


async def test_a_login_is_renewed_before_it_expires_and_used_on_while_that_fails(
    clock: StandingClock, plugin: Plugin
) -> None:
    plugin.login = Login("t1", expires=clock.now() + timedelta(minutes=10))
    credentials = plugin.credentials(clock)
    first = await credentials.ensure()
    clock.advance(8 * 60)
    assert await credentials.ensure() is first
    clock.advance(61)  # less than a minute of it is left
    plugin.login = None
    assert (await credentials.ensure()).authorization == "Bearer t1"
    runs = plugin.runs
    assert (await credentials.ensure()).authorization == "Bearer t1"
    assert plugin.runs == runs
    clock.advance(60)  # and now it has expired: closed
    with pytest.raises(CredentialsError):
        await credentials.ensure()
    plugin.login = Login("t2")
    clock.advance(LOGIN_PAUSE_SECONDS)
    assert (await credentials.ensure()).authorization == "Bearer t2"


async def test_while_one_renews_the_others_use_what_is_still_valid(
    clock: StandingClock, plugin: Plugin
) -> None:
    plugin.login = Login("t1", expires=clock.now() + timedelta(minutes=10))
    credentials = plugin.credentials(clock)
    first = await credentials.ensure()
    clock.advance(9 * 60 + 1)
    plugin.login = Login("t2")
    async with asyncio.TaskGroup() as tasks:
        renewing = tasks.create_task(credentials.ensure())
        await asyncio.sleep(0)
        assert await credentials.ensure() is first
    assert renewing.result().authorization == "Bearer t2"


async def test_credentials_that_are_expired_when_they_come_are_refused(
    clock: StandingClock, plugin: Plugin
) -> None:
    plugin.login = Login("t1", expires=clock.now() - timedelta(hours=1))
    credentials = plugin.credentials(clock)
    with pytest.raises(CredentialsError, match=r"expired on 2026-11-22 11:00:00 UTC \(1:00:00 ago\)"):
        await credentials.ensure()
    with pytest.raises(CredentialsError):
        await credentials.refresh(None)
    assert plugin.runs == 1


async def test_a_login_by_certificate_replaces_the_connections(clock: StandingClock, plugin: Plugin) -> None:
    plugin.login = Login(certificate=b"cert", key=b"key")
    grant = await plugin.credentials(clock).ensure()
    assert (grant.authorization, grant.certificate, grant.key) == ("", Pem(data=b"cert"), Pem(data=b"key"))


async def test_a_cancelled_login_does_not_stand_in_the_way_of_the_next_one(
    clock: StandingClock, plugin: Plugin
) -> None:
    credentials = plugin.credentials(clock)
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(credentials.ensure())
        await asyncio.sleep(0)
        first.cancel()
    clock.advance(LOGIN_PAUSE_SECONDS)
    assert (await credentials.ensure()).authorization == "Bearer t1"


async def test_without_a_wall_clock_a_login_is_used_until_it_is_refused(plugin: Plugin) -> None:
    plugin.login = Login("t1", expires=datetime(2000, 1, 1, tzinfo=UTC))
    credentials = Credentials(Connection(SERVER, auth=plugin.auth), clock=LoopClock(), login=plugin)
    assert (await credentials.ensure()).authorization == "Bearer t1"


def test_the_kinds_of_auth_are_values() -> None:
    assert NoAuth() == NoAuth()
