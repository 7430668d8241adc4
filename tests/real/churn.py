"""A churn: users who create, change and delete objects upstream, and a comparison of what became of it in both worlds.

`Churn` keeps a model of what its users want. Every change goes to the upstream API server as kubectl would send it; a
change that the server refuses because of what is still going on there (a name or namespace that is still being deleted)
changes nothing in the model. All choices come from one random generator, so a seed replays them.

`differences` reads both clusters wholly and names what is not as the model says: nothing missing, nothing twice, nothing
left over, each content exact, each status the same. It knows the life cycle from the documents, not from the agent's code.
"""

from __future__ import annotations

import base64
import json
import random
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from tests.real.scene import FINALIZER_PREFIX, LOCATOR, Manifest
from tmc_syncer.api.resources import GVR
from tmc_syncer.testing.control_plane import ControlPlane
from tmc_syncer.testing.errors import ApiError

CHURN_TYPES = (
    GVR("apps", "v1", "deployments"),
    GVR("", "v1", "pods"),
    GVR("", "v1", "services"),
    GVR("", "v1", "configmaps"),
    GVR("", "v1", "secrets"),
    GVR("networking.k8s.io", "v1", "ingresses"),
)

# How often each kind is created. Pods cost the physical cluster most, so there are few of them.
_WEIGHTS = {"ConfigMap": 50, "Secret": 18, "Service": 12, "Ingress": 8, "Deployment": 8, "Pod": 4}
_MARKS = ("kcp.io/", "workload.kcp.io/", "internal.workload.kcp.io/")
_OF_CONTROLLERS = ("deployment.kubernetes.io/",)
_EXACT = frozenset({"labels", "annotations", "data", "matchLabels", "selector"})
_BUSY = (403, 404, 409)  # terminating namespaces and names that are not free yet

Name = tuple[str, str, str]
"""Kind, namespace, name."""


