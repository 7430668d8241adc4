"""Letting upstream objects go from a target that is gone: its finalizer and its state label, nothing else.

All types that can be listed and patched are searched, not only those of the SyncTarget: its list may have been
longer once. Only metadata is read. Each object is patched with a ``test`` of its uid, its whole finalizer list and
the label's value; one that changed meanwhile is looked at again. Objects that are gone are fine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from tmc_syncer.api.names import finalizer, state_label
from tmc_syncer.api.objects import Record
from tmc_syncer.api.resources import ResourceInfo
from tmc_syncer.kube.client import Client, PatchType
from tmc_syncer.kube.discovery import discover
from tmc_syncer.kube.errors import ApiError, KubeError, RetryClass

__all__ = ["Stripped", "release_patch", "strip_objects", "strip_record"]

PARALLEL_PATCHES = 16  # the start of the agent's own adaptive limit: gentle to any server
_TRIES = 5  # of one object that changes under us


@dataclass(slots=True)
class Stripped:
    """What was done: objects patched, types they were of, types that this user could not search."""

    objects: int = 0
    types: int = 0
    unreadable: list[str] = field(default_factory=list)


def release_patch(record: Record, ours: str, label: str) -> list[dict[str, Any]]:
    """The JSON patch that takes the finalizer `ours` and the label `label` off; empty when there is neither."""
    operations: list[dict[str, Any]] = []
    present = record.meta.finalizers or ()
    if ours in present:
        operations += [
            {"op": "test", "path": "/metadata/finalizers", "value": list(present)},
            {"op": "remove", "path": f"/metadata/finalizers/{present.index(ours)}"},
        ]
    value = record.meta.label(label)
    if value is not None:
        path = f"/metadata/labels/{label.replace('~', '~0').replace('/', '~1')}"
        operations += [{"op": "test", "path": path, "value": value}, {"op": "remove", "path": path}]
    return operations and [{"op": "test", "path": "/metadata/uid", "value": record.meta.uid}, *operations]


async def strip_objects(
    client: Client, key: str, listed: frozenset[tuple[str, str]], tell: Callable[[str], None]
) -> Stripped:
    """Let every object go that carries the finalizer or state label of the target with `key`.

    `listed` are the (group, resource) that the SyncTarget syncs: these have to work. `tell` gets one sentence for
    each type with such objects. Raises `KubeError`.
    """
    total = Stripped()
    discovery = await discover(client)
    for info in _searched(discovery.resources.values(), discovery.preferred):
        gvr = info.gvr
        try:
            count = await _strip_type(client, info, key)
        except KubeError as error:
            if (gvr.group, gvr.resource) in listed:
                raise
            if not (isinstance(error, ApiError) and error.status in (404, 405)):
                total.unreadable.append(gvr.group_resource)
            continue
        if count:
            total.objects += count
            total.types += 1
            tell(f"{gvr.group_resource}: {count} let go.")
    total.unreadable += sorted(discovery.failed_groups)
    return total


async def strip_record(client: Client, info: ResourceInfo, record: Record, ours: str, label: str) -> bool:
    """Let one object go; whether there was something to take off. Raises `KubeError`."""
    first = record
    for _ in range(_TRIES):
        patch = release_patch(record, ours, label)
        if not patch or record.meta.uid != first.meta.uid:
            return False
        meta = record.meta
        try:
            await client.patch(
                info, meta.namespace, meta.name, patch, patch_type=PatchType.JSON, field_manager="tmc"
            )
        except ApiError as error:
            if error.is_not_found_of(info, meta.name):
                return False
            if error.retry_class is not RetryClass.CONFLICT:
                raise
        else:
            return True
        try:
            record = await client.get(info, meta.namespace, meta.name, metadata_only=True)
        except ApiError as error:
            if error.is_not_found_of(info, meta.name):
                return False
            raise
    raise ApiError(
        f"{info.gvr.group_resource} {record.key} changes faster than it can be patched.",
        status=409,
        retry_class=RetryClass.CONFLICT,
    )


def _searched(infos: Iterable[ResourceInfo], preferred: Any) -> list[ResourceInfo]:
    """One version of each type that can be listed and patched, in a steady order."""
    return sorted(
        (
            info
            for info in infos
            if {"list", "patch"} <= info.verbs
            and preferred.get((info.gvr.group, info.gvr.resource)) == info.gvr.version
        ),
        key=lambda info: info.gvr,
    )


async def _strip_type(client: Client, info: ResourceInfo, key: str) -> int:
    ours, label = finalizer(key), state_label(key)
    count, token = 0, ""
    while True:
        page = await client.list_page(info, continue_token=token, metadata_only=True)
        marked = [record for record in page.records if release_patch(record, ours, label)]
        for start in range(0, len(marked), PARALLEL_PATCHES):
            count += await _strip_some(client, info, marked[start : start + PARALLEL_PATCHES], ours, label)
        token = page.continue_token
        if not token:
            return count


async def _strip_some(
    client: Client, info: ResourceInfo, records: list[Record], ours: str, label: str
) -> int:
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(strip_record(client, info, record, ours, label), name=f"strip {record.key}")
                for record in records
            ]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return sum(task.result() for task in tasks)
