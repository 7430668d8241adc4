"""TLS contexts of one connection: made once, shared by all requests, made anew when a certificate file changes.

A context is replaced, never changed: connections in use finish on the old one, new ones use the new (certificate
rotation, F68). Python's `ssl` reads client certificates from files only, so data from a kubeconfig or a login
passes through a private temporary file for the moment of loading.

Expired client certificates are noticed here: API servers do not refuse them in the handshake but answer 401
later, which says nothing.
"""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from tmc_syncer.kube.clock import Clock
from tmc_syncer.kube.connection import Connection, Pem
from tmc_syncer.kube.credentials import Grant, expired_since
from tmc_syncer.kube.errors import CredentialsError

__all__ = ["TlsContexts", "end_of_validity"]


class TlsContexts:
    """The TLS context for a connection and a grant. `context_for` is called when either may have changed."""

    def __init__(self, connection: Connection, *, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._made_of: tuple[object, ...] | None = None
        self._context: ssl.SSLContext | None = None
        self._not_after: datetime | None = None

    def context_for(self, grant: Grant) -> ssl.SSLContext | None:
        """The context (None for plain http), the same object as long as no file and no login changed.

        Raises `CredentialsError`: a file cannot be read or parsed, certificate and key do not match, or the
        client certificate has expired.
        """
        if not self._connection.server.startswith("https:"):
            return None
        certificate, key = grant.certificate, grant.key
        made_of = (_version(self._connection.ca), _version(certificate), _version(key), certificate, key)
        if made_of != self._made_of:
            self._not_after = _validity(certificate)
            self._refuse_expired(certificate)
            self._context = _new_context(self._connection, certificate, key)
            self._made_of = made_of
        self._refuse_expired(certificate)
        return self._context

    def _refuse_expired(self, certificate: Pem | None) -> None:
        now = self._clock.now()
        if certificate is None or self._not_after is None or now is None:
            return
        if self._not_after <= now:
            where = certificate.path or f"in {self._connection.source or 'the kubeconfig'}"
            raise CredentialsError(
                f"The client certificate {where} {expired_since(self._not_after, now)}.",
                hint="Renew it; a renewed file is noticed without a restart.",
            )


def end_of_validity(pem: bytes) -> datetime | None:
    """Until when the first certificate in `pem` is valid; None when that cannot be read."""
    from cryptography import x509  # 30 ms, and most kubeconfigs hold a token

    try:
        return x509.load_pem_x509_certificate(pem).not_valid_after_utc
    except ValueError:
        return None


def _validity(certificate: Pem | None) -> datetime | None:
    return None if certificate is None else end_of_validity(certificate.read())


def _version(pem: Pem | None) -> tuple[int, int]:
    return (0, 0) if pem is None else pem.version()


def _new_context(connection: Connection, certificate: Pem | None, key: Pem | None) -> ssl.SSLContext:
    # Not ssl.create_default_context: from Python 3.13 it asks for RFC 5280 to the letter (VERIFY_X509_STRICT),
    # which the CAs that kubeadm, kcp and others make do not keep.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if connection.insecure_skip_tls_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif connection.ca is None:
        context.load_default_certs()
    else:
        _load_ca(context, connection.ca)
    if certificate is not None:
        _load_certificate(context, certificate, key)
    return context


def _load_ca(context: ssl.SSLContext, ca: Pem) -> None:
    where = ca.path or "in the kubeconfig"
    try:
        context.load_verify_locations(cadata=ca.read().decode("ascii", "ignore"))
    except (ssl.SSLError, ValueError) as error:  # the second for an empty one
        raise CredentialsError(
            f"The certificate authority {where} holds no certificate in PEM form."
        ) from error


def _load_certificate(context: ssl.SSLContext, certificate: Pem, key: Pem | None) -> None:
    where = certificate.path or "in the kubeconfig"
    with _as_files(certificate, key) as (certificate_file, key_file):
        try:
            context.load_cert_chain(certificate_file, key_file, password=_no_password)
        except ssl.SSLError as error:
            raise CredentialsError(
                f"The client certificate {where} and its key cannot be used together ({error.reason or 'unreadable'})."
            ) from error


def _no_password() -> str:
    """Instead of a prompt on the terminal."""
    raise CredentialsError("The client key is encrypted.", hint="Keys with a password cannot be used.")


@contextmanager
def _as_files(certificate: Pem, key: Pem | None) -> Iterator[tuple[str, str | None]]:
    """Files with the content of both (readable by us only), gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="tmc-") as folder:
        paths: list[str | None] = []
        for name, pem in (("certificate", certificate), ("key", key)):
            path = Path(folder) / name
            if pem is not None:
                path.touch(mode=0o600)
                path.write_bytes(pem.read())
            paths.append(str(path) if pem is not None else None)
        yield str(paths[0]), paths[1]
