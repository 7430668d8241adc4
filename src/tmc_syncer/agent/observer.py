"""The observer: one look at one object, over both caches, and the row of table 1 that it hits.

`look` gathers what the caches show (and what a live read of the same pass proved) into a `View`; `decide` turns
it into a verdict. Dear facts are asked for last: the desired copy is computed only when a write would follow or
when memory cannot say whether the copy is in sync. It performs nothing; `agent.spec` does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from tmc_syncer.agent.synced_type import SyncedType
from tmc_syncer.agent.world import World
from tmc_syncer.api.locator import Locator
from tmc_syncer.api.names import DOWNSTREAM_CLUSTER_LABEL, finalizer
from tmc_syncer.api.objects import OwnerReference, Record
from tmc_syncer.api.resources import Key
from tmc_syncer.api.synctarget_spec import FinalizerPolicy
from tmc_syncer.downstream.brake import Cause, Permission
from tmc_syncer.downstream.desired import Evaluation, evaluate
from tmc_syncer.downstream.field_rules import TypeRules
from tmc_syncer.downstream.namespaces import NamespacePlace
from tmc_syncer.downstream.observation import Sighting, is_paused, observe
from tmc_syncer.sync.assignment import Assignment
from tmc_syncer.sync.facts import Drift, Upstream
from tmc_syncer.sync.table import Action, Verdict, decide
from tmc_syncer.sync.writers import foreign_status_manager
from tmc_syncer.transformation.context import Context, Desired, OwnerState
from tmc_syncer.transformation.pipeline import BUILT_IN, down
from tmc_syncer.transformation.registry import Registry

__all__ = ["Observer", "Proofs", "View"]

_BEGINS = frozenset({Action.ADD_FINALIZER, Action.CREATE})
_WRITES_CONTENT = _BEGINS | {Action.RESTAMP}
_EXPLICIT = frozenset({"TargetDeleted", "TargetEvicted"})
_CAUSES = {  # by the rule that no longer assigns an object
    "types": Cause.TYPES_SHORTENED,
    "selector": Cause.SELECTOR_CHANGED,
    "namespace-selector": Cause.SELECTOR_CHANGED,
    "assignment": Cause.SELECTOR_CHANGED,
}


@dataclass(slots=True)
class Proofs:
    """What one reconcile learned by live reads. It dies with the reconcile."""

    upstream: Record | None = None
    upstream_absent: bool = False
    copy: Record | None = None
    copy_absent: bool = False


@dataclass(slots=True)
class View:
    """One look at an object: what was found where. `desired` is filled when it had to be computed."""

    synced: SyncedType
    key: Key
    locator: Locator
    place: NamespacePlace | None
    record: Record | None
    copy: Record | None
    assignment: Assignment
    sighting: Sighting
    desired: Desired | None = None

    @property
    def copy_key(self) -> Key:
        """The copy's key downstream."""
        return Key("", self.place.name if self.place is not None else "", self.key.name)


