"""The pipeline as a whole: what it promises for any object, what it does when a step refuses or fails."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.transformation.samples import TYPES, context, desired, info, record, sample
from tests.unit.transformation.strategies import objects, scalars, text, trees, users
from tmc_syncer.api.objects import Meta, Record, encode_json
from tmc_syncer.transformation import pipeline
from tmc_syncer.transformation.annotations import Annotations
from tmc_syncer.transformation.context import Desired, Exclusion, ExclusionError, TransformerError
from tmc_syncer.transformation.labels import Labels
from tmc_syncer.transformation.owners import look_up
from tmc_syncer.transformation.registry import Registry

DEPLOYMENT = TYPES["Deployment"]
SECRET = TYPES["Secret"]


def down(obj: dict[str, Any], registry: Registry = pipeline.BUILT_IN, **options: Any) -> Desired:
    kind = TYPES[obj["kind"]]
    return pipeline.down(record(obj), kind, context(kind, trusted=True), registry=registry, **options)


def up(copy: dict[str, Any]) -> dict[str, Any]:
    kind = TYPES[copy["kind"]]
    return pipeline.up(copy, context(kind, trusted=True))


# Properties


@given(objects())
def test_equal_input_gives_equal_output(obj: dict[str, Any]) -> None:
    once, again = down(obj), down(obj)
    assert encode_json(once.object) == encode_json(again.object)
    assert once == again


@given(objects())
def test_the_input_is_never_changed(obj: dict[str, Any]) -> None:
    given_, twin = record(obj), record(obj)
    kind = TYPES[obj["kind"]]
    answer = pipeline.down(given_, kind, context(kind, trusted=True))
    spoil(answer.object)
    assert given_ == twin
    copy = down(obj).object
    before = encode_json(copy)
    spoil(up(copy))
    assert encode_json(copy) == before


def spoil(value: Any) -> None:
    """Change everything that can be changed in place: what was shared shows it."""
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        spoil(child)
    if isinstance(value, dict | list):
        value.clear()


@given(objects())
def test_down_then_up_gives_the_original_names_labels_and_annotations_back(obj: dict[str, Any]) -> None:
    back = up(down(obj).object)["metadata"]
    metadata = obj["metadata"]
    assert (back["name"], back.get("namespace")) == (metadata["name"], metadata.get("namespace"))
    partial = obj["kind"] == "ServiceAccount" and metadata["name"] == "default"
    assert back.get("labels", {}) == ({} if partial else users(metadata.get("labels")))
    assert back.get("annotations", {}) == ({} if partial else users(metadata.get("annotations")))
    assert set(back) <= {"name", "namespace", "labels", "annotations", "ownerReferences"}


@given(objects())
def test_a_copy_holds_no_status_and_none_of_the_servers_metadata(obj: dict[str, Any]) -> None:
    copy = down(obj).object
    assert "status" not in copy
    assert set(copy["metadata"]) <= {"name", "namespace", "labels", "annotations", "ownerReferences"}


@given(objects())
def test_running_the_steps_over_a_copy_changes_nothing_more(obj: dict[str, Any]) -> None:
    """Idempotent: with the same context, the steps find nothing left to do."""
    kind = TYPES[obj["kind"]]
    meta = record(obj).meta
    owners = look_up(meta, context(kind).owner_uid)
    ctx = context(kind, trusted=True, source=meta, owners=owners)
    copy = down(obj).object
    before = encode_json(copy)
    for step in pipeline.BUILT_IN.for_type(kind.gvr):
        if step.applies(kind.gvr, meta):
            copy = step.down(copy, ctx)
    assert encode_json(copy) == before


@given(st.dictionaries(st.sampled_from(["spec", "data", "extra"]), trees))
def test_no_field_of_a_users_is_lost_or_touched_outside_the_tables(content: dict[str, Any]) -> None:
    copy = down(sample("Widget", **content, status={"a": 1})).object
    assert {name: copy[name] for name in content} == without_template_timestamps(content)
    assert copy.keys() - content.keys() == {"apiVersion", "kind", "metadata"}


def without_template_timestamps(value: Any) -> Any:
    if isinstance(value, list):
        return [without_template_timestamps(child) for child in value]
    if not isinstance(value, dict):
        return value
    plain = {name: without_template_timestamps(child) for name, child in value.items()}
    metadata = plain.get("metadata")
    if isinstance(metadata, dict) and metadata.get("creationTimestamp", "") is None:
        plain["metadata"] = {name: child for name, child in metadata.items() if name != "creationTimestamp"}
    return plain


@given(
    st.dictionaries(text, scalars.filter(lambda value: value is not None)),
    st.dictionaries(text, text.map(lambda value: base64.b64encode(value.encode()).decode())),
)
def test_data_of_config_maps_and_secrets_arrives_as_it_was(
    data: dict[str, Any], secret: dict[str, str]
) -> None:
    assert down(sample("ConfigMap", data=data)).object["data"] == data
    assert down(sample("Secret", data=secret, type="Opaque")).object["data"] == secret


# The way down


def test_a_deployment_arrives_whole() -> None:
    spec = {"replicas": 3, "template": {"spec": {"containers": [{"name": "web", "image": "web"}]}}}
    answer = down(sample("Deployment", metadata={"generation": 4}, spec=spec, status={"replicas": 3}))
    assert answer.object["spec"] == spec
    assert answer.object["metadata"]["namespace"] == "kcp-1a2b3c-shop"
    assert answer.object["metadata"]["annotations"]["kcp.io/sync-generation"] == "4"
    assert (answer.excluded, answer.waiting_for_owner, answer.partial, answer.steps) == (
        None,
        False,
        False,
        (),
    )


def test_an_item_of_a_list_that_names_no_type_gets_that_of_its_list() -> None:
    bare = Record("", "", Meta(name="a", namespace="shop"), {})
    copy = pipeline.down(bare, DEPLOYMENT, context(DEPLOYMENT)).object
    assert (copy["apiVersion"], copy["kind"]) == ("apps/v1", "Deployment")


def test_a_dependant_of_an_owner_on_its_way_waits() -> None:
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "waiting-1"}
    assert down(sample("ConfigMap", metadata={"ownerReferences": [owner]})).waiting_for_owner
    account = sample("ServiceAccount", metadata={"name": "default", "ownerReferences": [owner]})
    assert not down(account).waiting_for_owner


def test_only_pull_secrets_of_the_default_service_account_are_desired() -> None:
    answer = down(sample("ServiceAccount", metadata={"name": "default"}, imagePullSecrets=[{"name": "r"}]))
    assert answer.partial
    assert answer.object == {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "default", "namespace": "kcp-1a2b3c-shop"},
        "imagePullSecrets": [{"name": "r"}],
    }


def test_a_refused_object_has_no_copy_and_a_reason() -> None:
    answer = down(sample("Secret", type="kubernetes.io/service-account-token"))
    assert answer.object == {}
    assert answer.excluded == Exclusion(
        "secrets",
        "ServiceAccountToken",
        terminal=False,
        message="Secrets of type kubernetes.io/service-account-token stay upstream.",
    )


@pytest.mark.parametrize("depth", [400, 900])
@pytest.mark.parametrize("explain", [False, True])
def test_depth_is_no_weapon(depth: int, explain: bool) -> None:
    """What can be read at all is either copied or refused with a reason."""
    raw = b'{"a":' * depth + b"null" + b"}" * depth
    deep = Record("v1", "ConfigMap", Meta(name="a", namespace="shop"), {"data": raw})
    kind = TYPES["ConfigMap"]
    answer = pipeline.down(deep, kind, context(kind), explain=explain)
    assert answer.excluded is None or answer.excluded.reason == "TooDeep"


def test_what_is_too_deep_for_a_step_is_refused_with_the_step_that_gave_up() -> None:
    def dive(obj: dict[str, Any], ctx: Any) -> dict[str, Any]:
        return dive(obj, ctx)

    answer = down(sample("Deployment"), with_custom(dive), explain=True)
    assert answer.object == {}
    assert answer.excluded == Exclusion(
        "custom", "TooDeep", terminal=True, message="The object is nested too deeply."
    )
    assert [step.name for step in answer.steps] == ["cleaning"]


@pytest.mark.parametrize(
    ("raw", "reason"), [(b"[" * 100_000, "TooDeep"), (b"1e999", "Undecodable"), (b"{", "Undecodable")]
)
@pytest.mark.parametrize("explain", [False, True])
def test_a_value_that_cannot_be_read_is_a_fault_of_the_object(raw: bytes, reason: str, explain: bool) -> None:
    odd = Record("v1", "ConfigMap", Meta(name="a", namespace="shop"), {"data": raw})
    kind = TYPES["ConfigMap"]
    excluded = pipeline.down(odd, kind, context(kind), explain=explain).excluded
    assert excluded is not None
    assert (excluded.filter, excluded.reason, excluded.terminal) == ("decoding", reason, True)
    assert excluded.message.startswith("The object ")


def test_a_status_that_cannot_be_read_does_not_matter() -> None:
    odd = Record("v1", "ConfigMap", Meta(name="a", namespace="shop"), {"data": b"{}", "status": b"1e999"})
    kind = TYPES["ConfigMap"]
    assert pipeline.down(odd, kind, context(kind)).excluded is None


# Steps of others


class Custom:
    """A step of somebody's own, at 250; what it does is given."""

    name = "custom"
    priority = 250

    def __init__(self, do=lambda obj, ctx: obj, applies: bool = True) -> None:
        self.do = do
        self.yes = applies

    def applies(self, gvr, meta) -> bool:
        return self.yes

    def down(self, obj, ctx):
        return self.do(obj, ctx)

    def up(self, obj, ctx):
        return self.do(obj, ctx)


