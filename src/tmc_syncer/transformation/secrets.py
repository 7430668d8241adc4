"""Step 6, Secrets: which kinds of them travel, and in what shape.

A ``service-account-token`` is a credential of the upstream server, useless and dangerous elsewhere; bootstrap
tokens would let nodes join. Both are excluded for good reason, which is no error and is never retried. Registry
credentials must be well formed and keep only the fields that a kubelet reads; when they are not, the Secret is
refused until its owner mends it. `stringData` is folded into `data`, as the API server does on a write: only
`data` is stored, so only `data` can be owned.

No message says anything about a value: not its text, not its length, not where inside it the error is.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final

import msgspec

from tmc_syncer.api.names import LAST_APPLIED
from tmc_syncer.api.objects import Meta
from tmc_syncer.api.resources import GVR
from tmc_syncer.transformation.context import Context, ExclusionError

__all__ = ["SECRETS", "Secrets", "masked"]

SECRETS: Final = GVR("", "", "secrets")

_EXCLUDED: Final = {
    "kubernetes.io/service-account-token": "ServiceAccountToken",
    "bootstrap.kubernetes.io/token": "BootstrapToken",
}
_DOCKER_CONFIG_JSON: Final = "kubernetes.io/dockerconfigjson"
_DOCKER_KEYS: Final = {_DOCKER_CONFIG_JSON: ".dockerconfigjson", "kubernetes.io/dockercfg": ".dockercfg"}
_CREDENTIAL_FIELDS: Final = frozenset(
    {"username", "password", "auth", "email", "identitytoken", "registrytoken"}
)
_MASK: Final = "***"


class Secrets:
    """Keeps some Secrets back and registry credentials tidy."""

    name = "secrets"
    priority = 600

    def applies(self, gvr: GVR, meta: Meta) -> bool:  # noqa: ARG002
        """Secrets of the core group."""
        return gvr.group == SECRETS.group and gvr.resource == SECRETS.resource

    def down(self, obj: dict[str, Any], ctx: Context) -> dict[str, Any]:  # noqa: ARG002
        """The Secret, tidied.

        Raises:
            ExclusionError: it is of a kind that stays upstream, or its registry credentials cannot be read.
        """
        kind = str(obj.get("type"))
        if kind in _EXCLUDED:
            raise ExclusionError(_EXCLUDED[kind], f"Secrets of type {kind} stay upstream.", terminal=False)
        _fold(obj)
        if kind in _DOCKER_KEYS:
            key = _DOCKER_KEYS[kind]
            data = _entries(obj, "data")
            obj["data"] = {**data, key: _tidy(data.get(key), kind)}
        return obj

    def up(self, obj: dict[str, Any], ctx: Context) -> dict[str, Any]:  # noqa: ARG002
        """Nothing was added, so nothing is taken away."""
        return obj


def masked(obj: dict[str, Any]) -> dict[str, Any]:
    """A Secret to show to people: each value replaced by the same mark, also those that kubectl noted down."""
    shown: dict[str, Any] = {
        field: dict.fromkeys(obj[field], _MASK) if isinstance(obj[field], dict) else _MASK
        for field in ("data", "stringData")
        if field in obj
    }
    metadata = obj.get("metadata") or {}
    annotations = metadata.get("annotations") or {}
    if LAST_APPLIED in annotations:
        shown["metadata"] = {**metadata, "annotations": {**annotations, LAST_APPLIED: _MASK}}
    return {**obj, **shown}


def _fold(obj: dict[str, Any]) -> None:
    texts = _entries(obj, "stringData")
    obj.pop("stringData", None)
    if texts:
        encoded = {name: base64.b64encode(str(text).encode()).decode() for name, text in texts.items()}
        obj["data"] = {**_entries(obj, "data"), **encoded}


def _entries(obj: dict[str, Any], field: str) -> dict[str, Any]:
    entries = obj.get(field)
    return entries if isinstance(entries, dict) else {}


def _tidy(value: Any, kind: str) -> str:
    """The registry credentials with known fields only; unchanged to the byte when there are no others."""
    try:
        return _known_fields_only(value, nested=kind == _DOCKER_CONFIG_JSON)
    except (TypeError, ValueError, RecursionError):
        # The cause quotes the value: it must not be chained.
        raise ExclusionError(
            "InvalidDockerConfig",
            f"The registry credentials in {_DOCKER_KEYS[kind]!r} cannot be read.",
            hint="They have to be base64 of a JSON object that maps each registry to its credentials.",
            terminal=True,
        ) from None


def _known_fields_only(value: Any, *, nested: bool) -> str:
    config = msgspec.json.decode(binascii.a2b_base64(value, strict_mode=True), type=dict[str, Any])
    registries = (config.get("auths") or {}) if nested else config
    entries = msgspec.convert(registries, dict[str, dict[str, Any]])
    known = {
        registry: {name: text for name, text in entry.items() if name in _CREDENTIAL_FIELDS}
        for registry, entry in entries.items()
    }
    msgspec.convert(known, dict[str, dict[str, str | None]])
    if known == entries:
        return str(value)
    tidy = {**config, "auths": known} if nested else known
    return base64.b64encode(msgspec.json.encode(tidy)).decode()
