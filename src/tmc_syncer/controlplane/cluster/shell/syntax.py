"""What a shell script consists of: words, simple commands, chains, pipes, loops and conditions.

It is the part of the POSIX shell that people write into manifests and behind ``kubectl exec``: quotes, ``$NAME``, ``$(…)``,
``$((…))``, redirections, ``;``, ``&&``, ``||``, ``|``, ``if``, ``while``, ``until``, ``for``, ``{ … }`` and ``( … )``. A word is a list of parts; what they
expand to is the interpreter's. No jobs, no functions, no ``case``, no here-documents, no patterns. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = [
    "Chain",
    "Command",
    "For",
    "If",
    "Node",
    "Part",
    "Pipe",
    "Redirect",
    "ShellError",
    "Simple",
    "While",
    "Word",
]


class ShellError(Exception):
    """The script cannot be read; the message is what a shell prints."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a word: `kind` is ``text``, ``variable``, ``command`` or ``number``. A quoted piece is never split."""

    kind: str
    text: str
    quoted: bool = False


Word = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Redirect:
    """`stream` goes to the file `target`, or (``>&``) where the stream of that number goes; ``<`` reads."""

    stream: int
    operator: str
    target: Word


@dataclass(frozen=True, slots=True)
class Simple:
    """Assignments, then a command with its arguments."""

    assignments: tuple[tuple[str, Word], ...] = ()
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class If:
    """Conditions with what follows each, and the rest."""

    branches: tuple[tuple[Node, Node], ...]
    otherwise: Node | None = None


@dataclass(frozen=True, slots=True)
class While:
    """A loop; `until` turns the condition round."""

    condition: Node
    body: Node
    until: bool = False


@dataclass(frozen=True, slots=True)
class For:
    """A loop over words."""

    variable: str
    words: tuple[Word, ...]
    body: Node


@dataclass(frozen=True, slots=True)
class Command:
    """Something to run, with its redirections. `apart` is a subshell: its variables are its own."""

    body: Simple | If | While | For | Node
    redirects: tuple[Redirect, ...] = ()
    apart: bool = False


@dataclass(frozen=True, slots=True)
class Pipe:
    """Commands, each of which reads what the one before it writes."""

    commands: tuple[Command, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Chain:
    """Pipes with what stands before each: ``;``, ``&&`` or ``||``."""

    links: tuple[tuple[str, Pipe], ...] = field(default=())


Node = Chain
