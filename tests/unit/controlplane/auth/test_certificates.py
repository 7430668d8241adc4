"""Client certificates: those of our authority, in time and for clients, and no others."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from tests.unit.controlplane.auth.stage import NOW, StandingClock, odd_certificate
from tmc_syncer.controlplane.auth import certificates as module
from tmc_syncer.controlplane.auth.authority import USER_UID, Authority
from tmc_syncer.controlplane.auth.certificates import BadCertificate, CertificateReader
from tmc_syncer.controlplane.auth.users import User

OURS, OTHERS = Authority.create("tmc", NOW), Authority.create("tmc", NOW)


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def reader(clock: StandingClock) -> CertificateReader:
    return CertificateReader(OURS.certificate, clock)


def issued(
    *attributes: tuple[x509.ObjectIdentifier, str], extensions: tuple[x509.ExtensionType, ...] = ()
) -> x509.Certificate:
    """A certificate of our authority with any subject and any extensions."""
    return odd_certificate(OURS, attributes, extensions)


def test_common_name_and_organizations_are_user_and_groups(reader: CertificateReader) -> None:
    certificate = OURS.client("ann", ("a", "b", "a"), NOW, uid="7").certificate
    digest = certificate.fingerprint(hashes.SHA256()).hex()
    extra = {"authentication.kubernetes.io/credential-id": (f"X509SHA256={digest}",)}
    assert reader.user(certificate) == User("ann", "7", ("a", "b", "a"), extra)
    plain = reader.user(OURS.client("bob", (), NOW).certificate)
    assert plain is not None
    assert plain.uid == ""
    assert reader.user(certificate.public_bytes(serialization.Encoding.DER)) == reader.user(certificate)


def test_a_certificate_of_another_authority_of_the_same_name_is_refused(reader: CertificateReader) -> None:
    with pytest.raises(BadCertificate, match=r"^x509: certificate signed by unknown authority$"):
        reader.user(OTHERS.client("ann", ("system:masters",), NOW).certificate)


def test_a_self_signed_certificate_is_refused(reader: CertificateReader) -> None:
    with pytest.raises(BadCertificate, match="unknown authority"):
        reader.user(OTHERS.certificate)


def test_a_certificate_is_good_in_its_time_only(reader: CertificateReader, clock: StandingClock) -> None:
    certificate = OURS.client("ann", (), NOW, lifetime=timedelta(days=2)).certificate
    assert reader.user(certificate) is not None
    clock.advance(days=2)
    assert reader.user(certificate) is not None, "to the last second"
    clock.advance(seconds=1)
    with pytest.raises(BadCertificate, match=r"^x509: certificate has expired or is not yet valid$"):
        reader.user(certificate)
    clock.advance(days=-3, seconds=-1)
    assert reader.user(certificate) is not None, "from the first second"
    clock.advance(seconds=-1)
    with pytest.raises(BadCertificate, match="expired or is not yet valid"):
        reader.user(certificate)


def test_certificates_for_servers_and_authorities_are_no_users(reader: CertificateReader) -> None:
    for certificate in (OURS.server(("localhost",), NOW).certificate, OURS.certificate):
        with pytest.raises(BadCertificate, match=r"^x509: certificate specifies an incompatible key usage$"):
            reader.user(certificate)


def test_certificates_without_a_purpose_or_for_any_are_good(reader: CertificateReader) -> None:
    name = (NameOID.COMMON_NAME, "ann")
    anything = x509.ExtendedKeyUsage([x509.ObjectIdentifier("2.5.29.37.0")])
    for certificate in (issued(name), issued(name, extensions=(anything,))):
        user = reader.user(certificate)
        assert user is not None
        assert user.name == "ann"


def test_a_certificate_without_a_name_is_nobody(reader: CertificateReader) -> None:
    assert reader.user(issued((NameOID.ORGANIZATION_NAME, "system:masters"))) is None


def test_the_last_of_several_names_counts(reader: CertificateReader) -> None:
    user = reader.user(issued((NameOID.COMMON_NAME, "ann"), (NameOID.COMMON_NAME, "bob")))
    assert user is not None
    assert user.name == "bob"


def test_several_uids_are_refused(reader: CertificateReader) -> None:
    name = (NameOID.COMMON_NAME, "ann")
    with pytest.raises(BadCertificate, match=r"^expected 1 UID, a text that is not empty$"):
        reader.user(issued(name, (USER_UID, "1"), (USER_UID, "2")))


def test_an_extension_that_cannot_be_read_is_refused(reader: CertificateReader) -> None:
    broken = x509.UnrecognizedExtension(x509.ExtendedKeyUsage.oid, b"\x04\x00")
    with pytest.raises(BadCertificate, match=r"^x509: certificate has malformed extensions$"):
        reader.user(issued((NameOID.COMMON_NAME, "ann"), extensions=(broken,)))


@pytest.mark.parametrize("content", [b"", b"\x30", b"no certificate", b"\x30\x82\xff\xff" + b"\x00" * 100])
def test_bytes_that_are_no_certificate_are_refused(reader: CertificateReader, content: bytes) -> None:
    with pytest.raises(BadCertificate, match=r"^x509: malformed certificate$"):
        reader.user(content)


def test_a_certificate_is_verified_once(reader: CertificateReader) -> None:
    certificate = OURS.client("ann", (), NOW).certificate
    assert reader.user(certificate) is reader.user(certificate)


def test_certificates_are_not_remembered_without_end(
    reader: CertificateReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_REMEMBERED", 2)
    for number in range(5):
        reader.user(OURS.client(f"user-{number}", (), NOW).certificate)
        assert len(reader._known) <= 2