def with_custom(do: Any, **options: Any) -> Registry:
    registry = pipeline.built_in()
    registry.register(Custom(do, **options))
    return registry


def test_a_step_runs_at_its_number_and_sees_the_object_of_that_moment() -> None:
    seen: list[dict[str, Any]] = []

    def look(obj: dict[str, Any], ctx: Any) -> dict[str, Any]:
        seen.append({**obj["metadata"], "source": ctx.source.uid})
        return {**obj, "spec": {"changed": True}}

    answer = down(sample("Deployment", metadata={"labels": {"kcp.io/x": "y"}}), with_custom(look))
    assert seen == [{"name": "web", "namespace": "shop", "labels": {"kcp.io/x": "y"}, "source": "0b3c"}]
    assert answer.object["spec"] == {"changed": True}


def noting(found: list[Any], what: Any) -> Any:
    """A step that changes nothing and notes something of what it is given."""

    def note(obj: dict[str, Any], ctx: Any) -> dict[str, Any]:
        found.append(what(obj, ctx))
        return obj

    return note


def test_a_step_before_the_owners_sees_the_references() -> None:
    class Early(Custom):
        name, priority = "early", 50

    seen: list[Any] = []
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "known-1"}
    registry = Registry([Early(noting(seen, lambda obj, ctx: obj["metadata"]["ownerReferences"]))])
    down(sample("ConfigMap", metadata={"ownerReferences": [owner]}), registry)
    assert seen == [[owner]]


