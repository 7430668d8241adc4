"""The objects of the benchmark: seeded, diverse, 1 to 12 KB, of the kinds that workspaces are full of.

Half of them are Deployments (with zero replicas, so that the cluster's own work stays small, but their controller
writes a status), the rest ConfigMaps, Secrets and Services. The same seed gives the same objects.
"""

from __future__ import annotations

import base64
import random
from typing import Any

Object = dict[str, Any]

KINDS = ("Deployment", "Deployment", "Deployment", "ConfigMap", "Secret", "Service")
PLURALS = {
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "Secret": "/api/v1/namespaces/{}/secrets",
    "Service": "/api/v1/namespaces/{}/services",
}


def generate(count: int, namespace: str, seed: int = 1) -> list[Object]:
    """`count` objects of one namespace."""
    rng = random.Random(seed)
    return [
        _object(rng, KINDS[number % len(KINDS)], namespace, f"item-{number:05}") for number in range(count)
    ]


def path(obj: Object) -> str:
    """Where an object stands on a server."""
    return f"{PLURALS[obj['kind']].format(obj['metadata']['namespace'])}/{obj['metadata']['name']}"


def _object(rng: random.Random, kind: str, namespace: str, name: str) -> Object:
    meta: Object = {"name": name, "namespace": namespace, "labels": {"app": name, "tier": rng.choice("abc")}}
    size = rng.choice((1_000, 2_000, 4_000, 12_000))
    match kind:
        case "Deployment":
            return {
                "apiVersion": "apps/v1",
                "kind": kind,
                "metadata": meta,
                "spec": _deployment(rng, name, size),
            }
        case "ConfigMap":
            return {"apiVersion": "v1", "kind": kind, "metadata": meta, "data": {"text": _text(rng, size)}}
        case "Secret":
            data = base64.b64encode(rng.randbytes(size * 3 // 4)).decode()
            return {
                "apiVersion": "v1",
                "kind": kind,
                "metadata": meta,
                "type": "Opaque",
                "data": {"key": data},
            }
        case _:
            ports = [{"name": "http", "port": 80, "targetPort": 8080}]
            return {
                "apiVersion": "v1",
                "kind": kind,
                "metadata": meta,
                "spec": {"selector": {"app": name}, "ports": ports},
            }


def _deployment(rng: random.Random, name: str, size: int) -> Object:
    containers = [
        {
            "name": f"c{number}",
            "image": f"registry.example/{name}:{number}",
            "env": [{"name": f"E{i}", "value": _text(rng, 40)} for i in range(size // 300)],
            "ports": [{"containerPort": 8080 + number}],
            "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
        }
        for number in range(1 + rng.randrange(2))
    ]
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": containers}}
    return {"replicas": 0, "selector": {"matchLabels": {"app": name}}, "template": template}


def _text(rng: random.Random, size: int) -> str:
    return "".join(rng.choices("abcdefghijklmnopqrstuvwxyz ", k=size)).strip()
