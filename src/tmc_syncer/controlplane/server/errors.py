"""What the server answers instead of an object: `ApiError`, and one constructor for each error of a Kubernetes API server.

Reasons, messages and details are those of kube-apiserver (`k8s.io/apimachinery/pkg/api/errors`), because clients branch on
them: a NotFound names its resource and object, a version in the future carries the cause ResourceVersionTooLarge. The parts
`merge`, `types`, `auth` and `cluster` raise these too; only `server` turns them into HTTP.

Constructors take the type for its `group`, `resource` and `kind` alone, so that anything with these three fits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

__all__ = [
    "ApiError",
    "Cause",
    "Named",
    "already_exists",
    "bad_request",
    "conflict",
    "expired",
    "forbidden",
    "internal",
    "invalid",
    "method_not_allowed",
    "no_such_path",
    "not_acceptable",
    "not_found",
    "too_large",
    "too_large_version",
    "too_many_requests",
    "unauthorized",
    "unavailable",
    "unsupported_media_type",
]


class Named(Protocol):
    """What an error needs to know of a type."""

    @property
    def group(self) -> str: ...
    @property
    def resource(self) -> str: ...
    @property
    def kind(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Cause:
    """One entry of ``details.causes``; `field` may be empty."""

    reason: str
    message: str
    field: str = ""

    def to_object(self) -> dict[str, str]:
        """The JSON form, without an empty field."""
        found = {"reason": self.reason, "message": self.message, "field": self.field}
        return {name: value for name, value in found.items() if value}


class ApiError(Exception):
    """A refusal with its HTTP status `code`. `details` is the JSON form of StatusDetails, None where there are none."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        *,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = None if details is None else dict(details)
        self.headers = dict(headers or {})
        self.metadata = dict(metadata or {})

    def to_object(self) -> dict[str, Any]:
        """The ``Status`` object that goes to the client."""
        status: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": self.metadata,
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            status["reason"] = self.reason
        if self.details is not None:
            status["details"] = self.details
        status["code"] = self.code
        return status


def _qualified(named: Named) -> str:
    return f"{named.resource}.{named.group}" if named.group else named.resource


def _details(named: Named, name: str, kind: str = "") -> dict[str, Any]:
    found = {"name": name, "group": named.group, "kind": kind or named.resource}
    return {key: value for key, value in found.items() if value}


def _retry_after(seconds: int) -> dict[str, str]:
    return {"Retry-After": str(seconds)}


def bad_request(message: str) -> ApiError:
    """400: the request makes no sense."""
    return ApiError(400, "BadRequest", message)


def unauthorized(message: str = "Unauthorized") -> ApiError:
    """401: nobody that we know."""
    return ApiError(401, "Unauthorized", message)


def forbidden(named: Named, name: str, why: str, causes: Sequence[Cause] = ()) -> ApiError:
    """403 on an object or, with an empty name, on a whole resource."""
    subject = f'{_qualified(named)} "{name}" is forbidden' if name else f"{_qualified(named)} is forbidden"
    details = _details(named, name)
    if causes:
        details["causes"] = [cause.to_object() for cause in causes]
    return ApiError(403, "Forbidden", f"{subject}: {why}", details=details)


def not_found(named: Named, name: str) -> ApiError:
    """404 of an object. Its ``details.kind`` is the plural, as everywhere but in `invalid`."""
    return ApiError(404, "NotFound", f'{_qualified(named)} "{name}" not found', details=_details(named, name))


def no_such_path() -> ApiError:
    """404 of a type or subresource that is not served."""
    return ApiError(404, "NotFound", "the server could not find the requested resource", details={})


def method_not_allowed() -> ApiError:
    """405: the type has no such verb."""
    return ApiError(
        405, "MethodNotAllowed", "the server does not allow this method on the requested resource", details={}
    )


def not_acceptable(accepted: Sequence[str]) -> ApiError:
    """406: none of the answers that we can give is wanted."""
    listed = ", ".join(accepted)
    return ApiError(406, "NotAcceptable", f"only the following media types are accepted: {listed}")


def already_exists(named: Named, name: str) -> ApiError:
    """409 of a create."""
    return ApiError(
        409, "AlreadyExists", f'{_qualified(named)} "{name}" already exists', details=_details(named, name)
    )


MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


def conflict(named: Named, name: str, why: str = MODIFIED, causes: Sequence[Cause] = ()) -> ApiError:
    """409: a precondition does not hold any more."""
    details = _details(named, name)
    if causes:
        details["causes"] = [cause.to_object() for cause in causes]
    subject = f'Operation cannot be fulfilled on {_qualified(named)} "{name}"'
    return ApiError(409, "Conflict", f"{subject}: {why}", details=details)


def expired(message: str, continuation: str = "") -> ApiError:
    """410: the revision is not in the window any more. `continuation` lets a paged list go on inconsistently."""
    metadata = {"continue": continuation} if continuation else {}
    return ApiError(410, "Expired", message, metadata=metadata)


def too_large(message: str) -> ApiError:
    """413: a body beyond the limit."""
    return ApiError(413, "RequestEntityTooLarge", message)


def unsupported_media_type(accepted: Sequence[str]) -> ApiError:
    """415: a body that we cannot read."""
    listed = ", ".join(accepted)
    return ApiError(
        415,
        "UnsupportedMediaType",
        f"the body of the request was in an unknown format - accepted media types include: {listed}",
    )


def invalid(kind: str, name: str, causes: Sequence[Cause], group: str = "") -> ApiError:
    """422 with one cause per field; the message says each of them once, as kube-apiserver does."""
    details: dict[str, Any] = {"name": name, "group": group, "kind": kind}
    details = {key: value for key, value in details.items() if value}
    details["causes"] = [cause.to_object() for cause in causes]
    said_once = dict.fromkeys(
        f"{cause.field}: {cause.message}" if cause.field else cause.message for cause in causes
    )
    words = list(said_once)
    said = words[0] if len(words) == 1 else f"[{', '.join(words)}]"
    qualified = f"{kind}.{group}" if group else kind
    return ApiError(422, "Invalid", f'{qualified} "{name}" is invalid: {said}', details=details)


def too_many_requests(message: str, retry_after_seconds: int = 1) -> ApiError:
    """429: come back later."""
    return ApiError(
        429,
        "TooManyRequests",
        message,
        details={"retryAfterSeconds": retry_after_seconds},
        headers=_retry_after(retry_after_seconds),
    )


def internal(message: str) -> ApiError:
    """500: our fault."""
    return ApiError(
        500,
        "InternalError",
        f"Internal error occurred: {message}",
        details={"causes": [{"message": message}]},
    )


def unavailable(message: str) -> ApiError:
    """503: not now."""
    return ApiError(503, "ServiceUnavailable", message)


def too_large_version(asked: int, current: int) -> ApiError:
    """504: a version that this server has not come to; clients tell it by its cause."""
    cause = Cause("ResourceVersionTooLarge", "Too large resource version")
    return ApiError(
        504,
        "Timeout",
        f"Timeout: Too large resource version: {asked}, current: {current}",
        details={"causes": [cause.to_object()], "retryAfterSeconds": 1},
        headers=_retry_after(1),
    )
