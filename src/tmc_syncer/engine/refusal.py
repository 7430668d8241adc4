"""What a failed list or watch means to the reflector: `refusal_of(error)`. Pure.

The classes of `kube.errors` say how a key is retried; a reflector asks another question: is what I know still good, and
may I go on from the version that I have?
"""

from __future__ import annotations

from enum import Enum

import msgspec

from tmc_syncer.api.errors import TmcError
from tmc_syncer.kube.errors import ApiError, RetryClass

__all__ = ["Failure", "Refusal", "refusal_of"]


class Failure(Enum):
    """What a failed list or watch means to the reflector."""

    EXPIRED = "expired"  # 410: the version or the continue token is too old
    TOO_LARGE = "too-large"  # the server's cache is behind the version that we know (F06)
    UNSUPPORTED = "unsupported"  # 400, 422: the server does not take the parameters
    REFUSED = "refused"  # 403, a type that is not served: only a change elsewhere helps
    THROTTLED = "throttled"  # 429: nothing is wrong with what we know (F33)
    TRANSIENT = "transient"


class Refusal(msgspec.Struct, frozen=True):
    """A failure, with the server's Retry-After in seconds and a text to show."""

    failure: Failure
    text: str = ""
    retry_after: float | None = None


def refusal_of(error: BaseException) -> Refusal:
    """How the reflector takes an error of a list or watch function; one that is not of `kube` counts as transient."""
    text = str(error) or type(error).__name__
    if isinstance(error, TmcError):
        text = f"{text} ({error.code})"
    if isinstance(error, ApiError):
        return Refusal(_failure_of(error), text, error.retry_after)
    if getattr(error, "retry_class", None) is RetryClass.TERMINAL:
        return Refusal(Failure.REFUSED, text)
    return Refusal(Failure.TRANSIENT, text)


def _failure_of(error: ApiError) -> Failure:
    if error.resource_version_too_large:
        return Failure.TOO_LARGE
    by_status = _BY_STATUS.get(error.status)
    if by_status is not None:
        return by_status
    return Failure.REFUSED if error.retry_class is RetryClass.TERMINAL else Failure.TRANSIENT


_BY_STATUS = {
    400: Failure.UNSUPPORTED,
    410: Failure.EXPIRED,
    422: Failure.UNSUPPORTED,
    429: Failure.THROTTLED,
}
