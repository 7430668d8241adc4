"""The credentials of one connection at work: present, renewed in time, renewed once after a 401.

`Grant` is one set of credentials; a new object is a new set, so "is this still the one that was refused" is an
identity test. The transport reads `grant` on its hot path and calls `ensure` only when `due`, and `refresh` with
the grant that a 401 refused: however many requests were refused at once, one renewal runs and all get its result.

Sources: a token in the kubeconfig (the kubeconfig is read again), a token file (read again every minute, as
client-go does, and after a 401), an exec plugin or OIDC (`kube.logins`; before it expires and after a 401, but
not more often than every `LOGIN_PAUSE_SECONDS`). When renewal fails, what has not expired yet is used on; after
that `ensure` raises until a renewal succeeds (fails closed, F68).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import assert_never

from tmc_syncer.kube.clock import Clock
from tmc_syncer.kube.connection import Connection, LoginAuth, NoAuth, Pem, TokenAuth, TokenFileAuth
from tmc_syncer.kube.errors import CredentialsError, KubeconfigError
from tmc_syncer.kube.logins import Login, log_in

__all__ = ["Credentials", "Grant", "expired_since"]

TOKEN_FILE_SECONDS = 60.0
"""How long a token file's content is used before it is read again (client-go: one minute)."""

LOGIN_PAUSE_SECONDS = 10.0
"""Least time between two logins: a server that refuses every token must not make us fork without end."""

RENEWAL_MARGIN = timedelta(seconds=60)
"""A login is renewed this long before it expires (at the latest after half of its life): clocks differ."""

_NEVER = float("inf")


@dataclass(frozen=True, slots=True, eq=False)
class Grant:
    """One set of credentials: the Authorization header's value ("" for none) and a client certificate with key.

    `renew_at` and `expires_at` are monotonic seconds.
    """

    authorization: str = field(default="", repr=False)
    certificate: Pem | None = None
    key: Pem | None = None
    renew_at: float = _NEVER
    expires_at: float = _NEVER

    def same_as(self, other: Grant) -> bool:
        """Whether both hold the same credentials."""
        return (self.authorization, self.certificate, self.key) == (
            other.authorization,
            other.certificate,
            other.key,
        )


class Credentials:
    """See the module docstring. One per transport; used from one event loop. `login` runs plugins and OIDC."""

    def __init__(
        self,
        connection: Connection,
        *,
        clock: Clock,
        login: Callable[[LoginAuth], Awaitable[Login]] = log_in,
    ) -> None:
        self._connection = connection
        self._clock = clock
        self._log_in = login
        self._lock = asyncio.Lock()
        self._grant: Grant | None = None
        self._failure: CredentialsError | None = None
        self._last_login = -_NEVER

    @property
    def grant(self) -> Grant | None:
        """The present grant, None before the first `ensure`."""
        return self._grant

    async def headers(self) -> dict[str, str]:
        """The headers of a request: Authorization or nothing. For callers off the hot path."""
        grant = await self.ensure()
        return {"Authorization": grant.authorization} if grant.authorization else {}

    async def ensure(self) -> Grant:
        """A grant that has not expired, renewed when it is due. Raises `CredentialsError`."""
        stale = self._grant
        if stale is None:
            return await self.refresh(None)
        now = self._clock.monotonic()
        if now < stale.renew_at or (self._lock.locked() and now < stale.expires_at):
            return stale  # in the second case somebody is renewing it: no need to wait for that
        try:
            return await self.refresh(stale)
        except CredentialsError:
            if now >= stale.expires_at:
                raise
            # Still valid: a login that fails for a moment, or a token file just being replaced, costs nothing.
            self._grant = replace(stale, renew_at=now + LOGIN_PAUSE_SECONDS)
            return self._grant

    async def refresh(self, stale: Grant | None) -> Grant:
        """A grant other than `stale`, which the server refused or which is due.

        It is `stale` itself when there is no newer one to be had just now. Concurrent calls renew once. Raises
        `CredentialsError`.
        """
        failure = self._failure
        async with self._lock:
            if self._grant is not None and self._grant is not stale:
                return self._grant
            if self._failure is not None and self._failure is not failure:
                raise self._failure  # somebody else tried for us while we waited
            try:
                renewed = await self._renewed(stale)
            except CredentialsError as error:
                self._failure = error
                raise
            self._failure = None
            self._grant = renewed
            return renewed

    async def _renewed(self, stale: Grant | None) -> Grant:
        now = self._clock.monotonic()
        match self._connection.auth:
            case NoAuth() | TokenAuth():
                return self._reread(stale)
            case TokenFileAuth(path=path):
                return self._of_file(path, stale, now)
            case LoginAuth() as auth:
                if now - self._last_login < LOGIN_PAUSE_SECONDS:
                    if stale is not None and now < stale.expires_at:
                        return stale
                    raise self._failure or CredentialsError(
                        f"The login by {auth.plugin} has expired already."
                    )
                self._last_login = now
                return self._of_login(auth, await self._log_in(auth))
            case _ as never:
                assert_never(never)

    def _reread(self, stale: Grant | None) -> Grant:
        """What the kubeconfig holds now; when it cannot be read or did not change, what we have."""
        connection = self._connection
        if stale is not None and connection.reload is not None:
            try:
                connection = connection.reload()
            except KubeconfigError:
                return stale  # being rewritten, or broken since: the refused credentials are what there is
        auth = connection.auth
        value = f"Bearer {auth.token}" if isinstance(auth, TokenAuth) else ""
        grant = Grant(value, connection.client_certificate, connection.client_key)
        return stale if stale is not None and stale.same_as(grant) else grant

    def _of_file(self, path: str, stale: Grant | None, now: float) -> Grant:
        grant = Grant(
            f"Bearer {_token_of_file(path)}",
            self._connection.client_certificate,
            self._connection.client_key,
            renew_at=now + TOKEN_FILE_SECONDS,
        )
        if stale is not None and stale.same_as(grant) and now < stale.renew_at:
            return stale  # refused, and not rotated yet
        return grant

    def _of_login(self, auth: LoginAuth, login: Login) -> Grant:
        now, wall = self._clock.monotonic(), self._clock.now()
        renew_at = expires_at = _NEVER
        if login.expires is not None and wall is not None:
            life = login.expires - wall
            if life <= timedelta(0):
                raise CredentialsError(
                    f"The login by {auth.plugin} gave credentials that {expired_since(login.expires, wall)}.",
                    hint="Check the clocks of both machines and log in again with the plugin's own tool.",
                )
            renew_at = now + max(life - RENEWAL_MARGIN, life / 2).total_seconds()
            expires_at = now + life.total_seconds()
        return Grant(
            f"Bearer {login.token}" if login.token else "",
            Pem(data=login.certificate) if login.certificate else self._connection.client_certificate,
            Pem(data=login.key) if login.key else self._connection.client_key,
            renew_at,
            expires_at,
        )


def _token_of_file(path: str) -> str:
    try:
        token = Path(path).read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it holds no token"
        raise CredentialsError(f"Cannot read the token file {path}: {reason}.") from None
    if not token or not token.isprintable():
        raise CredentialsError(f"The token file {path} is empty or holds no token.")
    return token


def expired_since(not_after: datetime, now: datetime) -> str:
    """``expired on <when> (<how long> ago)``, the words of messages."""
    ago = timedelta(seconds=int((now - not_after).total_seconds()))
    return f"expired on {not_after.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC ({ago} ago)"
