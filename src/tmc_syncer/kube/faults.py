"""What can happen to a request instead of an answer, as `TransportError`s with words for users.

A table from the exceptions of aiohttp, asyncio and ssl to (fault, sentence, hint), tried top-down. The words of
the exceptions themselves are not repeated where they could hold a proxy's password.
"""

from __future__ import annotations

import ssl

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

from tmc_syncer.kube.errors import TransportError, TransportFault, shorten

__all__ = ["FAILURES", "transport_error"]

FAILURES = (aiohttp.ClientError, HttpProcessingError, TimeoutError, OSError)
"""What stands for "no answer" (ssl errors are OSErrors)."""

_TABLE: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], TransportFault, str, str], ...] = (
    (
        aiohttp.SocketTimeoutError,
        TransportFault.IDLE,
        "the server said nothing for {seconds:g} s",
        "",
    ),
    (
        (TimeoutError, aiohttp.ServerTimeoutError),
        TransportFault.TIMEOUT,
        "no answer within {seconds:g} s",
        "The server is overloaded or unreachable; it is tried again.",
    ),
    (
        (aiohttp.ClientConnectorCertificateError, ssl.SSLCertVerificationError),
        TransportFault.TLS,
        "the server's certificate is not accepted: {error}",
        "Check certificate-authority and tls-server-name of this cluster in the kubeconfig.",
    ),
    (
        (aiohttp.ClientSSLError, ssl.SSLError),
        TransportFault.TLS,
        "TLS failed: {error}",
        "Check that the server speaks TLS there and accepts this client certificate.",
    ),
    (
        (aiohttp.ClientHttpProxyError, aiohttp.ClientProxyConnectionError),
        TransportFault.PROXY,
        "the proxy does not let us through",
        "Check proxy-url in the kubeconfig, HTTPS_PROXY and NO_PROXY.",
    ),
    (
        aiohttp.ClientConnectorDNSError,
        TransportFault.CONNECT,
        "its name is not known: {error}",
        "Check the server's address in the kubeconfig.",
    ),
    (
        (aiohttp.ClientConnectorError, ConnectionRefusedError),
        TransportFault.CONNECT,
        "no connection: {error}",
        "Check that the server runs and that its address in the kubeconfig is right.",
    ),
    (
        aiohttp.ClientPayloadError,
        TransportFault.BROKEN,
        "the reply ended early",
        "",
    ),
    (
        (aiohttp.ClientConnectionError, OSError),
        TransportFault.BROKEN,
        "the connection broke: {error}",
        "",
    ),
    (
        (aiohttp.ClientError, HttpProcessingError),
        TransportFault.GARBLED,
        "the reply is no HTTP: {error}",
        "Check that the address belongs to an API server.",
    ),
)


def transport_error(error: BaseException, what: str, server: str, seconds: float) -> TransportError:
    """`error` as ours. `what` is method and path, `seconds` the limit that a timeout names."""
    for kinds, fault, sentence, hint in _TABLE:
        if isinstance(error, kinds):
            text = sentence.format(error=_words(error), seconds=seconds)
            return TransportError(f"{what} at {server}: {text}.", fault=fault, hint=hint)
    return TransportError(f"{what} at {server}: {_words(error)}.", fault=TransportFault.BROKEN)


def _words(error: BaseException) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return shorten(getattr(error.certificate_error, "verify_message", "") or str(error.certificate_error))
    inner = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    text = getattr(inner, "reason", None) or getattr(inner, "strerror", None) or str(inner)
    return shorten(str(text) or type(inner).__name__)
