"""The kubelets of all nodes, as one controller: pods that are bound to a node go through their stages.

A pod gets its first status when it is seen, an address when its first container starts, and is removed when it is being deleted and nothing
of it runs any more. Nodes that carry the annotation ``simulation.tmc.io/dead: "true"`` have no kubelet. `open` gives the
streams a container's machine and log. What happens to containers is in `podsync`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from tmc_syncer.controlplane.cluster.kubelet import containers
from tmc_syncer.controlplane.cluster.kubelet.addresses import Addresses
from tmc_syncer.controlplane.cluster.kubelet.behaviour import PREFIX, Pace
from tmc_syncer.controlplane.cluster.kubelet.memory import Memory, Workshop
from tmc_syncer.controlplane.cluster.kubelet.nodes import NODE_RANGE
from tmc_syncer.controlplane.cluster.kubelet.podstatus import conditions_of, is_sidecar, phase_of
from tmc_syncer.controlplane.cluster.kubelet.podsync import PodSync
from tmc_syncer.controlplane.cluster.kubelet.runs import Run
from tmc_syncer.controlplane.cluster.kubelet.stages import STAGES, Stage
from tmc_syncer.controlplane.cluster.objects import pods
from tmc_syncer.controlplane.cluster.runtime.client import Key, key_of
from tmc_syncer.controlplane.cluster.runtime.controller import Source
from tmc_syncer.controlplane.cluster.runtime.recorder import NORMAL, WARNING, Recorder
from tmc_syncer.controlplane.cluster.runtime.world import World
from tmc_syncer.controlplane.cluster.shell.effects import Machine
from tmc_syncer.controlplane.cluster.workloads.names import NODES, PODS

__all__ = ["DEAD", "Kubelet"]

Object = dict[str, Any]

DEAD = f"{PREFIX}/dead"
MANAGER = "kubelet"


class Kubelet:
    """See the module."""

    name = "kubelet"
    needs: tuple[str, ...] = ()

    def __init__(
        self, world: World, recorder: Recorder, pace: Pace, stages: Sequence[Stage] = STAGES
    ) -> None:
        self._world = world
        self._recorder = recorder
        self._stages = stages
        self._memories: dict[str, Memory] = {}
        self._addresses: dict[str, Addresses] = {}
        self._workshop = Workshop(
            pace, lambda resource, namespace, name: world.fresh(resource, (namespace, name))
        )
        self.sources = (Source(PODS, self._of_pod), Source(NODES, self._of_node))
        self.poke: Callable[[Key], None] = lambda _: None
        """Set by whoever runs it: makes it look at a pod."""

    def _of_pod(self, pod: Object) -> Iterable[Key]:
        uid = pod["metadata"]["uid"]
        if self._world.view(PODS).by_uid(uid) is None:
            self._memories.pop(uid, None)
        return (key_of(pod),) if pod["spec"].get("nodeName") else ()

    def _of_node(self, node: Object) -> Iterable[Key]:
        return map(key_of, self._world.view(PODS).on_node(node["metadata"]["name"]))

    def _memory(self, pod: Object) -> Memory:
        return self._memories.setdefault(pod["metadata"]["uid"], Memory())

    # The work

    def reconcile(self, key: Key) -> float | None:
        """One look at one pod."""
        pod = self._world.view(PODS).get(key)
        if pod is None or not (node := self._node(pod)):
            return None
        metadata = pod["metadata"]
        ending = "deletionTimestamp" in metadata
        if pods.terminal(pod) and not ending:
            return None
        memory = self._memory(pod)
        sync = PodSync(
            pod, memory, self._workshop, self._stages, self._world.now(), self._world.clock.monotonic()
        )
        wait = sync.advance() if not pods.terminal(pod) else None
        if not pods.terminal(pod):
            pod = self._write(pod, node, sync) or pod
        host = node["metadata"]["name"]
        for event in sync.events:
            level = WARNING if event.warning else NORMAL
            self._recorder.tell(
                self.name, pod, level, event.reason, event.message, field=event.field, host=host
            )
        running = any(containers.state_of(status) == "running" for status in sync.statuses.values())
        if ending and (pods.terminal(pod) or not running) and metadata.get("deletionGracePeriodSeconds"):
            self._world.delete(PODS, pod, grace_seconds=0)
            return None
        return wait

    def _node(self, pod: Object) -> Object | None:
        """The pod's node, None when it has none with a kubelet."""
        node = self._world.view(NODES).get(("", pod["spec"].get("nodeName", "")))
        if node is None or (node["metadata"].get("annotations") or {}).get(DEAD) == "true":
            return None
        return node

    # Status

    def _write(self, pod: Object, node: Object, sync: PodSync) -> Object | None:
        status = self._status(pod, node, sync)
        if status == (pod.get("status") or {}):
            return None
        return self._world.set_status(PODS, pod, status, MANAGER)

    def _status(self, pod: Object, node: Object, sync: PodSync) -> Object:
        spec, status = pod["spec"], dict(pod.get("status") or {})
        now = self._world.stamp()
        host = _address(node)
        status.setdefault("startTime", now)
        if host:
            status.setdefault("hostIP", host)
            status.setdefault("hostIPs", [{"ip": host}])
        started = any(_has_run(one) for one in sync.statuses.values())
        if started and "podIP" not in status:
            status["podIP"] = host if spec.get("hostNetwork") and host else self._give(node)
            status["podIPs"] = [{"ip": status["podIP"]}]
        status["phase"] = phase_of(spec, sync.statuses, ending=sync.ending)
        if sync.ending and not any(containers.state_of(one) == "running" for one in sync.statuses.values()):
            # What never ran is as good as failed; the pod goes in a moment.
            status["phase"] = "Failed" if status["phase"] == "Pending" else status["phase"]
        status["conditions"] = conditions_of(pod, sync.statuses, status["phase"], now)
        for field, shown in (
            ("initContainers", "initContainerStatuses"),
            ("containers", "containerStatuses"),
            ("ephemeralContainers", "ephemeralContainerStatuses"),
        ):
            names = [container["name"] for container in spec.get(field) or ()]
            listed = [sync.statuses[name] for name in names if name in sync.statuses]
            if listed:
                status[shown] = (
                    listed if field == "initContainers" else sorted(listed, key=lambda s: s["name"])
                )
        if generation := pod["metadata"].get("generation"):
            status["observedGeneration"] = generation
        return status

    def _give(self, node: Object) -> str:
        name = node["metadata"]["name"]
        present = self._world.view(PODS).on_node(name)
        taken = {(pod.get("status") or {}).get("podIP", "") for pod in present}
        taken.discard("")
        if name not in self._addresses:
            pod_range = (node.get("spec") or {}).get("podCIDR") or NODE_RANGE
            self._addresses[name] = Addresses(pod_range, taken)
        return self._addresses[name].give(taken)

    # For the streams

    def open(self, pod: Object, name: str) -> tuple[Object, Machine, Run] | None:
        """A container of a pod with its machine and its run; None when it does not run (or never did)."""
        found = self._container(pod, name)
        status = _status_of(pod, name)
        if found is None or status is None:
            return None
        kind, container = found
        memory = self._memory(pod)
        run = self._workshop.revive(memory, pod, container, kind, status)
        if run is None:
            return None
        files = memory.files.setdefault(name, self._workshop.file_system(pod, container))
        machine = self._workshop.machine(pod, container, files)
        machine.now = self._world.now
        return container, machine, run

    def previous(self, pod: Object, name: str) -> Run | None:
        """The run of a container before the present one."""
        memory = self._memory(pod)
        return memory.run(name, previous=True)

    def finish(self, pod: Object, name: str, code: int) -> None:
        """The program of a container ends now, with this code: what was attached to it has ended."""
        opened = self.open(pod, name)
        if opened is None or opened[2].ended is not None:
            return
        run = opened[2]
        lived = max(0.0, (self._world.now() - run.started).total_seconds())
        run.program = replace(run.program, seconds=lived, code=code)
        # The stage was due never; it is due now.
        memory = self._memory(pod)
        memory.due = {key: due for key, due in memory.due.items() if key[0] != name}
        self.poke(key_of(pod))

    @staticmethod
    def _container(pod: Object, name: str) -> tuple[str, Object] | None:
        for field, kind in (
            ("initContainers", "init"),
            ("containers", "main"),
            ("ephemeralContainers", "debug"),
        ):
            for container in pod["spec"].get(field) or ():
                if container["name"] == name:
                    return "sidecar" if kind == "init" and is_sidecar(container) else kind, container
        return None


def _status_of(pod: Object, name: str) -> Object | None:
    status = pod.get("status") or {}
    for field in ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"):
        for one in status.get(field) or ():
            if one["name"] == name:
                found: Object = one
                return found
    return None


def _has_run(status: Object) -> bool:
    return containers.state_of(status) == "running" or containers.exit_code(status) >= 0


def _address(node: Object) -> str:
    for entry in (node.get("status") or {}).get("addresses") or ():
        if entry.get("type") == "InternalIP":
            return str(entry["address"])
    return ""
