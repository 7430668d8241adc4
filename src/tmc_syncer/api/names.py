"""Every label, annotation, finalizer, condition and reason string of tmc-syncer, and the sync-target key.

This module is the single place where these strings are spelled. Those marked TMC are the ones that kcp's
in-tree syncer used up to v0.11; existing data and tools know them, so they never change. Functions that end
in ``_key`` build strings that contain the sync-target key, which is unique over all workspaces.

It is pure data: no I/O, no decisions. Who may write which of these is decided in `sync` and `downstream`.
"""

from __future__ import annotations

import functools
import hashlib
import re
import string

__all__ = [
    "ABANDON",
    "ADOPT",
    "APPLIED_DIGEST",
    "DEFAULT_FIELD_MANAGER",
    "DOWNSTREAM_CLUSTER_LABEL",
    "KCP_CLUSTER",
    "KCP_NAMESPACE",
    "LAST_APPLIED",
    "LEASE_NAMESPACE",
    "MANAGED_LABEL",
    "NAMESPACE_LOCATOR",
    "NAMESPACE_NAME_LABEL",
    "POD_SECURITY_ENFORCE",
    "PRESERVE_NODE_PORTS",
    "RELEASE_BRAKE",
    "SEEN_VERSIONS",
    "SOURCE_NAME",
    "SOURCE_UID",
    "SYNCED_AT",
    "SYNC_GENERATION",
    "SYNC_PAUSED",
    "SYNC_TARGET_FINALIZER",
    "SYNC_TARGET_LABEL",
    "TENANT_LABEL",
    "WORKSPACE_LABEL",
    "base36",
    "base62",
    "deletion_annotation",
    "finalizer",
    "label_value",
    "lease_name",
    "soft_finalizers_annotation",
    "state_label",
    "sync_target_key",
]

DEFAULT_FIELD_MANAGER = "syncer"  # TMC

# Downstream labels.
DOWNSTREAM_CLUSTER_LABEL = "internal.workload.kcp.io/cluster"  # TMC; value: the sync-target key
SYNC_TARGET_LABEL = "kcp.io/sync-target"
WORKSPACE_LABEL = "kcp.io/workspace"
MANAGED_LABEL = "kcp.io/managed"
TENANT_LABEL = "kcp.io/tenant-id"  # TMC; on namespaces

# Downstream annotations.
NAMESPACE_LOCATOR = "kcp.io/namespace-locator"  # TMC; on namespaces and cluster-scoped copies
SYNC_GENERATION = "kcp.io/sync-generation"
SYNCED_AT = "kcp.io/synced-at"
SOURCE_UID = "workload.kcp.io/source-uid"
SOURCE_NAME = "workload.kcp.io/source-name"
APPLIED_DIGEST = "workload.kcp.io/applied-digest"

# Upstream annotations, set by users.
ADOPT = "workload.kcp.io/adopt"
SYNC_PAUSED = "workload.kcp.io/sync-paused"
PRESERVE_NODE_PORTS = "workload.kcp.io/preserve-node-ports"

# Upstream annotations of kcp itself; removed on the way down.
KCP_CLUSTER = "kcp.io/cluster"
KCP_NAMESPACE = "kcp.io/namespace"

# On our Lease downstream: JSON, type to upstream resourceVersion.
SEEN_VERSIONS = "workload.kcp.io/seen-versions"

# On the SyncTarget.
ABANDON = "workload.kcp.io/abandon"
RELEASE_BRAKE = "workload.kcp.io/release-brake"
SYNC_TARGET_FINALIZER = "workload.kcp.io/syncer"

# Of Kubernetes.
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
NAMESPACE_NAME_LABEL = "kubernetes.io/metadata.name"
POD_SECURITY_ENFORCE = "pod-security.kubernetes.io/enforce"

LEASE_NAMESPACE = "tmc-system"

_BASE62 = string.digits + string.ascii_lowercase + string.ascii_uppercase
_LABEL_VALUE_LIMIT = 63
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")
_NOT_IN_LABEL_VALUE = re.compile(r"[^A-Za-z0-9._-]")


def base62(data: bytes) -> str:
    """`data` as a big-endian number in base 62 (0-9a-zA-Z), as Go's `big.Int.Text(62)` prints it."""
    return _in_base(data, 62)


def base36(data: bytes) -> str:
    """`data` as a big-endian number in base 36 (0-9a-z)."""
    return _in_base(data, 36)


@functools.lru_cache(maxsize=64)  # asked for with each decision; one agent has one target
def sync_target_key(cluster: str, target: str) -> str:
    """The sync-target key: base62 of SHA-224 over ``<logical cluster name>:<sync target name>`` (TMC)."""
    return base62(hashlib.sha224(f"{cluster}:{target}".encode()).digest())


def state_label(key: str) -> str:
    """Label on an upstream object or Namespace: ``Sync`` means that the target with `key` syncs it (TMC)."""
    return f"state.workload.kcp.io/{key}"


def finalizer(key: str) -> str:
    """Our finalizer on an upstream object (TMC)."""
    return f"workload.kcp.io/syncer-{key}"


def deletion_annotation(key: str) -> str:
    """Annotation on an upstream object: RFC 3339 time since which it has to leave the target (TMC)."""
    return f"deletion.internal.workload.kcp.io/{key}"


def soft_finalizers_annotation(key: str) -> str:
    """Annotation on an upstream object: comma list that blocks deletion on that one target (TMC)."""
    return f"finalizers.workload.kcp.io/{key}"


def lease_name(target: str) -> str:
    """Name of the Lease that is lock and heartbeat of the agent of `target`."""
    return f"tmc-{target}"


def label_value(value: str) -> str:
    """`value` made fit for a label: over 63 characters it is cut to 52 + ``-`` + 10 hex of its SHA-256.

    Characters that a label value cannot hold (the ``:`` of a kcp workspace path) become ``.``, and those that
    it cannot begin or end with go. Two values can get one label: it is for people, never a way back.
    """
    if _LABEL_VALUE.fullmatch(value):
        return value
    text = _NOT_IN_LABEL_VALUE.sub(".", value)
    if len(text) <= _LABEL_VALUE_LIMIT:
        return text.strip("-_.")
    digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    return f"{text[:52].strip('-_.')}-{digest}".lstrip("-")


def _in_base(data: bytes, base: int) -> str:
    number = int.from_bytes(data, "big")
    digits = []
    while number:
        number, digit = divmod(number, base)
        digits.append(_BASE62[digit])
    return "".join(reversed(digits)) or "0"
