"""`Bodies`: bodies as objects, read with the tables of `types` and `merge`; the real `Reading`.

JSON is decoded in one pass. Whether a field is unknown costs a second look at the object, whether one was given twice costs an
encoding: only when the number of keys in the text differs from that of the object does the slow look begin that finds which. Both
are left out when the client asks to ignore them. Protobuf bodies are handed to `decode_protobuf`, YAML to PyYAML's C loader.

A patched object is read as a body would be, but what is wrong with it is a 422 that shows it, as in kube-apiserver.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import yaml

from tmc_syncer.controlplane.merge.gotext import quoted
from tmc_syncer.controlplane.server.encoding import decode_json, encode_json
from tmc_syncer.controlplane.server.errors import ApiError, bad_request
from tmc_syncer.controlplane.server.media import PROTOBUF, YAML
from tmc_syncer.controlplane.server.reading import check_type, refuse_patched, report_fields, unreadable
from tmc_syncer.controlplane.server.served import Object, ServedType

__all__ = ["Bodies"]

UnknownFields = Callable[[ServedType, Object], list[str]]
DecodeProtobuf = Callable[[bytes], Object]

_GO_STRUCT = (
    'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
)
_FORMS = {list: "array", str: "string", int: "number", float: "number", bool: "bool"}
_KEY = b'":'


class Bodies:
    """See the module."""

    def __init__(self, unknown_fields: UnknownFields, decode_protobuf: DecodeProtobuf) -> None:
        self._unknown_fields = unknown_fields
        self._decode_protobuf = decode_protobuf

    def body(
        self, served: ServedType, media: str, data: bytes, validation: str, warnings: list[str]
    ) -> Object:
        """The object in a body. Raises `ApiError` 400."""
        if media == PROTOBUF:
            obj = self._decode_protobuf(data)
            check_type(served, obj)
            return obj
        try:
            found = _parsed(media, data)
        except ValueError as error:
            raise unreadable(served, data, str(error)) from None
        if found is None:
            found = {}
        if not isinstance(found, dict):
            why = f"json: cannot unmarshal {_FORMS[type(found)]} into Go value of type {_GO_STRUCT}"
            raise unreadable(served, data, why)
        check_type(served, found)
        if validation != "Ignore":
            twice = _duplicates(data) if media != YAML and _may_have_duplicates(data, found) else []
            report_fields(served, self._unknown_fields(served, found), twice, validation, warnings)
        return found

    def plain(self, media: str, data: bytes, what: str) -> Any:
        """What a body holds. Raises `ApiError` 400."""
        if media == PROTOBUF:
            return self._decode_protobuf(data)
        try:
            return _parsed(media, data)
        except ValueError as error:
            raise bad_request(f"{what}: {error}") from None

    def patched(
        self, served: ServedType, obj: Object, validation: str, warnings: list[str], shown: str = ""
    ) -> Object:
        """The object that a patch made, with defaults. Raises `ApiError` 422."""
        if obj.get("kind") != served.kind or obj.get("apiVersion") != served.group_version:
            version = str(obj.get("apiVersion")).rpartition("/")[2]
            raise refuse_patched(
                shown or _shown(obj),
                f'no kind "{obj.get("kind")}" is registered for version "{version}" in scheme '
                '"pkg/runtime/scheme.go:111"',
            )
        if validation != "Ignore" and (unknown := self._unknown_fields(served, obj)):
            said = [f'unknown field "{path}"' for path in unknown]
            if validation == "Strict":
                raise refuse_patched(shown or _shown(obj), f"strict decoding error: {', '.join(said)}")
            warnings += said
        try:
            return served.default(obj)
        except ApiError as error:
            if error.code != 400:
                raise
            raise refuse_patched(
                shown or _shown(obj), error.message.partition(f"as a {served.kind}: ")[2] or error.message
            ) from None


def _parsed(media: str, data: bytes) -> Any:
    """Raises `ValueError` in Go's words, as far as they are known."""
    if media == YAML:
        try:
            return yaml.load(data, Loader=_Loader)  # noqa: S506  # a safe loader, without timestamps
        except yaml.YAMLError as error:
            problem = getattr(error, "problem", None) or str(error)
            raise ValueError(f"error converting YAML to JSON: yaml: {problem}") from None
    try:
        return decode_json(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        text = str(error)
        raise ValueError(
            "unexpected end of JSON input" if "truncated" in text or not data else text
        ) from None


class _Loader(yaml.CSafeLoader):
    """As Kubernetes reads YAML: times are text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def _may_have_duplicates(data: bytes, obj: Object) -> bool:
    return data.count(_KEY) != encode_json(obj).count(_KEY)


def _duplicates(data: bytes) -> list[str]:
    """The paths that stand twice in a JSON text, in the order of the text."""
    return list(_twice(_pairs(data), ""))


class _Pairs(list[tuple[str, Any]]):
    """An object with all its pairs."""


def _pairs(data: bytes) -> Any:
    import json  # only here: the slow look is rare

    return json.loads(data, object_pairs_hook=_Pairs)


def _twice(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, _Pairs):
        seen: set[str] = set()
        for name, item in value:
            at = f"{path}.{name}" if path else name
            if name in seen:
                yield at
            seen.add(name)
            yield from _twice(item, at)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _twice(item, f"{path}[{index}]")


def _shown(obj: Object) -> str:
    return quoted(encode_json({name: obj[name] for name in sorted(obj)}).decode())
