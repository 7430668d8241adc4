"""Running the login child process (`kube.login`) and reading what it prints.

Bounded in time and size; the child and the plugin it runs are ended together. `kube.credentials` decides when a
login is due.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from tmc_syncer.kube.connection import LoginAuth
from tmc_syncer.kube.errors import CredentialsError, shorten
from tmc_syncer.kube.login import Answer, Ask

__all__ = ["LOGIN_SECONDS", "Login", "log_in", "read_answer"]

LOGIN_SECONDS = 60.0
"""A plugin that needs longer waits for a person, who is not there. (kubectl waits for ever.)"""

MAX_ANSWER_BYTES = 1 << 20
"""A token with its certificate chain is some tens of KB at most."""


@dataclass(frozen=True, slots=True)
class Login:
    """What a login gave. `expires` is None when the plugin did not say."""

    token: str = field(default="", repr=False)
    certificate: bytes = field(default=b"", repr=False)
    key: bytes = field(default=b"", repr=False)
    expires: datetime | None = None


async def log_in(auth: LoginAuth, *, seconds: float = LOGIN_SECONDS) -> Login:
    """Run the plugin or OIDC refresh of `auth` in a child process, for at most `seconds`.

    Raises `CredentialsError` with the plugin's own words (shortened) when it fails or takes too long. The child
    and what it started are gone when this returns or is cancelled.
    """
    ask = msgspec.json.encode(Ask(list(auth.kubeconfigs), auth.context)) + b"\n"
    # -P: the working directory is the user's and must not provide modules. A session of its own, so that the
    # plugin can be ended together with the child.
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "tmc_syncer.kube.login",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(seconds):
            output, _ = await child.communicate(ask)
    except TimeoutError as error:
        raise CredentialsError(
            f"The login by {auth.plugin} (context {auth.context!r}) did not finish within {seconds:g} s.",
            hint="Run it by hand: a plugin that asks a person cannot be used here.",
        ) from error
    finally:
        if child.returncode is None:
            await _end(child)
    return read_answer(auth, output)


async def _end(child: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    await child.wait()


def read_answer(auth: LoginAuth, output: bytes) -> Login:
    """What the child printed. Raises `CredentialsError`."""
    try:
        answer = msgspec.json.decode(output[:MAX_ANSWER_BYTES], type=Answer)
    except msgspec.DecodeError:
        answer = Answer(error="the login process ended without an answer")
    if answer.error:
        raise CredentialsError(
            f"The login by {auth.plugin} (context {auth.context!r}) failed: {shorten(answer.error)}",
            hint=auth.hint or "Run the plugin by hand, or log in again with its own tool.",
        )
    usable = answer.token.isascii() and answer.token.isprintable()
    if not usable or not (answer.token or answer.certificate):
        raise CredentialsError(f"The login by {auth.plugin} (context {auth.context!r}) gave no credentials.")
    return Login(answer.token, answer.certificate.encode(), answer.key.encode(), _moment(answer.expires))


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
