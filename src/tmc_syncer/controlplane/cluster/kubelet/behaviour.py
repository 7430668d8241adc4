"""How a simulated container behaves: what its pod's annotations say, as `Behaviour`.

    simulation.tmc.io/start-delay    from its turn to running; default `Pace.start`
    simulation.tmc.io/ready-delay    from running to ready, or ``never``; default `Pace.ready`
    simulation.tmc.io/stop-delay     from the deletion to its end, or ``never`` (killed after the grace period)
    simulation.tmc.io/run-for        ends by itself after this time
    simulation.tmc.io/exit-code      the code that it ends with; default 0
    simulation.tmc.io/crash-loop     ``true``: ends with code 1 soon after each start
    simulation.tmc.io/crashes        a number: ends like that so many times, then stays
    simulation.tmc.io/pull-error     ``true``: its image cannot be pulled
    simulation.tmc.io/log-line       printed every `log-interval`
    simulation.tmc.io/log-interval   default 10s; 0 prints the line once

Times are seconds (``0.5``) or as in Go (``500ms``, ``1m30s``). For one container of several: ``NAME.simulation.tmc.io/…``. An image of the
registry ``missing.simulation.tmc.io`` or with the tag ``does-not-exist`` cannot be pulled either. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tmc_syncer.controlplane.types.instants import duration_nanos

__all__ = ["NEVER", "PREFIX", "Behaviour", "Pace", "behaviour_of", "seconds"]

Object = dict[str, Any]

PREFIX = "simulation.tmc.io"
NEVER = float("inf")

MISSING_REGISTRY = f"missing.{PREFIX}/"
MISSING_TAG = ":does-not-exist"

CRASH_SECONDS = 0.1
"""How long a container of a crash loop lives: long enough to be seen running."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a kubelet is where a pod says nothing. `job`: how long the container of a Job runs without a script."""

    start: float = 0.02
    ready: float = 0.0
    stop: float = 0.02
    job: float = 0.1
    first_backoff: float = 10.0
    longest_backoff: float = 300.0
    healthy: float = 600.0
    probes: bool = False


@dataclass(frozen=True, slots=True)
class Behaviour:
    """See the module; times in seconds, `run` is None when it depends on the program."""

    start: float
    ready: float
    stop: float
    run: float | None
    exit_code: int
    crashes: float
    pullable: bool
    log_line: str
    log_interval: float


def seconds(text: str) -> float | None:
    """Read a time; None when it is none."""
    word = text.strip()
    if word == "never":
        return NEVER
    if word.replace(".", "", 1).isdigit() and word.isascii():
        return float(word)
    try:
        return max(0.0, duration_nanos(word) / 1e9)
    except ValueError:
        return None


def _said(pod: Object, container: str) -> Mapping[str, str]:
    """What the annotations say of a container; its own win over those for all."""
    annotations = pod["metadata"].get("annotations") or {}
    found: dict[str, str] = {}
    for prefix in (f"{PREFIX}/", f"{container}.{PREFIX}/"):
        found |= {
            name.removeprefix(prefix): value for name, value in annotations.items() if name.startswith(prefix)
        }
    return found


def _time(said: Mapping[str, str], name: str, default: float) -> float:
    found = seconds(said[name]) if name in said else None
    return default if found is None else found


def _number(said: Mapping[str, str], name: str, default: int) -> int:
    text = said.get(name, "")
    return int(text) if text.isdigit() else default


def behaviour_of(pod: Object, container: Object, pace: Pace) -> Behaviour:
    """The behaviour of a container of a pod."""
    said = _said(pod, container["name"])
    image = container.get("image", "")
    crashes: float = _number(said, "crashes", 0)
    if said.get("crash-loop") == "true":
        crashes = NEVER
    probe = container.get("readinessProbe") or {}
    ready = pace.ready + (probe.get("initialDelaySeconds", 0) if pace.probes else 0)
    return Behaviour(
        start=_time(said, "start-delay", pace.start),
        ready=_time(said, "ready-delay", ready),
        stop=_time(said, "stop-delay", pace.stop),
        run=seconds(said["run-for"]) if "run-for" in said else None,
        exit_code=_number(said, "exit-code", 0),
        crashes=crashes,
        pullable=said.get("pull-error") != "true"
        and not image.startswith(MISSING_REGISTRY)
        and not image.endswith(MISSING_TAG),
        log_line=said.get("log-line", ""),
        log_interval=_time(said, "log-interval", 10.0),
    )
