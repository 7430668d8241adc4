"""The pods of a StatefulSet by their numbers: names, identity, volumes, and the claims that they use.

Pod ``db-2`` is the third of set ``db``, its claim for template ``data`` is ``data-db-2``. `new_pod` makes a pod of the revision
that its number is to have: while a rollout runs, low numbers keep the current revision. Source:
``pkg/controller/statefulset/stateful_set_utils.go``. Pure.
"""

from __future__ import annotations

import re
from typing import Any

from tmc_syncer.controlplane.cluster.objects.pods import from_template
from tmc_syncer.controlplane.cluster.objects.references import controller_reference
from tmc_syncer.controlplane.cluster.workloads.revisions import REVISION_LABEL, template_of

__all__ = [
    "claim_name",
    "claims_of",
    "has_identity",
    "has_storage",
    "is_member",
    "new_pod",
    "ordinal_of",
    "repaired",
    "replicas_of",
    "start_of",
]

Object = dict[str, Any]

NAME_LABEL = "statefulset.kubernetes.io/pod-name"
INDEX_LABEL = "apps.kubernetes.io/pod-index"

_NAME = re.compile(r"(.*)-([0-9]+)")


def ordinal_of(pod: Object) -> int:
    """The number in the name, -1 when there is none."""
    found = _NAME.fullmatch(pod["metadata"]["name"])
    return -1 if found is None else int(found[2])


def is_member(owner: Object, pod: Object) -> bool:
    """Whether the name is one of the set's."""
    found = _NAME.fullmatch(pod["metadata"]["name"])
    return found is not None and found[1] == owner["metadata"]["name"]


def start_of(owner: Object) -> int:
    """The first number."""
    return int((owner["spec"].get("ordinals") or {}).get("start", 0))


def replicas_of(owner: Object) -> int:
    """How many pods are wanted."""
    return int(owner["spec"].get("replicas", 1))


def claim_name(owner: Object, template: Object, ordinal: int) -> str:
    """The name of a claim."""
    return f"{template['metadata']['name']}-{owner['metadata']['name']}-{ordinal}"


def claims_of(owner: Object, ordinal: int) -> dict[str, Object]:
    """The claims of a pod, by the name of their template."""
    selector = owner["spec"].get("selector") or {}
    found: dict[str, Object] = {}
    for template in owner["spec"].get("volumeClaimTemplates") or ():
        source = template["metadata"]
        metadata: Object = {
            "name": claim_name(owner, template, ordinal),
            "namespace": owner["metadata"]["namespace"],
            "labels": {**(source.get("labels") or {}), **(selector.get("matchLabels") or {})},
        }
        if source.get("annotations"):
            metadata["annotations"] = dict(source["annotations"])
        found[source["name"]] = {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": metadata,
            "spec": template["spec"],
        }
    return found


def new_pod(owner: Object, current: Object, update: Object, ordinal: int) -> Object:
    """The pod of a number, of the current or of the update revision."""
    strategy = owner["spec"].get("updateStrategy") or {}
    rolling = strategy.get("rollingUpdate")
    if strategy.get("type") == "RollingUpdate" and rolling is None:
        keeps = ordinal < start_of(owner) + (owner.get("status") or {}).get("currentReplicas", 0)
    else:
        keeps = rolling is not None and ordinal < start_of(owner) + rolling.get("partition", 0)
    revision = current if keeps else update
    pod = from_template(template_of(revision), owner, controller_reference(owner))
    metadata = pod["metadata"]
    metadata["name"] = f"{owner['metadata']['name']}-{ordinal}"
    metadata["labels"] = {**metadata.get("labels", {}), REVISION_LABEL: revision["metadata"]["name"]}
    pod["spec"] = {
        **pod["spec"],
        "hostname": metadata["name"],
        "subdomain": owner["spec"].get("serviceName", ""),
    }
    if not pod["spec"]["subdomain"]:
        del pod["spec"]["subdomain"]
    return repaired(owner, pod)


def has_identity(owner: Object, pod: Object) -> bool:
    """Whether name and label are what they should be."""
    metadata = pod["metadata"]
    return is_member(owner, pod) and (metadata.get("labels") or {}).get(NAME_LABEL) == metadata["name"]


def has_storage(owner: Object, pod: Object) -> bool:
    """Whether its volumes use its claims."""
    volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes") or ()}
    return all(
        (volumes.get(name, {}).get("persistentVolumeClaim") or {}).get("claimName")
        == claim["metadata"]["name"]
        for name, claim in claims_of(owner, ordinal_of(pod)).items()
    )


def repaired(owner: Object, pod: Object) -> Object:
    """The pod with the labels and volumes of its number."""
    ordinal = ordinal_of(pod)
    metadata = dict(pod["metadata"])
    metadata["labels"] = {
        **(metadata.get("labels") or {}),
        NAME_LABEL: metadata["name"],
        INDEX_LABEL: str(ordinal),
    }
    claims = claims_of(owner, ordinal)
    spec = pod["spec"]
    if claims:
        volumes = [
            {"name": name, "persistentVolumeClaim": {"claimName": claim["metadata"]["name"]}}
            for name, claim in claims.items()
        ]
        volumes += [volume for volume in spec.get("volumes") or () if volume["name"] not in claims]
        spec = {**spec, "volumes": volumes}
    return {**pod, "metadata": metadata, "spec": spec}
