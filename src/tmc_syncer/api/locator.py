"""The namespace locator: which upstream namespace of which target a downstream namespace stands for.

The locator is JSON in an annotation (`names.NAMESPACE_LOCATOR`, TMC). It is the only way back from a
downstream name to the upstream one: names are never parsed. Two locators are the same mapping when all but
the SyncTarget's uid agree (`Locator.same_place`); the uid differs after the SyncTarget was re-created.

`downstream_namespace` is the name a new downstream namespace gets; an existing namespace that carries the
locator wins over it, which is decided in `downstream.namespaces`. Pure functions.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

import msgspec

from tmc_syncer.api.names import base36, base62, sync_target_key

__all__ = ["Locator", "TargetReference", "downstream_namespace", "hashed_namespace", "parse_locator"]

_NAMESPACE_LIMIT = 63
_READABLE = re.compile(r"kcp-[a-z0-9]+-[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_encode = msgspec.json.Encoder().encode


class TargetReference(msgspec.Struct, frozen=True, gc=False):
    """A SyncTarget: the logical cluster it lives in, its name and its uid."""

    cluster: str
    name: str
    uid: str

    @property
    def key(self) -> str:
        """The sync-target key; it does not depend on the uid."""
        return sync_target_key(self.cluster, self.name)


class Locator(msgspec.Struct, frozen=True, gc=False):
    """Upstream place of a downstream namespace (or cluster-scoped copy, with the empty namespace)."""

    sync_target: TargetReference = msgspec.field(name="syncTarget")
    cluster: str
    namespace: str = ""

    def encode(self) -> str:
        """The JSON text, fields in the order of kcp's own struct: its hash names the namespace."""
        return _encode(self).decode()

    def same_place(self, other: Locator) -> bool:
        """Whether both name the same upstream namespace for the same target, whatever the target's uid."""
        return (
            self.cluster == other.cluster
            and self.namespace == other.namespace
            and self.sync_target.cluster == other.sync_target.cluster
            and self.sync_target.name == other.sync_target.name
        )

    @property
    def tenant(self) -> str:
        """Tenant id: base62 of SHA-224 over the locator without its namespace (TMC)."""
        return _tenant(self.sync_target, self.cluster)


@lru_cache(maxsize=4096)  # one for each workspace of a busy target; each pod affinity and network policy asks
def _tenant(sync_target: TargetReference, cluster: str) -> str:
    return base62(hashlib.sha224(Locator(sync_target, cluster, "").encode().encode()).digest())


def parse_locator(text: str | None) -> Locator | None:
    """Read a locator annotation; None for anything that is not one (such a namespace is foreign)."""
    if not text:
        return None
    try:
        return msgspec.json.decode(text, type=Locator)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return None  # anybody who may annotate a namespace writes here: no text may be more than foreign


def hashed_namespace(locator: Locator) -> str:
    """``kcp-`` and 12 characters of base36 of SHA-224 over the locator's JSON."""
    return f"kcp-{base36(hashlib.sha224(locator.encode().encode()).digest())[:12]}"


def downstream_namespace(locator: Locator, *, readable: bool = True) -> str:
    """The name for a new downstream namespace of `locator`.

    Readable (``kcp-<cluster>-<namespace>``) when asked for, the cluster name holds no ``-`` (else two pairs
    could give one name), it is a valid name and at most 63 characters; otherwise the hashed form. The two forms
    never meet: the readable one holds at least two ``-``, the hashed one a single one.
    """
    name = f"kcp-{locator.cluster}-{locator.namespace}"
    valid = len(name) <= _NAMESPACE_LIMIT and _READABLE.fullmatch(name) is not None
    if readable and valid and "-" not in locator.cluster:
        return name
    return hashed_namespace(locator)
