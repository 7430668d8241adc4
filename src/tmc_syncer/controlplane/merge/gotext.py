"""Values as Go prints them: in JSON (`go_json`) and in messages (`go_value`, `quoted`).

Clients compare messages and field sets byte by byte, so these have to be written as encoding/json, fmt and strconv would. `go_json`
escapes <, > and & and sorts no keys; integral floats lose their fraction, as Go's shortest form does. Pure; used wherever the
merge part writes what a client reads.
"""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["go_json", "go_map", "go_number", "go_sorted_json", "go_syntax", "go_value", "quoted"]

_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_LARGEST_PLAIN = 1e21  # from here on Go writes an exponent

_QUOTED = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    '"': '\\"',
    "\\": "\\\\",
}


def go_json(value: Any) -> str:
    """The value as encoding/json writes it."""
    if isinstance(value, float):
        return go_number(value)
    return _escaped(msgspec.json.encode(value).decode())


def go_number(value: float) -> str:
    """The number as fmt prints it with %v."""
    return str(int(value)) if value == int(value) and abs(value) < _LARGEST_PLAIN else repr(value)


def go_sorted_json(value: Any) -> str:
    """The value as encoding/json writes it when it comes from maps: keys in order."""
    return _escaped(msgspec.json.encode(value, order="sorted").decode())


def _escaped(text: str) -> str:
    for plain, escaped in _ESCAPES.items():
        if plain in text:
            text = text.replace(plain, escaped)
    return text


def quoted(text: str) -> str:
    """The text as %q prints it."""
    return f'"{"".join(_QUOTED.get(character) or _printable(character) for character in text)}"'


def _printable(character: str) -> str:
    if character.isprintable():
        return character
    code = ord(character)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def go_value(value: Any) -> str:
    """The value as structured-merge-diff prints it in paths and messages."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, list):
        return f"[{','.join(map(go_value, value))}]"
    if isinstance(value, dict):
        return "".join(f"{name}={go_value(item)}" for name, item in value.items())
    return go_json(value)


def go_map(value: Any) -> str:
    """The value as fmt prints it with %v: ``map[a:1 b:[x y]]``."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return f"[{' '.join(map(go_map, value))}]"
    if isinstance(value, dict):
        return f"map[{' '.join(f'{name}:{go_map(value[name])}' for name in sorted(value))}]"
    return go_json(value)


def go_syntax(value: Any) -> str:
    """The value as fmt prints it with %#v."""
    if value is None:
        return "interface {}(nil)"
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, list):
        return f"[]interface {{}}{{{', '.join(map(go_syntax, value))}}}"
    if isinstance(value, dict):
        items = ", ".join(f"{quoted(name)}:{go_syntax(value[name])}" for name in sorted(value))
        return f"map[string]interface {{}}{{{items}}}"
    return go_map(value)
