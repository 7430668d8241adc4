"""The pipeline: an upstream object becomes the copy to apply, and a downstream object its upstream form.

`down` builds a fresh dictionary from a record and runs the type's transformers over it; the record is never
changed (it is shared with the cache, F24). Status is never part of a copy. `up` runs the same transformers
backwards over a copy of what it is given and takes away everything that `down` added. Both are functions of
their arguments: equal input gives equal output, in any process, at any time.

`PIPELINE_VERSION` goes into the digest of every copy. It is raised when the same input would give another
output, so that a new release applies its changes once to every copy.

With ``explain`` each transformer's before and after are kept, values of Secrets masked.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from tmc_syncer.api.objects import Meta, Record, encode_json
from tmc_syncer.api.resources import ResourceInfo
from tmc_syncer.transformation.annotations import Annotations, content_of, upstream_of
from tmc_syncer.transformation.cleaning import Cleaning, is_partial
from tmc_syncer.transformation.context import (
    Context,
    Desired,
    Exclusion,
    ExclusionError,
    Step,
    TransformerError,
)
from tmc_syncer.transformation.labels import Labels
from tmc_syncer.transformation.namespaces import Namespaces
from tmc_syncer.transformation.owners import Owners, has_to_wait, look_up
from tmc_syncer.transformation.registry import Registry
from tmc_syncer.transformation.secrets import SECRETS, Secrets, masked

__all__ = ["BUILT_IN", "PIPELINE_VERSION", "built_in", "content_of", "down", "up", "upstream_of"]

PIPELINE_VERSION: Final = "1"


def built_in() -> Registry:
    """A registry of its own with the built-in transformers, to register more in."""
    return Registry((Cleaning(), Owners(), Namespaces(), Labels(), Annotations(), Secrets()))


BUILT_IN: Final = built_in()
"""The built-in transformers only; not to be registered in."""


def down(
    record: Record, info: ResourceInfo, ctx: Context, *, registry: Registry = BUILT_IN, explain: bool = False
) -> Desired:
    """The copy of an upstream object.

    Args:
        record: the upstream object; not changed.
        info: its type.
        ctx: see `Context`; `info`, `source` and `owners` in it are filled here.
        registry: which transformers there are.
        explain: keep the steps.

    Raises:
        TransformerError: a transformer failed other than by refusing the object.
    """
    meta = record.meta
    owners = look_up(meta, ctx.owner_uid)
    nulls = sum(raw.count(b"null") for name, raw in record.fields.items() if name != "status")
    ctx = ctx.for_run(info, meta, owners, nulls)
    steps: list[Step] = []
    name = "decoding"
    try:
        obj = _fresh(record, info, whole=explain)
        for transformer in registry.for_type(info.gvr):
            if transformer.applies(info.gvr, meta):
                name = transformer.name
                before = _snapshot(obj, info) if explain else {}
                obj = transformer.down(obj, ctx)
                if explain:
                    steps.append(Step(name, transformer.priority, before, _snapshot(obj, info)))
    except ExclusionError as error:
        exclusion = Exclusion(name, error.reason, error.terminal, str(error))
        return Desired({}, exclusion, steps=tuple(steps))
    except RecursionError:  # deeper than any real object: somebody's experiment, not ours to crash on (F78)
        exclusion = Exclusion(name, "TooDeep", terminal=True, message="The object is nested too deeply.")
        return Desired({}, exclusion, steps=tuple(steps))
    except Exception as error:  # noqa: BLE001
        # A registered transformer is somebody else's code; its error may quote values, so a Secret's is cut off.
        raise _failure(name, info, record, error) from (None if _is_secret(info) else error)
    partial = is_partial(info.gvr, meta.name)
    waiting = has_to_wait(owners) and not partial
    return Desired(obj, waiting_for_owner=waiting, partial=partial, steps=tuple(steps))


def up(
    copy: dict[str, Any], ctx: Context, *, info: ResourceInfo | None = None, registry: Registry = BUILT_IN
) -> dict[str, Any]:
    """The upstream form of a downstream object: original names, the user's labels and annotations, status as it is.

    Args:
        copy: the downstream object; not changed.
        ctx: the context of the way down; `namespace_from` and `owner_from` answer for the way up.
        info: its type, `ctx.info` when not given.
        registry: which transformers there are.
    """
    info = info or ctx.info
    obj: dict[str, Any] = msgspec.json.decode(encode_json(copy))
    obj["metadata"].pop("managedFields", None)
    meta = msgspec.convert(obj["metadata"], Meta)
    ctx = ctx.for_run(info, meta, look_up(meta, ctx.owner_from))
    for transformer in reversed(registry.for_type(info.gvr)):
        if transformer.applies(info.gvr, meta):
            obj = transformer.up(obj, ctx)
    return obj


def _fresh(record: Record, info: ResourceInfo, *, whole: bool) -> dict[str, Any]:
    """The object as dictionaries of its own; without what cleaning removes anyway, unless it is to be shown."""
    meta = record.meta
    try:
        if whole:
            obj = record.to_object()
            obj["metadata"].pop("managedFields", None)
            return obj
        obj = {
            "apiVersion": record.api_version or info.gvr.api_version,
            "kind": record.kind or info.kind,
            "metadata": {
                "name": meta.name,
                "namespace": meta.namespace,
                # Copies, because a transformer may work in place and the record is shared.
                "labels": dict(meta.labels or {}),
                "annotations": dict(meta.annotations or {}),
                "ownerReferences": [msgspec.to_builtins(owner) for owner in meta.owner_references or ()],
            },
        }
        for name in record.fields:
            if name != "status":
                obj[name] = record.field(name)
    except msgspec.DecodeError:
        raise ExclusionError(
            "Undecodable", "The object holds a value that cannot be read.", terminal=True
        ) from None
    return obj


def _snapshot(obj: dict[str, Any], info: ResourceInfo) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.json.decode(encode_json(obj))
    return masked(shown) if _is_secret(info) else shown


def _is_secret(info: ResourceInfo) -> bool:
    return (info.gvr.group, info.gvr.resource) == (SECRETS.group, SECRETS.resource)


def _failure(name: str, info: ResourceInfo, record: Record, error: Exception) -> TransformerError:
    return TransformerError(
        f"Transformer {name!r} failed on {info.gvr.group_resource} {record.key}: {type(error).__name__}.",
        hint="This is a defect of the transformer; the object is tried again later.",
    )
