"""`PodSync`: one pod during one reconcile of its kubelet: what each stage does to its containers.

`advance` lets everything happen that is due by now, one stage after the other, and returns when the next one is; the statuses that come of
it are in `statuses`, what is to be told in `events`. Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tmc_syncer.controlplane.clock import timestamp
from tmc_syncer.controlplane.cluster.kubelet import containers
from tmc_syncer.controlplane.cluster.kubelet.behaviour import NEVER
from tmc_syncer.controlplane.cluster.kubelet.environment import missing_environment
from tmc_syncer.controlplane.cluster.kubelet.memory import Memory, Workshop
from tmc_syncer.controlplane.cluster.kubelet.podfacts import PodFacts
from tmc_syncer.controlplane.cluster.kubelet.stages import Stage, matching
from tmc_syncer.controlplane.cluster.runtime.timers import SLACK_SECONDS

__all__ = ["Happening", "PodSync"]

Object = dict[str, Any]

MAX_STAGES = 1000
"""Stages that one pod goes through in one reconcile; a table of stages that go round without delay ends here."""

STOPPED_SERVER, STOPPED_JOB, KILLED = 0, 143, 137
LOOK_AGAIN_SECONDS = 1.0
"""How often a missing ConfigMap or Secret is looked for."""


@dataclass(frozen=True, slots=True)
class Happening:
    """Something to tell in an Event: is it a warning, reason, message, and the container that it is about."""

    warning: bool
    reason: str
    message: str
    field: str


class PodSync(PodFacts):
    """See the module."""

    def __init__(
        self,
        pod: Object,
        memory: Memory,
        workshop: Workshop,
        stages: Sequence[Stage],
        now: datetime,
        clock: float,
    ) -> None:
        super().__init__(pod, memory, workshop, now)
        self.events: list[Happening] = []
        self._stages = stages
        self._clock = clock

    # Stages

    def advance(self) -> float | None:
        """Let happen what is due; the seconds until the next stage, None when none will come by itself."""
        self._tell_end()
        for _ in range(MAX_STAGES):
            under_way = self._under_way()
            self._memory.due = {key: due for key, (due, _, _) in under_way.items()}
            first = min(under_way, key=lambda key: (under_way[key][0], key), default=None)
            if first is None or under_way[first][0] > self._clock + SLACK_SECONDS:
                break
            _, name, stage = under_way[first]
            self._memory.due.pop(first)
            _DEEDS[stage.next](self, name)
        wait = min((due - self._clock for due in self._memory.due.values()), default=NEVER)
        if self._unmounted is not None and not self.ending:
            self._tell_unmounted()
            wait = min(wait, LOOK_AGAIN_SECONDS)
        elif any(containers.state_of(one) == "CreateContainerConfigError" for one in self.statuses.values()):
            wait = min(wait, LOOK_AGAIN_SECONDS)
        return None if wait == NEVER else max(0.0, wait)

    def _under_way(self) -> dict[tuple[str, str, int], tuple[float, str, Stage]]:
        found = {}
        for name in self._containers:
            count = (self.statuses.get(name) or {}).get("restartCount", 0)
            for stage, delay in matching(self._stages, self.facts(name)):
                if stage.next not in _DEEDS or delay == NEVER:
                    continue
                key = (name, stage.name, count)
                due = self._memory.due.get(key, self._clock + delay)
                # A grace period that was shortened counts from now on.
                found[key] = (min(due, self._clock + delay) if stage.delay == "stop" else due, name, stage)
        return found

    def _tell(self, warning: bool, reason: str, message: str, name: str = "") -> None:
        kind = self._containers[name][0] if name else ""
        fields = {"init": "initContainers", "sidecar": "initContainers", "debug": "ephemeralContainers"}
        field = f"spec.{fields.get(kind, 'containers')}{{{name}}}" if name else ""
        self.events.append(Happening(warning, reason, message, field))

    def _tell_end(self) -> None:
        if not self.ending or self._memory.killed:
            return
        self._memory.killed = True
        for name, status in self.statuses.items():
            if containers.state_of(status) == "running":
                self._tell(False, "Killing", f"Stopping container {name}", name)

    def _tell_unmounted(self) -> None:
        if self._unmounted is not None:
            volume, words = self._unmounted.volume, self._unmounted.words
            self._tell(True, "FailedMount", f'MountVolume.SetUp failed for volume "{volume}" : {words}')

    # Deeds

    def create(self, name: str) -> None:
        """The container gets a status."""
        kind, container = self._containers[name]
        initializing = kind == "main" and any(k in ("init", "sidecar") for k, _ in self._containers.values())
        reason = "PodInitializing" if initializing or (kind == "init" and not self._turn(name)) else ""
        self.statuses[name] = containers.made(container, reason or "ContainerCreating")

    def refuse(self, name: str) -> None:
        """Something that its environment needs is missing."""
        container = self._containers[name][1]
        missing = missing_environment(self.pod, container, self._workshop.find)
        words = "" if missing is None else missing.words
        self.statuses[name] = containers.waiting(self.statuses[name], "CreateContainerConfigError", words)
        self._tell(True, "Failed", f"Error: {words}", name)

    def fail_pull(self, name: str) -> None:
        """The image was not found."""
        image = self._containers[name][1].get("image", "")
        reference = containers.image_id(image).partition("@")[0]
        words = (
            f'rpc error: code = NotFound desc = failed to pull and unpack image "{reference}": failed to resolve '
            f"image: {reference}: not found"
        )
        self._memory.pulls[name] = self._memory.pulls.get(name, 0) + 1
        self.statuses[name] = containers.waiting(self.statuses[name], "ErrImagePull", words)
        self._tell(False, "Pulling", f'Pulling image "{image}"', name)
        self._tell(True, "Failed", f'Failed to pull image "{image}": {words}', name)
        self._tell(True, "Failed", "Error: ErrImagePull", name)

    def give_up_pulling(self, name: str) -> None:
        """Not again for a while."""
        image = self._containers[name][1].get("image", "")
        message = f'Back-off pulling image "{image}"'
        self.statuses[name] = containers.waiting(self.statuses[name], "ImagePullBackOff", message)
        self._tell(False, "BackOff", message, name)
        self._tell(True, "Failed", "Error: ImagePullBackOff", name)

    def start(self, name: str) -> None:
        """The container runs."""
        kind, container = self._containers[name]
        image = container.get("image", "")
        status = self.statuses[name]
        facts = self.facts(name)
        is_ready = kind in ("main", "sidecar") and not facts.delays["ready"]
        uid = self.pod["metadata"]["uid"]
        made = containers.running(status, container, uid, timestamp(self._now), ready=is_ready)
        self.statuses[name] = made
        self._memory.pulls.pop(name, None)
        self._workshop.start(self._memory, self.pod, container, kind, made["restartCount"], self._now)
        if container.get("imagePullPolicy") == "Always":
            self._tell(False, "Pulling", f'Pulling image "{image}"', name)
            message = (
                f'Successfully pulled image "{image}" in 1ms (1ms including waiting). Image size: 1000 bytes.'
            )
        else:
            message = f'Container image "{image}" already present on machine and can be accessed by the pod'
        self._tell(False, "Pulled", message, name)
        self._tell(False, "Created", "Container created", name)
        self._tell(False, "Started", "Container started", name)

    def become_ready(self, name: str) -> None:
        """The container is ready."""
        self.statuses[name] = {**self.statuses[name], "ready": True}

    def exit(self, name: str) -> None:
        """The program has ended."""
        run = self._memory.run(name)
        self._end(name, 0 if run is None else run.program.code)

    def replace(self, name: str) -> None:
        """Its definition has changed."""
        self._tell(False, "Killing", f"Container {name} definition changed, will be restarted", name)
        self._end(name, self._stop_code(name))

    def stop(self, name: str) -> None:
        """It is told to stop, and does."""
        self._end(name, self._stop_code(name))

    def _stop_code(self, name: str) -> int:
        behaviour = self._workshop.behaviour(self.pod, self._containers[name][1])
        grace = self.pod["metadata"].get("deletionGracePeriodSeconds")
        if grace is not None and behaviour.stop > grace:
            return KILLED
        return STOPPED_SERVER if self.pod["spec"].get("restartPolicy", "Always") == "Always" else STOPPED_JOB

    def _end(self, name: str, code: int) -> None:
        done = self._containers[name][0] == "init" and code == 0
        stamp = timestamp(self._now)
        self.statuses[name] = containers.terminated(self.statuses[name], code, stamp, ready=done)
        run = self._memory.run(name)
        if run is not None:
            run.end(self._now)

    def back_off(self, name: str) -> None:
        """Not again for a while."""
        metadata = self.pod["metadata"]
        seconds = self._backoff(self.statuses[name].get("restartCount", 0))
        minutes, rest = divmod(int(seconds), 60)
        said = f"{minutes}m{rest}s" if minutes else f"{rest}s"
        pod = f"{metadata['name']}_{metadata['namespace']}({metadata['uid']})"
        message = f"back-off {said} restarting failed container={name} pod={pod}"
        self.statuses[name] = containers.waiting(self.statuses[name], "CrashLoopBackOff", message)
        self._tell(True, "BackOff", f"Back-off restarting failed container {name} in pod {pod}", name)


_DEEDS: dict[str, Callable[[PodSync, str], None]] = {
    "created": PodSync.create,
    "refused": PodSync.refuse,
    "unpulled": PodSync.fail_pull,
    "unpulled-for-now": PodSync.give_up_pulling,
    "running": PodSync.start,
    "ready": PodSync.become_ready,
    "exited": PodSync.exit,
    "replaced": PodSync.replace,
    "stopped": PodSync.stop,
    "backing-off": PodSync.back_off,
}
