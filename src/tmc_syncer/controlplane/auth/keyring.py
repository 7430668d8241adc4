"""The keys and certificates of one control plane, kept over restarts and renewed in time.

`Keyring` is opened on a folder (or on nothing: then it lives in memory) and has: the authority, the server's certificate, the
key that service-account tokens are signed with, and a client certificate for each user that was asked for. Each is one
file (a certificate together with its key), so that no crash can part them. What is there and good is used as it is, so that kubeconfigs and tokens of before a restart go on working; what is missing is made; a certificate
with less than `RENEW_BEFORE` left, or for other names than wanted, is replaced by one of the same authority.

The authority and the signing key are never silently replaced: if a file of theirs is damaged,
`KeyringError` says so, because a new one would lock out everybody who trusts the old.

Wall time is injected. Called once at the start of a control plane by `assembly`, and whenever a kubeconfig is made.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tmc_syncer.controlplane.auth.authority import Authority, KeyPair, new_key, private_pem
from tmc_syncer.controlplane.auth.jws import PrivateKey
from tmc_syncer.controlplane.auth.secret_files import KeyringError, MemoryFiles, SecretFiles, SecretFolder
from tmc_syncer.controlplane.clock import Clock

__all__ = ["RENEW_BEFORE", "SERVER_NAMES", "Keyring"]

RENEW_BEFORE = timedelta(days=30)
"""What a certificate must have left when it is handed out: longer than a control plane runs without a restart."""
_RENEW_AUTHORITY_BEFORE = timedelta(days=400)
"""More than the life of what it issues, which must not outlive it."""

SERVER_NAMES = ("localhost", "127.0.0.1", "::1", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
"""What every server certificate is for."""

_UNUSABLE = (ValueError, TypeError, UnsupportedAlgorithm)
"""What `cryptography` raises for content that is no certificate or key."""

_Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class Keyring:
    """Keys and certificates in `directory`, which belongs to this control plane alone; None keeps them in memory."""

    def __init__(self, directory: Path | None, clock: Clock, *, names: Iterable[str] = ()) -> None:
        """Read what is there and make what is missing; `names` are further names of the server.

        Raises `KeyringError`.
        """
        self._files: SecretFiles = MemoryFiles() if directory is None else SecretFolder(directory)
        self._where = "memory" if directory is None else str(directory)
        self._clock = clock
        self._names = tuple(dict.fromkeys((*SERVER_NAMES, *names)))
        self.authority = self._authority()
        self.signing_key: PrivateKey = self._signing_key()

    def server(self) -> KeyPair:
        """The server's certificate for all its names, renewed when it is about to expire."""
        known = self._known("server")
        if known is not None and set(self._names) <= _names_of(known.certificate):
            return known
        return self._keep("server", self.authority.server(self._names, self._clock.now()))

    def client(self, user: str, groups: Sequence[str] = ()) -> KeyPair:
        """The client certificate of a user in these groups, the same until it is about to expire."""
        identity = msgspec.json.encode([user, list(groups)])
        name = f"client-{hashlib.sha256(identity).hexdigest()[:32]}"
        if (known := self._known(name)) is not None:
            return known
        return self._keep(name, self.authority.client(user, groups, self._clock.now()))

    # Inside

    def _authority(self) -> Authority:
        content = self._files.read("ca.pem")
        now = self._clock.now()
        if content is None:
            return self._keep_authority(Authority.create(f"tmc-control-plane-{secrets.token_hex(4)}", now))
        try:
            private = _private_key(content)
            if not isinstance(private, ec.EllipticCurvePrivateKey):
                raise TypeError("an EC key is expected")
            authority = Authority(x509.load_pem_x509_certificate(content), private)
        except _UNUSABLE as error:
            raise self._damaged("ca.pem", error) from error
        if authority.certificate.not_valid_after_utc - now < _RENEW_AUTHORITY_BEFORE:
            return self._keep_authority(authority.renewed(now))
        return authority

    def _keep_authority(self, authority: Authority) -> Authority:
        self._files.write("ca.pem", authority.certificate_pem + authority.key_pem)
        return authority

    def _signing_key(self) -> PrivateKey:
        content = self._files.read("service-account.pem")
        if content is None:
            key = new_key()
            self._files.write("service-account.pem", private_pem(key))
            return key
        try:
            return _private_key(content)
        except _UNUSABLE as error:
            raise self._damaged("service-account.pem", error) from error

    def _known(self, name: str) -> KeyPair | None:
        """A certificate that is kept, if it is whole, of this authority, and good for long enough."""
        content = self._files.read(f"{name}.pem")
        if content is None:
            return None
        try:
            certificate, key = x509.load_pem_x509_certificate(content), _private_key(content)
            certificate.verify_directly_issued_by(self.authority.certificate)
        except (*_UNUSABLE, InvalidSignature):
            return None
        if certificate.public_key() != key.public_key() or not _lasts(certificate, self._clock.now()):
            return None
        return KeyPair(certificate.public_bytes(serialization.Encoding.PEM), private_pem(key))

    def _keep(self, name: str, pair: KeyPair) -> KeyPair:
        self._files.write(f"{name}.pem", pair.certificate_pem + pair.key_pem)
        return pair

    def _damaged(self, name: str, error: Exception) -> KeyringError:
        return KeyringError(
            f"{name} in {self._where} cannot be used ({error}).",
            hint="Restore it, or remove the folder to start with new keys; kubeconfigs and tokens made so far are then void.",
        )


def _private_key(content: bytes) -> _Key:
    key = serialization.load_pem_private_key(content, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise TypeError("an EC or RSA key is expected")
    return key


def _lasts(certificate: x509.Certificate, now: datetime) -> bool:
    return certificate.not_valid_before_utc <= now and now + RENEW_BEFORE <= certificate.not_valid_after_utc


def _names_of(certificate: x509.Certificate) -> set[str]:
    alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = alternatives.get_values_for_type(x509.IPAddress)
    return {*alternatives.get_values_for_type(x509.DNSName), *map(str, addresses)}
