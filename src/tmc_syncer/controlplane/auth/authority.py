"""The certificate authority of one control plane: certificates for its server and its users.

`Authority` holds a CA certificate with its key and issues from it; `create` makes a new one, `renewed` the same one for longer
(same name and key, so that certificates and kubeconfigs of before stay good). A client certificate carries the user name as
common name and the groups as organizations, as Kubernetes reads them. All keys are EC P-256: a millisecond to make, and every
client knows them.

Certificates begin a day before they are made, so that clocks that differ a little do not matter; how long they last is in
`LIFETIMES`. Wall time is injected; serial numbers and keys come from the operating system, as they must not be guessable.

In memory only: `keyring` keeps things. Pure but for the randomness of keys.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

__all__ = ["LIFETIMES", "USER_UID", "Authority", "KeyPair", "new_key", "private_pem"]

LIFETIMES = {"ca": timedelta(days=3650), "leaf": timedelta(days=365)}
USER_UID = ObjectIdentifier("1.3.6.1.4.1.57683.2")
"""The attribute of a subject that holds a user's uid (k8s.io/apimachinery/pkg/apis/asn1)."""

_SLACK = timedelta(days=1)
_USAGES = {
    "digital_signature": True,
    "content_commitment": False,
    "key_encipherment": False,
    "data_encipherment": False,
    "key_agreement": False,
    "key_cert_sign": False,
    "crl_sign": False,
    "encipher_only": False,
    "decipher_only": False,
}


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate and its private key, both PEM."""

    certificate_pem: bytes
    key_pem: bytes

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate, read. Raises `ValueError`."""
        return x509.load_pem_x509_certificate(self.certificate_pem)


def new_key() -> ec.EllipticCurvePrivateKey:
    """A new private key."""
    return ec.generate_private_key(ec.SECP256R1())


def private_pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    """A private key as it is kept: PKCS 8, not encrypted."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


class Authority:
    """Issues certificates; `certificate_pem` is what others trust."""

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        """Take a certificate and its key. Raises `ValueError` when they do not belong together."""
        if certificate.public_key() != key.public_key():
            raise ValueError("the CA certificate is not of the CA key")
        self.certificate = certificate
        self.certificate_pem = certificate.public_bytes(serialization.Encoding.PEM)
        self.key_pem = private_pem(key)
        self._key = key

    @classmethod
    def create(cls, name: str, now: datetime) -> Self:
        """A new authority with a new key."""
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        return cls._made(subject, new_key(), now)

    def renewed(self, now: datetime) -> Self:
        """This authority with a new certificate, for the full lifetime from now on."""
        return self._made(self.certificate.subject, self._key, now)

    @classmethod
    def _made(cls, subject: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime) -> Self:
        usage = x509.KeyUsage(**{**_USAGES, "key_cert_sign": True, "crl_sign": True})
        certificate = (
            _builder(subject, subject, key, now, LIFETIMES["ca"])
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .sign(key, hashes.SHA256())
        )
        return cls(certificate, key)

    def server(self, names: Iterable[str], now: datetime) -> KeyPair:
        """A certificate for a server that is reached under these DNS names and IP addresses."""
        alternatives = [_general_name(name) for name in names]
        key = new_key()
        builder = _builder(
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tmc control plane")]),
            self.certificate.subject,
            key,
            now,
            LIFETIMES["leaf"],
        ).add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        return self._issued(builder, key, ExtendedKeyUsageOID.SERVER_AUTH)

    def client(
        self,
        user: str,
        groups: Iterable[str],
        now: datetime,
        *,
        uid: str = "",
        lifetime: timedelta = LIFETIMES["leaf"],
    ) -> KeyPair:
        """A certificate that proves to be `user` in `groups`."""
        attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
        attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, user))
        if uid:
            attributes.append(x509.NameAttribute(USER_UID, uid))
        key = new_key()
        builder = _builder(x509.Name(attributes), self.certificate.subject, key, now, lifetime)
        return self._issued(builder, key, ExtendedKeyUsageOID.CLIENT_AUTH)

    def _issued(
        self, builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey, purpose: ObjectIdentifier
    ) -> KeyPair:
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = (
            builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(**_USAGES), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(issuer, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return KeyPair(certificate.public_bytes(serialization.Encoding.PEM), private_pem(key))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, lifetime: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(now, now + lifetime) - _SLACK)
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