def test_a_step_for_one_type_runs_for_no_other_in_either_direction() -> None:
    ran: list[Any] = []
    registry = Registry()
    registry.register(Custom(noting(ran, lambda obj, ctx: ctx.source.name)), DEPLOYMENT.gvr)
    for kind in ("Deployment", "ConfigMap"):
        copy = down(sample(kind, metadata={"name": kind.lower()}), registry).object
        pipeline.up(copy, context(TYPES[kind]), registry=registry)
    assert ran == ["deployment", "deployment"]


def test_a_step_that_does_not_apply_does_not_run() -> None:
    def fail(obj: Any, ctx: Any) -> Any:
        raise AssertionError

    registry = with_custom(fail, applies=False)
    assert down(sample("Deployment"), registry).excluded is None
    kind = TYPES["Deployment"]
    assert (
        pipeline.up(down(sample("Deployment")).object, context(kind), registry=registry)["kind"]
        == "Deployment"
    )


def test_the_way_up_runs_backwards() -> None:
    order: list[str] = []

    class Noting(Custom):
        def __init__(self, name: str, priority: int) -> None:
            super().__init__(self.note)
            self.name, self.priority = name, priority

        def note(self, obj: Any, ctx: Any) -> Any:
            order.append(self.name)
            return obj

    registry = Registry([Noting("a", 100), Noting("b", 200)])
    down(sample("Deployment"), registry)
    pipeline.up({"metadata": {"name": "a"}}, context(DEPLOYMENT), registry=registry)
    assert order == ["a", "b", "b", "a"]


def test_a_step_in_place_does_not_reach_the_cache() -> None:
    def spoil_labels(obj: dict[str, Any], ctx: Any) -> dict[str, Any]:
        obj["metadata"]["labels"]["spoiled"] = "yes"
        obj["spec"]["spoiled"] = True
        return obj

    cached = record(sample("Deployment", metadata={"labels": {"a": "b"}}, spec={}))
    before = encode_json(cached.to_object())
    pipeline.down(cached, DEPLOYMENT, context(DEPLOYMENT), registry=with_custom(spoil_labels))
    assert encode_json(cached.to_object()) == before


