"""A small synchronous HTTP client for one API server and one user of the test bed.

It keeps one connection alive, which makes a request about a hundred times faster than a kubectl. It never sends a request
twice: a connection is used again only while the server process is the same and it was idle for a short time, so that a stale one
is not met. What fails, fails: ``OSError`` (refused, reset, timed out) or ``http.client.HTTPException`` come out as they are.

It is for tests; the product has clients of its own. Not thread safe.
"""

from __future__ import annotations

import http.client
import json
import ssl
import time
from pathlib import Path
from typing import Any

from tmc_syncer.testing.certificates import KeyPair
from tmc_syncer.testing.process import ServerProcess

__all__ = ["ApiClient"]

_LONGEST_IDLE_SECONDS = 30.0


class ApiClient:
    """Client of the API server ``server`` at 127.0.0.1:``port``; ``credential`` is a token or a client certificate.

    ``scratch`` is an existing folder: the ssl module reads a client certificate only from files.
    """

    def __init__(
        self,
        server: ServerProcess,
        *,
        port: int,
        ca_pem: bytes,
        credential: str | KeyPair,
        scratch: Path,
        timeout_seconds: float = 30.0,
    ) -> None:
        """Prepare the client; nothing is connected."""
        self._server = server
        self._port = port
        self._timeout_seconds = timeout_seconds
        self._context = ssl.create_default_context(cadata=ca_pem.decode())
        self._headers = {"Accept": "application/json"}
        if isinstance(credential, str):
            self._headers["Authorization"] = f"Bearer {credential}"
        else:
            public, private = credential.write(scratch, f"client-{id(self)}")
            self._context.load_cert_chain(public, private)
            public.unlink()
            private.unlink()
        self._connection: http.client.HTTPSConnection | None = None
        self._connected_start = 0
        self._last_use = 0.0

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        content_type: str = "application/json",
        accept: str | None = None,
    ) -> tuple[int, Any]:
        """Send one request and return the status and the answer, parsed when it is JSON, else as text.

        ``path`` may have a query; ``body`` is sent as it is when it is ``str`` or ``bytes``, else as JSON. An error status is
        not an exception. Raises ``OSError`` or ``http.client.HTTPException`` when there is no answer.
        """
        connection = self._fresh_connection()
        headers = dict(self._headers)
        if accept is not None:
            headers["Accept"] = accept
        payload: bytes | None = None
        if body is not None:
            headers["Content-Type"] = content_type
            text = body if isinstance(body, str | bytes) else json.dumps(body)
            payload = text.encode() if isinstance(text, str) else text
        try:
            connection.request(method, path, body=payload, headers=headers)
            response = connection.getresponse()
            content = response.read()
        except BaseException:
            self.close()
            raise
        self._last_use = time.monotonic()
        if "json" in (response.getheader("Content-Type") or ""):
            return response.status, json.loads(content)
        return response.status, content.decode(errors="replace")

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _fresh_connection(self) -> http.client.HTTPSConnection:
        idle_seconds = time.monotonic() - self._last_use
        same_server = self._server.running and self._connected_start == self._server.starts
        if not same_server or idle_seconds > _LONGEST_IDLE_SECONDS:
            self.close()
        if self._connection is None:
            self._connection = http.client.HTTPSConnection(
                "127.0.0.1", self._port, timeout=self._timeout_seconds, context=self._context
            )
            self._connected_start = self._server.starts
        return self._connection
