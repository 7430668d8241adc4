"""Who shows a client certificate: from the certificate of a connection's peer to a `User`.

`CertificateReader` believes a certificate only if it was issued by the control plane's own authority, is in time, is for
clients, and is no authority itself. The TLS layer has checked the signature before and that the peer has the private key; the
signature is checked again all the same, so that a mistake in the wiring cannot let anybody in, and the time is checked only
here (``tls`` says why). Common name is the user, organizations are the groups, and the uid is an attribute of its own.

A certificate without a common name is nobody: None, not an error, as with kube-apiserver. Verified certificates are remembered
by their bytes, at most `_MOST_REMEMBERED`; the time is checked at each call.

Wall time is injected. Pure. Called by `authenticator` for each request of a connection with a certificate.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tmc_syncer.controlplane.auth.authority import USER_UID
from tmc_syncer.controlplane.auth.users import CREDENTIAL_KEY, User
from tmc_syncer.controlplane.clock import Clock

__all__ = ["BadCertificate", "CertificateReader"]

_MOST_REMEMBERED = 1_000
"""Certificates; each user of a control plane has one or two."""
_CLIENT_PURPOSES = (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)


class BadCertificate(Exception):
    """A certificate that proves nothing; the message says why."""


@dataclass(frozen=True, slots=True)
class _Known:
    user: User | None
    begins: datetime
    ends: datetime


class CertificateReader:
    """Reads certificates of one authority."""

    def __init__(self, authority: x509.Certificate, clock: Clock) -> None:
        self._authority = authority
        self._clock = clock
        self._known: dict[bytes, _Known] = {}

    def user(self, certificate: x509.Certificate | bytes) -> User | None:
        """The user of a certificate (or of its DER form), None when it names none. Raises `BadCertificate`."""
        digest = _digest(certificate)
        if (known := self._known.get(digest)) is None:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            known = self._known[digest] = self._read(_parsed(certificate), digest)
        if not known.begins <= self._clock.now() <= known.ends:
            raise BadCertificate("x509: certificate has expired or is not yet valid")
        return known.user

    def _read(self, certificate: x509.Certificate, digest: bytes) -> _Known:
        try:
            certificate.verify_directly_issued_by(self._authority)
        except (ValueError, TypeError, InvalidSignature) as error:
            raise BadCertificate("x509: certificate signed by unknown authority") from error
        try:
            purposes = _purposes(certificate)
            is_authority = _is_authority(certificate)
        except ValueError as error:
            raise BadCertificate("x509: certificate has malformed extensions") from error
        if is_authority or (purposes and not any(purpose in _CLIENT_PURPOSES for purpose in purposes)):
            raise BadCertificate("x509: certificate specifies an incompatible key usage")
        return _Known(
            _user(certificate, digest), certificate.not_valid_before_utc, certificate.not_valid_after_utc
        )


def _digest(certificate: x509.Certificate | bytes) -> bytes:
    if isinstance(certificate, x509.Certificate):
        return certificate.fingerprint(hashes.SHA256())
    digest = hashes.Hash(hashes.SHA256())
    digest.update(certificate)
    return digest.finalize()


def _parsed(certificate: x509.Certificate | bytes) -> x509.Certificate:
    if isinstance(certificate, x509.Certificate):
        return certificate
    try:
        return x509.load_der_x509_certificate(certificate)
    except ValueError as error:
        raise BadCertificate("x509: malformed certificate") from error


def _user(certificate: x509.Certificate, digest: bytes) -> User | None:
    subject = certificate.subject
    names = [str(each.value) for each in subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if not names or not names[-1]:
        return None
    uids = [each.value for each in subject.get_attributes_for_oid(USER_UID)]
    if len(uids) > 1 or not all(isinstance(uid, str) and uid for uid in uids):
        raise BadCertificate("expected 1 UID, a text that is not empty")
    groups = tuple(str(each.value) for each in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME))
    extra = {CREDENTIAL_KEY: (f"X509SHA256={digest.hex()}",)}
    return User(names[-1], str(uids[0]) if uids else "", groups, extra)


def _purposes(certificate: x509.Certificate) -> list[x509.ObjectIdentifier]:
    try:
        return list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        return []


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False
