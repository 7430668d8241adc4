"""The errors of speaking Kubernetes, and the class by which each is retried.

    KubeError (TmcError)
    ├── ApiError          a server answered, and the answer is a refusal (or an ERROR event of a watch)
    ├── TransportError    no usable answer: network, timeout, TLS, garbled or oversized reply
    ├── CredentialsError  a token, certificate or login plugin does not give what a request needs
    ├── PathError         a name that cannot stand in a request path
    └── KubeconfigError   (also UsageError, exit 2) a kubeconfig that cannot be used as it is

Every one has a `retry_class`; who retries, and when, is decided by the work queue (semantics.md, "Errors and
retries"). The class of an ApiError follows from verb, body, reason and causes, never from the status alone.

Messages are short (texts of servers are cut at `MAX_TEXT`) and never hold a token or the value of a Secret: for
requests about Secrets everything is dropped that a validator or webhook may quote values in; field paths stay.
How a reply becomes an ApiError stands in `kube.refusals`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from tmc_syncer.api.errors import TmcError, UsageError
from tmc_syncer.api.resources import ResourceInfo

__all__ = [
    "MAX_TEXT",
    "ApiError",
    "Cause",
    "CredentialsError",
    "FieldConflict",
    "KubeError",
    "KubeconfigError",
    "PathError",
    "RetryClass",
    "TransportError",
    "TransportFault",
    "shorten",
]

MAX_TEXT = 300
"""Characters of a server's text that a message keeps: enough for each sentence that API servers write, too few
for an object or a page of HTML."""


class RetryClass(Enum):
    """What a failed request means for its key (semantics.md, "Errors and retries")."""

    TRANSIENT = "Transient"  # the server's backoff, 0.8 → 30 s
    CONFLICT = "Conflict"  # the world is not what we thought: observe it again at once
    GONE = "Gone"  # the resourceVersion or continue token is too old: list again
    NAMESPACE_TERMINATING = "NamespaceTerminating"  # row 8 of the table
    TERMINAL = "Terminal"  # waits for a change of input, or 10 min


class TransportFault(Enum):
    """Why there is no usable answer; a label of metrics and the choice of the hint."""

    CONNECT = "connect"  # refused, unreachable, name not found
    TLS = "tls"
    TIMEOUT = "timeout"
    IDLE = "idle"  # a stream that said nothing for its idle deadline
    BROKEN = "broken"  # cut, reset, body shorter than announced
    GARBLED = "garbled"  # an answer that is no Kubernetes API answer: HTML, truncated JSON, an empty 200
    TOO_LARGE = "too-large"  # a reply or a watch line over its bound
    PROXY = "proxy"


class KubeError(TmcError):
    """The root of this layer."""

    code: ClassVar[str] = "TMC-100"

    @property
    def retry_class(self) -> RetryClass:
        """How the work queue treats the key whose request failed."""
        return RetryClass.TRANSIENT


class TransportError(KubeError):
    """The request may or may not have been carried out (F35): only the next look tells."""

    code = "TMC-102"

    def __init__(self, message: str, *, fault: TransportFault, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.fault = fault


class CredentialsError(KubeError):
    """No valid credentials just now. Transient: files are rotated and plugins recover without a restart (F68)."""

    code = "TMC-103"


class PathError(KubeError):
    """A name, namespace or subresource that would lead a request elsewhere (F78). Nothing was sent."""

    code = "TMC-105"

    @property
    def retry_class(self) -> RetryClass:
        """Only another object can help."""
        return RetryClass.TERMINAL


class KubeconfigError(KubeError, UsageError):
    """A kubeconfig (or in-cluster environment) that is missing, unreadable, contradictory or unsupported."""

    code = "TMC-104"
    exit_code = 2

    @property
    def retry_class(self) -> RetryClass:
        """Only the user can help."""
        return RetryClass.TERMINAL


@dataclass(frozen=True, slots=True)
class Cause:
    """One of ``details.causes``: a reason in CamelCase, a sentence, a field path (``.spec.replicas``)."""

    reason: str
    message: str
    field: str


@dataclass(frozen=True, slots=True)
class FieldConflict:
    """A field of a refused apply that another manager owns. `operation` is ``Apply`` or ``Update``."""

    manager: str
    operation: str
    field_path: str
    subresource: str = ""
    api_version: str = ""


_CONFLICT = re.compile(
    r'conflict with (?P<manager>"(?:[^"\\]|\\.)*")'
    r'(?: with subresource "(?P<subresource>[^"]*)")?'
    r"(?: using (?P<version>\S+)(?: at \S+)?)?"
)

_HINTS = {
    400: "The object does not fit this server's version of the type; correct it upstream.",
    401: "The server does not know the credentials: they may have expired or been revoked. Log in again, or "
    "renew the token or client certificate that the kubeconfig names.",
    403: "Grant the user of this kubeconfig the missing permission.",
    404: "The server does not serve this type; install it, or take it off the list.",
    413: "The object is larger than the server accepts.",
    422: "Change the named fields in the upstream object.",
}
"""What the user can do. Other refusals are dealt with by trying again."""


class ApiError(KubeError):
    """A refusal by an API server. Built by `kube.refusals`, which has the context that `retry_class` needs.

    `status` is the HTTP status (of an ERROR event: the code in it), `reason` the CamelCase reason of the Status
    body ("" when the body was none), `retry_after` seconds or None. `verb` and `resource` say what was asked.
    """

    code = "TMC-101"

    def __init__(
        self,
        message: str,
        *,
        status: int,
        reason: str = "",
        api_message: str = "",
        causes: tuple[Cause, ...] = (),
        details: tuple[str, str, str, str] = ("", "", "", ""),
        retry_after: float | None = None,
        retry_class: RetryClass = RetryClass.TRANSIENT,
    ) -> None:
        helpless = status != 401 and retry_class is not RetryClass.TERMINAL
        super().__init__(message, hint="" if helpless else _HINTS.get(status, ""))
        self.status = status
        self.reason = reason
        self.api_message = api_message
        self.causes = causes
        self.details_group, self.details_kind, self.details_name, self.details_uid = details
        self.retry_after = retry_after
        self._retry_class = retry_class

    @property
    def retry_class(self) -> RetryClass:
        """By verb, body, reason and cause; see `kube.refusals.classify`."""
        return self._retry_class

    def has_cause(self, reason: str) -> bool:
        """Whether one of the causes carries `reason`."""
        return any(cause.reason == reason for cause in self.causes)

    @property
    def resource_version_too_large(self) -> bool:
        """F06: the server's cache is older than the version asked for; a quorum list helps, waiting too."""
        return self.has_cause("ResourceVersionTooLarge")

    def is_not_found_of(self, info: ResourceInfo, name: str) -> bool:
        """Whether this is *proof* that the object `name` of type `info` is not there.

        Only a JSON Status with reason NotFound that names type and object proves it. A starting kcp, a proxy or
        a type taken out of an export answer 404 too, while the object lives (kcp.md, 5).
        """
        return (
            self.status == 404
            and self.reason == "NotFound"
            and bool(name)
            and self.details_name == name
            and self.details_kind == info.gvr.resource
            and self.details_group in {"", info.gvr.group}
        )

    @property
    def field_conflicts(self) -> tuple[FieldConflict, ...]:
        """The contested fields of a refused apply; empty for every other refusal.

        The server writes ``conflict with "mgr" using apps/v1`` (at a time, if it knows one) for a manager that
        updated, and no ``using`` for one that applied (structured-merge-diff conflicts, printManager).
        """
        return tuple(_field_conflict(c) for c in self.causes if c.reason == "FieldManagerConflict")


def _field_conflict(cause: Cause) -> FieldConflict:
    found = _CONFLICT.search(cause.message)
    if found is None:
        return FieldConflict(manager="", operation="", field_path=cause.field)
    version = found["version"] or ""
    return FieldConflict(
        manager=re.sub(r"\\(.)", r"\1", found["manager"][1:-1]),
        operation="Update" if version else "Apply",
        field_path=cause.field,
        subresource=found["subresource"] or "",
        api_version=version,
    )


def shorten(text: str, limit: int = MAX_TEXT) -> str:
    """`text` on one line, control characters dropped, at most `limit` characters (the last one an ellipsis)."""
    line = " ".join(text[: 4 * limit].split())
    line = "".join(c for c in line if c.isprintable())
    return line if len(line) <= limit else line[: limit - 1] + "…"
