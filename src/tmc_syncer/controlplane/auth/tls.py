"""TLS of the server: a context that asks clients for a certificate but does not insist.

`server_context` makes it from the keyring: TLS 1.2 or newer, HTTP/1.1, the server's certificate, and an optional client
certificate of the control plane's own authority. `refresh` puts a renewed certificate into a context that is in use, for new
connections. `peer_certificate` is what a connection showed, for `authenticator`.

Two differences from kube-apiserver, which asks for any certificate and judges it later: OpenSSL ends the handshake when the
certificate is of another authority (there: 401), which Python gives no way to change. An expired one passes here
too (the time check of the handshake is off, `certificates` does it) and is answered by 401, by the injected clock.

The ssl module reads keys from files only: they are written to a private temporary folder for the moment. No sockets here.
"""

from __future__ import annotations

import ssl
import tempfile
from pathlib import Path

from tmc_syncer.controlplane.auth.authority import KeyPair
from tmc_syncer.controlplane.auth.keyring import Keyring

__all__ = ["peer_certificate", "refresh", "server_context"]

_NO_CHECK_TIME = 0x200000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which the ssl module has no name for."""


def server_context(keyring: Keyring) -> ssl.SSLContext:
    """A context for the server's sockets. Raises `KeyringError`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= _NO_CHECK_TIME
    context.load_verify_locations(cadata=keyring.authority.certificate_pem.decode())
    refresh(context, keyring)
    return context


def refresh(context: ssl.SSLContext, keyring: Keyring) -> None:
    """Serve with the certificate that the keyring has now. Raises `KeyringError`."""
    _load(context, keyring.server())


def peer_certificate(connection: ssl.SSLObject | ssl.SSLSocket | None) -> bytes | None:
    """The certificate (DER) that the peer of a connection showed, None without one or without TLS."""
    return None if connection is None else connection.getpeercert(binary_form=True)


def _load(context: ssl.SSLContext, pair: KeyPair) -> None:
    with tempfile.TemporaryDirectory(prefix="tmc-tls-") as folder:  # made with mode 0700
        certificate, key = Path(folder, "tls.crt"), Path(folder, "tls.key")
        certificate.write_bytes(pair.certificate_pem)
        key.write_bytes(pair.key_pem)
        context.load_cert_chain(certificate, key)
