"""``test`` and ``[``: what is true of words, numbers and files of a simulated container.

Exit codes are 0 for true, 1 for false, 2 for what cannot be read. Pure.
"""

from __future__ import annotations

from tmc_syncer.controlplane.cluster.shell.effects import Steps
from tmc_syncer.controlplane.cluster.shell.runs import Run, failed

__all__ = ["bracket", "test"]


def test(run: Run) -> Steps:
    """``test``."""
    words = list(run.arguments)
    if words[:1] == ["!"]:
        code = yield from test(Run(run.machine, words[1:], run.read))
        return int(not code) if code < 2 else code
    files = run.machine.files
    match words:
        case []:
            return 1
        case [word]:
            return int(not word)
        case [("-e" | "-f" | "-d" | "-s" | "-r" | "-w" | "-x") as kind, name]:
            path = run.path(name)
            is_file, is_folder = files.is_file(path), files.is_folder(path)
            found = {"-f": is_file, "-d": is_folder}.get(kind, is_file or is_folder)
            if kind == "-s":
                found = is_file and bool(files.read(path))
            return int(not found)
        case ["-z", word]:
            return int(bool(word))
        case ["-n", word]:
            return int(not word)
        case [left, ("=" | "=="), right]:
            return int(left != right)
        case [left, "!=", right]:
            return int(left == right)
        case [left, ("-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge") as operator, right]:
            return (yield from _compared(left, operator, right))
        case _:
            return (yield from failed("sh: test: unknown operand", 2))


def _compared(left: str, operator: str, right: str) -> Steps:
    try:
        one, other = int(left), int(right)
    except ValueError:
        return (yield from failed(f"sh: {left}: bad number", 2))
    holds = {
        "-eq": one == other,
        "-ne": one != other,
        "-lt": one < other,
        "-le": one <= other,
        "-gt": one > other,
        "-ge": one >= other,
    }
    return int(not holds[operator])


def bracket(run: Run) -> Steps:
    """``[``."""
    if run.arguments[-1:] != ["]"]:
        return (yield from failed("sh: [: missing ]", 2))
    return (yield from test(Run(run.machine, run.arguments[:-1], run.read)))
