"""What runs in a container: the script in its arguments, or a server that stays.

`program_of` looks at command and arguments. What the shell knows (``sh -c …``, ``sleep 5``, ``echo``) is really interpreted: its output is the log, its
code the exit code, its sleeps take their time. Anything else is a server that says that it has started and prints a line now and then. How
long a script runs is found out by running it once without waiting; one that does not end within bounds runs for ever. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tmc_syncer.controlplane.cluster.kubelet.behaviour import CRASH_SECONDS, NEVER, Behaviour
from tmc_syncer.controlplane.cluster.shell.commands import COMMANDS
from tmc_syncer.controlplane.cluster.shell.effects import STDOUT, Machine, Output, Pause, Steps
from tmc_syncer.controlplane.cluster.shell.interpreter import SHELLS, Shell

__all__ = ["Program", "is_interactive", "program_of"]

Object = dict[str, Any]

MAX_DRY_EFFECTS = 5000
"""Effects after which a script is taken to run for ever; some milliseconds of work, once for each start."""

NOT_PROGRAMS = frozenset({"cat", "tail"})
"""Commands that wait for ever when they are the program of a container, as people use them to keep one running."""


@dataclass(frozen=True, slots=True)
class Program:
    """`steps` makes a fresh run of it; `seconds` is how long it runs (inf: until stopped), `code` what it ends with."""

    steps: Callable[[Machine], Steps]
    seconds: float = NEVER
    code: int = 0


def program_of(
    container: Object,
    behaviour: Behaviour,
    machine: Callable[[], Machine],
    *,
    default_seconds: float,
    runs: int,
) -> Program:
    """The program of a container that has been started `runs` times before. `default_seconds`: where nothing says how long."""
    name, image = container["name"], container.get("image", "")

    def server(_: Machine) -> Steps:
        return (yield from _serving(f"{name} started ({image})", behaviour))

    if runs < behaviour.crashes:
        code = behaviour.exit_code or 1
        return Program(lambda _: _crashing(name, code), CRASH_SECONDS, code)
    words = [*(container.get("command") or ()), *(container.get("args") or ())]
    if behaviour.run is not None:
        return Program(server, behaviour.run, behaviour.exit_code)
    if is_interactive(words):
        return Program(_waiting)
    if words and _is_script(words):
        made = _measured(lambda on: Shell(on).command(words), machine())
        if made is not None:
            return made
    return Program(server, default_seconds, behaviour.exit_code)


def is_interactive(words: Sequence[str]) -> bool:
    """Whether this is a shell that reads its commands from whoever is attached to it."""
    return len(words) == 1 and words[0] in SHELLS


def _waiting(_: Machine) -> Steps:
    yield Pause(NEVER)
    return 0


def _is_script(words: Sequence[str]) -> bool:
    name = words[0].removeprefix("/bin/").removeprefix("/usr/bin/")
    if name in NOT_PROGRAMS:
        return False
    if words[0] in SHELLS or name in SHELLS:
        return len(words) > 1
    return name in COMMANDS


def _measured(steps: Callable[[Machine], Steps], machine: Machine) -> Program | None:
    """The program with its length."""
    running = steps(machine)
    total = 0.0
    try:
        effect = next(running)
        for _ in range(MAX_DRY_EFFECTS):
            if isinstance(effect, Pause):
                total += effect.seconds
            effect = running.send(b"")
    except StopIteration as stopped:
        return Program(steps, total, int(stopped.value))
    running.close()
    return Program(steps)


def _serving(greeting: str, behaviour: Behaviour) -> Steps:
    yield Output(STDOUT, f"{greeting}\n".encode())
    line = behaviour.log_line or "still running"
    if behaviour.log_line and behaviour.log_interval <= 0:
        yield Output(STDOUT, f"{line}\n".encode())
    while behaviour.log_interval > 0:
        yield Pause(behaviour.log_interval)
        yield Output(STDOUT, f"{line}\n".encode())
    return 0


def _crashing(name: str, code: int) -> Steps:
    yield Output(STDOUT, f"{name} is about to fail with code {code}\n".encode())
    yield Pause(CRASH_SECONDS)
    return code
