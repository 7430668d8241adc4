"""Field selectors as kube-apiserver reads them from ``fieldSelector=``: ``path=value``, ``path!=value``, joined by commas.

A backslash quotes a comma, an equals sign or a backslash in a value. Which paths a type has is its own affair: the values come from
`Type.field_labels`; a path that it does not have is refused by `check`. `Terms.exact` finds the name (or namespace) that a
selector asks for, so that a list or watch of one object does not look at all. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache

from tmc_syncer.controlplane.server.errors import bad_request

__all__ = ["Terms", "parse"]

CACHED = 1024
"""Parsed selectors that are kept: clients repeat a few of them in every request."""

_SPLIT = re.compile(r"(?<!\\),")
_TERM = re.compile(r"(?P<path>[^=!]*?)(?P<operator>!=|==|=)(?P<value>.*)", re.DOTALL)
_ESCAPE = re.compile(r"\\([\\,=])")


@dataclass(frozen=True, slots=True)
class Terms:
    """A parsed selector: (path, value, wanted) each; all must hold."""

    terms: tuple[tuple[str, str, bool], ...]

    def check(self, known: Collection[str]) -> None:
        """Refuse a path that the type does not have (`ApiError` 400)."""
        for path, _, _ in self.terms:
            if path not in known:
                listed = ", ".join(f'"{name}"' for name in sorted(known))
                raise bad_request(f'"{path}" is not a known field selector: only {listed}')

    def exact(self, path: str) -> str | None:
        """The one value that `path` must have, None when several may do."""
        for name, value, wanted in self.terms:
            if name == path and wanted:
                return value
        return None

    def without(self, path: str) -> Terms:
        """The selector less what `exact` said about `path`."""
        exact = self.exact(path)
        return Terms(tuple(term for term in self.terms if exact is None or term != (path, exact, True)))

    def matches(self, fields: Mapping[str, str]) -> bool:
        """Whether these values are selected."""
        return all((fields.get(path, "") == value) is wanted for path, value, wanted in self.terms)


@lru_cache(maxsize=CACHED)
def parse(text: str) -> Terms:
    """Read a selector. Raises `ApiError` 400 as kube-apiserver does."""
    found: list[tuple[str, str, bool]] = []
    for part in _SPLIT.split(text):
        if not part:
            continue
        term = _TERM.fullmatch(part)
        if term is None:
            raise bad_request(f"invalid selector: '{text}'; can't understand '{part}'")
        found.append((term["path"], _ESCAPE.sub(r"\1", term["value"]), term["operator"] != "!="))
    return Terms(tuple(found))
