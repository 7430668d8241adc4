"""Keys are kept over restarts, renewed in time, and never lost silently."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from tests.unit.controlplane.auth.stage import StandingClock
from tmc_syncer.controlplane.auth.authority import Authority, new_key, private_pem
from tmc_syncer.controlplane.auth.jws import algorithm_of
from tmc_syncer.controlplane.auth.keyring import SERVER_NAMES, Keyring
from tmc_syncer.controlplane.auth.secret_files import KeyringError


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


def names(certificate: x509.Certificate) -> set[str]:
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {*found.get_values_for_type(x509.DNSName), *map(str, found.get_values_for_type(x509.IPAddress))}


def test_everything_is_the_same_after_a_restart(tmp_path: Path, clock: StandingClock) -> None:
    first = Keyring(tmp_path / "keys", clock)
    pairs = [
        first.server(),
        first.client("ann", ("a",)),
        first.client("ann", ("a", "b")),
        first.client("a", ("nn",)),
    ]
    again = Keyring(tmp_path / "keys", clock)
    assert [
        again.server(),
        again.client("ann", ("a",)),
        again.client("ann", ("a", "b")),
        again.client("a", ("nn",)),
    ] == pairs
    assert len({pair.certificate_pem for pair in pairs}) == 4
    assert again.authority.certificate_pem == first.authority.certificate_pem
    assert private_pem(again.signing_key) == private_pem(first.signing_key)
    for path in (tmp_path / "keys").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_in_memory_everything_is_new_and_kept_while_it_lives(clock: StandingClock) -> None:
    one, two = Keyring(None, clock), Keyring(None, clock)
    assert one.server() == one.server()
    assert one.client("ann") == one.client("ann")
    assert one.authority.certificate_pem != two.authority.certificate_pem
    assert one.authority.certificate.subject != two.authority.certificate.subject


def test_the_server_is_named_as_clients_call_it(tmp_path: Path, clock: StandingClock) -> None:
    plain = Keyring(tmp_path, clock).server()
    assert names(plain.certificate) == set(SERVER_NAMES)
    more = Keyring(tmp_path, clock, names=("tmc.example", "10.0.0.7", "localhost")).server()
    assert names(more.certificate) == {*SERVER_NAMES, "tmc.example", "10.0.0.7"}
    assert Keyring(tmp_path, clock).server() == more, (
        "more names than needed are no reason for a new certificate"
    )


def test_certificates_are_renewed_a_month_before_they_end(tmp_path: Path, clock: StandingClock) -> None:
    keyring = Keyring(tmp_path, clock)
    server, client = keyring.server(), keyring.client("ann")
    clock.advance(days=334)
    assert (keyring.server(), keyring.client("ann")) == (server, client)
    clock.advance(days=2)
    renewed = keyring.server(), keyring.client("ann")
    assert renewed[0] != server
    assert renewed[1] != client
    assert (keyring.server(), keyring.client("ann")) == renewed
    for pair in renewed:
        assert pair.certificate.not_valid_after_utc > clock.now() + timedelta(days=360)


def test_a_clock_that_went_back_gets_certificates_for_its_time(tmp_path: Path, clock: StandingClock) -> None:
    server = Keyring(tmp_path, clock).server()
    clock.advance(days=-100)
    assert Keyring(tmp_path, clock).server() != server


def test_the_authority_is_renewed_with_the_same_key_before_it_ends(
    tmp_path: Path, clock: StandingClock
) -> None:
    old = Keyring(tmp_path, clock).authority
    client = old.client("ann", (), clock.now()).certificate
    clock.advance(days=3650 - 399)
    new = Keyring(tmp_path, clock).authority
    assert new.certificate != old.certificate
    client.verify_directly_issued_by(new.certificate)
    assert Keyring(tmp_path, clock).authority.certificate == new.certificate


@pytest.mark.parametrize(
    "content", [b"", b"junk", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_damaged_certificate_of_a_user_or_server_is_made_anew(
    tmp_path: Path, clock: StandingClock, content: bytes
) -> None:
    keyring = Keyring(tmp_path, clock)
    keyring.server()
    (tmp_path / "server.pem").write_bytes(content)
    fresh = keyring.server()
    fresh.certificate.verify_directly_issued_by(keyring.authority.certificate)
    assert keyring.server() == fresh


def test_certificates_of_another_authority_or_with_another_key_are_made_anew(
    tmp_path: Path, clock: StandingClock
) -> None:
    keyring = Keyring(tmp_path, clock)
    foreign = Authority.create("other", clock.now()).server(SERVER_NAMES, clock.now())
    (tmp_path / "server.pem").write_bytes(foreign.certificate_pem + foreign.key_pem)
    own = keyring.server()
    own.certificate.verify_directly_issued_by(keyring.authority.certificate)
    (tmp_path / "server.pem").write_bytes(own.certificate_pem + private_pem(new_key()))
    fresh = keyring.server()
    key = serialization.load_pem_private_key(fresh.key_pem, None)
    assert fresh.certificate.public_key() == key.public_key()
    assert fresh.certificate_pem != own.certificate_pem


def other_key() -> bytes:
    return ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@pytest.mark.parametrize("name", ["ca.pem", "service-account.pem"])
def test_a_damaged_authority_or_signing_key_is_not_replaced(
    tmp_path: Path, clock: StandingClock, name: str
) -> None:
    Keyring(tmp_path, clock)
    for content in (b"", b"junk", other_key()):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(KeyringError, match=rf"{name} in .* cannot be used .*Restore it"):
            Keyring(tmp_path, clock)
        assert (tmp_path / name).read_bytes() == content


def test_an_authority_whose_key_is_another_is_refused(tmp_path: Path, clock: StandingClock) -> None:
    authority = Keyring(tmp_path, clock).authority
    for key in (private_pem(new_key()), private_pem(rsa.generate_private_key(65537, 2048))):
        (tmp_path / "ca.pem").write_bytes(authority.certificate_pem + key)
        with pytest.raises(KeyringError, match="cannot be used"):
            Keyring(tmp_path, clock)


def test_an_rsa_key_of_ones_own_signs_tokens(tmp_path: Path, clock: StandingClock) -> None:
    (tmp_path / "service-account.pem").write_bytes(private_pem(rsa.generate_private_key(65537, 2048)))
    assert algorithm_of(Keyring(tmp_path, clock).signing_key) == "RS256"


def test_a_folder_that_cannot_be_written_is_a_clear_error(tmp_path: Path, clock: StandingClock) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KeyringError, match="cannot be read"):
        Keyring(tmp_path / "file", clock)
