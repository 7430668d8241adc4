"""The TLS contexts themselves; whether they serve shows in test_transport_tls."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.unit.kube.clocks import StandingClock
from tests.unit.kube.servers import Authority
from tmc_syncer.kube.clock import LoopClock
from tmc_syncer.kube.connection import Connection, Pem
from tmc_syncer.kube.credentials import Grant
from tmc_syncer.kube.errors import CredentialsError
from tmc_syncer.kube.tls import TlsContexts, end_of_validity

AUTHORITY = Authority()


def contexts(**settings: object) -> TlsContexts:
    connection = Connection("https://127.0.0.1:1", **({"ca": AUTHORITY.pem} | settings))  # type: ignore[arg-type]
    return TlsContexts(connection, clock=StandingClock())


def test_the_context_is_the_same_until_something_changes(tmp_path: Path) -> None:
    ca = tmp_path / "ca.crt"
    ca.write_bytes(AUTHORITY.pem.data)
    tls = contexts(ca=Pem(path=str(ca)))
    grant = Grant()
    first = tls.context_for(grant)
    assert first is not None
    assert tls.context_for(grant) is tls.context_for(Grant()) is first
    ca.write_bytes(AUTHORITY.pem.data + b"\n")
    second = tls.context_for(grant)
    assert second is not first
    third = tls.context_for(Grant("", *AUTHORITY.client(not_after=datetime(2100, 1, 1, tzinfo=UTC))))
    assert third is not second


def test_plain_servers_need_no_context() -> None:
    connection = Connection("http://127.0.0.1:1")
    assert TlsContexts(connection, clock=StandingClock()).context_for(Grant()) is None


def test_verification_is_on_unless_it_was_switched_off() -> None:
    checked = contexts().context_for(Grant())
    assert checked is not None
    assert (checked.verify_mode, checked.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert checked.minimum_version >= ssl.TLSVersion.TLSv1_2
    unchecked = contexts(insecure_skip_tls_verify=True).context_for(Grant())
    assert unchecked is not None
    assert (unchecked.verify_mode, unchecked.check_hostname) == (ssl.CERT_NONE, False)


def test_without_an_authority_the_systems_are_trusted() -> None:
    context = contexts(ca=None).context_for(Grant())
    assert context is not None
    assert context.verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize(
    "data", [b"hunter2", b"-----BEGIN CERTIFICATE-----\nhunter2\n-----END CERTIFICATE-----\n", b"\xff"]
)
def test_an_authority_that_is_none_is_named(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match="certificate authority in the kubeconfig") as caught:
        contexts(ca=Pem(data=data)).context_for(Grant())
    assert "hunter2" not in str(caught.value)
    (tmp_path / "ca.crt").write_bytes(data)
    with pytest.raises(CredentialsError, match=f"certificate authority {tmp_path}/ca.crt"):
        contexts(ca=Pem(path=str(tmp_path / "ca.crt"))).context_for(Grant())


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match=r"gone\.crt: No such file"):
        contexts(ca=Pem(path=str(tmp_path / "gone.crt"))).context_for(Grant())


def test_a_certificate_and_a_key_that_do_not_belong_together() -> None:
    (certificate, _), (_, key) = AUTHORITY.client(), AUTHORITY.client()
    with pytest.raises(CredentialsError, match="cannot be used together"):
        contexts().context_for(Grant("", certificate, key))
    with pytest.raises(CredentialsError, match="cannot be used together"):
        contexts().context_for(Grant("", Pem(data=b"x"), key))


def test_a_key_with_a_password_is_refused_instead_of_asking_for_it() -> None:
    from cryptography.hazmat.primitives import serialization

    certificate, key = AUTHORITY.client(not_after=datetime(2100, 1, 1, tzinfo=UTC))
    encrypted = serialization.load_pem_private_key(key.data, None).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"hunter2"),
    )
    with pytest.raises(CredentialsError, match="client key is encrypted"):
        contexts().context_for(Grant("", certificate, Pem(data=encrypted)))


def test_a_certificate_that_expires_while_it_is_used_fails_closed() -> None:
    clock = StandingClock()
    tls = TlsContexts(Connection("https://a", ca=AUTHORITY.pem, source="f (context 'c')"), clock=clock)
    grant = Grant("", *AUTHORITY.client(not_after=clock.now() + timedelta(hours=1)))
    assert tls.context_for(grant) is not None
    clock.advance(3601)
    with pytest.raises(CredentialsError, match=r"in f \(context 'c'\) expired on .* ago\)"):
        tls.context_for(grant)


def test_without_a_wall_clock_expiry_is_left_to_the_server() -> None:
    tls = TlsContexts(Connection("https://a", ca=AUTHORITY.pem), clock=LoopClock())
    expired = AUTHORITY.client(
        not_before=datetime(2000, 1, 1, tzinfo=UTC), not_after=datetime(2001, 1, 1, tzinfo=UTC)
    )
    assert tls.context_for(Grant("", *expired)) is not None


def test_the_end_of_validity_is_read_where_it_can_be() -> None:
    end = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
    certificate, _ = AUTHORITY.client(not_after=end)
    assert end_of_validity(certificate.data) == end
    assert end_of_validity(b"no certificate") is None
