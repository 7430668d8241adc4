"""`tmc demo`: the main job on real servers, with an app that runs, and things to try.

Everything stands below one temporary folder and on loopback; Ctrl-C stops and removes it. Where the servers of
the test bed are not built, one sentence says so (exit 2). When the app is not running in time the logs are kept
and named (exit 1).
"""

from __future__ import annotations

import shutil
import signal
import sys
import threading
from types import FrameType
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from tmc_syncer.api.errors import TmcError, UsageError
from tmc_syncer.cli.output import Cell, Table, print_table, say
from tmc_syncer.engine.env import SystemClock

if TYPE_CHECKING:
    from tmc_syncer.cli.demo_world import DemoWorld, Line

__all__ = ["DemoError", "demo"]

READY_SECONDS = 60.0
LOOK_SECONDS = 0.25


class DemoError(TmcError):
    """A part of the demo did not start, or the app does not run."""

    code = "TMC-034"


def demo(
    *,
    exit_when_ready: Annotated[
        bool, Parameter(negative=(), help="End, and clean up, as soon as the app runs.")
    ] = False,
) -> int:
    """Try it: two real clusters on this machine, and an app that runs."""
    try:
        from tmc_syncer.cli.demo_world import DemoWorld
        from tmc_syncer.testing.errors import AssetsMissing, TestBedError
    except ImportError as error:
        raise UsageError(
            f"The demo needs the test bed, which is not installed ({error.name} is missing).",
            hint="Run `make testbed` and `make demo` in a clone of the repository.",
        ) from error
    clock = SystemClock()
    started = clock.monotonic()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        world = DemoWorld(say)
    except AssetsMissing as error:
        raise UsageError(
            "The demo runs on the servers of the test bed, and they are not built.", hint=f"{error}"
        ) from error
    try:
        with world:
            _wait_for_app(world, clock)
            say(f"Ready after {clock.monotonic() - started:.0f} s.")
            if not exit_when_ready:
                _explain(world)
                threading.Event().wait()
    except KeyboardInterrupt:
        say("Stopped; everything is removed.")
        return 0
    except TestBedError as error:
        raise DemoError(
            str(error).splitlines()[0], hint="Run it again with --debug to see the server's log."
        ) from error
    return 0


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _wait_for_app(world: DemoWorld, clock: SystemClock) -> None:
    deadline = clock.monotonic() + READY_SECONDS
    view = _View()
    turn = threading.Event()
    with view:
        while True:
            lines = world.lines()
            view.show(lines)
            if all(line.done for line in lines):
                return
            if clock.monotonic() > deadline or not world.agent.running:
                world.keep_files = True
                raise DemoError(
                    f"The app does not run after {READY_SECONDS:g} s.",
                    hint=f"See the logs below {world.directory}.",
                )
            turn.wait(LOOK_SECONDS)


class _View:
    """The table while it changes: redrawn in place on a terminal, a line for each change elsewhere."""

    def __init__(self) -> None:
        self._terminal = sys.stdout.isatty()
        self._shown: dict[str, Line] = {}
        self._drawn = 0

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        if not self._terminal:
            print_table(_table(list(self._shown.values())))

    def show(self, lines: list[Line]) -> None:
        if self._terminal:
            if self._drawn:
                sys.stdout.write(f"\x1b[{self._drawn}A\x1b[J")
            print_table(_table(lines))
            sys.stdout.flush()
            self._drawn = len(lines) + 1
            return
        for line in lines:
            if self._shown.get(line.what) != line:
                self._shown[line.what] = line
                if line.done:
                    say(f"  {line.what}: {line.upstream}; {line.downstream}")


def _table(lines: list[Line]) -> Table:
    rows: list[list[str | Cell]] = [
        [line.what, line.upstream, Cell(line.downstream, "good" if line.done else "warn")] for line in lines
    ]
    return Table(("APP", "UPSTREAM (workspace-demo)", "ON THE CLUSTER (cluster-east)"), rows)


def _explain(world: DemoWorld) -> None:
    kubectl = "kubectl" if shutil.which("kubectl") else str(world.kubectl)
    lines = (
        "",
        "Try in another terminal:",
        "",
        f"  export KUBECONFIG={world.kubeconfig}",
        f"  {kubectl} scale deployment web --replicas 3        # in the workspace; the cluster follows",
        f"  {kubectl} get deployment web -w                    # status comes back",
        f"  {kubectl} --context cluster-east get pods -A       # where the pods really are",
        f"  {kubectl} --context cluster-east delete deployment -A -l kcp.io/managed=true   # it comes back",
        f"  {kubectl} delete deployment web                    # gone upstream when its pods are gone",
        "  tmc status",
        f"  curl http://127.0.0.1:{world.agent.port}/statusz",
        "",
        "Ctrl-C stops everything and cleans up.",
    )
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
