"""What schema validation finds at one value: errors, and how many checks passed.

A `Finding` becomes a cause at the end, when the field that all is under is known. `Findings` never holds two errors with the same message.
`passed` is go-openapi's match count, which decides whose errors are shown when no alternative of a combination fits. Pure; used by
`validation` and `valuerules`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tmc_syncer.controlplane.merge import causes
from tmc_syncer.controlplane.server.errors import Cause

__all__ = ["Finding", "Findings", "composite", "finding"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One error. `kind` names a function of `causes`; `path` may begin with a dot."""

    kind: str
    path: str
    message: str
    value: Any

    def cause(self, under: str) -> Cause:
        """The error as a cause, in a part of the object that the field `under` is the root of."""
        path = self.path.removeprefix(".")
        where = ".".join(part for part in (under, path) if part) or causes.NO_FIELD
        match self.kind:
            case "required":
                return causes.required(where)
            case "not_supported":
                return causes.not_supported(where, *self.value)
            case "too_long":
                return causes.too_long(where, self.value)
            case "too_many":
                return causes.too_many(where, *self.value)
            case "type_invalid":
                return causes.type_invalid(where, self.value, self.message)
            case "composite":
                return causes.invalid(under or causes.NO_FIELD, "", self.message)
            case _:
                return causes.invalid(where, self.value, self.message)


def finding(kind: str, path: str, said: str, value: Any) -> Finding:
    """An error whose message names the path."""
    return Finding(kind, path, f"{path} in body {said}", value)


def composite(message: str) -> Finding:
    """An error without a field."""
    return Finding("composite", "", message, "")


@dataclass(slots=True)
class Findings:
    """Errors in their order, and how many checks passed."""

    errors: list[Finding] = field(default_factory=list)
    passed: int = 0

    def add(self, error: Finding) -> None:
        """Take an error in, unless one with the same message is there."""
        if all(error.message != known.message for known in self.errors):
            self.errors.append(error)

    def merge(self, other: Findings) -> None:
        """Take all of another's in."""
        for error in other.errors:
            self.add(error)
        self.passed += other.passed
