"""What happens to a container, as data: `STAGES`, each with a selector, the next state, and a delay.

A selector names facts about the container (`Facts`) and the values that they must have; all stages that match are under way at once, and
the one whose delay is over first happens. So a container that is running and not ready and will end by itself becomes ready or
ends, whichever comes first. Delays are named and looked up in the facts; ``inf`` means never. Other stages can be given
instead: a kubelet that never starts anything is a table without ``start``. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["STAGES", "Facts", "Stage", "matching"]

Value = str | bool


@dataclass(frozen=True, slots=True)
class Facts:
    """A container at this moment. `values` for selectors, `delays` in seconds by name.

    | fact | is |
    |---|---|
    | kind | ``init``, ``sidecar``, ``main`` or ``debug`` |
    | state | ``absent``, ``running``, ``terminated``, or the reason for which it waits |
    | turn | whether everything before it is done |
    | ready, pullable, ending | as they say; ending: the pod is being deleted |
    | again | whether it is to be started again after its end |
    | calm | whether it may be started again at once (it has not failed before, or ran long) |
    | mounted | whether the ConfigMaps and Secrets of its pod's volumes are there |
    | complete | whether those of its own environment are |
    | outdated | whether it runs another image than the pod says |
    """

    values: Mapping[str, Value]
    delays: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stage:
    """See the module."""

    name: str
    when: Mapping[str, Collection[Value]]
    next: str
    delay: str = "none"

    def matches(self, facts: Facts) -> bool:
        """Whether a container is in this stage."""
        return all(facts.values.get(fact) in allowed for fact, allowed in self.when.items())


WAITING = ("ContainerCreating", "PodInitializing", "CreateContainerConfigError")
UNPULLED = ("ErrImagePull", "ImagePullBackOff")
YES, NO = (True,), (False,)

STAGES: tuple[Stage, ...] = (
    Stage("create", {"state": ("absent",), "ending": NO}, "created"),
    Stage(
        "refuse",
        {
            "state": ("ContainerCreating", "PodInitializing"),
            "turn": YES,
            "pullable": YES,
            "mounted": YES,
            "complete": NO,
            "ending": NO,
        },
        "refused",
        "start",
    ),
    Stage(
        "pull",
        {"state": WAITING, "turn": YES, "pullable": NO, "mounted": YES, "ending": NO},
        "unpulled",
        "start",
    ),
    Stage(
        "start",
        {
            "state": WAITING,
            "turn": YES,
            "pullable": YES,
            "mounted": YES,
            "complete": YES,
            "ending": NO,
        },
        "running",
        "start",
    ),
    Stage(
        "give-up-pulling",
        {"state": ("ErrImagePull",), "pullable": NO, "ending": NO},
        "unpulled-for-now",
        "pause",
    ),
    Stage("pull-again", {"state": ("ImagePullBackOff",), "pullable": NO, "ending": NO}, "unpulled", "pull"),
    Stage(
        "start-pulled",
        {"state": UNPULLED, "pullable": YES, "complete": YES, "ending": NO},
        "running",
        "start",
    ),
    Stage(
        "ready",
        {"state": ("running",), "ready": NO, "kind": ("main", "sidecar"), "ending": NO},
        "ready",
        "ready",
    ),
    Stage("exit", {"state": ("running",)}, "exited", "run"),
    Stage("replace", {"state": ("running",), "outdated": YES, "ending": NO}, "replaced", "stop"),
    Stage("restart", {"state": ("terminated",), "again": YES, "calm": YES, "ending": NO}, "running"),
    Stage(
        "back-off", {"state": ("terminated",), "again": YES, "calm": NO, "ending": NO}, "backing-off", "pause"
    ),
    Stage("restart-later", {"state": ("CrashLoopBackOff",), "ending": NO}, "running", "backoff"),
    Stage("stop", {"state": ("running",), "ending": YES}, "stopped", "stop"),
)


def matching(stages: Sequence[Stage], facts: Facts) -> Iterable[tuple[Stage, float]]:
    """The stages that a container is in, with their delays."""
    for stage in stages:
        if stage.matches(facts):
            yield stage, facts.delays.get(stage.delay, 0.0)
