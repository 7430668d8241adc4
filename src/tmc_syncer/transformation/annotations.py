"""Step 5, annotations: the user's annotations, and where the copy comes from.

`SOURCE_UID` and `SOURCE_NAME` are marks of ownership and the way back to the upstream object;
`SYNC_GENERATION` tells people which generation they look at. The name is ``<namespace>/<name>`` upstream, for
a cluster-scoped object ``/<name>``. A cluster-scoped copy also carries the locator, which a namespaced one has
in its namespace. The digest and the time are added by whoever applies the copy.

`content_of` leaves the bookkeeping out: annotations that are written with content but are none.
`upstream_of` is the way back; it believes a copy only when its name agrees with what its annotation says,
since annotations get copied along by controllers and by people.

ServiceAccount ``default`` is not a copy of ours and gets no annotations.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from tmc_syncer.api.locator import Locator
from tmc_syncer.api.names import (
    APPLIED_DIGEST,
    NAMESPACE_LOCATOR,
    SOURCE_NAME,
    SOURCE_UID,
    SYNC_GENERATION,
    SYNCED_AT,
)
from tmc_syncer.api.objects import Meta
from tmc_syncer.api.resources import GVR
from tmc_syncer.transformation.cleaning import is_partial
from tmc_syncer.transformation.context import Context
from tmc_syncer.transformation.domains import of_user

__all__ = ["BOOKKEEPING", "Annotations", "Origin", "content_of", "source_name", "upstream_of"]

BOOKKEEPING: Final = frozenset({APPLIED_DIGEST, SYNC_GENERATION, SYNCED_AT})


class Annotations:
    """Takes the control plane's annotations away and adds where the copy comes from."""

    name = "annotations"
    priority = 500

    def applies(self, gvr: GVR, meta: Meta) -> bool:
        """Every object that is a copy of ours."""
        return not is_partial(gvr, meta.name)

    def down(self, obj: dict[str, Any], ctx: Context) -> dict[str, Any]:
        """The object with the user's annotations and ours."""
        source = ctx.source
        annotations = of_user(obj["metadata"].get("annotations"))
        annotations[SOURCE_UID] = source.uid
        annotations[SOURCE_NAME] = source_name(source.namespace, source.name)
        annotations[SYNC_GENERATION] = str(source.generation)
        if not ctx.info.namespaced:
            annotations[NAMESPACE_LOCATOR] = ctx.locator.encode()
        obj["metadata"]["annotations"] = annotations
        return obj

    def up(self, obj: dict[str, Any], ctx: Context) -> dict[str, Any]:  # noqa: ARG002
        """The object with the user's annotations."""
        metadata = obj["metadata"]
        annotations = of_user(metadata.pop("annotations", None))
        if annotations:
            metadata["annotations"] = annotations
        return obj


class Origin(NamedTuple):
    """The upstream object of a copy; `namespace` is empty for a cluster-scoped one."""

    cluster: str
    namespace: str
    name: str
    uid: str


def source_name(namespace: str, name: str) -> str:
    """Value of `SOURCE_NAME` for an upstream object."""
    return f"{namespace}/{name}"


def upstream_of(meta: Meta, locator: Locator | None) -> Origin | None:
    """The upstream object that a copy was made for; None when the marks are missing or do not fit together.

    Args:
        meta: metadata of the downstream object.
        locator: of its namespace, or its own if it is cluster-scoped; None when there is none (foreign).
    """
    uid, name = meta.annotation(SOURCE_UID), meta.annotation(SOURCE_NAME)
    if locator is None or not uid or name != source_name(locator.namespace, meta.name):
        return None
    return Origin(locator.cluster, locator.namespace, meta.name, uid)


def content_of(obj: Mapping[str, Any]) -> dict[str, Any]:
    """A desired copy without the bookkeeping annotations: what the digest is taken over. `obj` stays as it is."""
    metadata = obj.get("metadata") or {}
    annotations = metadata.get("annotations")
    if not annotations or BOOKKEEPING.isdisjoint(annotations):
        return dict(obj)
    content = {name: value for name, value in annotations.items() if name not in BOOKKEEPING}
    return {**obj, "metadata": {**metadata, "annotations": content}}
