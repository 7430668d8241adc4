"""`parse`: from the text of a script to its tree. A recursive descent over the tokens of `lexer`.

Reserved words count only where a command may begin. Pure.
"""

from __future__ import annotations

from tmc_syncer.controlplane.cluster.shell.lexer import Lexer, Token
from tmc_syncer.controlplane.cluster.shell.syntax import (
    Chain,
    Command,
    For,
    If,
    Part,
    Pipe,
    Redirect,
    ShellError,
    Simple,
    While,
    Word,
)

__all__ = ["parse"]

LONGEST_SCRIPT = 64 * 1024
"""Characters of a script; a container's arguments and an exec's command are shorter."""

DEEPEST = 32
"""Nesting of compound commands."""

_ENDS = frozenset({"then", "else", "elif", "fi", "do", "done", "}"})


def parse(text: str) -> Chain:
    """Read a script. Raises `ShellError`."""
    if len(text) > LONGEST_SCRIPT:
        raise ShellError("sh: script too long")
    return _Parser(Lexer(text).tokens()).script()


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def script(self) -> Chain:
        chain = self._chain()
        if self._at < len(self._tokens):
            self._fail()
        return chain

    # Tokens

    def _peek(self) -> Token:
        return self._tokens[self._at] if self._at < len(self._tokens) else Token("end")

    def _take(self) -> Token:
        token = self._peek()
        self._at += 1
        return token

    def _is(self, *texts: str) -> bool:
        token = self._peek()
        return token.kind in ("op", "word") and token.text in texts

    def _expect(self, text: str) -> None:
        if not self._is(text):
            self._fail()
        self._at += 1

    def _fail(self) -> None:
        token = self._peek()
        said = "newline" if token.text == "\n" else token.text or "end of file"
        raise ShellError(f'sh: syntax error: unexpected "{said}"')

    def _skip_lines(self) -> None:
        while self._is("\n", ";"):
            self._at += 1

    # Grammar

    def _chain(self) -> Chain:
        links: list[tuple[str, Pipe]] = []
        operator = ";"
        self._skip_lines()
        while True:
            token = self._peek()
            ends = token.kind == "end" or (token.kind == "word" and token.text in _ENDS)
            if ends or (token.kind == "op" and token.text == ")"):
                if operator != ";":
                    self._fail()
                return Chain(tuple(links))
            links.append((operator, self._pipe()))
            if self._is("&&", "||"):
                operator = self._take().text
                while self._is("\n"):
                    self._at += 1
                continue
            operator = ";"
            if self._is("&"):
                raise ShellError("sh: background jobs are not simulated")
            if not self._is(";", "\n", ")") and self._peek().kind != "end":
                self._fail()
            self._skip_lines()

    def _pipe(self) -> Pipe:
        negated = self._is("!")
        if negated:
            self._at += 1
        commands = [self._command()]
        while self._is("|"):
            self._at += 1
            commands.append(self._command())
        return Pipe(tuple(commands), negated)

    def _command(self) -> Command:
        self._depth += 1
        if self._depth > DEEPEST:
            raise ShellError("sh: nested too deeply")
        try:
            if self._is("("):
                self._at += 1
                body = self._chain()
                self._expect(")")
                return Command(body, self._redirects(), apart=True)
            match self._peek().text if self._peek().kind == "word" else "":
                case "{":
                    self._at += 1
                    body = self._chain()
                    self._expect("}")
                    return Command(body, self._redirects())
                case "if":
                    return Command(self._if(), self._redirects())
                case "while" | "until":
                    return Command(self._while(), self._redirects())
                case "for":
                    return Command(self._for(), self._redirects())
                case _:
                    return self._simple()
        finally:
            self._depth -= 1

    def _if(self) -> If:
        branches = []
        otherwise = None
        self._at += 1
        while True:
            condition = self._chain()
            self._expect("then")
            branches.append((condition, self._chain()))
            if self._is("elif"):
                self._at += 1
                continue
            if self._is("else"):
                self._at += 1
                otherwise = self._chain()
            self._expect("fi")
            return If(tuple(branches), otherwise)

    def _while(self) -> While:
        until = self._take().text == "until"
        condition = self._chain()
        self._expect("do")
        body = self._chain()
        self._expect("done")
        return While(condition, body, until)

    def _for(self) -> For:
        self._at += 1
        name = self._take()
        if name.kind != "word":
            self._fail()
        words: list[Word] = []
        if self._is("in"):
            self._at += 1
            while self._peek().kind == "word":
                words.append(self._take().word)
        self._skip_lines()
        self._expect("do")
        body = self._chain()
        self._expect("done")
        return For(name.text, tuple(words), body)

    def _simple(self) -> Command:
        assignments: list[tuple[str, Word]] = []
        words: list[Word] = []
        redirects: list[Redirect] = []
        while True:
            token = self._peek()
            if token.kind == "redirect":
                redirects += self._redirects()
            elif token.kind != "word":
                break
            elif not words and (found := _assignment(token.word)) is not None:
                assignments.append(found)
                self._at += 1
            else:
                words.append(token.word)
                self._at += 1
        if not (words or assignments or redirects):
            self._fail()
        return Command(Simple(tuple(assignments), tuple(words)), tuple(redirects))

    def _redirects(self) -> tuple[Redirect, ...]:
        found: list[Redirect] = []
        while self._peek().kind == "redirect":
            token = self._take()
            target = self._take()
            if target.kind != "word":
                self._at -= 1
                self._fail()
            found.append(Redirect(token.stream, token.text, target.word))
        return tuple(found)


def _assignment(word: Word) -> tuple[str, Word] | None:
    """``NAME=…`` as a name and the word behind it."""
    first = word[0] if word else None
    if first is None or first.kind != "text" or first.quoted:
        return None
    name, equals, rest = first.text.partition("=")
    if not equals or not name.isidentifier() or not name.isascii():
        return None
    return name, ((Part("text", rest),) if rest else ()) + word[1:]
