"""The census: whether anything foreign lives in a downstream namespace that we are about to delete.

Asked live, type by type over everything the agent may list, stopping at the first hit. A type that it may not
list keeps the namespace: what cannot be seen cannot be called empty. What the cluster itself puts into each
namespace does not count, nor does anything whose owner chain ends in a copy of ours (those go with it).

Metadata only.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from tmc_syncer.api.locator import Locator
from tmc_syncer.api.names import DOWNSTREAM_CLUSTER_LABEL, SOURCE_NAME, SOURCE_UID
from tmc_syncer.api.objects import Record
from tmc_syncer.api.resources import ResourceInfo
from tmc_syncer.downstream.namespaces import is_bookkeeping
from tmc_syncer.kube.client import Client
from tmc_syncer.kube.discovery import Discovery
from tmc_syncer.kube.errors import ApiError, RetryClass
from tmc_syncer.sync.ownership import source_name

__all__ = ["Census"]

PAGE_SIZE = 500


class Census:
    """Looks for foreign objects through one downstream client; `discovery` gives the types as last seen."""

    def __init__(self, client: Client, discovery: Callable[[], Discovery], key: str) -> None:
        self._client = client
        self._discovery = discovery
        self._key = key

    async def first_foreign(self, namespace: str, locator: Locator) -> str | None:
        """The first foreign object found (``resource/name``), or the type that could not be listed; None: empty.

        `locator` is that of the namespace: a clone of a copy has all marks, but under another name than they say. Raises `ApiError` when
        asking again may help.
        """
        if not self._discovery().complete:
            return "some type (the server could not say which it has)"
        owned: set[str] = set()
        pending: list[tuple[ResourceInfo, Record]] = []
        for info in self._listable():
            try:
                async for record in self._objects(info, namespace):
                    if self._is_ours(record, locator):
                        owned.add(record.meta.uid)
                    elif not is_bookkeeping(info.kind, record.meta, group=info.gvr.group):
                        pending.append((info, record))
            except ApiError as error:
                if error.status in (404, 405):
                    continue
                if error.retry_class is not RetryClass.TERMINAL:
                    raise
                return f"{info.gvr.group_resource} (it cannot be listed: {error.reason})"
        return _first_without_owner(pending, owned)

    async def _objects(self, info: ResourceInfo, namespace: str) -> AsyncIterator[Record]:
        token = ""
        while True:
            page = await self._client.list_page(
                info, namespace=namespace, limit=PAGE_SIZE, metadata_only=True, continue_token=token
            )
            for record in page.records:
                yield record
            token = page.continue_token
            if not token:
                return

    def _listable(self) -> list[ResourceInfo]:
        resources = self._discovery().resources.values()
        return [info for info in resources if info.namespaced and {"list", "delete"} <= info.verbs]

    def _is_ours(self, record: Record, locator: Locator) -> bool:
        meta = record.meta
        return (
            meta.label(DOWNSTREAM_CLUSTER_LABEL) == self._key
            and bool(meta.annotation(SOURCE_UID))
            and meta.annotation(SOURCE_NAME) == source_name(locator.namespace, meta.name)
        )


def _first_without_owner(pending: list[tuple[ResourceInfo, Record]], owned: set[str]) -> str | None:
    """The first object whose owner chain does not end in a copy of ours."""
    growing = True
    while growing:
        growing = False
        for _, record in pending:
            if record.meta.uid not in owned and _owned_by(record, owned):
                owned.add(record.meta.uid)
                growing = True
    for info, record in pending:
        if record.meta.uid not in owned:
            return f"{info.gvr.resource}/{record.meta.name}"
    return None


def _owned_by(record: Record, owned: set[str]) -> bool:
    return any(owner.uid in owned for owner in record.meta.owner_references or ())
