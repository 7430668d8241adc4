"""Field ownership, server-side apply and patches are those of a real kube-apiserver.

Sequences of writes by several managers are drawn from seeds and sent to a real server; before each, the same write is made
with our functions from the object that the server has. What comes out must be the same: the object (but for what only a server
assigns), every entry of managedFields with its fields in their order, whether something is stored at all, and every refusal.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.real.conftest import remembered
from tests.real.merge_pair import APPLY, FORMS, NAMESPACE, NOW, Outcome, Pair, assert_refused_alike, outcome
from tests.real.merge_world import DEPLOYMENT, MANAGERS, PARCEL_CRD, SUBJECTS, Object, Subject
from tmc_syncer.controlplane.merge import apply, merge_patch, schema_of, to_parent, to_scale, track_update
from tmc_syncer.testing.assets import Assets
from tmc_syncer.testing.cluster import ControlPlane, running
from tmc_syncer.testing.polling import eventually
from tmc_syncer.testing.process import ServerProcess

SEEDS = range(12)
STEPS = 14


class ApiServerAlone(ControlPlane):
    """Without controllers, which would write to the objects, too."""

    def components(self) -> tuple[ServerProcess, ...]:
        return ()


@pytest.fixture(scope="module")
def real(
    assets: Assets,
    tmp_path_factory: pytest.TempPathFactory,
    kept_processes: set[int],
    request: pytest.FixtureRequest,
) -> Iterator[ControlPlane]:
    """A kube-apiserver with the custom type, and nothing else."""
    server = ApiServerAlone(Path(tmp_path_factory.mktemp("merge")), assets=assets)
    with remembered(request, server), running(server):
        kept_processes.update(process.pid for process in server.servers() if process.pid)
        status, answer = server.request(
            "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", PARCEL_CRD
        )
        assert status == 201, answer
        served = f"/apis/merge.example.com/v1/namespaces/{NAMESPACE}/parcels"
        eventually(lambda: server.request("GET", served)[0] == 200, 15, message="the custom type is served")
        yield server


# Random writes


@pytest.mark.parametrize("subject", SUBJECTS, ids=[subject.kind for subject in SUBJECTS])
def test_random_writes_of_several_managers_come_out_as_on_the_server(
    real: ControlPlane, subject: Subject
) -> None:
    for seed in SEEDS:
        writer = Writer(Pair(real, subject, f"p{seed}"), random.Random(f"{subject.kind}-{seed}"))
        for _ in range(STEPS):
            writer.write()


class Writer:
    """Draws writes and makes them here and there."""

    def __init__(self, pair: Pair, rng: random.Random) -> None:
        self.pair = pair
        self.rng = rng
        self.configs: dict[str, Object] = {}  # what each manager applied last

    def write(self) -> None:
        """One write by one of the managers."""
        rng, pair = self.rng, self.pair
        manager = rng.choice(MANAGERS)
        if pair.live is None:
            kind = rng.choice(["apply", "create"])
        elif pair.subject.custom:
            kind = rng.choice(["apply"] * 4 + ["update", "merge", "json", "reset"])
        else:
            kind = rng.choice(["apply"] * 4 + ["update", "merge", "json", "strategic", "reset"])
        on_status = pair.subject.custom and pair.live is not None and rng.random() < 0.2
        subresource = "status" if on_status else ""
        live = json.dumps(pair.live)
        if kind == "apply":
            body, ours, (status, theirs) = self.apply(manager, subresource)
        elif kind in ("create", "update", "reset"):
            body, ours, (status, theirs) = self.put(kind, manager, subresource)
        else:
            body, ours, (status, theirs) = self.patch(kind, manager, subresource)
        told = json.dumps(ours) if isinstance(ours, dict) else ours
        story = f"{pair.name}: {kind} of {manager} {subresource}: {json.dumps(body)}"
        pair.check(ours, status, theirs, f"{story}\nlive {live}\nours {told}\ntheirs {json.dumps(theirs)}")

    def apply(self, manager: str, subresource: str) -> tuple[Any, Outcome, tuple[int, Any]]:
        """An apply of something new, or of what the manager applied last with changes."""
        rng, pair = self.rng, self.pair
        config = pair.subject.draw(rng)
        if manager in self.configs and rng.random() < 0.6:
            config = pair.subject.edited(rng, self.configs[manager])
        config = self.configs[manager] = pair.named(config)
        force = rng.random() < 0.6
        ours = outcome(lambda: pair.applied(config, manager, subresource, force=force))
        return (
            config,
            ours,
            pair.send("PATCH", config, APPLY, manager, subresource, f"&force={json.dumps(force)}"),
        )

    def put(self, kind: str, manager: str, subresource: str) -> tuple[Any, Outcome, tuple[int, Any]]:
        """A create or an update, which may reset ownership."""
        rng, pair = self.rng, self.pair
        new = pair.named(pair.subject.draw(rng)) if pair.live is None else pair.subject.edited(rng, pair.live)
        if kind == "reset":
            new["metadata"]["managedFields"] = rng.choice([[], [{}], None])
        ours = outcome(lambda: pair.updated(new, manager, subresource))
        method = "POST" if kind == "create" else "PUT"
        return new, ours, pair.send(method, new, "application/json", manager, subresource)

    def patch(self, kind: str, manager: str, subresource: str) -> tuple[Any, Outcome, tuple[int, Any]]:
        """A patch."""
        pair, patch = self.pair, drawn_patch(self.pair, self.rng, kind)
        ours = outcome(lambda: pair.updated(pair.patched(patch, kind), manager, subresource))
        return patch, ours, pair.send("PATCH", patch, FORMS[kind], manager, subresource)


def drawn_patch(pair: Pair, rng: random.Random, kind: str) -> Any:
    drawn = pair.subject.draw(rng)
    drawn.pop("status", None)
    if kind != "json":
        if rng.random() < 0.4:
            drawn.setdefault("metadata", {})["labels"] = rng.choice([None, {"x": None, "w": "1"}])
        if kind == "strategic" and pair.subject.kind == "Deployment":
            directed(drawn["spec"]["template"]["spec"], rng)
        return drawn
    operations: list[Object] = [
        {"op": "test", "path": "/metadata/uid", "value": (pair.live or {})["metadata"]["uid"]}
    ]
    operations.append({"op": "add", "path": "/metadata/annotations", "value": {"patched": rng.choice("ab")}})
    if rng.random() < 0.3:
        operations.append({"op": "test", "path": "/metadata/absent", "value": None})
    if rng.random() < 0.3:
        operations.append({"op": "remove", "path": rng.choice(["/metadata/labels/x", "/metadata/labels"])})
    if rng.random() < 0.3:
        operations.append({"op": "replace", "path": "/metadata/labels", "value": {"json": rng.choice("ab")}})
    return operations


def directed(pod: Object, rng: random.Random) -> None:
    """Put directives of strategic merge patches into the Pod of a patch."""
    names = [container["name"] for container in pod["containers"]]
    draw = rng.random()
    if draw < 0.3:
        order = [{"name": name} for name in names]
        for other in ("one", "two", "six"):
            if other not in names and rng.random() < 0.5:
                order.insert(rng.randrange(len(order) + 1), {"name": other})
        pod["$setElementOrder/containers"] = order
    elif draw < 0.5:
        pod["containers"].append({"name": rng.choice(["one", "two", "six"]), "$patch": "delete"})
    elif draw < 0.6:
        pod["containers"].append({"$patch": "replace"})
    elif draw < 0.7:
        pod["containers"][0]["env"] = None
    elif draw < 0.8:
        pod["nodeSelector"] = {"$patch": rng.choice(["replace", "delete"]), "disk": "ssd"}


# Refusals

PLAIN = {
    "metadata": {"labels": {"x": "a"}},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "a"}},
        "template": {
            "metadata": {"labels": {"app": "a"}},
            "spec": {"containers": [{"name": "one", "image": "web:1"}, {"name": "two", "image": "web:1"}]},
        },
    },
}


def prepared(real: ControlPlane, name: str) -> Pair:
    """A Deployment that someone else made."""
    pair = Pair(real, DEPLOYMENT, name)
    pair.create(PLAIN)
    return pair


@pytest.mark.parametrize(
    ("number", "change"),
    enumerate(
        [
            {"spec": {"bogus": 1}},
            {"spec": {"replicas": "3", "paused": 1, "template": {"spec": {"containers": "x"}}}},
            {"spec": {"template": {"spec": {"containers": [{"image": "x"}]}}}},
            {"spec": {"template": {"spec": {"containers": [{"name": "a"}, {"name": "a"}]}}}},
            {"spec": {"template": {"spec": {"containers": [{"name": "a", "ports": [{"name": 1}]}]}}}},
            {"metadata": {"finalizers": ["a/b", "a/b"]}},
            {"metadata": {"labels": {"a": 1}}},
            {"metadata": {"managedFields": []}},
            {"kind": "ReplicaSet"},
            {"apiVersion": "apps/v2"},
            {"kind": ""},
            {"spec": {"replicas": 2}},
            {"spec": {"replicas": 2, "template": {"spec": {"containers": [{"name": "one", "image": "x"}]}}}},
        ]
    ),
    ids=lambda value: json.dumps(value)[:60],
)
def test_an_apply_is_refused_as_the_server_refuses_it(
    real: ControlPlane, number: int, change: Object
) -> None:
    pair = prepared(real, f"applied-{number}")
    config = pair.named({})
    for part, value in change.items():
        config[part] = {**config.get(part, {}), **value} if isinstance(value, dict) else value
    status, theirs = pair.send("PATCH", config, APPLY, "m1")
    assert_refused_alike(outcome(lambda: pair.applied(config, "m1", force=False)), status, theirs)


@pytest.mark.parametrize(
    ("number", "case"),
    enumerate(
        [
            ("json", [{"op": "remove", "path": "/metadata/labels/absent"}]),
            ("json", [{"op": "test", "path": "/spec/replicas", "value": 7}]),
            ("json", [{"op": "test", "path": "/spec/replicas", "value": 1.0}]),
            ("json", [{"op": "add", "path": "/spec/absent/deep", "value": 1}]),
            ("json", [{"op": "add", "path": "/spec/template/spec/containers/7", "value": {}}]),
            ("json", [{"op": "replace", "path": "/spec/template/spec/containers/7", "value": {}}]),
            ("json", [{"op": "bogus", "path": "/spec"}]),
            ("json", [{"op": "add", "value": 1}]),
            ("json", [{"op": "move", "from": "/spec/absent", "path": "/spec/x"}]),
            ("json", [{"op": "copy", "from": "/spec", "path": "/x"}, {"op": "remove", "path": "/y"}]),
            ("strategic", {"spec": {"$patch": "bogus"}}),
            ("strategic", {"spec": {"template": {"spec": {"containers": [{"image": "x"}]}}}}),
            (
                "strategic",
                {"spec": {"template": {"spec": {"containers": [{"name": "one", "$patch": "merge"}]}}}},
            ),
            (
                "strategic",
                {"spec": {"template": {"spec": {"containers": [{"name": "one", "$patch": "bogus"}]}}}},
            ),
            ("strategic", {"spec": {"template": {"spec": {"containers": [{"$patch": "delete"}]}}}}),
            ("strategic", {"spec": {"template": {"spec": {"$setElementOrder/containers": "one"}}}}),
            ("strategic", {"spec": {"template": {"spec": {"$setElementOrder": []}}}}),
            ("strategic", {"metadata": {"$deleteFromPrimitiveList": ["a"]}}),
            ("strategic", {"spec": {"strategy": {"$retainKeys": "type"}}}),
            (
                "strategic",
                {"spec": {"strategy": {"$retainKeys": ["type"], "rollingUpdate": {"maxSurge": 1}}}},
            ),
            (
                "strategic",
                {
                    "spec": {
                        "template": {
                            "spec": {
                                "containers": [{"name": "one", "image": "x"}],
                                "$setElementOrder/containers": [{"name": "two"}],
                            }
                        }
                    }
                },
            ),
            ("strategic", {"spec": {"template": {"spec": {"containers": ["one"]}}}}),
        ]
    ),
    ids=lambda value: json.dumps(value)[:70],
)
def test_a_patch_is_refused_as_the_server_refuses_it(
    real: ControlPlane, number: int, case: tuple[str, Any]
) -> None:
    kind, patch = case
    pair = prepared(real, f"patched-{number}")
    status, theirs = pair.send("PATCH", patch, FORMS[kind], "m1")
    assert_refused_alike(outcome(lambda: pair.patched(patch, kind)), status, theirs)


# Scale


def test_a_write_of_the_scale_takes_the_replicas_from_their_owner(real: ControlPlane) -> None:
    pair = prepared(real, "scaled")
    paths = {"apps/v1": ("f:spec", "f:replicas")}
    writes = [
        ("h1", 3, "merge"),
        ("h1", 4, "merge"),
        ("h2", 5, "apply"),
        ("h2", 6, "apply"),
        ("h1", 7, "merge"),
    ]
    for manager, replicas, form in writes:
        assert pair.live is not None
        _, scale = real.request("GET", f"{pair.path}/scale")
        entries = pair.live["metadata"].get("managedFields")
        assert scale["metadata"].get("managedFields", []) == to_scale(entries, paths)
        status, answer, made = scaled(pair, scale, manager, replicas, form)
        assert status == 200, answer
        expected = to_parent(entries, made["metadata"].get("managedFields"), paths, "apps/v1")
        _, pair.live = real.request("GET", pair.path)
        assert pair.live is not None
        assert sorted(map(timeless, expected)) == sorted(
            map(timeless, pair.live["metadata"]["managedFields"])
        )


def scaled(pair: Pair, scale: Object, manager: str, replicas: int, form: str) -> tuple[int, Any, Object]:
    """The server's answer to a write of the scale, and the scale as our functions have it."""
    patch: Object = {"spec": {"replicas": replicas}}
    common: dict[str, Any] = {
        "manager": manager,
        "schema": schema_of("autoscaling", "v1", "Scale"),
        "api_version": "autoscaling/v1",
        "subresource": "scale",
        "now": NOW,
    }
    if form == "merge":
        made = track_update(scale, merge_patch(scale, patch), **common)
        return *pair.send("PATCH", patch, FORMS["merge"], manager, "scale"), made
    config = {**patch, "apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": pair.name}}
    made = apply(scale, config, force=True, **common)
    return *pair.send("PATCH", config, APPLY, manager, "scale", "&force=true"), made


def timeless(entry: Object) -> str:
    """An entry, with whether it has a time."""
    return json.dumps({**entry, "time": "time" in entry}, sort_keys=True)
