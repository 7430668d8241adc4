"""The shape of the review types: which fields they have, of which type; what does not fit is a 400, what is unknown goes.

`shaped` takes the body of a request apart by a table (`SPECS`) as the real server's decoder does: a value of another type is
refused with its message, an unknown field is dropped (the HTTP side has warned of it or refused it), ``null`` is an absent
field, and an empty value of an optional field is left out. So the functions behind it work on known types, and what they
echo has the form that the real server echoes.

Pure. Called by the reviews.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, assert_never

from tmc_syncer.controlplane.server.errors import ApiError, bad_request

__all__ = ["SPECS", "shaped"]

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Text:
    name: str = "string"


@dataclass(frozen=True, slots=True)
class _Number:
    name: str = "int64"


@dataclass(frozen=True, slots=True)
class _Texts:
    name: str = "[]string"


@dataclass(frozen=True, slots=True)
class _Extra:
    """Texts by key."""

    name: str = "map[string]v1.ExtraValue"


@dataclass(frozen=True, slots=True)
class _Struct:
    """A nested object; `name` is its Go type. Behind a pointer, so it is kept when it is empty."""

    type: str
    fields: Mapping[str, _Shape]

    @property
    def name(self) -> str:
        """The type in messages."""
        return f"v1.{self.type}"


@dataclass(frozen=True, slots=True)
class _Structs:
    """A list of nested objects."""

    item: _Struct

    @property
    def name(self) -> str:
        """The type in messages."""
        return f"[]{self.item.name}"


_Shape = _Text | _Number | _Texts | _Extra | _Struct | _Structs

_TEXT, _NUMBER, _TEXTS, _EXTRA = _Text(), _Number(), _Texts(), _Extra()

_REQUIREMENT: dict[str, _Shape] = {"key": _TEXT, "operator": _TEXT, "values": _TEXTS}
_SELECTORS = {
    kind: _Struct(
        f"{kind}SelectorAttributes",
        {"rawSelector": _TEXT, "requirements": _Structs(_Struct(f"{kind}SelectorRequirement", _REQUIREMENT))},
    )
    for kind in ("Field", "Label")
}
_RESOURCE = _Struct(
    "ResourceAttributes",
    {
        **dict.fromkeys(("namespace", "verb", "group", "version", "resource", "subresource", "name"), _TEXT),
        "fieldSelector": _SELECTORS["Field"],
        "labelSelector": _SELECTORS["Label"],
    },
)
_SELF: dict[str, _Shape] = {
    "resourceAttributes": _RESOURCE,
    "nonResourceAttributes": _Struct("NonResourceAttributes", {"path": _TEXT, "verb": _TEXT}),
}
_SUBJECT = _Struct(
    "SubjectAccessReviewSpec", {**_SELF, "user": _TEXT, "groups": _TEXTS, "extra": _EXTRA, "uid": _TEXT}
)
_BOUND = _Struct("BoundObjectReference", dict.fromkeys(("kind", "apiVersion", "name", "uid"), _TEXT))

SPECS: dict[str, _Struct] = {
    "SubjectAccessReview": _SUBJECT,
    "LocalSubjectAccessReview": _SUBJECT,
    "SelfSubjectAccessReview": _Struct("SelfSubjectAccessReviewSpec", _SELF),
    "SelfSubjectRulesReview": _Struct("SelfSubjectRulesReviewSpec", {"namespace": _TEXT}),
    "TokenReview": _Struct("TokenReviewSpec", {"token": _TEXT, "audiences": _TEXTS}),
    "TokenRequest": _Struct(
        "TokenRequestSpec", {"audiences": _TEXTS, "expirationSeconds": _NUMBER, "boundObjectRef": _BOUND}
    ),
}
"""The spec of each kind."""


def shaped(kind: str, body: Object) -> dict[str, Any]:
    """The ``spec`` of a body of this kind, with known fields of the right types only. Raises `ApiError` 400."""
    spec = body.get("spec")
    return {} if spec is None else _Reading(kind).struct(SPECS[kind], spec, kind, "spec")


class _Reading:
    """Reads one body of a kind; `owner` is the type that a field is of, `path` where it is, both for messages."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def struct(self, shape: _Struct, value: object, owner: str, path: str) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise self._misfit(value, owner, path, shape.name)
        found: dict[str, Any] = {}
        for name, field in shape.fields.items():
            if (given := value.get(name)) is None:
                continue
            read = self._field(field, given, shape.type, f"{path}.{name}")
            if read or isinstance(field, _Struct | _Number):
                found[name] = read
        return found

    def _field(self, shape: _Shape, value: object, owner: str, path: str) -> object:
        match shape:
            case _Struct():
                return self.struct(shape, value, owner, path)
            case _Structs():
                items = self._typed(list, shape.name, value, owner, path)
                return [self.struct(shape.item, {} if each is None else each, owner, path) for each in items]
            case _Texts():
                return self._list_of_texts(value, shape.name, owner, path)
            case _Extra():
                values = self._typed(dict, shape.name, value, owner, path)
                return {
                    key: each if each is None else self._list_of_texts(each, "v1.ExtraValue", owner, path)
                    for key, each in values.items()
                }
            case _Number():
                number = self._typed(int, shape.name, value, owner, path)
                if not -(2**63) <= number < 2**63:
                    raise self._misfit(value, owner, path, shape.name)
                return number
            case _Text():
                return self._typed(str, shape.name, value, owner, path)
            case _:
                assert_never(shape)

    def _list_of_texts(self, value: object, name: str, owner: str, path: str) -> list[str]:
        items = self._typed(list, name, value, owner, path)
        return ["" if each is None else self._typed(str, "string", each, owner, path) for each in items]

    def _typed(self, kind: type, name: str, value: object, owner: str, path: str) -> Any:
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self._misfit(value, owner, path, name)
        return value

    def _misfit(self, value: object, owner: str, path: str, wanted: str) -> ApiError:
        what = {str: "string", bool: "bool", list: "array"}.get(type(value), "object")
        if isinstance(value, int | float) and not isinstance(value, bool):
            what = f"number {value}" if wanted == _NUMBER.name else "number"
        return bad_request(
            f'{self._kind} in version "v1" cannot be handled as a {self._kind}: '
            f"json: cannot unmarshal {what} into Go struct field {owner}.{path} of type {wanted}"
        )
