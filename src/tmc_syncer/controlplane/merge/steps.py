"""Steps of a field path in the form in which managedFields keep them: ``f:name``, ``k:{"name":"web"}``, ``v:"x"``, ``i:0``.

A step is a string, always the one that Go's encoder would write, so that equal steps are equal strings: keys sorted, no spaces,
<, > and & escaped. `key_step` and `value_step` make steps from list items, `canonical` turns a step that a client wrote into ours,
`words` gives the form for people (``.spec.ports[port=80,protocol="TCP"]``), `order` is the server's order of steps.

Source: sigs.k8s.io/structured-merge-diff/v6/fieldpath, element.go and serialize-pe.go. Pure; called for every list item of
every write, hence the caches, which only remember what a string looks like.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from tmc_syncer.controlplane.merge.gotext import go_json, go_value

__all__ = ["canonical", "key_of", "key_step", "order", "value_step", "words"]

_CACHED = (
    8192  # distinct keys of list items that are in use at one time; more only means computing some again
)
_KINDS = "fkvi"


@functools.lru_cache(maxsize=_CACHED, typed=True)
def _one_key(name: str, value: Any) -> str:
    return f"k:{{{go_json(name)}:{go_json(value)}}}"


@functools.lru_cache(maxsize=_CACHED, typed=True)
def _value(value: Any) -> str:
    return f"v:{go_json(value)}"


def key_step(key: Mapping[str, Any]) -> str:
    """The step of a list item by its key fields."""
    if len(key) == 1:
        ((name, value),) = key.items()
        if isinstance(value, str | int):
            return _one_key(name, value)
    return f"k:{go_json({name: key[name] for name in sorted(key)})}"


def value_step(value: Any) -> str:
    """The step of an item of a set."""
    return _value(value)


@functools.lru_cache(maxsize=_CACHED)
def key_of(step: str) -> dict[str, Any]:
    """The key fields of a ``k:`` step; not to be changed."""
    decoded: dict[str, Any] = msgspec.json.decode(step[2:])
    return decoded


@functools.lru_cache(maxsize=_CACHED)
def canonical(step: str) -> str | None:
    """The step as we write it, None for kinds that a future version may know. Raises ``ValueError`` for nonsense."""
    if len(step) < 2 or step[1] != ":":
        raise ValueError(f"missing colon: {step}")
    kind, content = step[0], step[2:]
    try:
        if kind == "k":
            return key_step(msgspec.json.decode(content, type=dict[str, Any]))
        if kind == "v":
            return _value(msgspec.json.decode(content))
        if kind == "i":
            return f"i:{int(content)}"
    except (msgspec.DecodeError, TypeError) as error:
        raise ValueError(f"{error}: {step}") from error
    return step if kind == "f" else None


def words(steps: Iterable[str]) -> str:
    """The path as messages write it."""
    return "".join(map(_word, steps))


@functools.lru_cache(maxsize=_CACHED)
def _word(step: str) -> str:
    kind, content = step[0], step[2:]
    if kind == "f":
        return f".{content}"
    if kind == "k":
        return f"[{','.join(f'{name}={go_value(value)}' for name, value in sorted(key_of(step).items()))}]"
    return f"[={go_value(msgspec.json.decode(content))}]" if kind == "v" else f"[{content}]"


@functools.lru_cache(maxsize=_CACHED)
def order(step: str) -> tuple[Any, ...]:
    """What the server sorts steps by; the step "." comes first."""
    if step == ".":
        return (-1,)
    kind, content = _KINDS.index(step[0]), step[2:]
    if step[0] == "k":
        return (kind, *((name, *_rank(value)) for name, value in sorted(key_of(step).items())))
    if step[0] == "v":
        return (kind, *_rank(msgspec.json.decode(content)))
    return (kind, int(content) if step[0] == "i" else content)


def _rank(value: Any) -> tuple[int, Any]:
    """Numbers before strings before booleans before the rest, which never are keys and are told apart by their text."""
    if isinstance(value, bool):
        return (2, value)
    if isinstance(value, int | float):
        return (0, value)
    return (1, value) if isinstance(value, str) else (3, go_json(value))