class Observer:
    """Looks at objects of one `World`; `registry` holds the transformers."""

    def __init__(self, world: World, registry: Registry = BUILT_IN) -> None:
        self._world = world
        self._registry = registry

    # -- looking ---------------------------------------------------------------------------------------------

    def look(self, synced: SyncedType, key: Key, proofs: Proofs) -> View:
        """Gather what is known of one object. The caller has checked that the caches are fresh."""
        world = self._world
        locator = world.locator(synced, key)
        place = world.place(locator) if synced.upstream_info.namespaced else None
        record = proofs.upstream or synced.upstream_store.get(key)
        copy_key = Key("", place.name if place is not None else "", key.name)
        gone = synced.absent_downstream
        copy = None if gone else proofs.copy or synced.downstream_store.get(copy_key)
        namespace = world.upstream_namespace(key) if synced.upstream_info.namespaced else None
        assignment = self._assignment(synced, record, namespace)
        sighting = Sighting(
            fresh=True,
            locator=locator,
            place=place,
            record=record,
            upstream_proven=proofs.upstream_absent,
            assigned=assignment.assigned,
            finished=record is not None and synced.finished_anywhere(record),
            copy=None if copy is None else copy.meta,
            copy_proven=gone or proofs.copy_absent,
            finalizers_required=world.spec.finalizers is FinalizerPolicy.REQUIRED,
            target_paused=world.spec.paused,
            namespace_paused=namespace is not None and is_paused(namespace.meta),
        )
        return View(synced, key, locator, place, record, copy, assignment, sighting)

    def _assignment(self, synced: SyncedType, record: Record | None, namespace: Record | None) -> Assignment:
        if record is None:
            return Assignment(False)
        if synced.leaving:
            return Assignment(False, "types", "TypeRemoved", f"{synced.gvr} is no longer synced.")
        return self._world.rules.assign(
            record, synced.upstream_info, None if namespace is None else namespace.meta
        )

    # -- deciding --------------------------------------------------------------------------------------------

    def decide(self, view: View) -> Verdict:
        """The row of table 1. What the transformers refuse is found before anything is written.

        A deletion goes past the brakes before it is proven: what they hold costs no live read.
        """
        verdict = self._row(view)
        if verdict.action is Action.DELETE:
            return self._ask_brakes(view, verdict)
        if verdict.action is Action.PROVE_UPSTREAM:
            proven = replace(view.sighting, upstream_proven=True)
            if decide(observe(proven)).action is Action.DELETE:
                return self._ask_brakes(replace(view, sighting=proven), verdict)
        item = view.synced.gvr, view.key
        self._world.brake.withdraw(item)
        self._world.forget_deletion(item)
        return verdict

    def _row(self, view: View) -> Verdict:
        verdict = decide(observe(view.sighting))
        if view.synced.absent_downstream and verdict.action in _WRITES_CONTENT:
            return Verdict(verdict.row, Action.PARK, "NotServedDownstream")
        if verdict.action in _BEGINS and self._has_another_writer(view):
            return Verdict(verdict.row, Action.PARK, "TwoWriters")
        if verdict.row == 16 and not self.in_sync(view):
            verdict = decide(observe(replace(view.sighting, drift=Drift.CONTENT)))
        if verdict.row == 15 or verdict.action in _WRITES_CONTENT:
            return self._ask_transformers(view, verdict)
        return verdict

    def _has_another_writer(self, view: View) -> bool:
        """Whether upstream's own controllers write the status of this type. The first object that shows it decides."""
        synced, record, ours = view.synced, view.record, finalizer(self._world.target.key)
        if synced.two_writers_allowed or record is None or ours in (record.meta.finalizers or ()):
            return False
        if not synced.refused:
            manager = foreign_status_manager(synced.gvr, record, ours, synced.field_manager)
            if manager is not None:
                synced.refused = (
                    f"TwoWriters: {manager} writes the status of {record.key} upstream (TMC-022)."
                )
        return bool(synced.refused)

    def _ask_brakes(self, view: View, verdict: Verdict) -> Verdict:
        """What may hold a deletion: a filter's veto, and the deletion brake. `verdict` is what follows if none does."""
        info = view.synced.upstream_info
        if not self._world.rules.filters.should_delete(view.key, info).allowed:
            self._world.brake.withdraw((view.synced.gvr, view.key))
            return decide(observe(replace(view.sighting, vetoed=True)))
        match self.permission(view):
            case Permission.HELD:
                return decide(observe(replace(view.sighting, braked=True)))
            case Permission.WAIT:
                return Verdict(verdict.row, Action.WAIT, "DeletionSettling")
            case Permission.GO:
                return verdict

    def _ask_transformers(self, view: View, verdict: Verdict) -> Verdict:
        desired = self.desired(view)
        excluded = desired.excluded
        if excluded is not None and excluded.terminal:
            return Verdict(verdict.row, Action.PARK, excluded.reason)
        if excluded is not None:
            view.assignment = Assignment(False, excluded.filter, excluded.reason, excluded.message)
            view.sighting = replace(view.sighting, assigned=False)
            return decide(observe(view.sighting))
        if desired.waiting_for_owner and verdict.action is not Action.ADD_FINALIZER:
            return decide(observe(replace(view.sighting, owner_missing=True)))
        return verdict

    def permission(self, view: View) -> Permission:
        """What the deletion brake says to taking away what stands downstream for this object."""
        if self._is_asked_for(view):
            return Permission.GO
        world, now = self._world, self._world.now()
        return world.brake.ask(
            (view.synced.gvr, view.key),
            cause=_cause(view),
            copies=world.copies(),
            backlog=lambda: world.objects.oldest(now),
            now=now,
            wall=world.env.clock.now(),
        )

    def _is_asked_for(self, view: View) -> bool:
        """Whether somebody plainly asked for this deletion, so that the brake has no say."""
        world = self._world
        if view.record is not None and view.record.meta.deleting:
            return True
        if world.rules.leaving in _EXPLICIT or world.was_seen_deleted((view.synced.gvr, view.key)):
            return True
        namespace = world.upstream_namespace(view.key) if view.synced.upstream_info.namespaced else None
        return namespace is not None and namespace.meta.deleting

    # -- the desired copy ------------------------------------------------------------------------------------

    def desired(self, view: View) -> Desired:
        """The desired copy of a view that has a record, computed once per view."""
        if view.desired is None:
            assert view.record is not None
            view.desired = down(
                view.record, view.synced.upstream_info, self._context(view), registry=self._registry
            )
        return view.desired

    def evaluate(self, view: View) -> Evaluation:
        """The desired copy with its digest."""
        return evaluate(self.desired(view), self.rules(view).yields)

    def rules(self, view: View) -> TypeRules:
        """The field rules in force for the object."""
        return self._world.field_rules(view.synced, view.key, view.copy_key.namespace)

    def in_sync(self, view: View) -> bool:
        """Whether the copy holds the present content of the record, under our ownership."""
        record, copy = view.record, view.copy
        if record is None or copy is None or copy.meta.label(DOWNSTREAM_CLUSTER_LABEL) is None:
            return False
        rules = self.rules(view)
        owners = tuple(
            self._owner(view.key.cluster, owner, record.meta.namespace)
            for owner in record.meta.owner_references or ()
        )
        token = view.copy_key.namespace, view.locator, rules, owners
        return view.synced.desired.in_sync(record, copy, token, partial(self.evaluate, view), rules.ceded)

    def is_current(self, synced: SyncedType, record: Record, copy: Record) -> bool:
        """What the status controller asks: whether `copy` holds the present content of `record`."""
        view = self.look(synced, record.key, Proofs())
        if view.record is not record or view.copy is not copy:
            return False
        facts = observe(view.sighting)
        return facts.upstream in (Upstream.LIVE, Upstream.FINISHED, Upstream.DELETING) and self.in_sync(view)

    def _context(self, view: View) -> Context:
        world, locator = self._world, view.locator
        return Context(
            key=world.target.key,
            target=world.target.name,
            locator=locator,
            namespace=view.copy_key.namespace,
            namespace_of=lambda name: world.place(Locator(world.target, locator.cluster, name)).name,
            owner_uid=partial(self._owner, view.key.cluster),
            cluster_scoped=world.is_trusted_with(view.synced.gvr),
        )

    def _owner(self, cluster: str, reference: OwnerReference, namespace: str) -> OwnerState:
        """What is known downstream of an owner: its copy's uid, that it will come, or that it never will."""
        world = self._world
        for synced in world.types.values():
            info = synced.upstream_info
            if info.kind != reference.kind or info.gvr.api_version != reference.api_version or synced.leaving:
                continue
            key = Key(cluster, namespace if info.namespaced else "", reference.name)
            record = synced.upstream_store.get(key)
            if record is None or record.meta.uid != reference.uid:
                return OwnerState.drop()
            owner = self.look(synced, key, Proofs())
            if not owner.assignment.assigned:
                return OwnerState.drop()
            copy = owner.copy
            return (
                OwnerState.wait() if copy is None or copy.meta.deleting else OwnerState.known(copy.meta.uid)
            )
        return OwnerState.drop()


def _cause(view: View) -> Cause:
    """Why a deletion that nobody plainly asked for is planned."""
    return Cause.RELIST if view.record is None else _CAUSES.get(view.assignment.rule, Cause.UNKNOWN)
