"""The namespace controller: creates, keeps and removes the downstream namespaces of one target.

Its queue holds keys of upstream Namespaces. A namespace is created when the first object of it wants to go
down (the spec controller asks), by the same create-only apply as any copy; it is kept in line with the user's
labels while it stands; and it is deleted when the upstream Namespace is proven gone, no copy remains in it and
nothing foreign lives there, after a delay. When the SyncTarget itself goes, each of its namespaces goes as soon as no
copy remains in it; one that is to stay (``onRemoval: Orphan``) or in which something foreign lives is released: it
loses our marks. A namespace without our locator is never touched.
"""

from __future__ import annotations

from functools import partial

import msgspec

from tmc_syncer.agent.synced_type import BY_NAMESPACE
from tmc_syncer.agent.world import World
from tmc_syncer.api.locator import Locator
from tmc_syncer.api.objects import Record
from tmc_syncer.api.resources import GVR, Key, ResourceInfo
from tmc_syncer.api.synctarget_spec import RemovalPolicy
from tmc_syncer.downstream.applier import Applier, Occupied
from tmc_syncer.downstream.census import Census
from tmc_syncer.downstream.desired import Evaluation
from tmc_syncer.downstream.drift import desired_digest, missing_paths
from tmc_syncer.downstream.field_rules import TypeRules
from tmc_syncer.downstream.namespaces import NamespacePlace, desired_namespace
from tmc_syncer.downstream.release import release_patch
from tmc_syncer.engine.env import rfc3339
from tmc_syncer.engine.outcomes import DONE, RequeueAfter, Result
from tmc_syncer.kube.client import PatchType
from tmc_syncer.kube.errors import ApiError
from tmc_syncer.sync.effects import ApplyCopy, CreateCopy
from tmc_syncer.sync.facts import Namespace
from tmc_syncer.sync.interpreter import Interpreter
from tmc_syncer.sync.journal import State
from tmc_syncer.sync.ownership import owned_paths
from tmc_syncer.transformation.cleaning import is_partial
from tmc_syncer.transformation.context import Desired
from tmc_syncer.transformation.pipeline import PIPELINE_VERSION, content_of

__all__ = ["NAMESPACES", "NAMESPACE_INFO", "NamespaceController"]

NAMESPACES = GVR("", "v1", "namespaces")
NAMESPACE_INFO = ResourceInfo(NAMESPACES, "Namespace", namespaced=False, subresources=frozenset({"status"}))
LEAVING_SECONDS = 1.0  # somebody waits for the removal of a target
OCCUPIED_SECONDS = 5.0  # a namespace that the cache does not show yet: its watch event is on the way


