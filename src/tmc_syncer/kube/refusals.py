"""From a refusing reply to an `ApiError`: reading the Status body, classing it, keeping secrets out of its text.

The rules of semantics.md, "Errors and retries", with the bodies that real servers send:
- A body that is no Status did not come from the API machinery (a proxy's HTML, max-in-flight's text, a kcp that
  starts): Transient, whatever its number; only 413 says the same in any form.
- A 404 that names an object: it went away meanwhile, observe again. One that names none: the type is not served.
- A 500 that says that the object is too large for etcd is as final as a 413.
- A 422 without causes to a JSON patch that carried ``test``: the test failed. With causes it is a real refusal
  (an upstream server validates status), which repeating would not cure.

Pure. `Asked` is the context of one request.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import msgspec

from tmc_syncer.api.resources import ResourceInfo
from tmc_syncer.kube.errors import MAX_TEXT, ApiError, Cause, RetryClass, shorten

__all__ = ["Asked", "classify", "refusal", "refusal_of_event"]

MAX_CAUSES = 64
"""Causes kept of one refusal: more than the fields of a large Deployment can conflict in practice."""

MAX_STATUS_BYTES = 1 << 20
"""A longer body is no Status worth reading: the texts in it are cut anyway."""


_ENDS = (".", "!", "?", "…")

_TOO_LARGE = "RequestEntityTooLarge"
_TOO_LARGE_FOR_ETCD = ("etcdserver: request is too large", "trying to send message larger than max")
"""What an API server passes on as a 500 without a reason when an object is below its own limit (413) and above that of
etcd; it gets the reason of the 413."""


class Asked(NamedTuple):
    """What was asked: the verb, the type, the object (its name is "" for collections); `tested`: by a JSON patch,
    which may carry ``test`` operations.
    """

    verb: str
    info: ResourceInfo
    namespace: str = ""
    name: str = ""
    tested: bool = False

    @property
    def secret(self) -> bool:
        """Whether the server may quote values of a Secret in its answer."""
        return self.info.gvr.resource == "secrets"

    def __str__(self) -> str:
        named = "/".join(part for part in (self.namespace, self.name) if part)
        return f"{self.verb} {self.info.gvr.group_resource} {named}".rstrip()


class _Cause(msgspec.Struct):
    reason: str | None = None
    message: str | None = None
    field: str | None = None


class _Details(msgspec.Struct, rename="camel"):
    name: str | None = None
    group: str | None = None
    kind: str | None = None
    uid: str | None = None
    causes: list[_Cause] | None = None
    retry_after_seconds: float | None = None


class _Status(msgspec.Struct):
    kind: str = ""
    status: str | None = None
    message: str | None = None
    reason: str | None = None
    details: _Details | None = None
    code: int | None = None


_decode_status = msgspec.json.Decoder(_Status).decode


def refusal(asked: Asked, status: int, body: bytes, headers: Mapping[str, str]) -> ApiError:
    """The error for a reply whose status is not a success."""
    parsed = _parse(body)
    after = _retry_after(headers)
    if parsed is None:
        text = "" if asked.secret else shorten(body[: 4 * MAX_TEXT].decode("utf-8", "replace"))
        return _build(asked, status, _Status(message=text), after, is_status=False)
    return _build(asked, status, parsed, after, is_status=True)


def refusal_of_event(asked: Asked, raw: bytes | msgspec.Raw) -> ApiError:
    """The error that an ERROR event of a watch carries; an event that is no Status counts as a 500."""
    parsed = _parse(raw)
    if parsed is None:
        return _build(asked, 500, _Status(message="ERROR event without a Status"), None, is_status=False)
    return _build(asked, parsed.code or 500, parsed, None, is_status=True)


def classify(
    status: int, reason: str, message: str, causes: tuple[Cause, ...], *, named: bool, tested: bool
) -> RetryClass:
    """The class of a refusal with a Status body. `named`: the Status names an object; `tested`: see `Asked`."""
    match status:
        case 409:
            return RetryClass.CONFLICT
        case 410:
            return RetryClass.GONE
        case 404 if reason == "NotFound" and named:
            return RetryClass.CONFLICT
        case 403 if any(cause.reason == "NamespaceTerminating" for cause in causes):
            return RetryClass.NAMESPACE_TERMINATING
        case 403 if "exceeded quota" in message:
            return RetryClass.TRANSIENT
        case 422 if _is_race(message, causes, tested=tested):
            return RetryClass.CONFLICT
        case 401 | 408 | 425 | 429:
            # 401: after the one retry with renewed credentials. They recover without a change of ours (F68).
            return RetryClass.TRANSIENT
        case 500 if reason == _TOO_LARGE:
            return RetryClass.TERMINAL
        case _ if 400 <= status < 500:
            return RetryClass.TERMINAL
    return RetryClass.TRANSIENT


def _is_race(message: str, causes: tuple[Cause, ...], *, tested: bool) -> bool:
    """Whether a 422 says that the object is not the one, or not in the state, that the request was made for."""
    if tested and not causes:
        return True
    if any(cause.field == "metadata.uid" for cause in causes):
        return True
    # "no new finalizers can be added if the object is being deleted": a deletion that we have not seen yet.
    return "no new finalizers" in message or any("no new finalizers" in cause.message for cause in causes)


def _parse(body: bytes | msgspec.Raw) -> _Status | None:
    if len(body) > MAX_STATUS_BYTES:
        return None
    try:
        parsed = _decode_status(body)
    except msgspec.DecodeError:
        return None
    return parsed if parsed.kind == "Status" else None


def _build(asked: Asked, status: int, parsed: _Status, after: float | None, *, is_status: bool) -> ApiError:
    details = parsed.details or _Details()
    reason, message = parsed.reason or "", parsed.message or ""
    causes = tuple(
        Cause(c.reason or "", c.message or "", c.field or "") for c in (details.causes or ())[:MAX_CAUSES]
    )
    if status == 500 and not reason and any(text in message for text in _TOO_LARGE_FOR_ETCD):
        reason = _TOO_LARGE
    if is_status:
        retry_class = classify(status, reason, message, causes, named=bool(details.name), tested=asked.tested)
    else:
        retry_class = RetryClass.TERMINAL if status == 413 else RetryClass.TRANSIENT
    message, causes = _readable(asked, status, message, causes)
    label = f"{status} {reason}".strip()
    text = f": {message}" if message else ""
    return ApiError(
        f"{asked}: the server answered {label}{text}{'' if text.endswith(_ENDS) else '.'}",
        status=status,
        reason=reason,
        api_message=message,
        causes=causes,
        details=(details.group or "", details.kind or "", details.name or "", details.uid or ""),
        retry_after=after if after is not None else details.retry_after_seconds,
        retry_class=retry_class,
    )


_RBAC_DENIAL = re.compile(r' is forbidden: User "[^"]*" cannot ')
"""The authorizer's own sentence; it names user, verb, resource and namespace, and never a value."""


