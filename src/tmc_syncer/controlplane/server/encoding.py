"""Objects as bytes: how they are kept, and what is put in front of them when they are sent.

The store keeps an object without its kind and apiVersion (`body`: from ``"metadata":`` to the closing brace). A single object and
an object in a watch get the type's envelope in front, an item of a list of a built-in type only the brace: kube-apiserver
leaves kind and apiVersion out there. So one copy serves every reader, and no reader needs JSON encoded again.

``metadata`` comes first in a body. Nothing here looks at more than that. Pure.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tmc_syncer.controlplane.server.served import Object, ServedType
from tmc_syncer.controlplane.storage.records import Record

__all__ = [
    "body_of",
    "decode_json",
    "encode_json",
    "envelope",
    "metadata_of",
    "object_of",
    "restamped",
    "view",
    "viewed_body",
]

encode_json = msgspec.json.Encoder().encode
decode_json = msgspec.json.Decoder().decode

_IN_FRONT = ("kind", "apiVersion", "metadata")


class _Meta(msgspec.Struct):
    metadata: msgspec.Raw = msgspec.Raw(b"{}")


_decode_meta = msgspec.json.Decoder(_Meta).decode


def envelope(kind: str, version: str) -> bytes:
    """What stands before a body: ``{"kind":"ConfigMap","apiVersion":"v1",``."""
    return encode_json({"kind": kind, "apiVersion": version})[:-1] + b","


def body_of(obj: Object) -> bytes:
    """The part of an object that is kept. `obj` has metadata; its order of keys is kept behind it."""
    rest: dict[str, Any] = {name: value for name, value in obj.items() if name not in _IN_FRONT}
    return encode_json({"metadata": obj["metadata"], **rest})[1:]


def object_of(record: Record, kind: str, version: str) -> Object:
    """A fresh dictionary of a kept object."""
    found: Object = {"kind": kind, "apiVersion": version}
    found.update(decode_json(b"{" + record.body))
    return found


def view(record: Record, served: ServedType) -> Object:
    """A fresh dictionary of a kept object in the version of a type."""
    obj = object_of(record, served.kind, served.group_version)
    return obj if served.conversion is None else served.conversion.from_stored(obj)


def viewed_body(record: Record, served: ServedType) -> bytes:
    """The body of a kept object in the version of a type: its own bytes, unless it is kept in another form."""
    return record.body if served.conversion is None else body_of(view(record, served))


def metadata_of(record: Record) -> bytes:
    """The JSON text of the object's metadata."""
    return bytes(_decode_meta(b"{" + record.body).metadata)


def restamped(body: bytes, revision: int) -> bytes:
    """A body with another resourceVersion: the last state of an object that is deleted or left a selector."""
    obj = decode_json(b"{" + body)
    obj["metadata"]["resourceVersion"] = str(revision)
    return encode_json(obj)[1:]
