"""managedFields across the scale subresource: a Scale owns one field of its parent.

`to_scale` gives the entries that a Scale shows: of those parent entries that own the replicas, with the path that the Scale has. After a write of the
Scale (`track_update` or `apply` with the schema of autoscaling/v1 Scale), `to_parent` brings its entries back: who lost the replicas on the Scale
loses them on the parent, who gained them gets an entry, which has no time: so kube-apiserver has it. An updater is never the same owner on both
sides, since its version on the Scale is another: there may be two entries that look alike.

`paths` says where the replicas are in each version of the parent; a version that is not in it is not known any more, None stands for a
version without scale. Source: k8s.io/apimachinery/pkg/util/managedfields, scalehandler.go. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tmc_syncer.controlplane.merge.fieldset import Path, difference, from_paths, has
from tmc_syncer.controlplane.merge.managers import Entry, Managed, read, write

__all__ = ["REPLICAS", "to_parent", "to_scale"]

SCALE_VERSION = "autoscaling/v1"
REPLICAS: Path = ("f:spec", "f:replicas")

Entries = list[dict[str, Any]]
Paths = Mapping[str, Path | None]


def to_scale(entries: Sequence[dict[str, Any]] | None, paths: Paths) -> Entries:
    """The entries that a Scale shows, of the parent's entries."""
    found: Managed = {}
    for owner, entry in read(entries).items():
        path = paths.get(entry.api_version)
        if path and has(entry.fields, path):
            found[owner] = Entry(from_paths([REPLICAS]), SCALE_VERSION, entry.time)
    return write(found)


def to_parent(
    entries: Sequence[dict[str, Any]] | None,
    scaled: Sequence[dict[str, Any]] | None,
    paths: Paths,
    api_version: str,
) -> Entries:
    """The parent's entries after a write of its Scale.

    Args:
        entries: the parent's before the write.
        scaled: the Scale's after the write.
        paths: where the replicas are in each version.
        api_version: the version of the parent that the request was made in.
    """
    before, owners_now = read(entries), read(scaled)
    found: Managed = {}
    for owner, entry in before.items():
        if entry.api_version not in paths:
            continue
        path = paths[entry.api_version]
        if not path or not has(entry.fields, path):
            found[owner] = entry
        elif owner in owners_now:
            del owners_now[owner]
            found[owner] = entry
        elif rest := difference(entry.fields, from_paths([path])):
            found[owner] = entry.with_fields(rest)
    path = paths.get(api_version)
    for owner, entry in owners_now.items():
        if path and has(entry.fields, REPLICAS):
            time = before[owner].time if owner in before else ""
            found[owner] = Entry(from_paths([path]), api_version, time)
    return write(found)
