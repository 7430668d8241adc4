"""Objects and writes drawn from a seed, for asking a real kube-apiserver and our merge functions the same things.

A `Subject` is one type to try: how its objects look, which writes are tried, and what the server does to an object beside merging (the
defaults that the drawn objects can meet). `Values` draws values along an OpenAPI schema; little words make them collide often.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.unit.controlplane.merge.parcels import SPEC, STATUS, STRUCTURAL
from tmc_syncer.controlplane.merge import default, prune, schema_of, schema_of_crd
from tmc_syncer.controlplane.schema.gotypes import typed
from tmc_syncer.controlplane.schema.node import Schema

Object = dict[str, Any]

WORDS = ("a", "b", "c", "<&")
MANAGERS = ("m1", "m2", "m3", "kubectl")

# A custom type with every kind of list and map

PARCEL_CRD: Object = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "parcels.merge.example.com"},
    "spec": {
        "group": "merge.example.com",
        "scope": "Namespaced",
        "names": {"plural": "parcels", "singular": "parcel", "kind": "Parcel", "listKind": "ParcelList"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": STRUCTURAL},
            }
        ],
    },
}


class Values:
    """Values along an OpenAPI schema, and small changes of values."""

    def __init__(self, rng: random.Random, nulls: float = 0.03) -> None:
        self._rng = rng
        self._nulls = nulls

    def value(self, schema: Object, *, plain: bool = False) -> Any:
        """A value; `plain`: not null."""
        rng = self._rng
        if not plain and rng.random() < self._nulls:
            return None
        match schema.get("type"):
            case "object":
                return self._object(schema)
            case "array":
                return self._items(schema)
            case "string":
                return rng.choice(WORDS)
            case "integer":
                return rng.randrange(4)
            case "boolean":
                return rng.random() < 0.5
            case _:
                return rng.choice([1, "50%"]) if "x-kubernetes-int-or-string" in schema else self.anything()

    def anything(self, depth: int = 0) -> Any:
        """A value that no schema speaks of."""
        rng = self._rng
        if depth > 2 or rng.random() < 0.5:
            return rng.choice(["a", 1, True, 0.5, 2, False])
        if rng.random() < 0.6:
            return {rng.choice("pqr"): self.anything(depth + 1) for _ in range(rng.randrange(3))}
        return [self.anything(depth + 1) for _ in range(rng.randrange(3))]

    def _object(self, schema: Object) -> Object:
        rng = self._rng
        found = {
            name: self.value(child, plain=name in schema.get("required", ()))
            for name, child in schema.get("properties", {}).items()
            if name in schema.get("required", ()) or rng.random() < 0.35
        }
        for _ in range(rng.randrange(3)):
            if "additionalProperties" in schema:
                found[rng.choice(["k1", "k2", "a.b/c"])] = self.value(schema["additionalProperties"])
            elif schema.get("x-kubernetes-preserve-unknown-fields"):
                found[rng.choice("uv")] = self.anything()
        return found

    def _items(self, schema: Object) -> list[Any]:
        found: list[Any] = []
        seen: list[Any] = []
        for _ in range(self._rng.randrange(4)):
            item = self.value(schema["items"], plain=True)
            key = item
            if schema.get("x-kubernetes-list-type") == "map":
                for name in schema["x-kubernetes-list-map-keys"]:
                    if name in item:
                        item[name] = self.value(schema["items"]["properties"][name], plain=True)
                key = [item.get(name, "TCP") for name in schema["x-kubernetes-list-map-keys"]]
            elif schema.get("x-kubernetes-list-type") != "set":
                key = object()
            if key not in seen:
                seen.append(key)
                found.append(item)
        return found

    def changed(self, value: Any, schema: Object) -> Any:
        """The value with a few parts of it changed, added or gone."""
        rng = self._rng
        properties = schema.get("properties", {})
        if isinstance(value, dict) and properties:
            changed = dict(value)
            for name in rng.sample(list(properties), min(len(properties), 2)):
                if name in changed and name not in schema.get("required", ()) and rng.random() < 0.3:
                    del changed[name]
                elif name in changed:
                    changed[name] = self.changed(changed[name], properties[name])
                else:
                    changed[name] = self.value(properties[name])
            return changed
        if isinstance(value, list) and schema.get("x-kubernetes-list-type"):
            kept = [item for item in value if rng.random() < 0.8]
            rng.shuffle(kept)
            if kept and schema["x-kubernetes-list-type"] == "map" and rng.random() < 0.5:
                keys = schema["x-kubernetes-list-map-keys"]
                place = rng.randrange(len(kept))
                other = self.changed(kept[place], schema["items"])
                kept[place] = {**other, **{name: kept[place][name] for name in keys if name in kept[place]}}
            return kept
        return self.value(schema, plain=True)


# Built-in types: what the server fills into the objects that are drawn here


def _deployment_defaults(obj: Object) -> Object:
    spec = obj["spec"]
    for name, value in (("replicas", 1), ("revisionHistoryLimit", 10), ("progressDeadlineSeconds", 600)):
        spec.setdefault(name, value)
    strategy = spec["strategy"]
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxSurge", "25%")
        rolling.setdefault("maxUnavailable", "25%")
    pod = spec["template"]["spec"]
    pod.setdefault("securityContext", {})
    pod.setdefault("terminationGracePeriodSeconds", 30)
    for name, word in (
        ("restartPolicy", "Always"),
        ("dnsPolicy", "ClusterFirst"),
        ("schedulerName", "default-scheduler"),
    ):
        pod.setdefault(name, word)
    for container in pod.get("containers") or ():
        latest = ":" not in container.get("image", "")
        container.setdefault("imagePullPolicy", "Always" if latest else "IfNotPresent")
        container.setdefault("terminationMessagePath", "/dev/termination-log")
        container.setdefault("terminationMessagePolicy", "File")
        for port in container.get("ports", ()):
            port.setdefault("protocol", "TCP")
    for volume in pod.get("volumes", ()):
        if "configMap" in volume:
            volume["configMap"].setdefault("defaultMode", 420)
    return obj


def _service_defaults(obj: Object) -> Object:
    spec = obj["spec"]
    for name, value in (
        ("type", "ClusterIP"),
        ("sessionAffinity", "None"),
        ("internalTrafficPolicy", "Cluster"),
    ):
        spec.setdefault(name, value)
    for port in spec.get("ports", ()):
        port.setdefault("protocol", "TCP")
        if port.get("targetPort", 0) == 0:
            port["targetPort"] = port["port"]
    return obj


def _unchanged(obj: Object) -> Object:
    return obj


def _subset(rng: random.Random, items: list[Any], at_least: int = 0) -> list[Any]:
    return rng.sample(items, rng.randint(at_least, len(items)))


def _container(rng: random.Random, name: str) -> Object:
    found: Object = {"name": name, "image": rng.choice(["web:1", "web:2", "db"])}
    if rng.random() < 0.5:
        found["env"] = [{"name": name, "value": rng.choice(WORDS)} for name in _subset(rng, ["X", "Y", "Z"])]
    if rng.random() < 0.5:
        ports = [{"containerPort": 80}, {"containerPort": 80, "protocol": "UDP"}, {"containerPort": 81}]
        found["ports"] = [
            {**port, **({"name": f"p{place}"} if rng.random() < 0.3 else {})}
            for place, port in enumerate(_subset(rng, ports))
        ]
    if rng.random() < 0.4:
        found["args"] = _subset(rng, ["x", "y"])
    if rng.random() < 0.4:
        found["resources"] = {"limits": {"cpu": rng.choice(["100m", "2"])}, "requests": {"cpu": "50m"}}
    if rng.random() < 0.4:
        found["volumeMounts"] = [{"name": "cache", "mountPath": path} for path in _subset(rng, ["/a", "/b"])]
    return found


def _metadata(rng: random.Random) -> Object:
    found: Object = {}
    if rng.random() < 0.5:
        found["labels"] = {name: rng.choice(WORDS[:3]) for name in _subset(rng, ["x", "y", "z"])}
    if rng.random() < 0.3:
        found["annotations"] = {name: rng.choice(WORDS) for name in _subset(rng, ["n", "o"])}
    return found


def _deployment(rng: random.Random) -> Object:
    spec: Object = {
        "selector": {"matchLabels": {"app": "a"}},
        "template": {
            "metadata": {"labels": {"app": "a"}},
            "spec": {
                "containers": [_container(rng, name) for name in _subset(rng, ["one", "two", "six"], 1)],
                "volumes": [{"name": "cache", "emptyDir": {}}],
            },
        },
    }
    for name, values in (
        ("replicas", (0, 1, 2, None)),
        ("minReadySeconds", (0, 5)),
        ("paused", (True, False)),
    ):
        if rng.random() < 0.4:
            spec[name] = rng.choice(values)
    if rng.random() < 0.4:
        spec["strategy"] = rng.choice(
            [{"type": "Recreate"}, {"rollingUpdate": {"maxSurge": 1}}, {"type": "RollingUpdate"}]
        )
    if rng.random() < 0.3:
        spec["template"]["spec"]["nodeSelector"] = {"zone": rng.choice(WORDS[:3])}
    if rng.random() < 0.3:
        volume = {"name": "config", "configMap": {"name": rng.choice(WORDS[:3])}}
        spec["template"]["spec"]["volumes"].append(volume)
    return {"metadata": _metadata(rng), "spec": spec}


def _service(rng: random.Random) -> Object:
    ports = [
        {"name": "http", "port": 80},
        {"name": "dns", "port": 53, "protocol": "UDP", "targetPort": "dns"},
        {"name": "dns-tcp", "port": 53, "targetPort": 5353},
    ]
    spec: Object = {"ports": _subset(rng, ports, 1)}
    if rng.random() < 0.7:
        spec["selector"] = {"app": rng.choice(WORDS[:3])}
    if rng.random() < 0.3:
        spec["publishNotReadyAddresses"] = rng.random() < 0.5
    return {"metadata": _metadata(rng), "spec": spec}


def _config_map(rng: random.Random) -> Object:
    found: Object = {"metadata": _metadata(rng)}
    for name, text in (("data", "text"), ("binaryData", "YWI=")):
        if rng.random() < 0.7:
            keys = _subset(rng, [f"{name}-1", f"{name}-2", f"{name}-3"])
            found[name] = {key: rng.choice([text, "YQ=="]) for key in keys}
    return found


def _parcel(rng: random.Random) -> Object:
    values = Values(rng)
    found: Object = {"metadata": _metadata(rng), "spec": values.value(SPEC, plain=True)}
    if rng.random() < 0.3:
        found["status"] = values.value(STATUS, plain=True)
    return found


def _parcel_change(rng: random.Random, obj: Object) -> Object:
    values = Values(rng)
    found = copy.deepcopy(obj)
    found["spec"] = values.changed(obj.get("spec") or {}, SPEC)
    if rng.random() < 0.4:
        found["status"] = values.value(STATUS, plain=True)
    return found


@dataclass(frozen=True)
class Subject:
    """One type: where it is served, its schema, how an object of it is drawn and changed, what the server fills in."""

    api_version: str
    kind: str
    resource: str
    draw: Callable[[random.Random], Object]
    defaults: Callable[[Object], Object] = _unchanged
    change: Callable[[random.Random, Object], Object] | None = None
    assigned: tuple[str, ...] = ()  # fields of the spec that the server chooses
    custom: bool = False

    @property
    def schema(self) -> Schema:
        """The node of the type."""
        group, _, version = self.api_version.rpartition("/")
        if self.custom:
            return schema_of_crd(STRUCTURAL, group=group, version=version, kind=self.kind, status=True)
        found = schema_of(group, version, self.kind)
        assert found is not None
        return found

    def read(self, obj: Object, schema: Schema) -> Object:
        """The object as the server has it after reading a body or a patched object."""
        return self.complete(prune(obj, schema) if self.custom else obj, schema)

    def complete(self, obj: Object, schema: Schema) -> Object:
        """The object as the server has it after an apply: of a custom resource nothing is pruned there."""
        return default(obj, schema) if self.custom else self.defaults(copy.deepcopy(typed(obj, schema)))

    def edited(self, rng: random.Random, obj: Object) -> Object:
        """A live object as a client changes it."""
        if self.change is not None:
            return self.change(rng, obj)
        drawn, found = self.draw(rng), copy.deepcopy(obj)
        for name, value in drawn.items():
            if isinstance(value, dict):
                for key in _subset(rng, list(value)):
                    found.setdefault(name, {})[key] = value[key]
        return found


DEPLOYMENT = Subject("apps/v1", "Deployment", "deployments", _deployment, _deployment_defaults)
SERVICE = Subject(
    "v1",
    "Service",
    "services",
    _service,
    _service_defaults,
    assigned=("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"),
)
CONFIG_MAP = Subject("v1", "ConfigMap", "configmaps", _config_map)
PARCEL = Subject("merge.example.com/v1", "Parcel", "parcels", _parcel, change=_parcel_change, custom=True)

SUBJECTS = (DEPLOYMENT, SERVICE, CONFIG_MAP, PARCEL)
