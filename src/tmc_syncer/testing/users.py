"""The users of one API server: who they are and what they prove it with.

A user that exists when the server starts has a bearer token (the server reads its token file only then); one that is
added later has a client certificate. Client certificates, valid or expired, can be made for anybody at any time. Group
``system:masters`` may do everything; all other rights are given by RBAC objects that a test creates.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from tmc_syncer.testing.certificates import Authority, KeyPair, write_secret
from tmc_syncer.testing.errors import TestBedError

__all__ = ["MASTERS", "Users"]

MASTERS = ("system:masters",)


@dataclass
class _User:
    groups: tuple[str, ...]
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    token_is_served: bool = False
    certificate: KeyPair | None = None


class Users:
    """The users of one server, ``admin`` from the beginning; ``authority`` signs their certificates."""

    def __init__(self, authority: Authority) -> None:
        """Begin with ``admin``."""
        self.authority = authority
        self._users: dict[str, _User] = {"admin": _User(MASTERS)}
        self._server_has_started = False

    def add(self, name: str, groups: tuple[str, ...] = ()) -> None:
        """Add a user; the same again does nothing. Raises ``TestBedError`` when it exists with other groups."""
        known = self._users.setdefault(name, _User(groups))
        if known.groups != groups:
            raise TestBedError(f"user {name} exists with groups {known.groups}, not {groups}")

    def token(self, name: str) -> str:
        """Return a user's bearer token; raises ``TestBedError`` when the server does not know it."""
        user = self._user(name)
        if self._server_has_started and not user.token_is_served:
            raise TestBedError(
                f"user {name} was added after the API server started: use its kubeconfig, which has a client"
                " certificate, or restart the API server"
            )
        return user.token

    def credential(self, name: str) -> str | KeyPair:
        """Return what the user can log in with now: a token if the server knows it, else a client certificate."""
        user = self._user(name)
        return self.certificate(name) if self._server_has_started and not user.token_is_served else user.token

    def certificate(self, name: str, *, expired: bool = False) -> KeyPair:
        """Return a client certificate of the user, always the same valid one, or a new one that expired an hour ago."""
        user = self._user(name)
        if expired:
            return self.authority.client_certificate(name, user.groups, lifetime=-dt.timedelta(hours=1))
        if user.certificate is None:
            user.certificate = self.authority.client_certificate(name, user.groups)
        return user.certificate

    def write_tokens(self, path: Path) -> None:
        """Write the token file of a server that is about to start."""
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        for name, user in self._users.items():
            rows.writerow([user.token, name, name, ",".join(user.groups)])
            user.token_is_served = True
        self._server_has_started = True
        write_secret(path, text.getvalue().encode())

    def _user(self, name: str) -> _User:
        if name not in self._users:
            raise TestBedError(f"no user {name}: call add_user first; known are {', '.join(self._users)}")
        return self._users[name]
