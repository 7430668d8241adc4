"""The spec controller: one object from a look to a row, from a row to at most one write at a time.

A pass looks, decides, and performs what the row wants. The reply of a write is in the store before the next
look of the same pass, so an object goes from nothing to finalizer and copy without waiting for the watch in
between. A row that asks for a proof gets one live GET, and the facts are observed again with it; a proof is
never kept beyond its pass.

It reads only stores and does not know which event woke it. Its queue holds (type, upstream key). Errors are
raised for the queue to back off by their class.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Unpack

from tmc_syncer.agent.observer import Observer, Proofs, View
from tmc_syncer.agent.synced_type import Item
from tmc_syncer.agent.world import World
from tmc_syncer.api.names import APPLIED_DIGEST, finalizer
from tmc_syncer.api.objects import Record
from tmc_syncer.api.resources import GVR, Key, ResourceInfo
from tmc_syncer.api.synctarget_spec import RemovalPolicy
from tmc_syncer.downstream.applier import Applied, Applier, Occupied
from tmc_syncer.downstream.brake import SETTLE_SECONDS
from tmc_syncer.downstream.desired import Evaluation
from tmc_syncer.downstream.field_rules import TypeRules, owns, with_live, without
from tmc_syncer.downstream.propagation import propagation
from tmc_syncer.downstream.release import release_patch
from tmc_syncer.engine.env import rfc3339
from tmc_syncer.engine.outcomes import DONE, RequeueAfter, Result
from tmc_syncer.kube.client import Client
from tmc_syncer.kube.errors import ApiError
from tmc_syncer.sync.effects import (
    AddFinalizer,
    ApplyCopy,
    CreateCopy,
    DeleteCopy,
    ReleaseCopy,
    RemoveFinalizer,
)
from tmc_syncer.sync.interpreter import Interpreter
from tmc_syncer.sync.journal import Details, State
from tmc_syncer.sync.ownership import owned_paths
from tmc_syncer.sync.table import Action, Verdict
from tmc_syncer.transformation.context import ExclusionError

__all__ = ["SpecController"]

MAX_STEPS = 6  # finalizer, create, a second look after a 409, and room; more is a fight: back to the queue
PARKED_SECONDS = 30.0  # how soon a held object is looked at again without any event

_STATES = {
    "Collision": State.COLLISION,
    "Deleting": State.DELETING,
    "Paused": State.HELD,
    "SoftFinalizer": State.HELD,
    "FilterVeto": State.HELD,
    "DeletionBrake": State.HELD,
    "NamespaceTerminating": State.HELD,
    "OwnerMissing": State.HELD,
    "Finished": State.FINISHED,
}

OnApplied = Callable[[GVR, Key, Applied, bool], None]


class SpecController:
    """Reconciles the specs of all types of one target. `reconcile` is given to `engine.controller`.

    `on_applied(gvr, copy, applied, drifted)` hears of each update; `drifted`: upstream had not changed, so somebody
    changed the copy.
    """

    def __init__(
        self,
        world: World,
        observer: Observer,
        interpreter: Interpreter,
        applier: Applier,
        on_applied: OnApplied,
    ) -> None:
        self._world = world
        self._observer = observer
        self._interpreter = interpreter
        self._applier = applier
        self._on_applied = on_applied

    async def reconcile(self, item: Item) -> Result:
        """Bring one object closer to where table 1 wants it. Raises `KubeError`s for the queue to back off."""
        gvr, key = item
        synced = self._world.types.get(gvr)
        if synced is None:
            self._world.brake.withdraw(item)
            return DONE
        proofs = Proofs()
        for _ in range(MAX_STEPS):
            if not self._world.fresh(synced):
                synced.waiting.add(key)
                return DONE
            view = self._observer.look(synced, key, proofs)
            verdict = self._observer.decide(view)
            result = await self._perform(view, verdict, proofs)
            if result is not None:
                return result
        return RequeueAfter(1.0, "StepLimit")

    async def _perform(self, view: View, verdict: Verdict, proofs: Proofs) -> Result | None:
        """Do what the row wants. None: the world moved by our own hand, look again."""
        match verdict.action:
            case Action.NOTHING | Action.WAIT | Action.PARK:
                return self._rest(view, verdict)
            case Action.PROVE_UPSTREAM:
                await self._prove_upstream(view, proofs)
            case Action.PROVE_DOWNSTREAM:
                await self._prove_downstream(view, proofs)
            case Action.ADD_FINALIZER | Action.REMOVE_FINALIZER:
                await self._patch_finalizers(view, verdict, proofs)
            case Action.CREATE_NAMESPACE:
                namespace = Key(view.key.cluster, "", view.key.namespace)
                self._world.namespaces.add(namespace, self._world.now(), priority=1)
                self._note(view, verdict, State.PENDING, reason="NamespaceMissing")
                return DONE  # the namespace's arrival makes its objects due
            case Action.DELETE:
                await self._delete(view, verdict, proofs)
            case Action.CREATE:
                await self._create(view, verdict, proofs)
            case Action.APPLY | Action.RESTAMP | Action.RESOLVE:
                await self._apply(view, verdict, proofs)
        return None

    # -- resting ---------------------------------------------------------------------------------------------

    def _rest(self, view: View, verdict: Verdict) -> Result:
        """Nothing to write: say where the object stands."""
        if verdict.row == 6:
            self._rest_gone(view)
            return DONE
        if verdict.row in (13, 16):
            self._note(view, verdict, State.SYNCED if verdict.row == 16 else State.FINISHED)
            return DONE
        if verdict.action is Action.WAIT:
            self._note(view, verdict, State.DELETING)
            return RequeueAfter(SETTLE_SECONDS, verdict.reason)
        if view.desired is not None and view.desired.excluded is not None:
            excluded = view.desired.excluded
            self._note(view, verdict, State.FAILED, code=ExclusionError.code, message=excluded.message)
            return DONE  # terminal until the object changes
        if verdict.reason == "OwnerMissing" and view.record is not None:
            for owner in view.record.meta.owner_references or ():
                self._world.wait_for_owner(owner.uid, (view.synced.gvr, view.key))
        state, message = _STATES.get(verdict.reason, State.HELD), self._explain(view, verdict)
        self._note(view, verdict, state, message=message, next_try=self._world.now() + PARKED_SECONDS)
        return RequeueAfter(PARKED_SECONDS, verdict.reason)

    def _rest_gone(self, view: View) -> None:
        world, gvr, key = self._world, view.synced.gvr, view.key
        view.synced.desired.forget(key)
        view.synced.ended.pop(key, None)
        assignment = view.assignment
        if view.record is None or not assignment.rule:
            world.journal.forget(gvr, key)
        else:
            world.journal.note(
                gvr,
                key,
                State.EXCLUDED,
                now=world.now(),
                reason=assignment.reason,
                message=assignment.message,
                row=6,
            )

    def _explain(self, view: View, verdict: Verdict) -> str:
        match verdict.reason:
            case "Collision" if verdict.row == 8:
                return f"Namespace {view.copy_key.namespace} stands downstream without our locator."
            case "Collision":
                return f"{view.copy_key} stands downstream and is not ours."
            case "DeletionBrake" if self._world.brake.trip is not None:
                return self._world.brake.trip.message()
            case _:
                return ""

    def _note(
        self, view: View, verdict: Verdict, state: State, *, reason: str = "", **more: Unpack[Details]
    ) -> None:
        reason = reason or ("" if state is State.SYNCED else verdict.reason)
        self._world.journal.note(
            view.synced.gvr,
            view.key,
            state,
            now=self._world.now(),
            reason=reason,
            row=verdict.row,
            **more,
        )

    # -- proving ---------------------------------------------------------------------------------------------

    async def _prove_upstream(self, view: View, proofs: Proofs) -> None:
        found = await _live(self._world.clusters.upstream, view.synced.upstream_info, view.key)
        proofs.upstream_absent = found is None
        proofs.upstream = None if found is None else view.synced.trim_upstream(found)

    async def _prove_downstream(self, view: View, proofs: Proofs) -> None:
        found = await _live(self._world.clusters.downstream, view.synced.downstream_info, view.copy_key)
        proofs.copy_absent = found is None
        proofs.copy = None if found is None else view.synced.trim_downstream(found)

    # -- writing ---------------------------------------------------------------------------------------------

    async def _patch_finalizers(self, view: View, verdict: Verdict, proofs: Proofs) -> None:
        assert view.record is not None
        meta, info = view.record.meta, view.synced.upstream_info
        effect = AddFinalizer if verdict.action is Action.ADD_FINALIZER else RemoveFinalizer
        ours = finalizer(self._world.target.key)
        written = await self._interpreter.patch_finalizers(
            effect(info, view.key, meta.uid, meta.finalizers or (), ours), view.synced, verdict.row
        )
        if proofs.upstream is not None:  # the object is outside the cache's view: the reply is what we know
            proofs.upstream = view.synced.trim_upstream(written)

    async def _delete(self, view: View, verdict: Verdict, proofs: Proofs) -> None:
        assert view.copy is not None
        synced, meta, info = view.synced, view.copy.meta, view.synced.downstream_info
        proofs.copy = None
        if self._world.is_leaving(synced) and self._world.spec.on_removal is RemovalPolicy.ORPHAN:
            release = ReleaseCopy(info, view.key, view.copy_key, meta.uid, release_patch(view.copy))
            await self._interpreter.release(release, synced, verdict.row)
            return
        upstream = None if view.record is None else view.record.meta
        policy = propagation(synced.gvr, upstream, self._world.spec.propagation or "")
        delete = DeleteCopy(info, view.key, view.copy_key, meta.uid, meta.resource_version, policy)
        await self._interpreter.delete(delete, synced, verdict.row)

    async def _create(self, view: View, verdict: Verdict, proofs: Proofs) -> None:
        evaluation = self._observer.evaluate(view)
        effect = CreateCopy(view.synced.downstream_info, view.key, view.copy_key, self._body(evaluation))
        send = partial(self._applier.create, effect)
        try:
            applied = await self._interpreter.timed(
                "downstream", "create", effect.info, effect.key, verdict.row, send
            )
        except Occupied:
            await self._prove_downstream(view, proofs)
        else:
            self._accept(view, applied, evaluation, proofs)

    async def _apply(self, view: View, verdict: Verdict, proofs: Proofs) -> None:
        assert view.copy is not None
        evaluation, meta, rules = self._observer.evaluate(view), view.copy.meta, self._observer.rules(view)
        info, body = view.synced.downstream_info, self._body(evaluation)
        if rules.yields:
            body = await self._yield_fields(view, body, rules)
        effect = ApplyCopy(info, view.key, view.copy_key, meta.uid, body)
        send = partial(self._applier.apply, effect, rules, meta.resource_version)
        applied = await self._interpreter.timed("downstream", "apply", info, effect.key, verdict.row, send)
        drifted = meta.annotation(APPLIED_DIGEST) == evaluation.digest
        self._on_applied(view.synced.gvr, view.copy_key, applied, drifted)
        self._accept(view, applied, evaluation, proofs)

    async def _yield_fields(self, view: View, body: dict[str, Any], rules: TypeRules) -> dict[str, Any]:
        """The body with what yields to the cluster: the live value where we still own the field, else nothing.

        This is the one read before a write: leaving out a field that only we own would make the server reset it.
        """
        assert view.copy is not None
        fields = owned_paths(view.copy.meta)
        kept = [path for path in rules.yields if owns(fields, path)]
        body = without(body, [path for path in rules.yields if path not in kept])
        live = await _live(self._world.clusters.downstream, view.synced.downstream_info, view.copy_key)
        return body if live is None or not kept else with_live(body, live.to_object(), kept)

    def _body(self, evaluation: Evaluation) -> dict[str, Any]:
        return evaluation.body(synced_at=rfc3339(self._world.env.clock.now()))

    def _accept(self, view: View, applied: Applied, evaluation: Evaluation, proofs: Proofs) -> None:
        if applied.record is None:
            return
        proofs.copy = None
        record = view.synced.trim_downstream(applied.record)
        view.synced.downstream_store.write_replied(record)
        view.synced.desired.accept(view.key, evaluation.digest, record)


async def _live(client: Client, info: ResourceInfo, key: Key) -> Record | None:
    """One GET by name: the object, or None when its absence is proven. Any other answer proves nothing and raises."""
    try:
        return await client.get(info, key.namespace, key.name)
    except ApiError as error:
        if error.is_not_found_of(info, key.name):
            return None
        raise
