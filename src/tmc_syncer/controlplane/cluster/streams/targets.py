"""Which container a stream is for, and why it cannot be: the refusals of kube-apiserver and kubelet, in their words.

A container that is not named is the one of the annotation ``kubectl.kubernetes.io/default-container``, or the only one. `Ask` is a request for a
stream as the handlers get it, whoever took it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from tmc_syncer.controlplane.cluster.runtime.client import Client
from tmc_syncer.controlplane.server.errors import ApiError, bad_request, not_found

__all__ = ["Ask", "container_of", "must_have_node", "pod_of", "status_of", "waits"]

Object = dict[str, Any]

DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
FIELDS = ("initContainers", "containers", "ephemeralContainers")
STATUSES = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")


class _Pods:
    group, resource, kind = "", "pods", "Pod"


@dataclass(frozen=True, slots=True)
class Ask:
    """A request: of which pod, with which query (text behind the question mark)."""

    request: web.BaseRequest
    namespace: str
    name: str
    query: str
    _pairs: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value in parse_qsl(self.query, keep_blank_values=True):
            self._pairs.setdefault(name, []).append(value)

    def all(self, name: str) -> Sequence[str]:
        """All values of a parameter."""
        return self._pairs.get(name, [])

    def get(self, name: str) -> str:
        """The first value, empty when there is none."""
        return self._pairs.get(name, [""])[0]

    def flag(self, name: str) -> bool:
        """Whether a parameter is true, as Go reads it."""
        return self.get(name) in ("1", "t", "T", "true", "TRUE", "True")

    def number(self, name: str) -> int | None:
        """A whole number that is not negative. Raises `ApiError` 400."""
        text = self.get(name)
        if not text:
            return None
        if not text.isdigit() or not text.isascii():
            raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
        return int(text)


def pod_of(client: Client, ask: Ask) -> Object:
    """The pod. Raises `ApiError` 404."""
    pod = client.get("pods", ask.name, ask.namespace)
    if pod is None:
        raise not_found(_Pods, ask.name)
    return pod


def must_have_node(pod: Object) -> None:
    """Refuse what no kubelet can serve. Raises `ApiError` 400."""
    if not pod["spec"].get("nodeName"):
        raise bad_request(f"pod {pod['metadata']['name']} does not have a host assigned")


def _names(pod: Object, field_name: str) -> list[str]:
    return [container["name"] for container in pod["spec"].get(field_name) or ()]


def container_of(pod: Object, wanted: str) -> str:
    """The name of the container that is meant. Raises `ApiError` 400."""
    name = pod["metadata"]["name"]
    everything = [one for field_name in FIELDS for one in _names(pod, field_name)]
    if wanted:
        if wanted not in everything:
            raise bad_request(f"container {wanted} is not valid for pod {name}")
        return wanted
    annotated: str = (pod["metadata"].get("annotations") or {}).get(DEFAULT_CONTAINER, "")
    if annotated in everything:
        return annotated
    mains = _names(pod, "containers")
    if len(mains) == 1:
        return mains[0]
    message = f"a container name must be specified for pod {name}, choose one of: [{' '.join(mains)}]"
    if inits := _names(pod, "initContainers"):
        message += f" or one of the init containers: [{' '.join(inits)}]"
    raise bad_request(message)


def status_of(pod: Object, container: str) -> Object:
    """The status of a container, empty when it has none."""
    for field_name in STATUSES:
        for one in (pod.get("status") or {}).get(field_name) or ():
            if one["name"] == container:
                found: Object = one
                return found
    return {}


def waits(pod: Object, container: str) -> ApiError:
    """The refusal of a log that does not exist yet."""
    reason = ((status_of(pod, container).get("state") or {}).get("waiting") or {}).get("reason", "")
    why = "trying and failing to pull image" if reason in ("ErrImagePull", "ImagePullBackOff") else reason
    name = pod["metadata"]["name"]
    return bad_request(
        f'container "{container}" in pod "{name}" is waiting to start: {why or "ContainerCreating"}'
    )
