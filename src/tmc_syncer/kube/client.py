"""The verbs of Kubernetes over one `Wire`, for one cluster: records in and out, refusals as `ApiError`.

A `Client` is cheap: one per logical cluster, all over the transport of their server. It knows no policy: no
retry, no cache, no read before a write. What each write guarantees is told in semantics.md, "Applying":
- a create is an `apply` whose body carries ``metadata.resourceVersion: "1"``, an update one with ``metadata.uid``;
- `delete` carries its preconditions; JSON patches carry ``test`` (a failed one is a Conflict).
Every reply is checked to hold an object, every name to be one segment of a path. The reads are in `kube.reading`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tmc_syncer.api.names import DEFAULT_FIELD_MANAGER
from tmc_syncer.api.objects import Record
from tmc_syncer.api.resources import ResourceInfo
from tmc_syncer.kube.decoding import ListPage, WatchEvent
from tmc_syncer.kube.reading import Reader, given
from tmc_syncer.kube.refusals import Asked
from tmc_syncer.kube.sending import APPLY, OnReply, PatchType
from tmc_syncer.kube.wire import JSON, Wire, encode_query

__all__ = ["Body", "Client", "ListPage", "OnReply", "PatchType", "WatchEvent"]

Body = dict[str, Any] | bytes
"""An object to send: a dictionary, or JSON that is ready."""


class Client(Reader):
    """See the module docstring.

    `prefix` is put before every path (``/clusters/root:team-a``, ``/clusters/*``); empty means the transport's
    own. `cluster` is stamped on every record ("" downstream); below ``/clusters/*`` the objects tell it.
    `on_reply(side, verb, info, status)` is called for every reply, with status 0 when there was none.
    """

    def __init__(
        self,
        transport: Wire,
        *,
        prefix: str = "",
        cluster: str = "",
        field_manager: str = DEFAULT_FIELD_MANAGER,
        side: str = "",
        on_reply: OnReply | None = None,
    ) -> None:
        super().__init__(transport, prefix=prefix, cluster=cluster, side=side, on_reply=on_reply)
        self.field_manager = field_manager
        self._managed_by = encode_query([("fieldManager", field_manager)])

    def with_cluster(self, prefix: str, cluster: str) -> Client:
        """A client for another cluster over the same transport."""
        return Client(
            self.transport,
            prefix=prefix,
            cluster=cluster,
            field_manager=self.field_manager,
            side=self.side,
            on_reply=self.on_reply,
        )

    async def apply(
        self,
        info: ResourceInfo,
        namespace: str,
        name: str,
        body: Body,
        *,
        force: bool = False,
        subresource: str = "",
        dry_run: bool = False,
        field_manager: str | None = None,
    ) -> Record:
        """Server-side apply; the object as it is afterwards.

        Raises `ApiError`: 409 with `field_conflicts`, or because something is there (a body with
        resourceVersion "1") or gone or another one (a body with uid).
        """
        query = f"{self._manager(field_manager)}&force={'true' if force else 'false'}"
        if dry_run:
            query += "&dryRun=All"
        path = self._paths.item(info, namespace, name, subresource)
        asked = Asked("apply", info, namespace, name)
        reply = await self._sender.send(
            "PATCH", path, asked, query=query, body=_encoded(body), content_type=APPLY
        )
        return self._decoding.reply(reply, asked)

    async def patch(
        self,
        info: ResourceInfo,
        namespace: str,
        name: str,
        body: dict[str, Any] | Sequence[dict[str, Any]] | bytes,
        *,
        patch_type: PatchType,
        subresource: str = "",
        field_manager: str | None = None,
    ) -> Record:
        """A JSON patch (a list), merge patch or strategic merge patch; the object as it is afterwards.

        A JSON patch may carry ``test`` operations: a failed one is an `ApiError` of class Conflict.
        """
        path = self._paths.item(info, namespace, name, subresource)
        # Every JSON patch counts as one with tests: without them, a 422 that has no causes says that the path is
        # not there any more, which means the same.
        asked = Asked("patch", info, namespace, name, patch_type is PatchType.JSON)
        reply = await self._sender.send(
            "PATCH",
            path,
            asked,
            query=self._manager(field_manager),
            body=_encoded(body),
            content_type=patch_type.value,
        )
        return self._decoding.reply(reply, asked)

    async def create(
        self, info: ResourceInfo, namespace: str, body: Body, *, field_manager: str | None = None
    ) -> Record:
        """A POST; the name stands in the body. (Copies are created by `apply`, see semantics.md.)"""
        path, asked = self._paths.home(info, namespace), Asked("create", info, namespace)
        query = self._manager(field_manager)
        reply = await self._sender.send(
            "POST", path, asked, query=query, body=_encoded(body), content_type=JSON
        )
        return self._decoding.reply(reply, asked)

    async def replace(
        self,
        info: ResourceInfo,
        namespace: str,
        name: str,
        body: Body,
        *,
        subresource: str = "",
        field_manager: str | None = None,
    ) -> Record:
        """A PUT. A resourceVersion in the body is its precondition."""
        path = self._paths.item(info, namespace, name, subresource)
        asked = Asked("update", info, namespace, name)
        query = self._manager(field_manager)
        reply = await self._sender.send(
            "PUT", path, asked, query=query, body=_encoded(body), content_type=JSON
        )
        return self._decoding.reply(reply, asked)

    async def delete(
        self,
        info: ResourceInfo,
        namespace: str,
        name: str,
        *,
        uid: str = "",
        resource_version: str = "",
        propagation: str = "",
        grace_period_seconds: int | None = None,
    ) -> Record | None:
        """Delete one object; None when it is gone at once, else the object as it waits for its end.

        `uid` and `resource_version` are preconditions (409 when they do not hold); `propagation` is
        ``Foreground``, ``Background`` or ``Orphan``. Raises `ApiError` (404 when there is none).
        """
        options: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions"}
        if uid or resource_version:
            options["preconditions"] = dict(given(("uid", uid), ("resourceVersion", resource_version)))
        if propagation:
            options["propagationPolicy"] = propagation
        if grace_period_seconds is not None:
            options["gracePeriodSeconds"] = grace_period_seconds
        path = self._paths.item(info, namespace, name)
        asked = Asked("delete", info, namespace, name)
        body = await self._sender.send("DELETE", path, asked, body=_encoded(options), content_type=JSON)
        return self._decoding.deleted(body, asked)

    def _manager(self, field_manager: str | None) -> str:
        if field_manager is None:
            return self._managed_by
        return encode_query([("fieldManager", field_manager)])


def _encoded(body: object) -> bytes:
    return body if isinstance(body, bytes) else msgspec.json.encode(body)
