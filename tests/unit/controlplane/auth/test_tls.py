"""TLS with an optional client certificate, end to end in memory."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from tests.unit.controlplane.auth.stage import StandingClock
from tmc_syncer.controlplane.auth.authority import KeyPair
from tmc_syncer.controlplane.auth.keyring import Keyring
from tmc_syncer.controlplane.auth.tls import peer_certificate, refresh, server_context


@pytest.fixture
def keyring(now_clock: StandingClock) -> Keyring:
    return Keyring(None, now_clock)


@pytest.fixture
def now_clock() -> StandingClock:
    """The machine's time, because the client side of a handshake looks at it; it stands for the length of a test."""
    from datetime import UTC, datetime

    return StandingClock(datetime.now(UTC))


@dataclass
class Connection:
    """Both ends after a handshake."""

    server: ssl.SSLObject
    client: ssl.SSLObject


def connected(
    context: ssl.SSLContext,
    keyring: Keyring,
    folder: Path,
    pair: KeyPair | None = None,
    *,
    name: str = "localhost",
    version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
) -> Connection:
    """A handshake between two in-memory ends. Raises `ssl.SSLError` of either side."""
    trusting = ssl.create_default_context(cadata=keyring.authority.certificate_pem.decode())
    trusting.verify_flags |= ssl.VERIFY_X509_STRICT
    trusting.maximum_version = version
    if pair is not None:
        path = folder / "client.pem"
        path.write_bytes(pair.certificate_pem + pair.key_pem)
        trusting.load_cert_chain(path)
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(up, down, server_side=True)
    client = trusting.wrap_bio(down, up, server_hostname=name)
    for _ in range(6):
        for end in (client, server):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert server.version() is not None
    return Connection(server, client)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_may_show_a_certificate_or_not(
    keyring: Keyring, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    context = server_context(keyring)
    assert peer_certificate(connected(context, keyring, tmp_path, version=version).server) is None
    pair = keyring.client("ann", ("a",))
    shown = peer_certificate(connected(context, keyring, tmp_path, pair, version=version).server)
    assert shown == ssl.PEM_cert_to_DER_cert(pair.certificate_pem.decode())


def test_no_connection_shows_nothing() -> None:
    assert peer_certificate(None) is None


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", "kubernetes.default.svc"])
def test_the_server_is_trusted_under_its_names(keyring: Keyring, tmp_path: Path, name: str) -> None:
    connected(server_context(keyring), keyring, tmp_path, name=name)


def test_the_server_is_not_trusted_under_others(keyring: Keyring, tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        connected(server_context(keyring), keyring, tmp_path, name="elsewhere.example")


def test_a_certificate_of_another_authority_ends_the_handshake(
    keyring: Keyring, tmp_path: Path, now_clock: StandingClock
) -> None:
    stranger = Keyring(None, now_clock).client("ann", ("system:masters",))
    with pytest.raises(ssl.SSLError, match=r"(?i)certificate.verify.failed"):
        connected(server_context(keyring), keyring, tmp_path, stranger)


def test_an_expired_certificate_is_left_to_the_authenticator(
    keyring: Keyring, tmp_path: Path, now_clock: StandingClock
) -> None:
    expired = keyring.authority.client("ann", (), now_clock.now(), lifetime=timedelta(hours=-1))
    assert peer_certificate(connected(server_context(keyring), keyring, tmp_path, expired).server) is not None


def test_old_protocols_are_not_spoken(keyring: Keyring) -> None:
    assert server_context(keyring).minimum_version == ssl.TLSVersion.TLSv1_2


def test_a_renewed_certificate_is_served_on_new_connections(tmp_path: Path, now_clock: StandingClock) -> None:
    now_clock.advance(days=-340)
    keyring = Keyring(None, now_clock)
    context = server_context(keyring)

    def served() -> bytes | None:
        return connected(context, keyring, tmp_path).client.getpeercert(binary_form=True)

    before = served()
    assert before is not None
    now_clock.advance(days=340)
    refresh(context, keyring)
    assert served() != before
