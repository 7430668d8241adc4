"""ConfigMaps and Secrets: keys, sizes, what a type of Secret demands, and immutability.

Source: ``ValidateSecret*`` and ``ValidateConfigMap*``. Data of a Secret never get into a message. Pure.
"""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from tmc_syncer.controlplane.server.errors import Cause
from tmc_syncer.controlplane.types import causes
from tmc_syncer.controlplane.types.formats import config_key

__all__ = ["validate_config_map", "validate_secret"]

Object = dict[str, Any]

MAX_BYTES = 1024 * 1024
"""Data of one ConfigMap or Secret."""

REQUIRED: dict[str, tuple[str, ...]] = {
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
}
"""Keys that a type of Secret must have."""

ACCOUNT_TOKEN = "kubernetes.io/service-account-token"  # noqa: S105  # the name of a type
ACCOUNT_NAME = "kubernetes.io/service-account.name"
BASIC_KEYS = ("username", "password")
REDACTED = "<secret contents redacted>"
FROZEN = "field is immutable when `immutable` is set"


def _size(data: Object) -> int:
    """The bytes that base64 texts stand for."""
    return sum(len(text) * 3 // 4 - text.count("=", -2) for text in data.values() if isinstance(text, str))


def _check_frozen(obj: Object, old: Object, fields: tuple[str, ...]) -> list[Cause]:
    if not old.get("immutable"):
        return []
    found = [] if obj.get("immutable") else [causes.forbidden("immutable", FROZEN)]
    return found + [causes.forbidden(field, FROZEN) for field in fields if obj.get(field) != old.get(field)]


def validate_config_map(obj: Object, old: Object | None) -> list[Cause]:
    """A ConfigMap."""
    found = [] if old is None else _check_frozen(obj, old, ("data", "binaryData"))
    data, binary = obj.get("data") or {}, obj.get("binaryData") or {}
    for key in data:
        if wrong := config_key(key):
            found += causes.wrong(f"data[{key}]", key, wrong)
        if key in binary:
            found.append(causes.invalid(f"data[{key}]", key, "duplicate of key present in binaryData"))
    for key in binary:
        found += causes.wrong(f"binaryData[{key}]", key, config_key(key))
    if sum(len(text.encode()) for text in data.values()) + _size(binary) > MAX_BYTES:
        found.append(causes.too_long("", MAX_BYTES))
    return found


def validate_secret(obj: Object, old: Object | None) -> list[Cause]:
    """A Secret."""
    found: list[Cause] = []
    data, kind = obj.get("data") or {}, obj.get("type", "")
    if old is not None:
        if kind != old.get("type"):
            found.append(causes.invalid("type", kind, causes.IMMUTABLE))
        found += _check_frozen(obj, old, ("data",))
    for key in data:
        if wrong := config_key(key):
            found += causes.wrong(f"data[{key}]", key, wrong)
    if _size(data) > MAX_BYTES:
        found.append(causes.too_long("data", MAX_BYTES))
    return found + _check_type(obj, data, kind)


def _check_type(obj: Object, data: Object, kind: str) -> list[Cause]:
    if kind == ACCOUNT_TOKEN:
        if (obj["metadata"].get("annotations") or {}).get(ACCOUNT_NAME):
            return []
        return [causes.required(f"metadata.annotations[{ACCOUNT_NAME}]")]
    if kind == "kubernetes.io/basic-auth" and not any(key in data for key in BASIC_KEYS):
        return [causes.required(f"data[{key}]") for key in BASIC_KEYS]
    found = [causes.required(f"data[{key}]") for key in REQUIRED.get(kind, ()) if key not in data]
    if not found and kind.startswith("kubernetes.io/dockerc"):
        (key,) = REQUIRED[kind]
        found += _check_json(f"data[{key}]", data[key])
    return found


def _check_json(path: str, text: str) -> list[Cause]:
    content = base64.b64decode(text)
    try:
        msgspec.json.decode(content, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return [causes.invalid(path, REDACTED, _go_error(content.decode(errors="replace")))]
    return []


def _go_error(text: str) -> str:
    """What Go says of the first character that cannot begin a JSON object; the common mistakes are worded as Go does."""
    stripped = text.lstrip(" \t\r\n")
    if not stripped:
        return "unexpected end of JSON input"
    if stripped[0] in '{[":-0123456789tfn':
        return "unexpected end of JSON input"
    return f"invalid character '{stripped[0]}' looking for beginning of value"
