"""The audit log of an API server: who asked for what.

The policy of the test bed records every request of every user at level Metadata (no bodies), without the stage
``RequestReceived``. A short request is one event (stage ``ResponseComplete``); a watch is ``ResponseStarted`` and, when
it ends, ``ResponseComplete`` with the same ``auditID``; a crashed handler is ``Panic``.

The server writes an event *after* the response went out: an event may be missing for some milliseconds after its request
was answered. A test that counts requests first waits (``eventually``, ``steady``) or does one more request and waits for that.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["POLICY", "AuditLog"]

POLICY: dict[str, Any] = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata"}],
}
"""The audit policy, for ``--audit-policy-file``."""


class AuditLog:
    """Reader of the log file at ``path``, which the server appends to over its restarts."""

    def __init__(self, path: Path) -> None:
        """Remember the path; the file need not exist yet."""
        self.path = path

    def mark(self) -> int:
        """Return the present end of the log, for ``events(since=...)``."""
        return self.path.stat().st_size if self.path.exists() else 0

    def events(self, user: str | None = None, since: int = 0) -> list[dict[str, Any]]:
        """Return the events after the byte offset ``since``, oldest first, only those of ``user`` when given.

        A line that is not completely written yet is left out.
        """
        if not self.path.exists():
            return []
        with self.path.open("rb") as log:
            log.seek(since)
            content = log.read()
        events: list[dict[str, Any]] = [
            json.loads(line) for line in content[: content.rfind(b"\n") + 1].splitlines()
        ]
        return [event for event in events if user is None or event["user"].get("username") == user]