class Churn:
    """Users of ``upstream``, whose namespaces begin with ``prefix``; ``downstream`` is where the copies go."""

    def __init__(
        self, upstream: ControlPlane, downstream: ControlPlane, rng: random.Random, *, prefix: str = "churn"
    ) -> None:
        self.upstream = upstream
        self.downstream = downstream
        self.wanted: dict[Name, Manifest] = {}
        self.namespaces: list[str] = []
        self.born: Counter[Name] = Counter()
        """How often each name was created upstream, namespaces as kind Namespace."""
        self._rng = rng
        self._prefix = prefix
        self._gone: list[Name] = []
        self._numbers = iter(range(1_000_000))

    # What users do

    def create_namespace(self, objects: int = 3) -> None:
        name = f"{self._prefix}-{next(self._numbers)}"
        self.upstream.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        self.born["Namespace", "", name] += 1
        self.namespaces.append(name)
        for _ in range(objects):
            self.create(namespace=name)

    def delete_namespace(self) -> None:
        """Delete the smallest namespace, with all that is in it."""
        sizes = Counter(namespace for _, namespace, _ in self.wanted)
        name = min(self.namespaces, key=lambda namespace: sizes[namespace])
        self.namespaces.remove(name)
        self.wanted = {key: manifest for key, manifest in self.wanted.items() if key[1] != name}
        self._gone = [key for key in self._gone if key[1] != name]
        self.upstream.delete("Namespace", name)

    def create(self, kind: str = "", namespace: str = "") -> None:
        kind = kind or self._rng.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        namespace = namespace or self._rng.choice(self.namespaces)
        self._post((kind, namespace, f"{kind.lower()}-{next(self._numbers)}"))

    def recreate(self) -> None:
        """Create a name again that was deleted before, unless the old object is still there."""
        if self._gone:
            key = self._gone.pop(self._rng.randrange(len(self._gone)))
            if not self._post(key):
                self._gone.append(key)

    def change(self, *kinds: str) -> None:
        """Change the content of one object, of one of these kinds."""
        key = self._any(*kinds)
        before = self.wanted[key]
        after = _CONTENTS[key[0]](self._rng, before)
        patch = _merge_patch(before, after)
        if patch:
            self.upstream.patch(key[0], key[2], key[1], patch)
            self.wanted[key] = after

    def delete(self, *kinds: str) -> None:
        key = self._any(*kinds)
        del self.wanted[key]
        self._gone.append(key)
        self.upstream.delete(key[0], key[2], key[1])

    def meddle(self) -> None:
        """Somebody changes a synced field of a copy, where there is one."""
        kind, namespace, name = self._any("ConfigMap")
        place = self.places().get(namespace)
        if place and self.downstream.get(kind, name, place[0]):
            try:
                self.downstream.patch(kind, name, place[0], {"data": {"k": "meddled"}})
            except ApiError as error:
                if error.status not in _BUSY:
                    raise

    def anything(self, times: int) -> None:
        """Some of all that."""
        for _ in range(times):
            self._rng.choices(
                (self.create, self.change, self.delete, self.recreate, self.meddle), (30, 35, 20, 10, 5)
            )[0]()

    def _any(self, *kinds: str) -> Name:
        keys = [key for key in self.wanted if not kinds or key[0] in kinds]
        while not keys:
            self.create(kinds[0])
            keys = [key for key in self.wanted if key[0] in kinds]
        return self._rng.choice(keys)

    def _post(self, key: Name) -> bool:
        kind, namespace, name = key
        manifest = _CONTENTS[kind](
            self._rng,
            {"apiVersion": _API_VERSIONS.get(kind, "v1"), "kind": kind, "metadata": {"name": name, "namespace": namespace}},
        )  # fmt: skip
        try:
            self.upstream.create(manifest)
        except ApiError as error:
            if error.status not in _BUSY:
                raise
            return False
        self.wanted[key] = manifest
        self.born[key] += 1
        return True

    # What became of it

    def places(self) -> dict[str, list[str]]:
        """The downstream namespaces of each upstream namespace of this churn."""
        found: dict[str, list[str]] = {}
        for namespace in self.downstream.list_objects("Namespace"):
            text = namespace["metadata"].get("annotations", {}).get(LOCATOR)
            if text and (name := json.loads(text)["namespace"]).startswith(f"{self._prefix}-"):
                found.setdefault(name, []).append(namespace["metadata"]["name"])
        return found

    def is_right(self) -> bool:
        """True; an assertion with the differences when there are any."""
        found = self.differences()
        assert found == [], "\n".join(found)
        return True

    def differences(self) -> list[str]:
        """What is not as it should be, in words; at most 20 of them. Empty: both worlds are right."""
        found: list[str] = []
        places = self.places()
        standing = {
            namespace["metadata"]["name"]
            for namespace in self.upstream.list_objects("Namespace")
            if namespace["metadata"]["name"].startswith(f"{self._prefix}-")
        }
        found += [f"namespace {name} is still upstream" for name in standing - set(self.namespaces)]
        found += [f"namespace {name} left {places[name]} downstream" for name in places.keys() - standing]
        found += [f"namespace {name} has copies {list_}" for name, list_ in places.items() if len(list_) > 1]
        for kind in _WEIGHTS:
            found += self._differences_of(kind, {p: name for name, list_ in places.items() for p in list_})
        return found[:20]

    def _differences_of(self, kind: str, namespaces: Mapping[str, str]) -> list[str]:
        """Compare one kind; ``namespaces`` maps downstream to upstream."""
        ups = {
            (kind, o["metadata"]["namespace"], o["metadata"]["name"]): o
            for o in self.upstream.list_objects(kind)
            if o["metadata"]["namespace"].startswith(f"{self._prefix}-") and not _is_of_the_cluster(o)
        }
        downs = {
            (kind, namespaces[o["metadata"]["namespace"]], o["metadata"]["name"]): o
            for o in self.downstream.list_objects(kind)
            if o["metadata"]["namespace"] in namespaces and not _is_of_the_cluster(o)
        }
        wanted = {key: manifest for key, manifest in self.wanted.items() if key[0] == kind}
        found = [f"{key} is still upstream" for key in ups.keys() - wanted.keys()]
        found += [f"{key} is missing upstream" for key in wanted.keys() - ups.keys()]
        found += [f"{key} is left over downstream" for key in downs.keys() - wanted.keys()]
        found += [f"{key} has no copy" for key in wanted.keys() - downs.keys()]
        for key in wanted.keys() & ups.keys() & downs.keys():
            found += [f"{key}: {text}" for text in _differences_between(wanted[key], ups[key], downs[key])]
        return found


def _differences_between(wanted: Manifest, up: Manifest, down: Manifest) -> list[str]:
    found = []
    if up["metadata"].get("deletionTimestamp") or down["metadata"].get("deletionTimestamp"):
        found.append("is being deleted")
    finalizers = up["metadata"].get("finalizers", [])
    if len(finalizers) != 1 or not finalizers[0].startswith(FINALIZER_PREFIX):
        found.append(f"has the finalizers {finalizers}")
    if down["metadata"]["annotations"].get("workload.kcp.io/source-uid") != up["metadata"]["uid"]:
        found.append("the copy was made of another object")
    for side, standing in (("upstream", up), ("downstream", down)):
        found += [
            f"{side} {name}: {_own(standing.get(name))!r:.300} is not {_own(wanted[name])!r:.300}"
            for name in wanted.keys() - {"apiVersion", "kind"}
            if not _covers(_own(wanted[name]), _own(standing.get(name)), name)
        ]
    if _mapped(up) != _mapped(down) and wanted["kind"] in ("Deployment", "Pod"):
        found.append(f"the status upstream is {_mapped(up)!r:.400}, downstream {_mapped(down)!r:.400}")
    return found


