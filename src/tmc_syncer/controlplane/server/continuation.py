r"""``continue`` tokens: where a paged list goes on. The form is kube-apiserver's, so that clients that look inside find it.

A token is URL-safe base64 of ``{"v":"meta.k8s.io/v1","rv":291,"start":"/c1\u0000"}``: the revision of the first page, and the key
to begin at, relative to what is listed. A revision of -1 goes on at the present, inconsistently: the way out that
the answer to an expired token offers. Pure.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

import msgspec

from tmc_syncer.controlplane.server.errors import ApiError, bad_request

__all__ = ["Continuation", "decode", "encode"]

INCONSISTENT = -1

_VERSION = "meta.k8s.io/v1"


class _Token(msgspec.Struct):
    v: str = ""
    rv: int = 0
    start: str = ""


@dataclass(frozen=True, slots=True)
class Continuation:
    """`after` is the last key that was listed, relative to the prefix of the list; `revision` is None for the present."""

    revision: int | None
    after: str


def encode(revision: int | None, after: str) -> str:
    """The token that goes on behind the key `after` at `revision`."""
    token = _Token(_VERSION, INCONSISTENT if revision is None else revision, f"/{after}\x00")
    return base64.urlsafe_b64encode(msgspec.json.encode(token)).decode().rstrip("=")


def decode(text: str) -> Continuation:
    """Read a token. Raises `ApiError` 400."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        token = msgspec.json.decode(raw, type=_Token)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise _refused("illegal base64 data or JSON") from None
    if token.v != _VERSION:
        raise _refused(f"server does not recognize this encoded version {token.v}")
    if token.rv == 0 or token.rv < INCONSISTENT:
        raise _refused(f"incorrect encoded start resourceVersion (version {_VERSION})")
    start = token.start.removeprefix("/")
    if not start.endswith("\x00") or ".." in start.split("/"):
        raise _refused(f"invalid key in the token (version {_VERSION})")
    return Continuation(None if token.rv == INCONSISTENT else token.rv, start[:-1])


def _refused(why: str) -> ApiError:
    return bad_request(f"invalid continue token: continue key is not valid: {why}")
