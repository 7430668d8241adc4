"""The guards of the syncer, for `tools.guards`: each piece of code that keeps it from deleting or overwriting too much.

One entry is a name, a file below src/tmc_syncer, the tests that have to fail without the guard, its text there (which
stands there exactly once), and what it is replaced by. Tests are named as narrowly as they can be: pytest's start is
most of the time.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Guard:
    """`old` in `file` is replaced by `new`; then `tests` have to fail."""

    name: str
    file: str
    tests: tuple[str, ...]
    old: str
    new: str = ""


def _in(module: str, *names: str) -> tuple[str, ...]:
    """The tests `names` of a test module below tests/unit; all of it without any."""
    file = f"tests/unit/{module}.py"
    return tuple(f"{file}::test_{name}" for name in names) or (file,)


def _agent(module: str, *names: str) -> tuple[str, ...]:
    return _in(f"agent/test_{module}", *names)


TABLE = _in("sync/test_table")
OWNERSHIP = _in("sync/test_ownership")
ADOPTION = _in("downstream/test_observation")
SPEC, RELEASE = _agent("spec"), _agent("release")
STALE = "nothing_is_written_while_any_cache_is_stale_or_the_lease_is_not_held"
UNSEEN = "a_namespace_stays_while_copies_may_stand_in_it_unseen"
FOREIGN = "a_namespace_in_which_something_foreign_lives_stays"
MEANWHILE = "what_happens_while_the_servers_are_asked_is_seen_before_a_namespace_goes"
LEFT = "a_target_stays_while_something_of_it_is_left_or_may_be"

# fmt: off
_DECISIONS = (
    Guard("row 0: fresh", "sync/table.py", TABLE, "if not f.fresh:", "if False:"),
    Guard("row 0: absence is proven", "sync/table.py", TABLE, "if f.upstream is Upstream.UNKNOWN:", "if False:"),
    Guard("row 1: a pause", "sync/table.py", TABLE, "if f.hold is Hold.PAUSED and", "if False and"),
    Guard("row 2: a deletion is held", "sync/table.py", TABLE, "if f.hold not in _DELETION_HOLDS:", "if True:"),
    Guard("row 3: only a copy of ours", "sync/table.py", TABLE,
          "if f.upstream in _GONE and f.downstream in _DELETABLE:\n        return Verdict(3",
          "if f.upstream in _GONE and f.downstream is not Downstream.ABSENT:\n        return Verdict(3"),
    Guard("row 5: the copy is proven gone", "sync/table.py", TABLE + SPEC,
          "if f.downstream is Downstream.FOREIGN or f.downstream_proven:", "if True:"),
    Guard("row 8: a foreign namespace", "sync/table.py", TABLE, "if f.namespace is Namespace.FOREIGN:", "if False:"),
    Guard("row 10: a foreign object", "sync/table.py", TABLE,
          'if f.downstream is Downstream.FOREIGN else None', "if False else None"),
    Guard("table 2, row 0", "sync/table.py", TABLE, "if not facts.fresh:", "if False:"),
    Guard("table 2, row 1: a pause", "sync/table.py", TABLE, "if facts.paused or facts", "if facts"),
    Guard("table 2, row 1: only a copy of ours", "sync/table.py", TABLE,
          "if facts.paused or facts.downstream not in (Downstream.OURS, Downstream.OURS_DELETING):",
          "if facts.paused:"),
    Guard("absence needs proof where a copy stands", "downstream/observation.py", SPEC,
          "proven = sighting.upstream_proven or downstream not in _COPY", "proven = True"),
    Guard("a proof names what is not there: objects", "agent/spec.py", _agent("finalizers"),
          "if error.is_not_found_of(info, key.name):", "if True:"),
    Guard("the brake holds", "downstream/brake.py", _in("downstream/test_brake"),
          "            return Permission.HELD\n        if len(self._plans)",
          "            return Permission.GO\n        if len(self._plans)"),
    Guard("deletions are put to the brake", "agent/observer.py", SPEC,
          "match self.permission(view):", "match Permission.GO:"),
    Guard("orphans are released, not deleted", "agent/spec.py", RELEASE,
          "if self._world.is_leaving(synced) and self._world.spec.on_removal is RemovalPolicy.ORPHAN:", "if False:"),
)

_FRESHNESS = (
    Guard("a type is gone after two discoveries", "agent/types.py", _agent("types"),
          "absent = synced.absences >= ABSENCES", "absent = synced.absences >= 1"),
    Guard("a type is gone only by complete discoveries", "agent/types.py", _agent("types"),
          "if served or self.downstream.complete:", "if True:"),
    Guard("caches are fresh", "agent/spec.py", SPEC, "if not self._world.fresh(synced):", "if False:"),
    Guard("the lease is held", "agent/world.py", _agent("spec", f"{STALE}[lease]"),
          "            self.holds_lease()\n            and self.target_known", "            self.target_known"),
    Guard("the target is known", "agent/world.py", _agent("spec", f"{STALE}[target]"),
          "            and self.target_known(now)\n"),
    Guard("fresh: both caches of the type", "agent/world.py", _agent("spec", f"{STALE}[upstream]"),
          "            and synced.fresh(now)\n"),
    Guard("fresh: upstream", "agent/synced_type.py", _agent("spec", f"{STALE}[upstream]"),
          "return self.upstream.fresh(now) and (", "return ("),
    Guard("fresh: downstream", "agent/synced_type.py", _agent("spec", f"{STALE}[downstream]"),
          " and (self.absent_downstream or self.downstream.fresh(now))"),
    Guard("fresh: upstream namespaces", "agent/world.py", _agent("spec", f"{STALE}[upstream namespaces]"),
          "            and self.upstream_namespaces.fresh(now)\n"),
    Guard("fresh: downstream namespaces", "agent/world.py", _agent("spec", f"{STALE}[downstream namespaces]"),
          "            and self.downstream_namespaces.fresh(now)\n"),
    Guard("fresh: autoscalers", "agent/world.py",
          _agent("spec", "a_type_that_scales_waits_for_what_is_known_of_autoscalers"),
          "            and (not _can_scale(synced) or self.autoscaling_known(now))\n"),
    Guard("a list is swapped in whole", "engine/informer.py", _in("engine/test_informer"),
          "                    self._collected[record.key] = record\n",
          "                    self._collected[record.key] = record\n"
          '                self.store.replace(self._collected.values(), "")\n'),
)

_OURS = (
    Guard("ours: namespace", "sync/ownership.py", OWNERSHIP,
          "        placed = in_our_namespace\n", "        placed = True\n"),
    Guard("ours: own locator", "sync/ownership.py", OWNERSHIP,
          "own is not None and own.same_place(locator)", "True"),
    Guard("ours: label", "sync/ownership.py", OWNERSHIP,
          "copy.label(DOWNSTREAM_CLUSTER_LABEL) in (None, locator.sync_target.key)", "True"),
    Guard("ours: source uid", "sync/ownership.py", OWNERSHIP, "and bool(copy.annotation(SOURCE_UID))"),
    Guard("ours: source name", "sync/ownership.py", OWNERSHIP,
          "and copy.annotation(SOURCE_NAME) == source_name(locator.namespace, copy.name)"),
    Guard("ours: controller", "sync/ownership.py", OWNERSHIP, "and not has_foreign_controller(copy)"),
    Guard("ours: the namespace's locator", "downstream/observation.py", ADOPTION,
          "in_our_namespace=place is not None and place.state in (Namespace.READY, Namespace.TERMINATING),",
          "in_our_namespace=True,"),
    Guard("adoption: only in our own namespaces", "downstream/observation.py", ADOPTION,
          "        and place is not None\n        and place.state is Namespace.READY\n"),
    Guard("adoption: only what asks for it", "downstream/observation.py", ADOPTION,
          '        and record.meta.annotation(ADOPT) == "true"\n'),
    Guard("adoption: only while upstream wants it", "downstream/observation.py", ADOPTION,
          "        and upstream in (Upstream.LIVE, Upstream.FINISHED)\n        and record", "        and record"),
    Guard("adoption: nothing that is being deleted", "downstream/observation.py", ADOPTION,
          "        and not copy.deleting\n"),
    Guard("adoption: nothing that a controller owns", "downstream/observation.py", ADOPTION,
          "        and not has_foreign_controller(copy)\n"),
)

_WRITES = (
    Guard("delete: uid", "sync/interpreter.py", SPEC, "                uid=effect.uid,\n"),
    Guard("delete: resourceVersion", "sync/interpreter.py", SPEC,
          "                resource_version=effect.resource_version,\n"),
    Guard("create: must find nothing", "downstream/applier.py", SPEC, "resourceVersion=_NEVER"),
    Guard("update: uid", "downstream/applier.py", SPEC, "_with_metadata(effect.body, uid=effect.uid)", "effect.body"),
    Guard("release of a copy: uid", "downstream/release.py",
          _agent("release", "our_marks_are_not_taken_off_an_object_that_took_the_copys_place"),
          '            "uid": meta.uid,\n'),
    Guard("release of a copy: resourceVersion", "downstream/release.py",
          _agent("release", "our_marks_are_not_taken_off_a_copy_that_changed_meanwhile"),
          '            "resourceVersion": meta.resource_version,\n'),
    Guard("finalizer added: the empty list is tested", "sync/patches.py", SPEC,
          '        _test("/metadata/finalizers", None),\n'),
    Guard("finalizer added: the list is tested", "sync/patches.py", _agent("finalizers"),
          '        _test("/metadata/finalizers", list(present)),\n        {"op": "add"', '        {"op": "add"'),
    Guard("finalizer added to an empty list: the uid is tested", "sync/patches.py", _agent("finalizers"),
          '            _test("/metadata/uid", uid),\n'),
    Guard("finalizer added: the uid is tested", "sync/patches.py", _agent("finalizers"),
          '        _test("/metadata/uid", uid),\n        _test("/metadata/finalizers", list(present)),\n        {"op": "add"',
          '        _test("/metadata/finalizers", list(present)),\n        {"op": "add"'),
    Guard("finalizer removed: the list is tested", "sync/patches.py", _agent("finalizers"),
          '        _test("/metadata/finalizers", list(present)),\n        {"op": "remove"', '        {"op": "remove"'),
    Guard("finalizer removed: the uid is tested", "sync/patches.py", SPEC,
          '        _test("/metadata/uid", uid),\n        _test("/metadata/finalizers", list(present)),\n        {"op": "remove"',
          '        _test("/metadata/finalizers", list(present)),\n        {"op": "remove"'),
)

_STATUS = (
    Guard("status: the uid is tested", "sync/patches.py", _agent("status"),
          'return [_test("/metadata/uid", uid), {"op": "add", "path": "/status"',
          'return [{"op": "add", "path": "/status"'),
    Guard("status: caches are fresh", "agent/status.py", _agent("status"), "if not world.fresh(synced):", "if False:"),
    Guard("status: a pause", "agent/status.py", _agent("status"),
          "paused = world.spec.paused or is_paused(record.meta) or self._namespace_paused(synced, key)",
          "paused = False"),
    Guard("status: our namespace", "agent/status.py", _agent("status"),
          "ours = place is not None and place.state in (Namespace.READY, Namespace.TERMINATING)", "ours = True"),
    Guard("status: of this very uid", "agent/status.py", _agent("status"),
          "if downstream is Downstream.OURS_DELETING and not _same_source(record, copy):", "if False:"),
)

_NAMESPACES = (
    Guard("namespace: nothing is decided on stale caches", "agent/namespaces.py", _agent("namespaces"),
          "if not self._may_decide():", "if False:"),
    Guard("namespace: the lease", "agent/namespaces.py",
          _agent("namespaces_going", f"{UNSEEN}[lease-of its upstream]", f"{UNSEEN}[lease-of the target]"),
          "            world.holds_lease()\n            and world.upstream", "            world.upstream"),
    Guard("namespace: fresh upstream", "agent/namespaces.py", _agent("namespaces_going"),
          "            and world.upstream_namespaces.fresh(now)\n"),
    Guard("namespace: fresh downstream", "agent/namespaces.py", _agent("namespaces_going"),
          "            and world.downstream_namespaces.fresh(now)\n"),
    Guard("namespace: made only when wanted", "agent/namespaces.py", _agent("namespaces"),
          "if self._wanted(key) else DONE", "if True else DONE"),
    Guard("namespace: a pause", "agent/namespaces.py", _agent("namespaces"),
          "if world.spec.paused or upstream.meta.deleting:", "if upstream.meta.deleting:"),
    Guard("namespace: none over a foreign one", "downstream/applier.py",
          _agent("namespaces", "a_namespace_is_not_made_over_one_that_the_cache_does_not_show"),
          "resourceVersion=_NEVER"),
    Guard("namespace: a foreign one is not kept", "agent/namespaces.py", _agent("namespaces"),
          "case Namespace.READY:", "case Namespace.READY | Namespace.FOREIGN:"),
    Guard("namespace: a foreign one is told", "downstream/namespaces.py", _agent("namespaces"),
          "else Namespace.FOREIGN, taken)", "else Namespace.READY, taken)"),
    Guard("namespace: of this target", "agent/world.py", _agent("namespaces_going"),
          "if locator is not None and locator.same_place(Locator(target, locator.cluster, locator.namespace)):",
          "if locator is not None:"),
    Guard("namespace applied: uid", "agent/namespaces.py", _agent("namespaces"),
          "record.meta.uid, self._body(evaluation)", '"", self._body(evaluation)'),
    Guard("namespace without our locator: its upstream gone", "agent/namespaces.py", _agent("namespaces"),
          "if place.state is not Namespace.READY or record is None:\n            self._gone",
          "if record is None:\n            self._gone"),
    Guard("namespace without our locator: the target gone", "agent/namespaces.py", _agent("namespaces"),
          "if place.state is not Namespace.READY or record is None:\n            return DONE\n        if",
          "if record is None:\n            return DONE\n        if"),
    Guard("namespace: its copies go first", "agent/namespaces.py", _agent("namespaces_going"),
          "            world.is_copy(synced, record)\n", "            False\n"),
    Guard("namespace: its copies are seen", "agent/namespaces.py", _agent("namespaces_going"),
          "return not world.sees_all_copies() or any(", "return any("),
    Guard("namespace: the types are known", "agent/world.py",
          _agent("namespaces_going", f"{UNSEEN}[types-of its upstream]"),
          "return self.types_settled() and all(", "return all("),
    Guard("namespace: its delay", "agent/namespaces.py", _agent("namespaces_going"),
          "if (wait := since + self._delay - now) > 0:", "if (wait := since - now) > 0:"),
    Guard("namespace: the brake", "agent/namespaces.py", _agent("namespaces_going"),
          "return self._world.brake.trip is not None", "return False"),
    Guard("namespace: the brake after the census", "agent/namespaces.py", _agent("namespaces_going"),
          "if not gone or self._braked() or", "if not gone or"),
    Guard("namespace: its absence upstream is proven", "agent/namespaces.py",
          _agent("namespaces_going", "a_namespace_whose_upstream_is_only_missing_from_the_cache_stays"),
          "gone = await self._proven_gone(key)", "gone = True"),
    Guard("a proof names what is not there: namespaces", "agent/namespaces.py", _agent("namespaces_going"),
          "if error.is_not_found_of(NAMESPACE_INFO, key.name):", "if True:"),
    Guard("namespace: the census", "agent/namespaces.py", _agent("namespaces_going", f"{FOREIGN}[a pod]"),
          "if (foreign := await self._census.first_foreign(place.name, locator)) is not None:",
          "if (foreign := None) is not None:"),
    Guard("namespace: the census when the target goes", "agent/namespaces.py",
          _agent("namespaces_going", "a_namespace_that_stays_behind_is_nobodys[something foreign]"),
          "        stays = stays or await self._census.first_foreign(place.name, locator) is not None\n"),
    Guard("namespace: orphans", "agent/namespaces.py", _agent("namespaces_going"),
          "stays = world.spec.on_removal is RemovalPolicy.ORPHAN", "stays = False"),
    Guard("namespace: what happens during the census", "agent/namespaces.py",
          _agent("namespaces_going", f"{MEANWHILE}[a copy-of its upstream]"),
          " or not self._is_empty(place.name):", ":"),
    Guard("namespace: what happens during the census when the target goes", "agent/namespaces.py",
          _agent("namespaces_going", f"{MEANWHILE}[a copy-of the target]"),
          "if not self._is_empty(place.name):", "if False:"),
    Guard("namespace: the lease after the census", "agent/namespaces.py",
          _agent("namespaces_going", f"{MEANWHILE}[the lease without types-of its upstream]"),
          "return self._may_decide() and not self._may_hold", "return not self._may_hold"),
    Guard("namespace deleted: uid", "agent/namespaces.py", _agent("namespaces_going"),
          "record.meta.name, uid=record.meta.uid,\n", "record.meta.name,\n"),
    Guard("namespace deleted: resourceVersion", "agent/namespaces.py", _agent("namespaces_going"),
          "resource_version=record.meta.resource_version, propagation", "propagation"),
    Guard("namespace released: uid", "downstream/release.py",
          _agent("namespaces_going", "our_marks_are_not_taken_off_another_namespace"),
          '            "uid": meta.uid,\n'),
    Guard("namespace released: resourceVersion", "downstream/release.py",
          _agent("namespaces_going", "our_marks_are_not_taken_off_another_namespace"),
          '            "resourceVersion": meta.resource_version,\n'),
    Guard("census: all types are known", "downstream/census.py", _agent("namespaces_going"),
          "if not self._discovery().complete:", "if False:"),
    Guard("census: each type can be listed", "downstream/census.py", _agent("namespaces_going"),
          "if error.status in (404, 405):", "if error.status in (403, 404, 405):"),
    Guard("census: all pages", "downstream/census.py", _agent("namespaces_going"),
          "token = page.continue_token", 'token = ""'),
    Guard("census: our label", "downstream/census.py", _agent("namespaces_going"),
          "meta.label(DOWNSTREAM_CLUSTER_LABEL) == self._key\n            and "),
    Guard("census: source uid", "downstream/census.py", _agent("namespaces_going"),
          "            and bool(meta.annotation(SOURCE_UID))\n"),
    Guard("census: source name", "downstream/census.py", _agent("namespaces_going"),
          "            and meta.annotation(SOURCE_NAME) == source_name(locator.namespace, meta.name)\n"),
    Guard("census: owners", "downstream/census.py", _agent("namespaces_going"),
          "return any(owner.uid in owned for", "return any(True for"),
)

_ACCOUNTS = (
    Guard("default account: uid", "agent/default_account.py", _agent("default_account"),
          "view.copy_key, standing.meta.uid, body)", 'view.copy_key, "", body)'),
    Guard("default account: our namespace", "agent/default_account.py", _agent("default_account"),
          "            or view.place.state is not Namespace.READY\n"),
    Guard("default account: fresh", "agent/default_account.py", _agent("default_account"),
          "self._world.fresh(synced) and informer", "informer"),
    Guard("default account: fresh accounts", "agent/default_account.py", _agent("default_account"),
          " and informer.fresh(self._world.now())"),
    Guard("default account: not one that goes", "agent/default_account.py", _agent("default_account"),
          "if standing is None or standing.meta.deleting else", "if standing is None else"),
    Guard("default account: a pause", "agent/default_account.py", _agent("default_account"),
          "if self._is_paused(view):", "if False:"),
    Guard("default account: the brake", "agent/default_account.py", _agent("default_account"),
          "if FIELD not in body and (wait := self._settle(view)) is not None:", "if (wait := None) is not None:"),
    Guard("default account: orphans", "agent/default_account.py", _agent("default_account"),
          "if world.is_leaving(view.synced) and world.spec.on_removal is RemovalPolicy.ORPHAN:", "if False:"),
)

_TARGET = (
    Guard("lease replaced: uid", "agent/lease.py", _agent("lease"), '                "uid": lease.meta.uid,\n'),
    Guard("lease replaced: resourceVersion", "agent/lease.py", _agent("lease"),
          '                "resourceVersion": lease.meta.resource_version,\n'),
    Guard("lease: trusted until its deadline", "agent/lease.py", _agent("lease"),
          "            and self._env.clock.monotonic() - self._renewed_at < self._times.deadline\n"),
    Guard("lease: counted from the request", "agent/lease.py", _agent("lease"),
          "self._renewed_at = started", "self._renewed_at = self._env.clock.monotonic()"),
    Guard("lease: taken over only when it stands still", "agent/lease.py", _agent("lease"),
          "return now - self._seen[1] > duration", "return True"),
    Guard("lease: watched, not read", "agent/lease.py", _agent("lease"),
          "if self._seen[0] != lease.meta.resource_version:", "if False:"),
    Guard("lease: another holder ends ours", "agent/lease.py", _agent("lease"),
          "        else:\n            self._renewed_at = None\n", "        else:\n"),
    Guard("lease given up: only ours", "agent/lease.py", _agent("lease"),
          'if spec.get("holderIdentity") == self._identity:', "if True:"),
    Guard("SyncTarget: the lease", "agent/target.py", _agent("target", f"{LEFT}[lease]"),
          "if not self._world.holds_lease():", "if False:"),
    Guard("SyncTarget: it stays until nothing is left", "agent/target.py", _agent("target", LEFT),
          "and ours and self._is_empty():", "and ours:"),
    Guard("SyncTarget: all copies are seen", "agent/target.py", _agent("target", LEFT),
          "if not world.sees_all_copies():", "if False:"),
    Guard("SyncTarget: its namespaces go first", "agent/target.py", _agent("target", LEFT),
          "if world.downstream_namespaces.store.index_values(BY_LOCATOR):", "if False:"),
    Guard("SyncTarget: copies and sources go first", "agent/target.py", _agent("target", LEFT),
          "return not any(world.holds_anything(synced) for synced in world.types.values())", "return True"),
    Guard("SyncTarget's status: the lease", "agent/reporter.py", _agent("target"),
          "if record is None or not world.holds_lease():", "if record is None:"),
    Guard("SyncTarget's status: uid", "agent/reporter.py", _agent("target"),
          "body = patches.replace_status(record.meta.uid, msgspec.to_builtins(status))",
          "body = patches.replace_status(record.meta.uid, msgspec.to_builtins(status))[1:]"),
    Guard("type replaced: resourceVersion", "agent/installation.py", _agent("installation"),
          "managed_fields=None)", 'managed_fields=None, resource_version="")'),
    Guard("type replaced: uid", "agent/installation.py", _agent("installation"),
          "managed_fields=None)", 'managed_fields=None, uid="")'),
    Guard("type replaced: not a newer one", "agent/installation.py", _agent("installation"),
          "if revision.isdigit() and int(revision) > int(ours):", "if False:"),
    Guard("tmc target remove: uid", "cli/removal.py", _in("cli/test_stripping"), ", uid=record.meta.uid)", ")"),
    Guard("stripping: the uid is tested", "cli/stripping.py", _in("cli/test_stripping"),
          'return operations and [{"op": "test", "path": "/metadata/uid", "value": record.meta.uid}, *operations]',
          "return operations"),
    Guard("stripping: the list is tested", "cli/stripping.py", _in("cli/test_stripping"),
          '            {"op": "test", "path": "/metadata/finalizers", "value": list(present)},\n'),
    Guard("stripping: the label is tested", "cli/stripping.py", _in("cli/test_removal"),
          'operations += [{"op": "test", "path": path, "value": value}, {"op"', 'operations += [{"op"'),
    Guard("stripping: still the same object", "cli/stripping.py", _in("cli/test_stripping"),
          " or record.meta.uid != first.meta.uid:", ":"),
)
# fmt: on

GUARDS = (
    *_DECISIONS,
    *_FRESHNESS,
    *_OURS,
    *_WRITES,
    *_STATUS,
    *_NAMESPACES,
    *_ACCOUNTS,
    *_TARGET,
)
