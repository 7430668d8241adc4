"""TLS: who is trusted, who we are, and certificates that change or expire while we run."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from tests.unit.kube.servers import Authority, listening, opened
from tmc_syncer.engine.env import real_env
from tmc_syncer.kube import transport
from tmc_syncer.kube.connection import Connection, Pem
from tmc_syncer.kube.errors import CredentialsError, TransportError, TransportFault

# TLS


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def write(file: Pem, pem: Pem) -> None:
    """Rotate a file; its modification time moves by more than a clock tick."""
    path = Path(file.path)
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_bytes(pem.data)
    os.utime(path, ns=(before + 10**9, before + 10**9))


async def hello(request: web.Request) -> web.Response:
    peer = request.transport.get_extra_info("peercert") if request.transport else None
    names = [
        value for field in (peer or {}).get("subject", ()) for key, value in field if key == "commonName"
    ]
    return web.Response(text=",".join(names))


async def test_a_server_of_the_named_authority_is_trusted(authority: Authority) -> None:
    async with (
        listening(hello, tls=authority.server()) as server,
        opened(Connection(server, ca=authority.pem)) as wire,
    ):
        assert (await wire.request("GET", "/x")).status == 200


async def test_a_server_of_another_authority_is_not(authority: Authority) -> None:
    async with listening(hello, tls=Authority().server()) as server:
        for ca in (authority.pem, None):
            async with opened(Connection(server, ca=ca)) as wire:
                with pytest.raises(TransportError, match=r"certificate is not accepted: .*issuer") as caught:
                    await wire.request("GET", "/x")
                assert caught.value.fault is TransportFault.TLS
                assert "certificate-authority" in caught.value.hint
        async with opened(Connection(server, ca=authority.pem, insecure_skip_tls_verify=True)) as wire:
            assert (await wire.request("GET", "/x")).status == 200


async def test_the_servers_name_is_checked_and_may_be_given(authority: Authority) -> None:
    async with listening(hello, tls=authority.server("api.internal")) as server:
        async with opened(Connection(server, ca=authority.pem)) as wire:
            with pytest.raises(TransportError, match=r"not accepted: .*127.0.0.1"):
                await wire.request("GET", "/x")
        async with opened(Connection(server, ca=authority.pem, tls_server_name="api.internal")) as wire:
            assert (await wire.request("GET", "/x")).status == 200


async def test_a_server_without_tls_where_tls_is_expected(authority: Authority) -> None:
    async with listening(hello) as server:
        connection = Connection(server.replace("http:", "https:"), ca=authority.pem)
        async with opened(connection) as wire:
            with pytest.raises(TransportError) as caught:
                await wire.request("GET", "/x")
    assert caught.value.fault is TransportFault.TLS


async def test_a_client_certificate_is_shown(authority: Authority) -> None:
    certificate, key = authority.client("agent")
    async with (
        listening(hello, tls=authority.server(ask_client=True)) as server,
        opened(Connection(server, ca=authority.pem, client_certificate=certificate, client_key=key)) as wire,
    ):
        assert (await wire.request("GET", "/x")).body == b"agent"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Pem, Pem]:
    """A certificate file and its key file."""
    return Pem(path=str(tmp_path / "tls.crt")), Pem(path=str(tmp_path / "tls.key"))


def rotate(files: tuple[Pem, Pem], to: tuple[Pem, Pem]) -> None:
    for file, pem in zip(files, to, strict=True):
        write(file, pem)


async def test_rotated_certificate_files_serve_new_connections(
    authority: Authority, files: tuple[Pem, Pem], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "CHECK_SECONDS", 0.0)
    rotate(files, authority.client("one"))
    async with listening(hello, tls=authority.server(ask_client=True)) as server:
        connection = Connection(server, ca=authority.pem, client_certificate=files[0], client_key=files[1])
        async with opened(connection) as wire:
            assert (await wire.request("GET", "/x")).body == b"one"
            rotate(files, authority.client("two"))
            assert (await wire.request("GET", "/x")).body == b"two"


async def test_a_rotated_authority_is_noticed_after_the_failure_it_causes(
    authority: Authority, tmp_path: Path
) -> None:
    new, ca = Authority(), Pem(path=str(tmp_path / "ca.crt"))
    write(ca, authority.pem)
    async with listening(hello, tls=new.server()) as server, opened(Connection(server, ca=ca)) as wire:
        with pytest.raises(TransportError):
            await wire.request("GET", "/x")
        write(ca, new.pem)
        assert (await wire.request("GET", "/x")).status == 200


async def test_an_expired_certificate_fails_closed_and_its_renewal_is_noticed(
    authority: Authority, files: tuple[Pem, Pem]
) -> None:
    now = datetime.now(UTC)
    rotate(files, authority.client(not_before=now - timedelta(days=2), not_after=now - timedelta(days=1)))
    async with listening(hello, tls=authority.server()) as server:
        connection = Connection(server, ca=authority.pem, client_certificate=files[0], client_key=files[1])
        async with opened(connection, env=real_env()) as wire:
            with pytest.raises(CredentialsError, match=r"tls.crt expired on .* \(1 day, 0:00:0\d ago\)"):
                await wire.request("GET", "/x")
            rotate(files, authority.client())
            assert (await wire.request("GET", "/x")).status == 200
