"""`World`: what the controllers of one agent share: the target and its rules, caches, queues, journal, brake.

It answers questions from the caches (where does this namespace map to, which object does this copy stand for)
and holds no decision: those are in `sync.table` and the pure modules of `downstream` and `upstream`. One event
loop owns it; nothing in it is safe to use from a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tmc_syncer.agent.synced_type import BY_NAMESPACE, Item, SyncedType
from tmc_syncer.api.locator import Locator, TargetReference, parse_locator
from tmc_syncer.api.names import NAMESPACE_LOCATOR, SOURCE_NAME, finalizer
from tmc_syncer.api.objects import Record
from tmc_syncer.api.resources import GVR, Key
from tmc_syncer.api.synctarget_spec import NamespaceNaming, SyncTargetSpec
from tmc_syncer.downstream.brake import Brake
from tmc_syncer.downstream.field_rules import TypeRules, rules_of_type
from tmc_syncer.downstream.namespaces import NamespacePlace, place
from tmc_syncer.downstream.propagation import priority
from tmc_syncer.engine.env import Env
from tmc_syncer.engine.informer import Informer
from tmc_syncer.engine.workqueue import WorkQueue
from tmc_syncer.kube.client import Client
from tmc_syncer.sync.assignment import AssignmentRules
from tmc_syncer.sync.facts import Downstream
from tmc_syncer.sync.journal import Journal
from tmc_syncer.sync.ownership import classify

__all__ = ["BY_LOCATOR", "Clusters", "World", "locator_index"]

BY_LOCATOR = "locator"
"""Index of the downstream namespaces: ``cluster/namespace`` of a locator of this target."""

SEEN_DELETED_LIMIT = 20_000
"""Deletions seen and not yet carried out; beyond it the oldest are left to the deletion brake."""


@dataclass(frozen=True, slots=True)
class Clusters:
    """The two sides: their clients, and the upstream's logical cluster name."""

    upstream: Client
    downstream: Client
    cluster: str


def locator_index(target: TargetReference) -> Callable[[Record], Iterator[str]]:
    """Index function over downstream namespaces: the upstream place of those that carry a locator of `target`."""

    def places(record: Record) -> Iterator[str]:
        locator = parse_locator(record.meta.annotation(NAMESPACE_LOCATOR))
        if locator is not None and locator.same_place(Locator(target, locator.cluster, locator.namespace)):
            yield f"{locator.cluster}/{locator.namespace}"

    return places


