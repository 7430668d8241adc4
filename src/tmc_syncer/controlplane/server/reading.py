"""How bodies become objects: a protocol, and the words for what is no object at all.

Reading refuses what kube-apiserver's decoder refuses, with its words (another kind, no JSON), drops or reports unknown and duplicate
fields as `validation` says (Strict refuses, Warn adds to `warnings`, Ignore is silent), and returns a new object that the caller
may change, with kind, apiVersion and metadata. A word where a number belongs is found later, by the type's `default`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from tmc_syncer.controlplane.server.errors import ApiError, Cause, bad_request, invalid
from tmc_syncer.controlplane.server.served import Object, ServedType
from tmc_syncer.controlplane.types import gotypes

__all__ = ["Reading", "check_type", "refuse_patched", "report_fields", "unreadable"]

MAX_SHOWN = 1024
"""Bytes of a body that an error repeats."""


class Reading(Protocol):
    """See the module."""

    def body(
        self, served: ServedType, media: str, data: bytes, validation: str, warnings: list[str]
    ) -> Object:
        """The object in a body of this media type. Raises `ApiError` 400."""
        ...

    def plain(self, media: str, data: bytes, what: str) -> Any:
        """What a body holds, without looking at types: a patch, or delete options. Raises `ApiError` 400.

        `what` begins the message, for example "error decoding patch".
        """
        ...

    def patched(
        self, served: ServedType, obj: Object, validation: str, warnings: list[str], shown: str = ""
    ) -> Object:
        """The object that a patch made, read as if it had come in a body, with defaults. Raises `ApiError` 422.

        `shown` is what the error repeats, by default the object.
        """
        ...


def unreadable(served: ServedType, data: bytes, why: str) -> ApiError:
    """400: the body is no object."""
    if not data:
        shown = "<empty>"
    elif data.startswith((b"{", b"---")):
        shown = data[:MAX_SHOWN].decode(errors="replace")
    else:
        shown = data[:MAX_SHOWN].hex()
    return bad_request(
        f"the object provided is unrecognized (must be of type {served.kind}): couldn't get version/kind; json parse "
        f"error: {why} ({shown})"
    )


def check_type(served: ServedType, obj: Object) -> None:
    """Fill in kind and apiVersion where they are missing; refuse those of another type (400)."""
    kind = obj.get("kind") or served.kind
    version = obj.get("apiVersion") or served.group_version
    if kind == served.kind and version == served.group_version:
        obj["kind"], obj["apiVersion"] = kind, version
        return
    short = str(version).rpartition("/")[2]
    if served.custom:
        raise bad_request(
            f"the object provided is unrecognized (must be of type {served.kind}): the API version in the data "
            f"({version}, Kind={kind}) does not match the expected API version ({served.group_version}, "
            f"Kind={served.kind})"
        )
    if f"{version}/{kind}" not in gotypes.kinds():
        raise bad_request(
            f'{kind} in version "{short}" cannot be handled as a {served.kind}: no kind "{kind}" is registered for '
            f'version "{version}" in scheme "pkg/runtime/scheme.go:111"'
        )
    internal = f"{served.group.partition('.')[0] or 'core'}.{served.kind}"
    raise bad_request(
        f'{kind} in version "{short}" cannot be handled as a {served.kind}: converting ({short}.{kind}) to '
        f"({internal}): unknown conversion"
    )


def report_fields(
    served: ServedType, unknown: Sequence[str], twice: Sequence[str], validation: str, warnings: list[str]
) -> None:
    """Refuse (Strict) or warn of fields that are not in the schema or were given twice."""
    said = [f'duplicate field "{path}"' for path in twice] + [f'unknown field "{path}"' for path in unknown]
    if not said:
        return
    if validation == "Strict":
        raise bad_request(
            f'{served.kind} in version "{served.version}" cannot be handled as a {served.kind}: strict decoding error: '
            f"{', '.join(said)}"
        )
    warnings += said


def refuse_patched(shown: str, why: str) -> ApiError:
    """422: what a patch made is no object of the type. `shown` is the object, or the patch."""
    words = f"Invalid value: {shown}: {why}"
    return invalid("", "", [Cause("FieldValueInvalid", words, "patch")])
