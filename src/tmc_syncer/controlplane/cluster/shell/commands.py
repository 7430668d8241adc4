"""The commands of the shell, as a table: each takes its arguments and is a generator of effects that returns its exit code.

They know the machine they run on and nothing else; `Run.read` is their standard input. What is not in the table is "not found", with
code 127. ``sh`` and the commands that change the shell itself (``cd``, ``exit``, ``export``, ``read``) are the interpreter's. Pure.
"""

from __future__ import annotations

from collections.abc import Callable

from tmc_syncer.controlplane.cluster.shell.archive import ArchiveError, pack, unpack
from tmc_syncer.controlplane.cluster.shell.effects import STDOUT, Output, Pause, Steps
from tmc_syncer.controlplane.cluster.shell.files import FileError
from tmc_syncer.controlplane.cluster.shell.predicates import bracket, test
from tmc_syncer.controlplane.cluster.shell.runs import (
    LONGEST_SLEEP_SECONDS,
    Run,
    duration,
    everything,
    failed,
    printed,
)

__all__ = ["COMMANDS"]

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "a": "\a", "0": "\0"}


def _unescaped(text: str) -> str:
    made, at = "", 0
    while at < len(text):
        if text[at] == "\\" and text[at + 1 : at + 2] in _ESCAPES:
            made += _ESCAPES[text[at + 1]]
            at += 2
        else:
            made += text[at]
            at += 1
    return made


def _echo(run: Run) -> Steps:
    words, newline, escapes = list(run.arguments), True, False
    while words and words[0] in ("-n", "-e", "-ne", "-en", "-E"):
        newline = newline and "n" not in words[0]
        escapes = escapes or "e" in words[0]
        words.pop(0)
    text = " ".join(words)
    yield from printed((_unescaped(text) if escapes else text) + ("\n" if newline else ""))
    return 0


def _printf(run: Run) -> Steps:
    if not run.arguments:
        return (yield from failed("printf: usage: printf format [arguments]", 2))
    template, words = _unescaped(run.arguments[0]), run.arguments[1:]
    text = ""
    while True:
        pieces = template.replace("%%", "\0").split("%")
        text += pieces[0]
        for piece in pieces[1:]:
            word = words.pop(0) if words else ""
            kind = piece[:1]
            text += (word or "0") + piece[1:] if kind == "d" else word + piece[1:]
        if not words or len(pieces) == 1:
            break
    yield from printed(text.replace("\0", "%"))
    return 0


def _cat(run: Run) -> Steps:
    code = 0
    for name in run.arguments or ["-"]:
        if name == "-":
            while data := (yield from run.read()):
                yield Output(STDOUT, data)
            continue
        try:
            yield Output(STDOUT, run.machine.files.read(run.path(name)))
        except FileError as error:
            code = yield from failed(f"cat: can't open '{name}': {error}")
    return code


def _env(run: Run) -> Steps:
    lines = [f"{name}={value}\n" for name, value in sorted(run.machine.environment.items())]
    yield from printed("".join(lines))
    return 0


def _printenv(run: Run) -> Steps:
    if not run.arguments:
        return (yield from _env(run))
    value = run.machine.environment.get(run.arguments[0])
    if value is None:
        return 1
    yield from printed(f"{value}\n")
    return 0


def _ls(run: Run) -> Steps:
    names = [word for word in run.arguments if not word.startswith("-")]
    code = 0
    for name in names or [run.machine.folder]:
        path = run.path(name)
        try:
            found = [name] if run.machine.files.is_file(path) else run.machine.files.entries(path)
            if len(names) > 1:
                yield from printed(f"{name}:\n")
            yield from printed("".join(f"{entry}\n" for entry in found))
        except FileError as error:
            code = yield from failed(f"ls: {name}: {error}")
    return code


def _sleep(run: Run) -> Steps:
    total = 0.0
    for word in run.arguments or [""]:
        seconds = duration(word)
        if seconds is None:
            return (yield from failed(f"sleep: invalid number '{word}'"))
        total += seconds
    yield Pause(min(total, LONGEST_SLEEP_SECONDS))
    return 0


