"""What a kubelet remembers of a pod beside its status: its runs with their logs, and when the next stages are due.

All of it can be made again: after a restart of the simulation, runs are taken up where the status says that they began. A pod is forgotten
when it is gone. `Run`s of a container are the present and the last one, as ``kubectl logs --previous`` wants them.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tmc_syncer.controlplane.cluster.kubelet.behaviour import NEVER, Behaviour, Pace, behaviour_of
from tmc_syncer.controlplane.cluster.kubelet.environment import Find, environment_of, files_of
from tmc_syncer.controlplane.cluster.kubelet.programs import Program, program_of
from tmc_syncer.controlplane.cluster.kubelet.runs import Run
from tmc_syncer.controlplane.cluster.objects.references import controller_of
from tmc_syncer.controlplane.cluster.shell.effects import Machine
from tmc_syncer.controlplane.cluster.shell.files import Files
from tmc_syncer.controlplane.types.instants import moment

__all__ = ["Memory", "Workshop"]

Object = dict[str, Any]


@dataclass(slots=True)
class Memory:
    """Of one pod. `due`: when a stage of a container happens (monotonic), by container, stage and restarts."""

    due: dict[tuple[str, str, int], float] = field(default_factory=dict)
    runs: dict[str, deque[Run]] = field(default_factory=dict)
    pulls: dict[str, int] = field(default_factory=dict)
    files: dict[str, Files] = field(default_factory=dict)
    killed: bool = False

    def run(self, container: str, *, previous: bool = False) -> Run | None:
        """The present run of a container, or the one before."""
        runs = self.runs.get(container)
        index = 1 if previous else 0
        return runs[-1 - index] if runs is not None and len(runs) > index else None


class Workshop:
    """Makes programs, machines and runs for containers. `find` reads ConfigMaps and Secrets."""

    def __init__(self, pace: Pace, find: Find) -> None:
        self.pace = pace
        self.find = find

    def behaviour(self, pod: Object, container: Object) -> Behaviour:
        """How a container behaves."""
        return behaviour_of(pod, container, self.pace)

    def machine(self, pod: Object, container: Object, files: Files | None = None) -> Machine:
        """The machine of a container; without `files` a fresh one."""
        hostname = pod["spec"].get("hostname") or pod["metadata"]["name"]
        return Machine(
            files if files is not None else self.file_system(pod, container),
            hostname,
            environment_of(pod, container, self.find),
        )

    def file_system(self, pod: Object, container: Object) -> Files:
        """The files of a container, with what is mounted."""
        hostname = pod["spec"].get("hostname") or pod["metadata"]["name"]
        return Files(hostname, lambda: files_of(pod, container, self.find))

    def program(self, pod: Object, container: Object, kind: str, restarts: int) -> Program:
        """The program of a container that has been restarted so often."""
        owner = controller_of(pod)
        default = NEVER
        if kind == "init":
            default = 0.0
        elif kind == "main" and owner is not None and owner.get("kind") == "Job":
            default = self.pace.job
        return program_of(
            container,
            self.behaviour(pod, container),
            lambda: self.machine(pod, container),
            default_seconds=default,
            runs=restarts,
        )

    def start(
        self, memory: Memory, pod: Object, container: Object, kind: str, restarts: int, now: datetime
    ) -> Run:
        """A container starts."""
        name = container["name"]
        files = memory.files[name] = self.file_system(pod, container)
        program = self.program(pod, container, kind, restarts)
        run = Run(program, self.machine(pod, container, files), now, restarts)
        memory.runs.setdefault(name, deque(maxlen=2)).append(run)
        return run

    def revive(self, memory: Memory, pod: Object, container: Object, kind: str, status: Object) -> Run | None:
        """The present run of a container that has one by its status; None when it was never started."""
        run = memory.run(container["name"])
        if run is not None:
            return run
        state = status.get("state") or {}
        shown = (
            state.get("running")
            or state.get("terminated")
            or (status.get("lastState") or {}).get("terminated")
        )
        if shown is None:
            return None
        started = moment(shown["startedAt"])
        run = self.start(memory, pod, container, kind, status.get("restartCount", 0), started)
        if "finishedAt" in shown:
            run.end(moment(shown["finishedAt"]))
        return run
