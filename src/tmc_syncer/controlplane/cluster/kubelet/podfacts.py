"""`PodFacts`: a pod as its kubelet sees it: which containers it has, and the facts about each that stages select by.

See the table in `stages.Facts`. Statuses are those of the pod's status, and change while the pod goes through its stages. Nothing is
decided here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tmc_syncer.controlplane.cluster.kubelet import containers
from tmc_syncer.controlplane.cluster.kubelet.behaviour import NEVER
from tmc_syncer.controlplane.cluster.kubelet.environment import missing_environment, missing_volume
from tmc_syncer.controlplane.cluster.kubelet.memory import Memory, Workshop
from tmc_syncer.controlplane.cluster.kubelet.podstatus import is_sidecar, restarts
from tmc_syncer.controlplane.cluster.kubelet.stages import Facts
from tmc_syncer.controlplane.types.instants import moment

__all__ = ["PodFacts"]

Object = dict[str, Any]


class PodFacts:
    """See the module. `ending`: the pod is being deleted."""

    def __init__(
        self,
        pod: Object,
        memory: Memory,
        workshop: Workshop,
        now: datetime,
    ) -> None:
        self.pod = pod
        self._memory = memory
        self._workshop = workshop
        self._now = now
        spec, status = pod["spec"], pod.get("status") or {}
        self._containers: dict[str, tuple[str, Object]] = {}
        for field, kind in (
            ("initContainers", "init"),
            ("containers", "main"),
            ("ephemeralContainers", "debug"),
        ):
            for container in spec.get(field) or ():
                shown = "sidecar" if kind == "init" and is_sidecar(container) else kind
                self._containers[container["name"]] = (shown, container)
        listed = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")
        self.statuses: dict[str, Object] = {
            one["name"]: one for field in listed for one in status.get(field) or ()
        }
        self.ending = "deletionTimestamp" in pod["metadata"]
        self._unmounted = missing_volume(pod, workshop.find)

    # Facts

    def _turn(self, name: str) -> bool:
        for other, (kind, _) in self._containers.items():
            if other == name:
                return True
            if kind == "init" and not self._succeeded(other):
                return False
            if kind == "sidecar" and containers.state_of(self.statuses.get(other)) != "running":
                return False
            if kind == "main":
                return True
        return True

    def _succeeded(self, name: str) -> bool:
        status = self.statuses.get(name)
        return containers.state_of(status) == "terminated" and containers.exit_code(status or {}) == 0

    def _mains_are_over(self) -> bool:
        for name, (kind, container) in self._containers.items():
            if kind != "main":
                continue
            status = self.statuses.get(name) or {}
            if containers.state_of(status) != "terminated":
                return False
            if restarts(self.pod["spec"], container, containers.exit_code(status)):
                return False
        return True

    def facts(self, name: str) -> Facts:
        """A container at this moment."""
        kind, container = self._containers[name]
        status = self.statuses.get(name)
        behaviour = self._workshop.behaviour(self.pod, container)
        state = containers.state_of(status)
        shown = status or {}
        count = shown.get("restartCount", 0)
        code = containers.exit_code(shown)
        again = code >= 0 and restarts(self.pod["spec"], container, code) and kind != "debug"
        if kind == "init" and code == 0:
            again = False
        ending = self.ending or (kind == "sidecar" and self._mains_are_over())
        grace = self.pod["metadata"].get("deletionGracePeriodSeconds")
        pace = self._workshop.pace
        values: dict[str, str | bool] = {
            "kind": kind,
            "state": state,
            "turn": self._turn(name),
            "ready": bool(shown.get("ready")),
            "pullable": behaviour.pullable,
            "ending": ending,
            "again": again,
            "calm": count == 0 or self._lasted(shown) >= pace.healthy,
            "mounted": self._unmounted is None,
            "complete": missing_environment(self.pod, container, self._workshop.find) is None,
            "outdated": state == "running" and shown.get("image") != container.get("image", ""),
        }
        delays = {
            "start": behaviour.start,
            "ready": behaviour.ready,
            "stop": behaviour.stop if grace is None else min(behaviour.stop, grace),
            "run": self._left(name, status) if state == "running" else NEVER,
            "pause": 0.05,
            "pull": self._backoff(self._memory.pulls.get(name, 1)),
            "backoff": self._backoff(count),
        }
        return Facts(values, delays)

    def _backoff(self, count: int) -> float:
        pace = self._workshop.pace
        return float(min(pace.first_backoff * 2.0 ** min(max(count - 1, 0), 16), pace.longest_backoff))

    @staticmethod
    def _lasted(status: Object) -> float:
        ended = (status.get("state") or {}).get("terminated") or {}
        if "startedAt" not in ended:
            return 0.0
        return (moment(ended["finishedAt"]) - moment(ended["startedAt"])).total_seconds()

    def _left(self, name: str, status: Object | None) -> float:
        kind, container = self._containers[name]
        run = self._workshop.revive(self._memory, self.pod, container, kind, status or {})
        if run is None:
            return NEVER
        return max(0.0, run.program.seconds - (self._now - run.started).total_seconds())
