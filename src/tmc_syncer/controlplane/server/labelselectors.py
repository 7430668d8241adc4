"""Label selectors as kube-apiserver reads them from ``labelSelector=``, with its error messages.

The grammar is that of `k8s.io/apimachinery/pkg/labels`: ``a=b``, ``a==b``, ``a!=b``, ``a in (b,c)``, ``a notin (b)``, ``a``,
``!a``, ``a>1``, ``a<1``, joined by commas. It is a parser of its own, so that the server does not accept exactly what
the syncer's own parser accepts. As in Kubernetes, ``!=`` and ``notin`` also select objects without the label.

`parse` returns a predicate over labels, or None for a selector that selects everything. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from tmc_syncer.controlplane.server.errors import bad_request
from tmc_syncer.controlplane.server.wording import label_key_faults, label_value_faults

__all__ = ["LabelMatch", "parse"]

LabelMatch = Callable[[Mapping[str, str]], bool]

CACHED = 1024
"""Parsed selectors that are kept: clients repeat a few of them in every request."""

_TOKEN = re.compile(r"\s*(?:(?P<symbol>==|!=|=|!|>|<|\(|\)|,)|(?P<word>[^\s=!><(),]+))")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_END = ""


@lru_cache(maxsize=CACHED)
def parse(text: str) -> LabelMatch | None:
    """Read a selector. Raises `ApiError` 400 as kube-apiserver does."""
    terms = _Parser(text).terms()
    if not terms:
        return None
    if len(terms) == 1:
        return terms[0]
    return lambda labels: all(term(labels) for term in terms)


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, bool]] = []
        position = 0
        while found := _TOKEN.match(text, position):
            position = found.end()
            word = found["word"]
            self._tokens.append((word if word is not None else found["symbol"], word is not None))
        self._tokens.append((_END, False))
        self._at = 0

    def terms(self) -> list[LabelMatch]:
        found: list[LabelMatch] = []
        while True:
            word, is_word = self._peek()
            if is_word or word == "!":
                found.append(self._requirement())
                word, _ = self._next()
                if word == _END:
                    return found
                if word != ",":
                    raise bad_request(f"found '{word}', expected: ',' or 'end of string'")
                following, follows = self._peek()
                if not follows and following != "!":
                    raise bad_request(f"found '{following}', expected: identifier after ','")
            elif word == _END:
                return found
            else:
                raise bad_request(f"found '{word}', expected: !, identifier, or 'end of string'")

    def _requirement(self) -> LabelMatch:
        negated = self._peek()[0] == "!" and not self._peek()[1]
        if negated:
            self._next()
        key, is_word = self._next()
        if not is_word:
            raise _unreadable(f"found '{key}', expected: identifier")
        if faults := label_key_faults(key):
            raise _unreadable(f'key: Invalid value: "{key}": {faults[0]}')
        word, _ = self._peek()
        if negated or word in (_END, ","):
            return (lambda labels: key not in labels) if negated else (lambda labels: key in labels)
        operator, _ = self._next()
        if operator not in _OPERATORS:
            listed = ", ".join(f"'{name}'" for name in ("in", "notin", "=", "==", "!=", "gt", "lt"))
            raise _unreadable(f"found '{operator}', expected: {listed}")
        values = self._set() if operator in ("in", "notin") else [self._exact()]
        if operator in (">", "<") and not _INTEGER.fullmatch(values[0]):
            raise _unreadable(
                f"values[0]: Invalid value: \"{values[0]}\": for 'Gt', 'Lt' operators, the value must be an "
                "integer"
            )
        for number, value in enumerate(values):
            if faults := label_value_faults(value):
                raise _unreadable(f'values[{number}][{key}]: Invalid value: "{value}": {faults[0]}')
        return _OPERATORS[operator](key, values)

    def _set(self) -> list[str]:
        opening, _ = self._next()
        if opening != "(":
            raise _unreadable(f"found '{opening}' expected: '('")
        values: list[str] = []
        while True:
            word, is_word = self._next()
            if is_word:
                values.append(word)
                word, _ = self._next()
            elif word in (",", ")"):
                values.append("")
            if word == ")":
                return values
            if word != ",":
                raise _unreadable(f"found '{word}', expected: ',', or identifier")

    def _exact(self) -> str:
        word, is_word = self._peek()
        if is_word:
            self._next()
            return word
        if word in (_END, ","):
            return ""
        raise _unreadable(f"found '{word}', expected: identifier")

    def _peek(self) -> tuple[str, bool]:
        return self._tokens[self._at]

    def _next(self) -> tuple[str, bool]:
        token = self._tokens[self._at]
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token


def _unreadable(message: str) -> Exception:
    return bad_request(f"unable to parse requirement: {message}")


def _one_of(key: str, values: list[str]) -> LabelMatch:
    if len(values) == 1:
        only = values[0]
        return lambda labels: labels.get(key) == only
    wanted = frozenset(values)
    return lambda labels: labels.get(key) in wanted


def _none_of(key: str, values: list[str]) -> LabelMatch:
    unwanted = frozenset(values)
    return lambda labels: labels.get(key) not in unwanted


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and _INTEGER.fullmatch(text) else None


def _greater(key: str, values: list[str]) -> LabelMatch:
    bound = int(values[0])
    return lambda labels: (found := _number(labels.get(key))) is not None and found > bound


def _less(key: str, values: list[str]) -> LabelMatch:
    bound = int(values[0])
    return lambda labels: (found := _number(labels.get(key))) is not None and found < bound


_OPERATORS: dict[str, Callable[[str, list[str]], LabelMatch]] = {
    "=": _one_of,
    "==": _one_of,
    "in": _one_of,
    "!=": _none_of,
    "notin": _none_of,
    ">": _greater,
    "<": _less,
}
