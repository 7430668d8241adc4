"""What a server refuses for good, next to things that flow: forbidden, not served, refused, too large, terminating.

One agent meets all of it at once. Each refusal is visible in ``/statusz``, in the SyncTarget and in the log, with code,
reason and next try; everything else is synced meanwhile, and the agent says of itself that it is ready.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.real.custom_types import custom_type
from tests.real.samples import Manifest, manifest
from tests.real.scene import OWN_AGENT, Scene, config_map
from tmc_syncer.api.resources import GVR
from tmc_syncer.testing.agent import AgentProcess, grant
from tmc_syncer.testing.polling import eventually

CONFIG_MAPS = GVR("", "v1", "configmaps")
FORBIDDEN = GVR("", "v1", "limitranges")  # nobody else syncs it
MISSING = GVR("example.com", "v1", "doodads")
GADGETS = GVR("example.com", "v1", "gadgets")
GRANTED = (CONFIG_MAPS, MISSING, GADGETS)
LABEL = "example.com/unwanted"


@dataclass
class Yard:
    """The scene of the agent that meets refusals, and its namespaces."""

    scene: Scene
    namespace: str
    ending: str

    def type_line(self, gvr: GVR) -> Manifest:
        lines = [each for each in self.scene.agent.statusz()["types"] if gvr.resource in each["gvr"]]
        assert len(lines) == 1, lines
        return dict(lines[0])

    def object_line(self, namespace: str, name: str) -> Manifest:
        name = f"{namespace}/{name}" if namespace else name
        lines = self.scene.agent.statusz(f"?name={name}")["objects"]
        assert len(lines) == 1, lines
        return dict(lines[0])

    def target(self) -> Manifest:
        found = self.scene.upstream.get("SyncTarget", self.scene.agent.target)
        assert found is not None
        assert "status" in found, "nothing was reported yet"
        return dict(found["status"])

    def resource(self, gvr: GVR) -> Manifest:
        found = [each for each in self.target()["syncedResources"] if each["resource"] == gvr.resource]
        assert len(found) == 1, found
        return dict(found[0])

    def condition(self, name: str) -> Manifest:
        return dict(next(each for each in self.target()["conditions"] if each["type"] == name))

    def logged(self, **fields: Any) -> list[Manifest]:
        wanted = fields.items()
        return [
            line for line in self.scene.agent.log() if wanted <= {k: str(v) for k, v in line.items()}.items()
        ]


@pytest.fixture(scope="module")
def yard(scene: Scene, tmp_path_factory: pytest.TempPathFactory, kept_processes: set[int]) -> Iterator[Yard]:
    """All refusals are there before the agent starts, but for the namespace that ends later."""
    upstream, downstream = scene.upstream, scene.downstream
    upstream.apply(custom_type(MISSING))
    rule = [downstream.apply(each) for each in unwanted_config_maps()]
    agent = AgentProcess(
        tmp_path_factory.mktemp("refusals"),
        upstream,
        downstream,
        target="refusals",
        types=GRANTED,
        name_types=False,
        flags=(
            "--namespace-selector", f"{OWN_AGENT}=refusals",
            "--resources", ",".join(map(str, (*GRANTED, FORBIDDEN))),
        ),
        tune={"discovery_seconds": 2.0, "status_seconds": 1.0, "namespace_deletion_delay": 1.0},
    )  # fmt: skip
    own = Scene(upstream, downstream, agent)
    labels = {OWN_AGENT: "refusals"}
    yard_ = Yard(own, own.namespace(**labels), own.namespace(**labels))
    upstream.create(limits(yard_.namespace))
    agent.start()  # it says that it is ready, although one type is forbidden and one is not served
    kept_processes.add(agent.pid or 0)
    yield yard_
    agent.stop()
    for each in rule:
        downstream.delete(each["kind"], each["metadata"]["name"])
    for cluster in (upstream, downstream):
        cluster.delete("CustomResourceDefinition", f"{MISSING.resource}.{MISSING.group}")


def limits(namespace: str) -> Manifest:
    spec = {"limits": [{"type": "Pod", "max": {"cpu": "4"}}]}
    return manifest("v1", "LimitRange", namespace, "limits", spec=spec)


def unwanted_config_maps() -> Iterator[Manifest]:
    """Refuse ConfigMaps with the label `LABEL`."""
    name, api = "no-unwanted-config-maps", "admissionregistration.k8s.io/v1"
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}
    spec = {
        "matchConstraints": {
            "resourceRules": [{**rule, "operations": ["CREATE", "UPDATE"]}],
            "objectSelector": {"matchExpressions": [{"key": LABEL, "operator": "Exists"}]},
        },
        "validations": [{"expression": "false", "message": "Nobody wants this."}],
    }
    bound = {"policyName": name, "validationActions": ["Deny"]}
    for kind, body in (("ValidatingAdmissionPolicy", spec), ("ValidatingAdmissionPolicyBinding", bound)):
        yield {"apiVersion": api, "kind": kind, "metadata": {"name": name}, "spec": body}


def flows(yard: Yard, name: str) -> None:
    """An object that nobody refuses is synced."""
    yard.scene.upstream.create(config_map(yard.namespace, name))
    yard.scene.wait_copy("ConfigMap", yard.namespace, name)


def test_a_forbidden_type_is_told_everywhere_and_stops_nothing_until_it_is_granted(yard: Yard) -> None:
    flows(yard, "beside-forbidden")
    eventually(lambda: yard.type_line(FORBIDDEN).get("nextTry"))
    line = yard.type_line(FORBIDDEN)
    assert line["state"] == "Failed"
    for told in (line["reason"], eventually(lambda: yard.resource(FORBIDDEN)["reason"])):
        assert "403 Forbidden" in told
        assert "TMC-101" in told
    assert "Asked again at" in yard.resource(FORBIDDEN)["reason"]
    ready = yard.condition("Ready")
    assert ready["status"] == "True"
    assert "limitranges" in yard.condition("SyncerReady")["message"]
    assert yard.condition("UpstreamHealthy")["status"] == "True"
    assert yard.target()["connected"] is True
    assert yard.scene.agent.statusz()["health"] == "Degraded"
    assert yard.logged(informer=f"upstream {FORBIDDEN}", level="warning", failure="refused")

    passing = yard.scene.namespace(**{OWN_AGENT: "refusals"})
    yard.scene.upstream.create(config_map(passing))
    yard.scene.wait_copy("ConfigMap", passing, "settings")
    yard.scene.upstream.delete("Namespace", passing)
    eventually(lambda: yard.object_line("", passing)["reason"] == "TypesNotWatched")
    assert yard.scene.downstream_namespace(passing), "who knows what of the forbidden type is in it"

    grant(yard.scene.upstream, yard.scene.downstream, yard.scene.agent.user, (*GRANTED, FORBIDDEN))
    yard.scene.wait_copy("LimitRange", yard.namespace, "limits", 120)
    eventually(lambda: yard.resource(FORBIDDEN)["state"] == "Syncing")
    assert not yard.resource(FORBIDDEN).get("reason")
    eventually(lambda: yard.scene.downstream_namespace(passing) is None, message="now it may go")


def test_a_type_that_is_missing_downstream_is_told_everywhere_and_synced_once_it_is_installed(
    yard: Yard,
) -> None:
    yard.scene.upstream.create(manifest("example.com/v1", "Doodad", yard.namespace, "early", spec={"a": 1}))
    flows(yard, "beside-missing")
    for told in (yard.type_line(MISSING), eventually(lambda: yard.resource(MISSING))):
        assert told["state"] == "Failed"
        assert told["reason"].startswith("NotServedDownstream")
        assert "asked again" in told["reason"]
    assert yard.logged(gvr=str(MISSING), reason="NotServedDownstream", level="warning")

    yard.scene.downstream.apply(custom_type(MISSING))
    yard.scene.wait_copy("Doodad", yard.namespace, "early", 60)
    eventually(lambda: yard.resource(MISSING)["state"] == "Syncing")


def refused(yard: Yard) -> Manifest:
    made = config_map(yard.namespace, "unwanted")
    made["metadata"]["labels"] = {LABEL: "yes"}
    return made


def too_large(yard: Yard) -> Manifest:
    # Upstream it just fits into etcd; with the marks of a copy it does not.
    return manifest(
        "example.com/v1", "Gadget", yard.namespace, "huge", spec={"text": "x" * (1_572_864 - 1_500)}
    )


@pytest.mark.parametrize(
    ("make", "mend", "code", "reason"),
    [
        (refused, {"metadata": {"labels": {LABEL: None}}}, "TMC-101", "Invalid"),
        (too_large, {"spec": {"text": "small"}}, "TMC-101", "RequestEntityTooLarge"),
    ],
    ids=["refused", "too-large"],
)
def test_an_object_that_is_refused_is_told_everywhere_and_synced_once_it_is_mended(
    yard: Yard, make: Callable[[Yard], Manifest], mend: Manifest, code: str, reason: str
) -> None:
    made = make(yard)
    kind, name = made["kind"], made["metadata"]["name"]
    yard.scene.upstream.create(made)
    flows(yard, f"beside-{name}")

    def is_told() -> Manifest:
        line = yard.object_line(yard.namespace, name)
        assert line["state"] == "failed"
        worst = next((each for each in yard.target().get("worstObjects", []) if each["name"] == name), None)
        assert worst is not None
        for told in (line, worst):
            assert told["code"] == code
            assert reason in told["reason"]
            assert told["message"]
            assert told["nextTry"]
        return line

    line = eventually(is_told, message=f"{name} is told of")
    assert line["reason"]
    failures = yard.logged(event="failed", name=name, code=code)
    assert failures
    assert min(each["retry_in"] for each in failures) > 60, "it waits for a change of its input"
    assert all(each["reason"] for each in failures)
    eventually(lambda: yard.target()["failed"] >= 1)

    yard.scene.upstream.patch(kind, name, yard.namespace, mend)
    yard.scene.wait_copy(kind, yard.namespace, name)
    eventually(
        lambda: yard.scene.agent.statusz(f"?name={yard.namespace}/{name}")["objects"][0]["state"] == "synced"
    )


def test_an_object_in_a_terminating_namespace_waits_and_says_so(yard: Yard) -> None:
    scene = yard.scene
    scene.upstream.create(config_map(yard.ending, "first"))
    scene.wait_copy("ConfigMap", yard.ending, "first")
    place = scene.downstream_namespace(yard.ending)
    assert place is not None
    stuck = config_map(place, "stuck")
    stuck["metadata"]["finalizers"] = ["example.com/slow"]
    scene.downstream.create(stuck)
    scene.downstream.delete("Namespace", place)

    def is_told() -> Manifest:
        line = yard.object_line(yard.ending, "first")
        assert (line["state"], line["reason"]) == ("held", "NamespaceTerminating")
        worst = [each for each in yard.target().get("worstObjects", []) if each["namespace"] == yard.ending]
        assert worst
        assert worst[0]["nextTry"]
        return line

    line = eventually(is_told, message="the object is held")
    assert line["nextTry"]
    flows(yard, "beside-terminating")
    said = yard.logged(name="first", reason="NamespaceTerminating")
    assert said
    assert said[0]["retry_in"]

    scene.downstream.patch("ConfigMap", "stuck", place, {"metadata": {"finalizers": None}})
    eventually(
        lambda: (
            scene.downstream_namespace(yard.ending) is not None
            and scene.copy("ConfigMap", yard.ending, "first") is not None
            and scene.downstream.get("ConfigMap", "stuck", place) is None
        ),
        60,
        message="the namespace is made anew, with its object",
    )
