"""How the messages of kube-apiserver write things: Go's ``%q`` and ``%#v`` of texts and lists, and several errors in one.

Clients and people compare these messages, so they are reproduced exactly. Nothing here decides anything.

Pure. Used wherever a message of this package quotes a name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["go_syntax", "quote", "quote_list", "together"]

_ESCAPES = {
    "\a": r"\a",
    "\b": r"\b",
    "\f": r"\f",
    "\n": r"\n",
    "\r": r"\r",
    "\t": r"\t",
    "\v": r"\v",
    "\\": r"\\",
    '"': r"\"",
}


def quote(text: str) -> str:
    """The text in double quotes, escaped as ``%q`` does."""
    return f'"{"".join(map(_escaped, text))}"'


def quote_list(texts: Iterable[str]) -> str:
    """A list of texts as ``%q`` writes it: ``["a" "b"]``."""
    return f"[{' '.join(map(quote, texts))}]"


def go_syntax(texts: Iterable[str] | None) -> str:
    """A list of texts as ``%#v`` writes it: ``[]string{"a", "b"}``, None as ``[]string(nil)``."""
    return "[]string(nil)" if texts is None else f"[]string{{{', '.join(map(quote, texts))}}}"


def together(errors: Sequence[str]) -> str:
    """Several errors in one line, each once, as aggregates print them."""
    different = tuple(dict.fromkeys(errors))
    return different[0] if len(different) == 1 else f"[{', '.join(different)}]"


def _escaped(character: str) -> str:
    if known := _ESCAPES.get(character):
        return known
    if character.isprintable():
        return character
    code = ord(character)
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