def _covers(wanted: Any, standing: Any, name: str = "") -> bool:
    """Whether `standing` is `wanted` but for what servers add; label and data maps and lists are exact."""
    if isinstance(wanted, dict):
        if not isinstance(standing, dict) or (name in _EXACT and wanted.keys() != standing.keys()):
            return not wanted and standing is None
        return all(_covers(value, standing.get(key), key) for key, value in wanted.items())
    if isinstance(wanted, list):
        return (
            isinstance(standing, list)
            and len(wanted) == len(standing)
            and all(_covers(a, b) for a, b in zip(wanted, standing, strict=True))
        )
    return bool(wanted == standing)


def _own(value: Any) -> Any:
    """Metadata without the marks of the agent and of controllers, and without the namespace; else the value."""
    if not isinstance(value, dict) or "namespace" not in value:
        return value
    own = {key: dict(value.get(key) or {}) for key in ("labels", "annotations")}
    for entries in own.values():
        for key in [key for key in entries if key.startswith(_MARKS + _OF_CONTROLLERS)]:
            del entries[key]
    return {**own, "name": value["name"]}


def _mapped(standing: Manifest) -> Any:
    status = dict(standing.get("status") or {})
    if "observedGeneration" in status:  # counted by each server for itself; both have seen their newest
        status["observedGeneration"] -= standing["metadata"]["generation"]
    if status.get("conditions"):
        status["conditions"] = [
            {k: v for k, v in c.items() if k != "observedGeneration"} for c in status["conditions"]
        ]
    return status


def _is_of_the_cluster(found: Manifest) -> bool:
    return found["metadata"]["name"] == "kube-root-ca.crt" or "ownerReferences" in found["metadata"]


def _merge_patch(before: Any, after: Any) -> dict[str, Any]:
    patch: dict[str, Any] = dict.fromkeys(before.keys() - after.keys())
    for key, value in after.items():
        old = before.get(key)
        if old == value:
            continue
        patch[key] = _merge_patch(old, value) if isinstance(value, dict) and isinstance(old, dict) else value
    return patch


# Contents: each function returns the manifest with a content drawn anew, everything that may not change kept


def _labelled(rng: random.Random, manifest: Manifest) -> Manifest:
    labels = {f"l{n}": str(rng.randrange(3)) for n in range(3) if rng.random() < 0.6}
    annotations = {f"note-{n}": str(rng.random()) for n in range(2) if rng.random() < 0.5}
    # The name of a namespaced object stands in `metadata` too; the rest of it is the server's.
    place = {key: manifest["metadata"][key] for key in ("name", "namespace")}
    return {**manifest, "metadata": {**place, "labels": labels, "annotations": annotations}}


def _config_map(rng: random.Random, manifest: Manifest) -> Manifest:
    data = {f"k{n}": str(rng.randrange(1000)) for n in range(6) if rng.random() < 0.6}
    return {**_labelled(rng, manifest), "data": {"k": str(rng.random()), **data}}


def _secret(rng: random.Random, manifest: Manifest) -> Manifest:
    data = {f"k{n}": base64.b64encode(rng.randbytes(12)).decode() for n in range(3) if rng.random() < 0.6}
    return {
        **_labelled(rng, manifest),
        "type": "Opaque",
        "data": {"k": base64.b64encode(rng.randbytes(6)).decode(), **data},
    }


def _service(rng: random.Random, manifest: Manifest) -> Manifest:
    ports = [
        {"name": f"p{n}", "port": 80 + n, "targetPort": 8000 + rng.randrange(99)}
        for n in range(rng.randint(1, 3))
    ]
    return {**_labelled(rng, manifest), "spec": {"selector": {"app": f"a{rng.randrange(9)}"}, "ports": ports}}


def _ingress(rng: random.Random, manifest: Manifest) -> Manifest:
    backend = {"service": {"name": f"s{rng.randrange(9)}", "port": {"number": 80}}}
    return {**_labelled(rng, manifest), "spec": {"defaultBackend": backend}}


def _containers(rng: random.Random) -> list[dict[str, Any]]:
    return [
        {
            "name": f"c{n}",
            "image": f"example.com/app:{rng.randrange(9)}",
            "env": [{"name": "N", "value": str(rng.randrange(99))}],
        }
        for n in range(rng.randint(1, 2))
    ]


def _deployment(rng: random.Random, manifest: Manifest) -> Manifest:
    labels = {"app": manifest["metadata"]["name"]}
    template = {"metadata": {"labels": labels}, "spec": {"containers": _containers(rng)}}
    spec = {"replicas": rng.randrange(2), "selector": {"matchLabels": labels}, "template": template}
    return {**_labelled(rng, manifest), "spec": spec}


def _pod(rng: random.Random, manifest: Manifest) -> Manifest:
    return {**_labelled(rng, manifest), "spec": manifest.get("spec") or {"containers": _containers(rng)}}


_CONTENTS: dict[str, Callable[[random.Random, Manifest], Manifest]] = {
    "ConfigMap": _config_map,
    "Secret": _secret,
    "Service": _service,
    "Ingress": _ingress,
    "Deployment": _deployment,
    "Pod": _pod,
}
_API_VERSIONS = {"Deployment": "apps/v1", "Ingress": "networking.k8s.io/v1"}
