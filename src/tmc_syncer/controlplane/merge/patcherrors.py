"""What the server answers to a patch that it cannot apply.

`PatchError` is an `ApiError` with the status that kube-apiserver gives: 400 for a patch that is malformed, 422 for one that does not
fit the object, 500 for what it did not think of (a list item without its merge key, say). Pure; raised by the patch modules.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.controlplane.server.errors import ApiError

__all__ = ["PatchError", "go_type", "malformed", "unforeseen", "unprocessable"]

_GO_TYPES = {
    dict: "map[string]interface {}",
    list: "[]interface {}",
    str: "string",
    bool: "bool",
    int: "int64",
    float: "float64",
}


class PatchError(ApiError):
    """A patch that cannot be applied. `problem` says why; clients see only the message, which need not."""

    def __init__(
        self, code: int, reason: str, message: str, problem: str = "", details: dict[str, Any] | None = None
    ) -> None:
        super().__init__(code, reason, message, details=details)
        self.problem = problem or message


def malformed(message: str) -> PatchError:
    """400."""
    return PatchError(400, "BadRequest", message)


def unprocessable(problem: str) -> PatchError:
    """422 without causes: the patch makes sense, but not for this object. Clients are not told why."""
    message = "the server rejected our request due to an error in our request"
    return PatchError(422, "Invalid", message, problem, {})


def unforeseen(message: str) -> PatchError:
    """500, as kube-apiserver answers errors that it has no status for."""
    return PatchError(500, "", message)


def go_type(value: Any) -> str:
    """The Go type that the server decodes a JSON value into, as its messages print it."""
    return _GO_TYPES.get(type(value), "%!s(<nil>)")
