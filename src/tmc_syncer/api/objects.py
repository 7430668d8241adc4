"""`Record`: one Kubernetes object as this code base holds it: metadata decoded, the rest raw JSON bytes.

Dictionaries are built only where a rule looks inside (`Record.to_object`), never on the way through a cache:
a 6 KB Deployment decodes in microseconds and lives in a few KB. Records are immutable; a changed object is a
new record. The garbage collector does not track them (``gc=False``): they hold no cycles.

`decode_record` copies what it keeps, so that a record never pins the buffer it was decoded from. Resource
versions of one resource of one server are ordered integers (KEP-5504); `Record.version` is that integer and
must never be compared across servers, shards or resources.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tmc_syncer.api.resources import Key

__all__ = [
    "ManagedEntry",
    "Meta",
    "OwnerReference",
    "Record",
    "decode_record",
    "encode_json",
    "parse_version",
]

encode_json = msgspec.json.Encoder(order="sorted").encode
"""Canonical JSON: sorted keys, no white space. Digests are taken over it."""


class OwnerReference(msgspec.Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """An entry of ``metadata.ownerReferences``."""

    api_version: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool | None = None
    block_owner_deletion: bool | None = None


class ManagedEntry(
    msgspec.Struct, frozen=True, gc=False, rename={"fields_v1": "fieldsV1"}, omit_defaults=True
):
    """An entry of ``metadata.managedFields``; `fields_v1` is the raw JSON of its field set."""

    manager: str = ""
    operation: str = ""
    subresource: str = ""
    fields_v1: msgspec.Raw = msgspec.Raw(b"{}")


class Meta(msgspec.Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """The decoded ``metadata``; fields that no rule reads are not decoded."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    finalizers: tuple[str, ...] | None = None
    owner_references: tuple[OwnerReference, ...] | None = None
    managed_fields: tuple[ManagedEntry, ...] | None = None

    @property
    def deleting(self) -> bool:
        """Whether the object carries a deletionTimestamp."""
        return self.deletion_timestamp is not None

    def label(self, name: str) -> str | None:
        """The value of a label, None when it is not there."""
        return None if self.labels is None else self.labels.get(name)

    def annotation(self, name: str) -> str | None:
        """The value of an annotation, None when it is not there."""
        return None if self.annotations is None else self.annotations.get(name)


class Record(msgspec.Struct, frozen=True, gc=False):
    """An object: type, decoded metadata, and every other top-level field (spec, data, status, …) as raw JSON."""

    api_version: str
    kind: str
    meta: Meta
    fields: dict[str, bytes]
    cluster: str = ""

    @property
    def key(self) -> Key:
        """Identity within its type."""
        return Key(self.cluster, self.meta.namespace, self.meta.name)

    @property
    def version(self) -> int:
        """The resourceVersion as an integer (0 when it is empty or opaque)."""
        return parse_version(self.meta.resource_version)

    def field(self, name: str) -> Any:
        """A top-level field, decoded afresh (the caller may change it); None when absent."""
        raw = self.fields.get(name)
        return None if raw is None else msgspec.json.decode(raw)

    def to_object(self) -> dict[str, Any]:
        """The whole object as a fresh dictionary, with the metadata that was decoded."""
        result: dict[str, Any] = {
            "apiVersion": self.api_version,
            "kind": self.kind,
            "metadata": msgspec.json.decode(msgspec.json.encode(self.meta)),  # to_builtins knows no Raw
        }
        for name, raw in self.fields.items():
            result[name] = msgspec.json.decode(raw)
        return result


_VERSION_DIGITS = 20  # of an unsigned 64-bit integer; longer ones are opaque (F78)


def parse_version(text: str) -> int:
    """A resourceVersion as an integer; 0 for the empty one and for one that is no number of 64 bits."""
    return int(text) if len(text) <= _VERSION_DIGITS and text.isascii() and text.isdigit() else 0


_decode_top = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_meta = msgspec.json.Decoder(Meta).decode
_decode_str = msgspec.json.Decoder(str).decode


def decode_record(
    raw: bytes | msgspec.Raw, *, api_version: str = "", kind: str = "", cluster: str = ""
) -> Record:
    """Decode one object. `api_version` and `kind` serve items of a list, which carry none of their own.

    Raises `msgspec.DecodeError` (or its subclass `ValidationError`) when the bytes are not a Kubernetes object.
    """
    try:
        return _decode(raw, api_version, kind, cluster)
    except RecursionError:  # depth is the author's choice (F78)
        raise msgspec.DecodeError("JSON is nested too deeply") from None
    except UnicodeDecodeError:
        raise msgspec.DecodeError("JSON is not UTF-8") from None


def _decode(raw: bytes | msgspec.Raw, api_version: str, kind: str, cluster: str) -> Record:
    top = _decode_top(raw)
    version_raw, kind_raw = top.pop("apiVersion", None), top.pop("kind", None)
    meta_raw = top.pop("metadata", None)
    meta = Meta() if meta_raw is None else _decode_meta(meta_raw)
    if meta.managed_fields:
        owned = tuple(
            ManagedEntry(e.manager, e.operation, e.subresource, e.fields_v1.copy())
            for e in meta.managed_fields
        )
        meta = msgspec.structs.replace(meta, managed_fields=owned)
    return Record(
        api_version=api_version if version_raw is None else _decode_str(version_raw),
        kind=kind if kind_raw is None else _decode_str(kind_raw),
        meta=meta,
        fields={name: bytes(value) for name, value in top.items()},
        cluster=cluster or meta.annotation("kcp.io/cluster") or "",
    )
