"""One manifest of every kind that a workload needs, by a short id: ``SAMPLES["configmap"](namespace, name)``.

Each carries a label and an annotation of its user. Manifests are as a user writes them; what servers add is their
business. A test that needs another content changes the dictionary that it gets.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from functools import partial
from typing import Any

Manifest = dict[str, Any]
Sample = Callable[[str, str], Manifest]

ANNOTATION = ("example.com/note", "kept")


def manifest(api_version: str, kind: str, namespace: str, name: str, **fields: Any) -> Manifest:
    """Any object with a label and an annotation."""
    metadata = {
        "name": name,
        "namespace": namespace,
        "labels": {"app": name, "team": "blue"},
        "annotations": dict([ANNOTATION]),
    }
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def template(name: str, **spec: Any) -> Manifest:
    """A pod template."""
    container = {"name": "main", "image": "example.com/main:1"}
    return {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container], **spec}}


def _selector(name: str) -> Manifest:
    return {"matchLabels": {"app": name}}


def _deployment(namespace: str, name: str) -> Manifest:
    spec = {"replicas": 2, "selector": _selector(name), "template": template(name)}
    return manifest("apps/v1", "Deployment", namespace, name, spec=spec)


def _pod(namespace: str, name: str) -> Manifest:
    return manifest("v1", "Pod", namespace, name, spec=template(name)["spec"])


def _stateful_set(namespace: str, name: str) -> Manifest:
    spec = {"replicas": 1, "serviceName": name, "selector": _selector(name), "template": template(name)}
    return manifest("apps/v1", "StatefulSet", namespace, name, spec=spec)


def _daemon_set(namespace: str, name: str) -> Manifest:
    spec = {"selector": _selector(name), "template": template(name)}
    return manifest("apps/v1", "DaemonSet", namespace, name, spec=spec)


def _job(namespace: str, name: str) -> Manifest:
    # Suspended, and then pending until a node carries the label: a test decides how far it gets.
    spec = {
        "suspend": True,
        "template": template(name, restartPolicy="Never", nodeSelector={"example.com/jobs": "allowed"}),
    }
    return manifest("batch/v1", "Job", namespace, name, spec=spec)


def _cron_job(namespace: str, name: str) -> Manifest:
    job = {"spec": {"template": template(name, restartPolicy="Never")}}
    return manifest(
        "batch/v1", "CronJob", namespace, name, spec={"schedule": "* * * * *", "jobTemplate": job}
    )


def _service(namespace: str, name: str, **spec: Any) -> Manifest:
    ports = [{"name": "web", "port": 80, "targetPort": 8080}, {"name": "dns", "port": 53, "protocol": "UDP"}]
    return manifest(
        "v1", "Service", namespace, name, spec={"selector": {"app": name}, "ports": ports, **spec}
    )


def _config_map(namespace: str, name: str) -> Manifest:
    return manifest("v1", "ConfigMap", namespace, name, data={"colour": "green"}, binaryData={"raw": "AAEC"})


def _secret(namespace: str, name: str, *, kind: str, **data: str) -> Manifest:
    encoded = {
        key.replace("_", "."): base64.b64encode(value.encode()).decode() for key, value in data.items()
    }
    return manifest("v1", "Secret", namespace, name, type=kind, data=encoded)


def _service_account(namespace: str, name: str) -> Manifest:
    return manifest("v1", "ServiceAccount", namespace, name, imagePullSecrets=[{"name": "pull"}])


def _claim(namespace: str, name: str) -> Manifest:
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
        "storageClassName": "by-hand",
    }
    return manifest("v1", "PersistentVolumeClaim", namespace, name, spec=spec)


def _ingress(namespace: str, name: str) -> Manifest:
    backend = {"service": {"name": "service", "port": {"name": "web"}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    rules = [{"host": f"{name}.example.com", "http": {"paths": [path]}}]
    return manifest("networking.k8s.io/v1", "Ingress", namespace, name, spec={"rules": rules})


def _network_policy(namespace: str, name: str) -> Manifest:
    rule = {"from": [{"podSelector": _selector(name)}, {"namespaceSelector": {}}]}
    spec = {"podSelector": _selector(name), "policyTypes": ["Ingress"], "ingress": [rule]}
    return manifest("networking.k8s.io/v1", "NetworkPolicy", namespace, name, spec=spec)


def _autoscaler(namespace: str, name: str) -> Manifest:
    # Its target does not exist: the controller downstream says so once and leaves the numbers to the test.
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "nobody"}
    return manifest(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        namespace,
        name,
        spec={"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 9},
    )


def _budget(namespace: str, name: str) -> Manifest:
    spec = {"minAvailable": 1, "selector": _selector("deployment")}
    return manifest("policy/v1", "PodDisruptionBudget", namespace, name, spec=spec)


def _custom(namespace: str, name: str, *, kind: str) -> Manifest:
    return manifest(
        "example.com/v1", kind, namespace, name, spec={"colour": "green", "parts": [{"id": 1}], "none": {}}
    )


SAMPLES: dict[str, Sample] = {
    "deployment": _deployment,
    "pod": _pod,
    "statefulset": _stateful_set,
    "daemonset": _daemon_set,
    "job": _job,
    "cronjob": _cron_job,
    "service": _service,
    "headless-service": partial(_service, clusterIP="None"),
    "loadbalancer": partial(_service, type="LoadBalancer"),
    "configmap": _config_map,
    "secret": partial(_secret, kind="Opaque", password="not so secret"),
    "docker-secret": partial(
        _secret,
        kind="kubernetes.io/dockerconfigjson",
        _dockerconfigjson=json.dumps({"auths": {"registry.example.com": {"auth": "YTpi"}}}),
    ),
    "tls-secret": partial(_secret, kind="kubernetes.io/tls", tls_crt="a certificate", tls_key="a key"),
    "serviceaccount": _service_account,
    "claim": _claim,
    "ingress": _ingress,
    "networkpolicy": _network_policy,
    "autoscaler": _autoscaler,
    "budget": _budget,
    "custom": partial(_custom, kind="Widget"),
    "custom-without-status": partial(_custom, kind="Gadget"),
}
