"""Autoscalers: which objects have their replicas decided by a HorizontalPodAutoscaler, on either side.

It watches the autoscalers of both clusters, whether they are synced or not, because one that an operator made
downstream counts as much. While this is not known, objects that can be scaled are not decided about: reverting
the replicas that an autoscaler chose is an outage. A side that does not serve autoscalers, or does not let us
read them, has none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import msgspec

from tmc_syncer.agent.informers import Informers
from tmc_syncer.agent.synced_type import SyncedType
from tmc_syncer.api.objects import Record
from tmc_syncer.api.resources import GVR, Key, ResourceInfo
from tmc_syncer.engine.informer import Informer
from tmc_syncer.engine.store import Change
from tmc_syncer.kube.client import Client
from tmc_syncer.kube.discovery import Discovery
from tmc_syncer.kube.errors import ApiError, KubeError

__all__ = ["Autoscalers"]

AUTOSCALERS = GVR("autoscaling", "v2", "horizontalpodautoscalers")
BY_TARGET = "target"
RETRY_SECONDS = 1.0


class _TargetReference(msgspec.Struct):
    kind: str = ""
    name: str = ""


class _Spec(msgspec.Struct):
    target: _TargetReference = msgspec.field(name="scaleTargetRef", default_factory=_TargetReference)


_decode_spec = msgspec.json.Decoder(_Spec).decode


class Autoscalers:
    """`on_change(side, namespace, kind, name)` tells that the autoscaling of one object began or ended.

    Args:
        informers: opens the two informers.
        clients: upstream and downstream.
        discoveries: what either side serves, as last seen.
        on_change: `side` is 0 upstream, 1 downstream.
    """

    def __init__(
        self,
        informers: Informers,
        clients: tuple[Client, Client],
        discoveries: Callable[[], tuple[Discovery, Discovery]],
        on_change: Callable[[int, str, str, str], None],
    ) -> None:
        self._informers = informers
        self._clients = clients
        self._discoveries = discoveries
        self._on_change = on_change
        self._sides: list[Informer | None] = [None, None]
        self._decided = [False, False]

    def ready(self, now: float) -> bool:
        """Whether the answer of `scales` can be trusted."""
        return all(self._decided) and all(side is None or side.fresh(now) for side in self._sides)

    def scales(self, synced: SyncedType, key: Key, downstream_namespace: str) -> bool:
        """Whether an autoscaler targets the object upstream, or its copy downstream."""
        places = (f"{key.cluster}/{key.namespace}", f"/{downstream_namespace}")
        kind = synced.upstream_info.kind
        return any(
            side is not None and side.store.index_size(BY_TARGET, f"{place}/{kind}/{key.name}") > 0
            for side, place in zip(self._sides, places, strict=True)
        )

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            for side in (0, 1):
                group.create_task(self._run_side(side), name=f"autoscalers-{side}")

    async def _run_side(self, side: int) -> None:
        info = await self._find(side)
        if info is not None:
            informer = self._informers.open(
                self._clients[side],
                info,
                name=f"{('upstream', 'downstream')[side]} autoscalers",
                trim=_trim,
            )
            informer.store.add_index(BY_TARGET, _targets)
            informer.store.subscribe(lambda change: self._changed(side, change))
            self._sides[side] = informer
        self._decided[side] = True
        if (found := self._sides[side]) is not None:
            await found.run()

    async def _find(self, side: int) -> ResourceInfo | None:
        """The type as this side serves it; None when it does not, or does not let us list it."""
        while True:
            discovery = self._discoveries()[side]
            if discovery.resources:
                info = discovery.find(AUTOSCALERS)
                if info is None and discovery.complete:
                    return None
                if info is not None and (readable := await self._is_readable(side, info)) is not None:
                    return info if readable else None
            await self._informers.env.clock.sleep(RETRY_SECONDS)

    async def _is_readable(self, side: int, info: ResourceInfo) -> bool | None:
        try:
            await self._clients[side].list_page(info, limit=1, metadata_only=True)
        except ApiError as error:
            return False if error.status in (403, 404, 405) else None
        except KubeError:
            return None
        return True

    def _changed(self, side: int, change: Change) -> None:
        before = set() if change.old is None else set(_targets(change.old))
        after = set() if change.new is None else set(_targets(change.new))
        for target in before ^ after:
            _, namespace, kind, name = target.split("/")
            self._on_change(side, namespace, kind, name)


def _trim(record: Record) -> Record:
    spec = record.fields.get("spec")
    fields = {} if spec is None else {"spec": spec}
    meta = msgspec.structs.replace(record.meta, managed_fields=None, annotations=None)
    return msgspec.structs.replace(record, meta=meta, fields=fields)


def _targets(record: Record) -> Iterator[str]:
    raw = record.fields.get("spec")
    if raw is not None:
        target = _decode_spec(raw).target
        yield f"{record.cluster}/{record.meta.namespace}/{target.kind}/{target.name}"
