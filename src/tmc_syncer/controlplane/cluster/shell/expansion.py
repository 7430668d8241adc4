"""What words expand to: variables, results of commands, arithmetic; and the splitting of what was not quoted into fields.

A command inside a word runs with the shell that expands it, so expansion is a generator of effects, too. Arithmetic knows whole
numbers, variables, ``+ - * / %``, comparisons and parentheses. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping

from tmc_syncer.controlplane.cluster.shell.effects import Effect
from tmc_syncer.controlplane.cluster.shell.syntax import Part, ShellError, Word

__all__ = ["calculate", "fields", "joined"]

Runs = Callable[[str], Generator[Effect, bytes, str]]
"""Runs a script and returns what it printed."""

_TOKEN = re.compile(r"\s*(?:(\d+)|\$?([A-Za-z_]\w*)|(==|!=|<=|>=|[-+*/%()<>]))")
_PRECEDENCE = (("==", "!="), ("<", ">", "<=", ">="), ("+", "-"), ("*", "/", "%"))
_LARGEST = 2**63


def _value(part: Part, variables: Mapping[str, str], run: Runs) -> Generator[Effect, bytes, str]:
    match part.kind:
        case "text":
            return part.text
        case "command":
            return (yield from run(part.text)).rstrip("\n")
        case "number":
            return str(calculate(part.text, variables))
        case _:
            name, dash, default = part.text.partition(":-")
            found = variables.get(name, "")
            return default if dash and not found else found


def joined(word: Word, variables: Mapping[str, str], run: Runs) -> Generator[Effect, bytes, str]:
    """The word as one string."""
    found = ""
    for part in word:
        found += yield from _value(part, variables, run)
    return found


def fields(word: Word, variables: Mapping[str, str], run: Runs) -> Generator[Effect, bytes, list[str]]:
    """The words that a word becomes: none, one, or several."""
    made: list[str] = []
    current: str | None = None
    for part in word:
        value = yield from _value(part, variables, run)
        if part.quoted or part.kind == "text":
            current = (current or "") + value
            continue
        pieces = value.split()
        if value[:1].isspace() and current is not None:
            made.append(current)
            current = None
        for number, piece in enumerate(pieces):
            if number:
                made.append(current or "")
                current = None
            current = (current or "") + piece
        if pieces and value[-1:].isspace():
            made.append(current or "")
            current = None
    if current is not None:
        made.append(current)
    return made


def calculate(text: str, variables: Mapping[str, str]) -> int:
    """The value of an arithmetic expression. Raises `ShellError`."""
    return _Calculation(text, variables).result()


class _Calculation:
    def __init__(self, text: str, variables: Mapping[str, str]) -> None:
        self._tokens: list[str] = []
        self._variables = variables
        at = 0
        while found := _TOKEN.match(text, at):
            self._tokens.append(found[1] or found[2] or found[3])
            at = found.end()
        if text[at:].strip():
            raise ShellError("sh: arithmetic syntax error")
        self._at = 0

    def result(self) -> int:
        value = self._level(0)
        if self._at < len(self._tokens):
            raise ShellError("sh: arithmetic syntax error")
        return value

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _level(self, level: int) -> int:
        if level == len(_PRECEDENCE):
            return self._unary()
        value = self._level(level + 1)
        while self._peek() in _PRECEDENCE[level]:
            operator = self._tokens[self._at]
            self._at += 1
            value = self._apply(operator, value, self._level(level + 1))
        return value

    @staticmethod
    def _apply(operator: str, left: int, right: int) -> int:
        if operator in "/%" and right == 0:
            raise ShellError("sh: divide by zero")
        results: dict[str, Callable[[], int]] = {
            "+": lambda: left + right,
            "-": lambda: left - right,
            "*": lambda: left * right,
            "/": lambda: int(left / right),
            "%": lambda: left - right * int(left / right),
            "==": lambda: int(left == right),
            "!=": lambda: int(left != right),
            "<": lambda: int(left < right),
            ">": lambda: int(left > right),
            "<=": lambda: int(left <= right),
            ">=": lambda: int(left >= right),
        }
        return (results[operator]() + _LARGEST) % (2 * _LARGEST) - _LARGEST

    def _unary(self) -> int:
        word = self._peek()
        self._at += 1
        if word == "-":
            return -self._unary()
        if word == "(":
            value = self._level(0)
            if self._peek() != ")":
                raise ShellError("sh: arithmetic syntax error")
            self._at += 1
            return value
        if word.isdigit():
            return int(word)
        if not word or not word[0].isidentifier():
            raise ShellError("sh: arithmetic syntax error")
        value_of = self._variables.get(word, "") or "0"
        try:
            return int(value_of)
        except ValueError:
            raise ShellError("sh: arithmetic syntax error") from None