class NamespaceController:
    """Reconciles downstream namespaces."""

    def __init__(
        self, world: World, interpreter: Interpreter, applier: Applier, census: Census, deletion_delay: float
    ) -> None:
        self._world = world
        self._interpreter = interpreter
        self._applier = applier
        self._census = census
        self._delay = deletion_delay
        self._gone_since: dict[Key, float] = {}

    async def reconcile(self, key: Key) -> Result:
        """Bring the downstream namespace of one upstream Namespace in line."""
        world = self._world
        now = world.now()
        if not self._may_decide():
            return RequeueAfter(1.0)
        upstream = world.upstream_namespaces.store.get(key)
        locator = Locator(world.target, key.cluster, key.name)
        place = world.place(locator)
        if world.target_deleting:
            return await self._let_go(key, locator, place)
        if upstream is None:
            return await self._retire(key, locator, place)
        self._gone_since.pop(key, None)
        if world.spec.paused or upstream.meta.deleting:
            return DONE
        match place.state:
            case Namespace.ABSENT:
                return await self._create(upstream, locator, place) if self._wanted(key) else DONE
            case Namespace.READY:
                return await self._keep(upstream, locator, place)
            case Namespace.FOREIGN:
                message = f"Namespace {place.name} stands downstream without our locator."
                world.journal.note(
                    NAMESPACES, key, State.COLLISION, now=now, reason="Collision", message=message, row=8
                )
                return RequeueAfter(30.0)
            case _:
                return DONE  # terminating: its DELETED event enqueues the objects

    def _may_decide(self) -> bool:
        """Whether anything may be written at all: the Lease is held, and both caches of namespaces are recent."""
        world, now = self._world, self._world.now()
        return (
            world.holds_lease()
            and world.upstream_namespaces.fresh(now)
            and world.downstream_namespaces.fresh(now)
        )

    def _wanted(self, key: Key) -> bool:
        """Whether an assigned object waits for the namespace (or it carried copies before)."""
        world = self._world
        namespace = world.upstream_namespaces.store.get(key)
        for synced in world.types.values():
            if synced.leaving or synced.refused or not synced.upstream_info.namespaced:
                continue
            for object_key in synced.upstream_store.index(BY_NAMESPACE, f"{key.cluster}/{key.name}"):
                if is_partial(synced.gvr, object_key.name):
                    continue  # it is added to what is there, it wants nothing to be there
                record = synced.upstream_store.get(object_key)
                if record is None or record.meta.deleting:
                    continue
                meta = None if namespace is None else namespace.meta
                if world.rules.assign(record, synced.upstream_info, meta).assigned:
                    return True
        return False

    async def _create(self, upstream: Record, locator: Locator, place: NamespacePlace) -> Result:
        evaluation = self._evaluate(upstream, locator, place.name)
        effect = CreateCopy(NAMESPACE_INFO, upstream.key, Key("", "", place.name), self._body(evaluation))
        try:
            applied = await self._interpreter.timed(
                "downstream", "create", NAMESPACE_INFO, effect.key, 9, partial(self._applier.create, effect)
            )
        except Occupied:
            return RequeueAfter(OCCUPIED_SECONDS)
        if applied.record is not None:
            self._world.downstream_namespaces.store.write_replied(applied.record)
        self._world.enqueue_namespace_objects(locator.cluster, locator.namespace)
        return DONE

    async def _keep(self, upstream: Record, locator: Locator, place: NamespacePlace) -> Result:
        record = place.record
        assert record is not None
        evaluation = self._evaluate(upstream, locator, place.name)
        ours = _own_entry(record, self._world.field_manager)
        in_sync = record.meta.annotation("workload.kcp.io/applied-digest") == evaluation.digest
        if in_sync and not missing_paths(evaluation.desired.object, owned_paths(ours.meta)):
            self._world.journal.forget(NAMESPACES, upstream.key)
            return DONE
        effect = ApplyCopy(
            NAMESPACE_INFO, upstream.key, Key("", "", place.name), record.meta.uid, self._body(evaluation)
        )
        apply = partial(self._applier.apply, effect, TypeRules(), record.meta.resource_version)
        applied = await self._interpreter.timed("downstream", "apply", NAMESPACE_INFO, effect.key, 15, apply)
        if applied.record is not None:
            self._world.downstream_namespaces.store.write_replied(applied.record)
        return DONE

    def _evaluate(self, upstream: Record, locator: Locator, name: str) -> Evaluation:
        body = desired_namespace(name, locator, upstream.meta, pod_security=self._world.spec.pod_security)
        desired = Desired(object=body)
        return Evaluation(desired, desired_digest(content_of(body), PIPELINE_VERSION))

    def _body(self, evaluation: Evaluation) -> dict[str, object]:
        return evaluation.body(synced_at=rfc3339(self._world.env.clock.now()))

    # -- removal ---------------------------------------------------------------------------------------------

    async def _retire(self, key: Key, locator: Locator, place: NamespacePlace) -> Result:
        """The upstream Namespace is missing from the cache: remove the downstream one, once all of it is proven."""
        record = place.record
        if place.state is not Namespace.READY or record is None:
            self._gone_since.pop(key, None)
            return DONE
        if self._may_hold_copies(place.name):
            self._tell_unseen(key, place.name)
            return RequeueAfter(5.0)
        now = self._world.now()
        since = self._gone_since.setdefault(key, now)
        if (wait := since + self._delay - now) > 0:
            return RequeueAfter(wait)
        if self._braked():
            return RequeueAfter(5.0)
        if (foreign := await self._census.first_foreign(place.name, locator)) is not None:
            self._world.journal.note(
                NAMESPACES, key, State.HELD, now=now, reason="NamespaceNotEmpty",
                message=f"{foreign} keeps namespace {place.name}; it is not ours.",
            )  # fmt: skip
            return RequeueAfter(60.0)
        gone = await self._proven_gone(key)  # last, and all else again: the census may have taken long
        if not gone or self._braked() or not self._is_empty(place.name):
            return RequeueAfter(5.0)
        await self._delete(record)
        self._gone_since.pop(key, None)
        self._world.journal.forget(NAMESPACES, key)
        return DONE

    def _tell_unseen(self, key: Key, name: str) -> None:
        """Name the types that a server refuses to us: copies of theirs may stand in the namespace unseen."""
        now = self._world.now()
        unseen = sorted(str(gvr) for gvr, synced in self._world.types.items() if synced.refused_now(now))
        if unseen:
            message = f"Namespace {name} stays: it may hold copies of types that cannot be watched: {', '.join(unseen)}."
            self._world.journal.note(
                NAMESPACES, key, State.HELD, now=now, reason="TypesNotWatched", message=message
            )

    async def _let_go(self, key: Key, locator: Locator, place: NamespacePlace) -> Result:
        """The target is being removed: the namespace goes once its copies have, or stays behind as nobody's."""
        world, record = self._world, place.record
        if place.state is not Namespace.READY or record is None:
            return DONE
        if self._may_hold_copies(place.name):
            return RequeueAfter(LEAVING_SECONDS)
        stays = world.spec.on_removal is RemovalPolicy.ORPHAN
        stays = stays or await self._census.first_foreign(place.name, locator) is not None
        if not self._is_empty(place.name):  # once more: the census may have taken long
            return RequeueAfter(LEAVING_SECONDS)
        if stays:
            await self._release(record)
        else:
            await self._delete(record)
        world.journal.forget(NAMESPACES, key)
        return DONE

    def _braked(self) -> bool:
        return self._world.brake.trip is not None

    def _is_empty(self, namespace: str) -> bool:
        """Whether this agent may still say, after it asked the servers, that no copy stands in the namespace."""
        return self._may_decide() and not self._may_hold_copies(namespace)

    def _may_hold_copies(self, namespace: str) -> bool:
        world = self._world
        return not world.sees_all_copies() or any(
            world.is_copy(synced, record)
            for synced in world.types.values()
            for key in synced.downstream_store.index(BY_NAMESPACE, f"/{namespace}")
            if (record := synced.downstream_store.get(key)) is not None
        )

    async def _proven_gone(self, key: Key) -> bool:
        try:
            await self._world.clusters.upstream.get(NAMESPACE_INFO, "", key.name)
        except ApiError as error:
            if error.is_not_found_of(NAMESPACE_INFO, key.name):
                return True
            raise
        return False

    async def _release(self, record: Record) -> None:
        key, client = Key("", "", record.meta.name), self._world.clusters.downstream

        async def send() -> Record:
            return await client.patch(
                NAMESPACE_INFO, "", key.name, release_patch(record), patch_type=PatchType.MERGE
            )

        reply = await self._interpreter.timed("downstream", "release", NAMESPACE_INFO, key, 3, send)
        self._world.downstream_namespaces.store.write_replied(reply)

    async def _delete(self, record: Record) -> None:
        downstream_key = Key("", "", record.meta.name)

        async def send() -> Record | None:
            return await self._world.clusters.downstream.delete(
                NAMESPACE_INFO, "", record.meta.name, uid=record.meta.uid,
                resource_version=record.meta.resource_version, propagation="Background",
            )  # fmt: skip

        reply = await self._interpreter.timed("downstream", "delete", NAMESPACE_INFO, downstream_key, 3, send)
        self._world.downstream_namespaces.store.delete_replied(downstream_key, record.meta.uid, reply)


def _own_entry(record: Record, field_manager: str) -> Record:
    """The namespace with only our own apply entry in its managed fields, as `owned_paths` wants it."""
    ours = tuple(
        entry
        for entry in record.meta.managed_fields or ()
        if entry.manager == field_manager and entry.operation == "Apply" and not entry.subresource
    )
    return msgspec.structs.replace(
        record, meta=msgspec.structs.replace(record.meta, managed_fields=ours or None)
    )
