"""Certificates and keys for the servers and users of the test bed.

Small authorities made for one test run: EC P-256 keys, which cost about a millisecond each. Everything is PEM. The keys
protect nothing but servers on the loopback interface and are written to the test's own folder with mode 0600.

A Kubernetes client certificate carries the user name as common name and the groups as organizations
(https://kubernetes.io/docs/reference/access-authn-authz/authentication/#x509-client-certificates).
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

__all__ = ["Authority", "KeyPair", "new_key_pair", "write_secret"]

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class KeyPair:
    """A certificate (or a bare public key) and its private key, both PEM."""

    public_pem: bytes
    private_pem: bytes

    def write(self, directory: Path, name: str) -> tuple[Path, Path]:
        """Write ``name.crt`` and ``name.key`` (mode 0600) to ``directory`` and return both paths."""
        public, private = directory / f"{name}.crt", directory / f"{name}.key"
        directory.mkdir(parents=True, exist_ok=True)
        public.write_bytes(self.public_pem)
        write_secret(private, self.private_pem)
        return public, private


def write_secret(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path``, readable by the owner only.

    The file is replaced in one step, because a server or an agent may read it at this moment, and left alone when it
    has that content, because somebody may watch it.
    """
    if path.exists() and path.read_bytes() == content:
        return
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    fresh.replace(path)


def new_key_pair() -> KeyPair:
    """Make a key pair without a certificate, as service-account tokens are signed with."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return KeyPair(public, _private_pem(key))


class Authority:
    """A certificate authority that exists in memory; ``certificate_pem`` is what others trust."""

    def __init__(self, name: str) -> None:
        """Make a new authority with a self-signed certificate for ``name``."""
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        certificate = (
            _builder(self._name, self._name, self._key, 3650 * _DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self._identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        self.certificate_pem = certificate.public_bytes(serialization.Encoding.PEM)

    def server_certificate(self, names: Iterable[str], addresses: Iterable[str]) -> KeyPair:
        """Issue a serving certificate for DNS ``names`` and IP ``addresses``."""
        alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
        alternatives += [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
        builder = _builder(subject, self._name, key, 365 * _DAY).add_extension(
            x509.SubjectAlternativeName(alternatives), critical=False
        )
        return self._issued(builder, key, ExtendedKeyUsageOID.SERVER_AUTH)

    def client_certificate(
        self, user: str, groups: Iterable[str] = (), *, lifetime: dt.timedelta = 365 * _DAY
    ) -> KeyPair:
        """Issue a client certificate for ``user``; a negative ``lifetime`` makes one that has expired that long ago."""
        attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
        subject = x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, user)])
        key = ec.generate_private_key(ec.SECP256R1())
        return self._issued(
            _builder(subject, self._name, key, lifetime), key, ExtendedKeyUsageOID.CLIENT_AUTH
        )

    def _issued(
        self,
        builder: x509.CertificateBuilder,
        key: ec.EllipticCurvePrivateKey,
        purpose: x509.ObjectIdentifier,
    ) -> KeyPair:
        certificate = (
            builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(self._identifier, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return KeyPair(certificate.public_bytes(serialization.Encoding.PEM), _private_pem(key))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, lifetime: dt.timedelta
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    # A day of slack at the start: a clock that is set back during a test run must not invalidate anything.
    not_before = min(now, now + lifetime) - _DAY
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
