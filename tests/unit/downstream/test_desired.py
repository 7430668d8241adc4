"""Memory answers only what the whole computation would answer, and it answers nothing once something changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tmc_syncer.api.objects import ManagedEntry, Meta, OwnerReference, Record, encode_json
from tmc_syncer.downstream.desired import DesiredCache, Evaluation, evaluate, fingerprint
from tmc_syncer.transformation.context import Desired

OBJECT = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "web", "namespace": "n", "annotations": {"note": "x"}},
    "data": {"a": "1", "b": "2"},
    "spec": {"x": {"y": 1}, "replicas": 3},
}
ENTRY: dict[str, Any] = {
    "f:metadata": {"f:annotations": {"f:note": {}}},
    "f:data": {"f:a": {}, "f:b": {}},
    "f:spec": {"f:x": {".": {}, "f:y": {}}, "f:replicas": {}},
}
EVALUATION = evaluate(Desired(OBJECT))


def upstream(**changes: Any) -> Record:
    meta = Meta(name="web", namespace="shop", uid="u1", generation=1)
    fields = {"data": b'{"a":"1"}', "status": b"{}"}
    for name in [name for name in changes if name in {"data", "status", "spec"}]:
        fields[name] = changes.pop(name)
    return Record("v1", "ConfigMap", msgspec.structs.replace(meta, **changes), fields)


def copy(entry: Any = ENTRY, digest: str = EVALUATION.digest) -> Record:
    managed = None if entry is None else (ManagedEntry(fields_v1=msgspec.Raw(encode_json(entry))),)
    annotations = {"workload.kcp.io/applied-digest": digest}
    return Record("v1", "ConfigMap", Meta(name="web", annotations=annotations, managed_fields=managed), {})


class Asked:
    """A cache, and how often the desired copy had to be computed for it."""

    def __init__(self) -> None:
        self.cache = DesiredCache()
        self.computed = 0

    def evaluate(self) -> Evaluation:
        self.computed += 1
        return EVALUATION

    def in_sync(
        self, copy_: Record, record: Record | None = None, token: object = "t", ceded: Any = ()
    ) -> bool:
        return self.cache.in_sync(record or upstream(), copy_, token, self.evaluate, ceded)


# ---- what is in sync ---------------------------------------------------------------------------------------


def test_a_copy_with_our_digest_and_all_fields_is_in_sync() -> None:
    assert Asked().in_sync(copy())


@pytest.mark.parametrize(
    "drifted",
    [
        copy(digest="other"),
        copy(entry=None),
        copy(entry={**ENTRY, "f:data": {"f:a": {}}}),
        copy(entry={}),
    ],
    ids=["digest", "no entry", "a field", "all fields"],
)
def test_a_copy_that_lost_something_of_it_is_not(drifted: Record) -> None:
    asked = Asked()
    assert not asked.in_sync(drifted)
    assert asked.in_sync(copy())
    assert not asked.in_sync(drifted)


def test_a_ceded_field_may_be_missing() -> None:
    path = ("f:spec", "f:replicas")
    without = {**ENTRY, "f:spec": {"f:x": ENTRY["f:spec"]["f:x"]}}
    asked = Asked()
    assert asked.in_sync(copy())
    assert asked.in_sync(copy(without), ceded=(path,))
    assert not Asked().in_sync(copy(without))


# ---- memory ------------------------------------------------------------------------------------------------


def test_an_unchanged_object_is_computed_once() -> None:
    asked = Asked()
    for _ in range(3):
        assert asked.in_sync(copy())
    assert asked.computed == 1


def test_a_status_event_computes_nothing() -> None:
    asked = Asked()
    asked.in_sync(copy())
    assert asked.in_sync(copy(), upstream(status=b'{"x":1}', resource_version="9"))
    assert asked.computed == 1


@pytest.mark.parametrize(
    "changed",
    [
        upstream(uid="u2"),
        upstream(generation=2),
        upstream(labels={"a": "b"}),
        upstream(annotations={"a": "b"}),
        upstream(owner_references=(OwnerReference(uid="o"),)),
        upstream(data=b'{"a":"2"}'),
        upstream(spec=b"{}"),
    ],
    ids=["uid", "generation", "labels", "annotations", "owners", "content", "a new field"],
)
def test_every_change_of_content_is_computed_anew(changed: Record) -> None:
    assert fingerprint(changed) != fingerprint(upstream())
    asked = Asked()
    asked.in_sync(copy())
    asked.in_sync(copy(), changed)
    assert asked.computed == 2


def test_a_change_of_what_else_the_copy_depends_on_is_computed_anew() -> None:
    asked = Asked()
    asked.in_sync(copy(), token=("ns1", 1))
    asked.in_sync(copy(), token=("ns1", 1))
    assert asked.computed == 1
    asked.in_sync(copy(), token=("ns2", 1))
    assert asked.computed == 2


def test_a_changed_entry_is_looked_at_anew() -> None:
    asked = Asked()
    assert asked.in_sync(copy())
    assert asked.in_sync(copy({**ENTRY, "f:other": {}}))
    assert asked.computed == 2
    assert not asked.in_sync(copy({**ENTRY, "f:data": {"f:a": {}}}))


def test_a_loss_that_one_entry_cannot_show_is_seen_against_the_entry_before() -> None:
    """spec.x lost its only part: what is left reads like a map that is owned as a whole."""
    lost = {**ENTRY, "f:spec": {"f:x": {}, "f:replicas": {}}}
    assert Asked().in_sync(copy(lost))
    asked = Asked()
    assert asked.in_sync(copy())
    assert not asked.in_sync(copy(lost))


def test_the_entry_before_says_nothing_about_other_content() -> None:
    asked = Asked()
    asked.cache.accept(upstream().key, "an older digest", copy({**ENTRY, "f:old": {}}))
    assert asked.in_sync(copy())


def test_what_the_server_answered_to_our_apply_is_in_sync_whatever_it_left_out() -> None:
    """Else a field that a server never records would be applied for ever."""
    partial = copy({"f:data": {"f:a": {}}})
    asked = Asked()
    assert not asked.in_sync(partial)
    asked.cache.accept(upstream().key, EVALUATION.digest, partial)
    assert asked.in_sync(partial)


def test_where_a_server_keeps_no_managed_fields_the_answer_to_our_apply_is_in_sync() -> None:
    asked = Asked()
    assert not asked.in_sync(copy(entry=None))
    asked.cache.accept(upstream().key, EVALUATION.digest, copy(entry=None))
    assert asked.in_sync(copy(entry=None))


def test_what_is_forgotten_is_computed_anew() -> None:
    asked = Asked()
    asked.in_sync(copy())
    asked.cache.forget(upstream().key)
    asked.cache.forget(upstream().key)
    assert asked.in_sync(copy())
    assert asked.computed == 2


# ---- the object to apply -----------------------------------------------------------------------------------


def test_the_body_carries_digest_and_time_and_leaves_the_desired_copy_alone() -> None:
    before = json.dumps(OBJECT)
    body = EVALUATION.body(synced_at="2026-01-01T00:00:00Z")
    assert body["metadata"]["annotations"] == {
        "note": "x",
        "workload.kcp.io/applied-digest": EVALUATION.digest,
        "kcp.io/synced-at": "2026-01-01T00:00:00Z",
    }
    assert body["data"] == OBJECT["data"]
    assert json.dumps(OBJECT) == before


def test_an_object_without_annotations_gets_them() -> None:
    bare = evaluate(Desired({"metadata": {"name": "x"}}))
    assert set(bare.body(synced_at="t")["metadata"]["annotations"]) == {
        "workload.kcp.io/applied-digest",
        "kcp.io/synced-at",
    }


def digest_of(change: Callable[[dict[str, Any]], None], **options: Any) -> str:
    changed = json.loads(json.dumps(OBJECT))
    change(changed)
    return evaluate(Desired(changed), **options).digest


def test_the_digest_counts_content_and_no_bookkeeping() -> None:
    def bookkeeping(obj: dict[str, Any]) -> None:
        obj["metadata"]["annotations"] |= {"kcp.io/synced-at": "t", "kcp.io/sync-generation": "5"}

    assert digest_of(bookkeeping) == EVALUATION.digest
    assert digest_of(lambda obj: obj["data"].update(a="2")) != EVALUATION.digest


def test_a_field_that_yields_does_not_count_for_the_digest() -> None:
    yields = (("f:spec", "f:replicas"),)
    one = digest_of(lambda obj: obj["spec"].update(replicas=1), yields=yields)
    assert one == digest_of(lambda obj: obj["spec"].update(replicas=9), yields=yields)
    assert one != EVALUATION.digest
