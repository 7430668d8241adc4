"""The commands that change the shell itself: ``cd``, ``exit``, ``export``, ``read``, ``unset``; and the `State` that they change.

``exec`` is the interpreter's, since it runs something. ``set`` and ``trap`` are read and do nothing. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tmc_syncer.controlplane.cluster.shell.effects import Exit, Machine, Steps
from tmc_syncer.controlplane.cluster.shell.plumbing import Inlet
from tmc_syncer.controlplane.cluster.shell.runs import failed

__all__ = ["SPECIALS", "State"]


@dataclass(slots=True)
class State:
    """A running shell: where it is, what it reads, the code of its last command."""

    machine: Machine
    inlet: Inlet
    status: int = 0


def _exit(state: State, words: list[str]) -> Steps:
    yield from ()
    word = words[0] if words else str(state.status)
    raise Exit(int(word) if word.isdigit() else 2)


def _cd(state: State, words: list[str]) -> Steps:
    files = state.machine.files
    path = files.resolve(words[0] if words else "/root", state.machine.folder)
    if not files.is_folder(path):
        return (yield from failed(f"sh: cd: can't cd to {words[0]}: No such file or directory"))
    state.machine.folder = path
    return 0


def _export(state: State, words: list[str]) -> Steps:
    yield from ()
    for word in words:
        name, equals, value = word.partition("=")
        if equals:
            state.machine.environment[name] = value
    return 0


def _unset(state: State, words: list[str]) -> Steps:
    yield from ()
    for word in words:
        state.machine.environment.pop(word, None)
    return 0


def _read(state: State, words: list[str]) -> Steps:
    line = (yield from state.inlet.line()).decode(errors="replace")
    state.machine.environment[words[0] if words else "REPLY"] = line.rstrip("\n")
    return 0 if line.endswith("\n") else 1


def _nothing(state: State, words: list[str]) -> Steps:
    del state, words
    yield from ()
    return 0


SPECIALS: dict[str, Callable[[State, list[str]], Steps]] = {
    "cd": _cd,
    "exit": _exit,
    "export": _export,
    "read": _read,
    "set": _nothing,
    "trap": _nothing,
    "unset": _unset,
}