def _is_valueless(status: int, message: str) -> bool:
    """Whether a text about a Secret is the API server's own and of a kind that quotes no value."""
    if "webhook" in message or "AdmissionPolicy" in message:
        return False  # written by an administrator's rule, which may quote anything
    return status in {404, 409, 410, 429} or _RBAC_DENIAL.search(message) is not None


def _readable(
    asked: Asked, status: int, message: str, causes: tuple[Cause, ...]
) -> tuple[str, tuple[Cause, ...]]:
    """Texts cut to size; about Secrets only those that cannot hold a value."""
    if not asked.secret:
        return shorten(message), tuple(Cause(c.reason, shorten(c.message), c.field) for c in causes)
    kept = tuple(
        Cause(c.reason, shorten(c.message) if c.reason in _VALUELESS_CAUSES else "", shorten(c.field, 120))
        for c in causes
    )
    if _is_valueless(status, message):
        return shorten(message), kept
    fields = ", ".join(dict.fromkeys(c.field for c in kept if c.field))
    return shorten(f"(text left out: it may quote the Secret) {fields}".strip()), kept


_VALUELESS_CAUSES = frozenset({"FieldManagerConflict", "NamespaceTerminating", "ResourceVersionTooLarge"})


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Retry-After in seconds: a number, or a date compared with the reply's own Date (skew does not matter)."""
    text = headers.get("Retry-After")
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) <= 9:
        return float(text)
    try:
        wait = parsedate_to_datetime(text) - parsedate_to_datetime(headers.get("Date", ""))
    except (TypeError, ValueError):
        return None
    return max(0.0, wait.total_seconds())
