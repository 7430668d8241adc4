"""ServiceAccount ``default``: the one object that each cluster makes by itself and that we only add to.

Its copy is partial (`transformation`: `Desired.partial`): the `imagePullSecrets` of the upstream account are applied
to the one that stands in our namespace downstream, with its uid. It is never created or deleted, carries no mark
of ours, and upstream no finalizer: there is nothing to wait for when it goes. What we own of it is told by our own
managedFields entry, what is in it by its value, so an unchanged world costs no write.

It has no label to select it by, so an informer of its own watches the accounts of this name; it runs while the type
is synced. An account that is no longer assigned gives back what we applied, through the deletion brake, since that
takes something away from running pods. One whose upstream account is gone keeps it: the namespace controller makes a
new one at once, or the namespace is going.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import msgspec

from tmc_syncer.agent.informers import Informers
from tmc_syncer.agent.observer import Observer, Proofs, View
from tmc_syncer.agent.synced_type import Item, trim_downstream
from tmc_syncer.agent.world import World
from tmc_syncer.api.objects import Record
from tmc_syncer.api.resources import GVR
from tmc_syncer.api.synctarget_spec import RemovalPolicy
from tmc_syncer.downstream.applier import Applied, Applier
from tmc_syncer.downstream.brake import SETTLE_SECONDS, Permission
from tmc_syncer.downstream.observation import is_paused
from tmc_syncer.engine.informer import Informer
from tmc_syncer.engine.outcomes import DONE, RequeueAfter, Result
from tmc_syncer.engine.store import Change, ChangeOrigin
from tmc_syncer.sync.effects import ApplyCopy
from tmc_syncer.sync.facts import Namespace
from tmc_syncer.sync.interpreter import Interpreter
from tmc_syncer.sync.journal import State
from tmc_syncer.sync.ownership import owned_paths
from tmc_syncer.transformation.cleaning import is_partial

__all__ = ["DefaultAccounts", "holds"]

ACCOUNTS = GVR("", "v1", "serviceaccounts")
NAME = "default"
FIELD = "imagePullSecrets"
POLL_SECONDS = 0.5  # how soon the type's coming and going is seen; the accounts of a cold start wait for it
HELD_SECONDS = 30.0

Reconcile = Callable[[Item], Awaitable[Result]]


class DefaultAccounts:
    """Reconciles the accounts named ``default``; every other object is left to `others`.

    `on_applied(gvr, copy, applied, drifted)` hears of each write, as it does from the spec controller.
    """

    def __init__(
        self,
        world: World,
        observer: Observer,
        interpreter: Interpreter,
        applier: Applier,
        informers: Informers,
        on_applied: Callable[..., None],
        others: Reconcile,
    ) -> None:
        self._world = world
        self._observer = observer
        self._interpreter = interpreter
        self._applier = applier
        self._informers = informers
        self._on_applied = on_applied
        self._others = others
        self._informer: Informer | None = None

    async def run(self) -> None:
        """Watch the accounts downstream while their type is synced, until cancelled."""
        world = self._world
        while True:
            if (synced := world.types.get(ACCOUNTS)) is not None:
                informer = self._informers.open(
                    world.clusters.downstream,
                    synced.downstream_info,
                    name="default service accounts",
                    field_selector=f"metadata.name={NAME}",
                    trim=partial(_trim, field_manager=world.field_manager),
                )
                informer.store.subscribe(self._changed)
                self._informer = informer
                async with asyncio.TaskGroup() as group:
                    watching = group.create_task(informer.run(), name=informer.name)
                    while world.types.get(ACCOUNTS) is synced:
                        await world.env.clock.sleep(POLL_SECONDS)
                    watching.cancel()
                self._informer = None
            await world.env.clock.sleep(POLL_SECONDS)

    async def reconcile(self, item: Item) -> Result:
        """Bring one account's fields down, or hand any other object on. Raises `KubeError`s for the queue to back off."""
        gvr, key = item
        if not is_partial(gvr, key.name):
            return await self._others(item)
        synced = self._world.types.get(gvr)
        if synced is None:
            return DONE
        informer = self._informer
        if informer is None or not (self._world.fresh(synced) and informer.fresh(self._world.now())):
            return RequeueAfter(POLL_SECONDS, "CacheNotFresh")
        view = self._observer.look(synced, key, Proofs())
        standing = informer.store.get(view.copy_key)
        body = None if standing is None or standing.meta.deleting else self._body(view)
        if standing is None or body is None:
            self._world.brake.withdraw(item)
            self._world.journal.forget(gvr, key)
            return DONE  # whatever changes that makes the account due again
        if holds(standing, body.get(FIELD)):
            return self._rest(view, body)
        if self._is_paused(view):
            return self._hold(view, "Paused", row=1)
        if FIELD not in body and (wait := self._settle(view)) is not None:
            return wait
        await self._apply(view, standing, body, informer)
        return self._rest(view, body)

    def _body(self, view: View) -> dict[str, Any] | None:
        """What is to be ours of the account downstream; None when nothing is to change about it."""
        world, record = self._world, view.record
        if (
            view.place is None
            or view.place.state is not Namespace.READY
            or record is None
            or record.meta.deleting
        ):
            return None
        desired = self._observer.desired(view)
        if view.assignment.assigned:
            return desired.object
        if world.is_leaving(view.synced) and world.spec.on_removal is RemovalPolicy.ORPHAN:
            return None
        return {name: value for name, value in desired.object.items() if name != FIELD}

    def _is_paused(self, view: View) -> bool:
        sighting = view.sighting
        on_object = view.record is not None and is_paused(view.record.meta)
        return sighting.target_paused or sighting.namespace_paused or on_object

    def _settle(self, view: View) -> Result | None:
        """Ask the brake before something is taken away by a rule; taking it out of the upstream account is no rule."""
        if view.assignment.assigned:
            return None
        match self._observer.permission(view):
            case Permission.HELD:
                return self._hold(view, "DeletionBrake", row=2)
            case Permission.WAIT:
                return RequeueAfter(SETTLE_SECONDS, "DeletionSettling")
            case Permission.GO:
                return None

    async def _apply(self, view: View, standing: Record, body: dict[str, Any], informer: Informer) -> None:
        info = view.synced.downstream_info
        effect = ApplyCopy(info, view.key, view.copy_key, standing.meta.uid, body)
        send = partial(
            self._applier.apply, effect, self._observer.rules(view), standing.meta.resource_version
        )
        applied: Applied = await self._interpreter.timed("downstream", "apply", info, effect.key, 15, send)
        self._on_applied(view.synced.gvr, view.copy_key, applied, False)
        if applied.record is not None:
            informer.store.write_replied(_trim(applied.record, self._world.field_manager))

    def _rest(self, view: View, body: dict[str, Any]) -> Result:
        gvr, key = view.synced.gvr, view.key
        self._world.brake.withdraw((gvr, key))
        if FIELD in body:
            self._world.journal.note(gvr, key, State.SYNCED, now=self._world.now(), row=16)
        else:
            self._world.journal.forget(gvr, key)
        return DONE

    def _hold(self, view: View, reason: str, *, row: int) -> Result:
        now = self._world.now()
        self._world.journal.note(view.synced.gvr, view.key, State.HELD, now=now, reason=reason, row=row)
        return RequeueAfter(HELD_SECONDS, reason)

    def _changed(self, change: Change) -> None:
        """An account changed downstream: if it stands in a namespace of ours, the upstream one is due."""
        if change.origin is not ChangeOrigin.REPLY:
            self._world.enqueue_by_copy(ACCOUNTS, change.key)


def holds(standing: Record, wanted: list[Any] | None) -> bool:
    """Whether the account downstream holds the wanted value under our ownership; None: whether we own nothing of it."""
    owned = f"f:{FIELD}" in owned_paths(standing.meta)
    return owned and standing.field(FIELD) == wanted if wanted else not owned


def _trim(record: Record, field_manager: str) -> Record:
    """What the cache keeps: identity, our own apply entry, and the field."""
    meta = trim_downstream(record, field_manager).meta
    raw = record.fields.get(FIELD)
    return msgspec.structs.replace(
        record,
        meta=msgspec.structs.replace(meta, labels=None, annotations=None),
        fields={} if raw is None else {FIELD: raw},
    )
