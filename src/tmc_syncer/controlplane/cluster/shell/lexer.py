"""From the text of a script to tokens: words with their quotes taken off, operators, redirections.

Inside a word it is remembered what was quoted, since only what was not is split into fields. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tmc_syncer.controlplane.cluster.shell.syntax import Part, ShellError, Word

__all__ = ["Lexer", "Token"]


@dataclass(frozen=True, slots=True)
class Token:
    """A word (with its parts), an operator, or a redirection of a stream; `kind` is word, op, redirect or end."""

    kind: str
    text: str = ""
    word: Word = ()
    stream: int = 1


_OPERATORS = ("&&", "||", ";", "|", "&", "(", ")", "\n")
_REDIRECTS = (">>", ">&", ">", "<")
_NAME_START = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
_SPECIAL = "?#@*$!0123456789"


class Lexer:
    """See the module."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def tokens(self) -> list[Token]:
        found: list[Token] = []
        while (token := self._next()).kind != "end":
            found.append(token)
        return found

    def _next(self) -> Token:
        text = self._text
        while self._at < len(text) and (text[self._at] in " \t\r" or text.startswith("\\\n", self._at)):
            self._at += 2 if text[self._at] == "\\" else 1
        if self._at >= len(text):
            return Token("end")
        if text[self._at] == "#":
            end = text.find("\n", self._at)
            self._at = len(text) if end < 0 else end
            return self._next()
        stream = None
        if text[self._at].isdigit() and text[self._at + 1 : self._at + 2] in (">", "<"):
            stream = int(text[self._at])
            self._at += 1
        for operator in _REDIRECTS:
            if text.startswith(operator, self._at):
                self._at += len(operator)
                default = 0 if operator == "<" else 1
                return Token("redirect", operator, stream=default if stream is None else stream)
        for operator in _OPERATORS:
            if text.startswith(operator, self._at):
                self._at += len(operator)
                return Token("op", operator)
        return self._word()

    def _word(self) -> Token:
        start, parts = self._at, list[Part]()
        text = self._text
        while self._at < len(text):
            character = text[self._at]
            if character in " \t\r\n;|&()<>":
                break
            if character == "'":
                end = self._until("'")
                parts.append(Part("text", text[self._at + 1 : end], quoted=True))
                self._at = end + 1
            elif character == '"':
                self._at += 1
                parts += self._double()
            elif character == "\\":
                parts.append(Part("text", text[self._at + 1 : self._at + 2], quoted=True))
                self._at += 2
            elif character in "$`":
                parts.append(self._dollar(quoted=False))
            else:
                parts.append(Part("text", character))
                self._at += 1
        return Token("word", text[start : self._at], _joined(parts))

    def _until(self, mark: str) -> int:
        end = self._text.find(mark, self._at + 1)
        if end < 0:
            raise ShellError("sh: syntax error: unterminated quoted string")
        return end

    def _double(self) -> list[Part]:
        parts = [Part("text", "", quoted=True)]
        text = self._text
        while self._at < len(text):
            character = text[self._at]
            if character == '"':
                self._at += 1
                return parts
            if character == "\\" and text[self._at + 1 : self._at + 2] in ('"', "\\", "$", "`", "\n"):
                following = text[self._at + 1]
                parts.append(Part("text", "" if following == "\n" else following, quoted=True))
                self._at += 2
            elif character in "$`":
                parts.append(self._dollar(quoted=True))
            else:
                parts.append(Part("text", character, quoted=True))
                self._at += 1
        raise ShellError("sh: syntax error: unterminated quoted string")

    def _dollar(self, *, quoted: bool) -> Part:
        text = self._text
        if text[self._at] == "`":
            end = self._until("`")
            inner = text[self._at + 1 : end]
            self._at = end + 1
            return Part("command", inner, quoted)
        for opening, closing, kind in (
            ("$((", "))", "number"),
            ("$(", ")", "command"),
            ("${", "}", "variable"),
        ):
            if text.startswith(opening, self._at):
                end = self._matching(self._at + len(opening), closing)
                inner = text[self._at + len(opening) : end]
                self._at = end + len(closing)
                return Part(kind, inner, quoted)
        self._at += 1
        first = text[self._at : self._at + 1]
        if first and first in _SPECIAL:
            self._at += 1
            return Part("variable", first, quoted)
        end = self._at
        while end < len(text) and (text[end] in _NAME_START or (end > self._at and text[end].isdigit())):
            end += 1
        name, self._at = text[self._at : end], end
        return Part("variable", name, quoted) if name else Part("text", "$", quoted)

    def _matching(self, start: int, closing: str) -> int:
        depth, at = 0, start
        while at < len(self._text):
            if depth == 0 and self._text.startswith(closing, at):
                return at
            if self._text[at] in "({":
                depth += 1
            elif self._text[at] in ")}":
                depth -= 1
            at += 1
        raise ShellError("sh: syntax error: unterminated substitution")


def _joined(parts: Sequence[Part]) -> Word:
    found: list[Part] = []
    for part in parts:
        last = found[-1] if found else None
        if last is not None and last.kind == part.kind == "text" and last.quoted == part.quoted:
            found[-1] = Part("text", last.text + part.text, part.quoted)
        else:
            found.append(part)
    return tuple(found)