def _date(run: Run) -> Steps:
    now = run.machine.now()
    form = next((word[1:] for word in run.arguments if word.startswith("+")), "%a %b %e %H:%M:%S UTC %Y")
    text = form.replace("%s", str(int(now.timestamp()))).replace("%e", f"{now.day:2d}")
    yield from printed(f"{now.strftime(text)}\n")
    return 0


def _constant(text: str, code: int = 0) -> Callable[[Run], Steps]:
    def command(_: Run) -> Steps:
        if text:
            yield from printed(text)
        return code

    return command


def _hostname(run: Run) -> Steps:
    yield from printed(f"{run.machine.hostname}\n")
    return 0


def _pwd(run: Run) -> Steps:
    yield from printed(f"{run.machine.folder}\n")
    return 0


def _mkdir(run: Run) -> Steps:
    for name in (word for word in run.arguments if not word.startswith("-")):
        try:
            run.machine.files.make_folder(run.path(name))
        except FileError as error:
            return (yield from failed(f"mkdir: can't create directory '{name}': {error}"))
    return 0


def _rm(run: Run) -> Steps:
    forced = any(word.startswith("-") and "f" in word for word in run.arguments)
    code = 0
    for name in (word for word in run.arguments if not word.startswith("-")):
        try:
            run.machine.files.remove(run.path(name))
        except FileError as error:
            if not forced:
                code = yield from failed(f"rm: can't remove '{name}': {error}")
    return code


def _wc(run: Run) -> Steps:
    data = yield from everything(run)
    counts = {"-l": data.count(b"\n"), "-w": len(data.split()), "-c": len(data)}
    chosen = [counts[word] for word in run.arguments if word in counts] or list(counts.values())
    yield from printed(" ".join(map(str, chosen)) + "\n")
    return 0


def _ends(run: Run, *, last: bool) -> Steps:
    words = run.arguments
    count = 10
    if words[:1] == ["-n"] and words[1:2] and words[1].isdigit():
        count, words = int(words[1]), words[2:]
    elif words and words[0].startswith("-") and words[0][1:].isdigit():
        count, words = int(words[0][1:]), words[1:]
    try:
        data = run.machine.files.read(run.path(words[0])) if words else (yield from everything(run))
    except FileError as error:
        return (yield from failed(f"{words[0]}: {error}"))
    lines = data.splitlines(keepends=True)
    yield Output(STDOUT, b"".join(lines[-count:] if last and count else lines[:count]))
    return 0


def _tar(run: Run) -> Steps:
    """As much of it as ``kubectl cp`` uses."""
    words = run.arguments
    try:
        if words and "c" in words[0]:
            yield Output(STDOUT, pack(run.machine, [word for word in words[1:] if word != "-"]))
            return 0
        data = yield from everything(run)
        unpack(run.machine, data, words[words.index("-C") + 1] if "-C" in words[:-1] else ".")
    except (ArchiveError, FileError) as error:
        return (yield from failed(f"tar: {error}"))
    return 0


COMMANDS: dict[str, Callable[[Run], Steps]] = {
    "[": bracket,
    ":": _constant(""),
    "cat": _cat,
    "date": _date,
    "echo": _echo,
    "env": _env,
    "false": _constant("", 1),
    "head": lambda run: _ends(run, last=False),
    "hostname": _hostname,
    "id": _constant("uid=0(root) gid=0(root) groups=0(root)\n"),
    "ls": _ls,
    "mkdir": _mkdir,
    "printenv": _printenv,
    "printf": _printf,
    "pwd": _pwd,
    "rm": _rm,
    "sleep": _sleep,
    "tail": lambda run: _ends(run, last=True),
    "tar": _tar,
    "test": test,
    "true": _constant(""),
    "uname": _constant("Linux\n"),
    "wc": _wc,
    "whoami": _constant("root\n"),
}
