"""`Shell`: runs scripts and commands on a `Machine`, as generators of effects. Nothing of the host is ever run or read.

`command` runs an argument list as a container runtime would, `script` a text. Between two pauses only so many commands run, so that an
endless loop ends (code 137) instead of stopping the server; output into pipes, variables and files is bounded. Exit codes: 126 and
127 as in every shell, 2 for what cannot be read. Pure.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence

from tmc_syncer.controlplane.cluster.shell.commands import COMMANDS
from tmc_syncer.controlplane.cluster.shell.effects import (
    LOG,
    STDERR,
    STDOUT,
    Effect,
    Exit,
    Machine,
    Output,
    Pause,
    Steps,
)
from tmc_syncer.controlplane.cluster.shell.expansion import fields, joined
from tmc_syncer.controlplane.cluster.shell.files import FileError
from tmc_syncer.controlplane.cluster.shell.grammar import parse
from tmc_syncer.controlplane.cluster.shell.plumbing import DISCARD, Inlet, captured, routed
from tmc_syncer.controlplane.cluster.shell.runs import Run, failed
from tmc_syncer.controlplane.cluster.shell.specials import SPECIALS, State
from tmc_syncer.controlplane.cluster.shell.syntax import (
    Chain,
    Command,
    For,
    If,
    Pipe,
    Redirect,
    ShellError,
    Simple,
    While,
)

__all__ = ["SHELLS", "Shell"]

SHELLS = frozenset({"sh", "bash", "ash", "dash", "/bin/sh", "/bin/bash", "/bin/ash"})

MAX_AT_ONCE = 10_000
"""Commands between two pauses; a script that needs more is stopped."""

KILLED = 137
_STREAMS = {
    "/dev/null": DISCARD,
    "/dev/stdout": STDOUT,
    "/dev/stderr": STDERR,
    "/proc/1/fd/1": LOG,
    "/proc/1/fd/2": LOG,
}


class Shell:
    """See the module. Variables live in the machine's environment."""

    def __init__(self, machine: Machine) -> None:
        self._state = State(machine, Inlet(live=True))
        self._spent = 0

    @property
    def _machine(self) -> Machine:
        return self._state.machine

    # Entries

    def command(self, words: Sequence[str]) -> Steps:
        """Run an argument list; returns the exit code."""
        return (yield from self._ended(self._invoke(list(words))))

    def script(self, text: str) -> Steps:
        """Run a script; returns the exit code."""
        return (yield from self._ended(self._source(text)))

    @staticmethod
    def _ended(steps: Steps) -> Steps:
        try:
            return (yield from steps)
        except Exit as ended:
            return ended.code

    def _source(self, text: str) -> Steps:
        try:
            return (yield from self._chain(parse(text)))
        except ShellError as error:
            return (yield from failed(str(error), 2))

    # Lists

    def _chain(self, chain: Chain) -> Steps:
        code = 0
        for operator, pipe in chain.links:
            if (operator == "&&" and code) or (operator == "||" and not code):
                continue
            code = self._state.status = yield from self._pipe(pipe)
        return code

    def _pipe(self, pipe: Pipe) -> Steps:
        code, kept = 0, self._state.inlet
        try:
            for command in pipe.commands[:-1]:
                _, data = yield from captured(self._command(command))
                self._state.inlet = Inlet(data)
            code = yield from self._command(pipe.commands[-1])
        finally:
            self._state.inlet = kept
        return int(not code) if pipe.negated else code

    # Commands

    def _command(self, command: Command) -> Steps:
        self._spent += 1
        if self._spent > MAX_AT_ONCE:
            raise Exit(KILLED)
        steps = self._apart(command) if command.apart else self._body(command)
        if command.redirects:
            steps = self._redirected(steps, command.redirects)
        return (yield from steps)

    def _apart(self, command: Command) -> Steps:
        kept = dict(self._machine.environment), self._machine.folder
        try:
            return (yield from self._ended(self._body(command)))
        finally:
            self._machine.environment, self._machine.folder = kept

    def _body(self, command: Command) -> Steps:
        match command.body:
            case Simple() as simple:
                return (yield from self._simple(simple))
            case If() as conditional:
                for condition, body in conditional.branches:
                    if not (yield from self._chain(condition)):
                        return (yield from self._chain(body))
                return 0 if conditional.otherwise is None else (yield from self._chain(conditional.otherwise))
            case While() as loop:
                code = 0
                while bool((yield from self._chain(loop.condition))) == loop.until:
                    code = yield from self._turn(loop.body)
                return code
            case For() as loop:
                return (yield from self._for(loop))
            case Chain() as chain:
                return (yield from self._chain(chain))

    def _turn(self, body: Chain) -> Steps:
        self._spent += 1
        if self._spent > MAX_AT_ONCE:
            raise Exit(KILLED)
        return (yield from self._chain(body))

    def _for(self, loop: For) -> Steps:
        code = 0
        words: list[str] = []
        for word in loop.words:
            words += yield from fields(word, self._variables(), self._output_of)
        for value in words:
            self._machine.environment[loop.variable] = value
            code = yield from self._turn(loop.body)
        return code

    def _variables(self) -> dict[str, str]:
        return {**self._machine.environment, "?": str(self._state.status), "$": "7", "#": "0", "0": "sh"}

    def _output_of(self, text: str) -> Generator[Effect, bytes, str]:
        self._state.status, data = yield from captured(self._source(text))
        return data.decode(errors="replace")

    def _simple(self, simple: Simple) -> Steps:
        assigned: dict[str, str] = {}
        for name, word in simple.assignments:
            assigned[name] = yield from joined(word, {**self._variables(), **assigned}, self._output_of)
        words: list[str] = []
        for word in simple.words:
            words += yield from fields(word, self._variables(), self._output_of)
        if not words:
            self._machine.environment.update(assigned)
            return 0
        kept = dict(self._machine.environment)
        self._machine.environment.update(assigned)
        try:
            return (yield from self._invoke(words))
        finally:
            if assigned:
                self._machine.environment = kept

    def _invoke(self, words: list[str]) -> Steps:
        name = words[0] if words else ""
        if name == "exec":
            raise Exit((yield from self._invoke(words[1:])) if words[1:] else 0)
        special = SPECIALS.get(name)
        if special is not None:
            return (yield from special(self._state, words[1:]))
        if name in SHELLS:
            return (yield from self._shell(words[1:]))
        command = COMMANDS.get(name.removeprefix("/bin/").removeprefix("/usr/bin/"))
        if command is None:
            return (yield from failed(f"sh: {name}: not found", 127))
        steps = command(Run(self._machine, words[1:], self._state.inlet.read))
        return (yield from self._counted(steps))

    def _counted(self, steps: Steps) -> Steps:
        """A pause lets others run: what was spent before it does not count any more."""
        answer = b""
        try:
            effect = next(steps)
            while True:
                answer = yield effect
                if isinstance(effect, Pause) and effect.seconds > 0:
                    self._spent = 0
                effect = steps.send(answer)
        except StopIteration as stopped:
            return int(stopped.value)

    def _shell(self, words: list[str]) -> Steps:
        while words and words[0].startswith("-") and words[0] != "-":
            flags = words.pop(0)
            if "c" in flags:
                text = words[0] if words else ""
                return (yield from self._ended(self._source(text)))
        if words:
            path = self._machine.files.resolve(words[0], self._machine.folder)
            try:
                text = self._machine.files.read(path).decode(errors="replace")
            except FileError as error:
                return (yield from failed(f"sh: can't open '{words[0]}': {error}", 2))
            return (yield from self._ended(self._source(text)))
        return (yield from self._ended(self._lines()))

    def _lines(self) -> Steps:
        """A shell that reads its commands from standard input, line by line."""
        code = 0
        while line := (yield from self._line()):
            self._spent = 0
            code = self._state.status = yield from self._source(line.decode(errors="replace"))
        return code

    def _line(self) -> Generator[Effect, bytes, bytes]:
        if self._machine.prompts:
            yield Output(STDERR, f"{self._machine.folder} # ".encode())
        return (yield from self._state.inlet.line())

    # Redirections

    def _redirected(self, steps: Steps, redirects: Sequence[Redirect]) -> Steps:
        routes: dict[int, int | str] = {}
        kept = self._state.inlet
        try:
            for redirect in redirects:
                target = yield from joined(redirect.target, self._variables(), self._output_of)
                try:
                    self._route(routes, redirect, target)
                except FileError as error:
                    return (yield from failed(f"sh: can't open {target}: {error}"))
            return (yield from routed(steps, routes, self._machine.files))
        finally:
            self._state.inlet = kept

    def _route(self, routes: dict[int, int | str], redirect: Redirect, target: str) -> None:
        files = self._machine.files
        path = files.resolve(target, self._machine.folder)
        if redirect.operator == "<":
            self._state.inlet = Inlet(b"" if path == "/dev/null" else files.read(path))
        elif redirect.operator == ">&":
            stream = int(target) if target.isdigit() else STDOUT
            routes[redirect.stream] = routes.get(stream, stream)
        elif path in _STREAMS:
            stream = _STREAMS[path]
            routes[redirect.stream] = routes.get(stream, stream)
        else:
            files.write(path, b"", append=True)
            if redirect.operator == ">":
                files.remove(path)
                files.write(path, b"")
            routes[redirect.stream] = path