def test_a_step_may_refuse() -> None:
    def refuse(obj: Any, ctx: Any) -> Any:
        raise ExclusionError("TooExpensive", "It costs too much.", terminal=True, hint="Ask for less.")

    answer = down(sample("Deployment"), with_custom(refuse), explain=True)
    assert answer.excluded == Exclusion(
        "custom", "TooExpensive", terminal=True, message="It costs too much. Ask for less."
    )
    assert [step.name for step in answer.steps] == ["cleaning"]


def test_a_step_that_fails_is_named_with_the_object() -> None:
    def fail(obj: Any, ctx: Any) -> Any:
        raise KeyError("hunter2")

    with pytest.raises(
        TransformerError, match=r"'custom' failed on deployments\.apps 1a2b3c/shop/web: KeyError"
    ) as caught:
        down(sample("Deployment"), with_custom(fail))
    assert isinstance(caught.value.__cause__, KeyError)
    assert "defect of the transformer" in caught.value.hint


def test_what_a_step_said_about_a_secret_is_cut_off() -> None:
    def fail(obj: Any, ctx: Any) -> Any:
        raise KeyError("hunter2")

    with pytest.raises(TransformerError) as caught:
        down(sample("Secret"), with_custom(fail))
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


# Explaining


def test_explaining_shows_each_step_and_changes_nothing_else() -> None:
    obj = sample(
        "Deployment", metadata={"labels": {"a": "b"}, "managedFields": [{"manager": "m"}]}, status={"a": 1}
    )
    told, plain = down(obj, explain=True), down(obj)
    assert told.object == plain.object
    assert [(step.name, step.priority) for step in told.steps] == [
        ("cleaning", 100),
        ("namespaces", 300),
        ("labels", 400),
        ("annotations", 500),
    ]
    first, last = told.steps[0], told.steps[-1]
    assert first.before["metadata"]["uid"] == "0b3c"
    assert first.before["status"] == {"a": 1}
    assert "managedFields" not in first.before["metadata"]
    assert last.after == told.object
    assert all(step.changed for step in told.steps)
    assert all(one.after == two.before for one, two in zip(told.steps, told.steps[1:], strict=False))


def test_explaining_anything_but_a_secret_shows_values() -> None:
    told = down(sample("ConfigMap", data={"a": "b"}), explain=True)
    assert {step.after["data"]["a"] for step in told.steps} == {"b"}


def test_explaining_a_secret_shows_no_value() -> None:
    noted = {"kubectl.kubernetes.io/last-applied-configuration": "hunter2"}
    told = down(sample("Secret", metadata={"annotations": noted}, data={"a": "hunter2"}), explain=True)
    assert told.object["data"] == {"a": "hunter2"}
    assert "hunter2" not in json.dumps([[step.before, step.after] for step in told.steps])


# The way up


def test_the_way_up_maps_owners_and_keeps_status() -> None:
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "downstream-1"}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "web-1",
            "namespace": "kcp-1a2b3c-shop",
            "uid": "d1",
            "managedFields": [{"manager": "m", "fieldsV1": {"f:a": {}}}],
            "ownerReferences": [owner],
        },
        "spec": {"nodeName": "n1"},
        "status": {"phase": "Running"},
    }
    assert pipeline.up(pod, context(DEPLOYMENT), info=TYPES["Pod"]) == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web-1", "namespace": "shop", "ownerReferences": [owner | {"uid": "1"}]},
        "spec": {"nodeName": "n1"},
        "status": {"phase": "Running"},
    }


def test_without_labels_and_annotations_the_shared_names_are_the_packages_own() -> None:
    assert pipeline.content_of(desired(sample("ConfigMap")).object)["metadata"]["name"] == "web"
    assert pipeline.upstream_of(Meta(), None) is None
    assert pipeline.PIPELINE_VERSION


def test_a_registry_of_ones_own_leaves_the_built_in_one_alone() -> None:
    kind = info("pods.v1.", "Pod")
    own = pipeline.built_in()
    own.register(Custom())
    assert len(own.for_type(kind.gvr)) == len(pipeline.BUILT_IN.for_type(kind.gvr)) + 1
    assert {type(step) for step in pipeline.BUILT_IN.for_type(kind.gvr)} >= {Labels, Annotations}