@dataclass(slots=True, eq=False)
class World:
    """Shared state of one agent. `holds_lease` answers from our own monotonic clock."""

    env: Env
    clusters: Clusters
    target: TargetReference
    field_manager: str
    spec: SyncTargetSpec
    rules: AssignmentRules
    upstream_namespaces: Informer
    downstream_namespaces: Informer
    objects: WorkQueue[Item]
    statuses: WorkQueue[Item]
    namespaces: WorkQueue[Key]
    holds_lease: Callable[[], bool]
    autoscaled: Callable[[SyncedType, Key, str], bool] = lambda _synced, _key, _namespace: False
    autoscaling_known: Callable[[float], bool] = lambda _now: True
    target_known: Callable[[float], bool] = lambda _now: True
    types_settled: Callable[[], bool] = lambda: True
    journal: Journal = field(default_factory=Journal)
    brake: Brake = field(default_factory=Brake)
    types: dict[GVR, SyncedType] = field(default_factory=dict)
    target_deleting: bool = False
    _field_rules: dict[GVR, tuple[SyncTargetSpec, TypeRules]] = field(default_factory=dict)
    _seen_deleted: dict[Item, None] = field(default_factory=dict)
    _dependants: dict[str, set[Item]] = field(default_factory=dict)

    def now(self) -> float:
        """Monotonic seconds."""
        return self.env.clock.monotonic()

    def fresh(self, synced: SyncedType) -> bool:
        """Whether a decision about an object of this type may be taken at all: row 0's `fresh`."""
        now = self.now()
        return (
            self.holds_lease()
            and self.target_known(now)
            and synced.fresh(now)
            and self.upstream_namespaces.fresh(now)
            and self.downstream_namespaces.fresh(now)
            and (not _can_scale(synced) or self.autoscaling_known(now))
        )

    def sees_all_copies(self) -> bool:
        """Whether every cache that may show a copy is complete and recent: then what none shows is not there."""
        return self.types_settled() and all(self.fresh(synced) for synced in self.types.values())

    def is_leaving(self, synced: SyncedType) -> bool:
        """Whether all objects of a type leave this target by ``onRemoval``: with their type, or with the target."""
        return synced.leaving or self.target_deleting

    def is_copy(self, synced: SyncedType, record: Record) -> bool:
        """Whether a downstream object is a copy of ours, and not one that merely carries our label."""
        source = self.source_of(record)
        if source is None:
            return False
        locator = self.locator(synced, source)
        return (
            classify(record.meta, locator=locator, in_our_namespace=True, source_uid=None)
            is not Downstream.FOREIGN
        )

    def holds_anything(self, synced: SyncedType) -> bool:
        """Whether, by the caches, a copy of this type stands or an upstream object carries our finalizer."""
        ours = finalizer(self.target.key)
        return any(self.is_copy(synced, record) for record in synced.downstream_store.values()) or any(
            ours in (record.meta.finalizers or ()) for record in synced.upstream_store.values()
        )

    def is_trusted_with(self, gvr: GVR) -> bool:
        """Whether the type is listed with ``clusterScoped: true``: a trusted workspace's types, RBAC among them."""
        return any(
            entry.cluster_scoped
            for entry in self.spec.supported_api_resources
            if (entry.group, entry.resource) == (gvr.group, gvr.resource)
        )

    def field_rules(self, synced: SyncedType, key: Key, downstream_namespace: str) -> TypeRules:
        """The field rules in force for one object."""
        rules = self._rules_of(synced.gvr)
        if _can_scale(synced) and self.autoscaled(synced, key, downstream_namespace):
            return rules.autoscaled()
        return rules

    def _rules_of(self, gvr: GVR) -> TypeRules:
        known = self._field_rules.get(gvr)
        if known is None or known[0] is not self.spec:
            known = self._field_rules[gvr] = self.spec, rules_of_type(self.spec.field_rules, gvr)
        return known[1]

    def locator(self, synced: SyncedType, key: Key) -> Locator:
        """The locator of an upstream object's namespace, or of a cluster-scoped object."""
        return Locator(self.target, key.cluster, key.namespace if synced.upstream_info.namespaced else "")

    def place(self, locator: Locator) -> NamespacePlace:
        """Where the objects of an upstream namespace go."""
        store = self.downstream_namespaces.store
        carriers = [
            record
            for key in store.index(BY_LOCATOR, f"{locator.cluster}/{locator.namespace}")
            if (record := store.get(key)) is not None
        ]
        readable = self.spec.namespace_naming is NamespaceNaming.READABLE
        return place(locator, carriers, lambda name: store.get(Key("", "", name)), readable=readable)

    def upstream_namespace(self, key: Key) -> Record | None:
        """The upstream Namespace of an object, from the cache."""
        return self.upstream_namespaces.store.get(Key(key.cluster, "", key.namespace))

    def source_of(self, copy: Record) -> Key | None:
        """The upstream key that a downstream object claims to be the copy of; None when it claims nothing.

        It is a hint for the queue and nothing more: `sync.ownership` decides whether the claim is true.
        """
        named = copy.meta.annotation(SOURCE_NAME)
        if named is None:
            return None
        locator = self.locator_of(copy.meta.namespace) if copy.meta.namespace else self._own(copy)
        return None if locator is None else Key(locator.cluster, locator.namespace, copy.meta.name)

    def locator_of(self, namespace: str) -> Locator | None:
        """The locator of a downstream namespace of this target, None when it is not one."""
        record = self.downstream_namespaces.store.get(Key("", "", namespace))
        return None if record is None else self._own(record)

    def _own(self, record: Record) -> Locator | None:
        locator = parse_locator(record.meta.annotation(NAMESPACE_LOCATOR))
        return None if locator is None or locator.sync_target.key != self.target.key else locator

    def copies(self) -> int:
        """How many copies this target has over all types: what the brake's share is a share of."""
        return sum(len(synced.downstream_store) for synced in self.types.values())

    def saw_deletion(self, item: Item) -> None:
        """A watch showed the deletion of one upstream object: somebody deleted it."""
        self._seen_deleted[item] = None
        if len(self._seen_deleted) > SEEN_DELETED_LIMIT:
            del self._seen_deleted[next(iter(self._seen_deleted))]

    def was_seen_deleted(self, item: Item) -> bool:
        """Whether the deletion of this upstream object was seen by itself, not inferred from a list."""
        return item in self._seen_deleted

    def forget_deletion(self, item: Item) -> None:
        """The deletion was carried out, or the object is back."""
        self._seen_deleted.pop(item, None)

    def wait_for_owner(self, uid: str, item: Item) -> None:
        """Make `item` due once the upstream owner `uid` has a copy."""
        self._dependants.setdefault(uid, set()).add(item)

    def owner_arrived(self, uid: str) -> None:
        """The upstream object `uid` has a copy now: its dependants are due."""
        for gvr, key in self._dependants.pop(uid, ()):
            self.enqueue(gvr, key)

    def enqueue(self, gvr: GVR, key: Key) -> None:
        """Look at an object again, at its type's priority."""
        self.objects.add((gvr, key), self.now(), priority=priority(gvr))

    def enqueue_namespace_objects(self, cluster: str, namespace: str) -> None:
        """Look again at all objects of an upstream namespace, known on either side."""
        place_ = self.place(Locator(self.target, cluster, namespace))
        for gvr, synced in self.types.items():
            if not synced.upstream_info.namespaced:
                continue
            keys = set(synced.upstream_store.index(BY_NAMESPACE, f"{cluster}/{namespace}"))
            for key in synced.downstream_store.index(BY_NAMESPACE, f"/{place_.name}"):
                keys.add(Key(cluster, namespace, key.name))
            for key in keys:
                self.enqueue(gvr, key)

    def enqueue_scaled(self, side: int, namespace: str, kind: str, name: str) -> None:
        """Look again at an object whose autoscaling began or ended; `side` is 0 upstream, 1 downstream."""
        if side == 1:
            locator = self.locator_of(namespace)
            if locator is None:
                return
            namespace = locator.namespace
        for gvr, synced in self.types.items():
            if synced.upstream_info.kind == kind:
                self.enqueue(gvr, Key(self.clusters.cluster, namespace, name))

    def enqueue_by_copy(self, gvr: GVR, copy: Key) -> None:
        """Look again at the upstream object of that name, if `copy` stands in a namespace of this target."""
        locator = self.locator_of(copy.namespace)
        if locator is not None:
            self.enqueue(gvr, Key(locator.cluster, locator.namespace, copy.name))

    def enqueue_all(self) -> None:
        """Look again at every object of every type: the rules changed."""
        for gvr, synced in self.types.items():
            self.enqueue_type(gvr, synced)

    def enqueue_namespaces(self) -> None:
        """Look again at every downstream namespace of this target."""
        for place_ in self.downstream_namespaces.store.index_values(BY_LOCATOR):
            cluster, _, namespace = place_.partition("/")
            self.namespaces.add(Key(cluster, "", namespace), self.now())

    def enqueue_type(self, gvr: GVR, synced: SyncedType) -> None:
        """Look again at every object of one type, known on either side."""
        for key in tuple(synced.upstream_store):
            self.enqueue(gvr, key)
        for record in synced.downstream_store.values():
            source = self.source_of(record)
            if source is not None and synced.upstream_store.get(source) is None:
                self.enqueue(gvr, source)


def _can_scale(synced: SyncedType) -> bool:
    return "scale" in synced.upstream_info.subresources
