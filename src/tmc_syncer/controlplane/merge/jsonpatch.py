"""JSON patches (RFC 6902), as kube-apiserver applies them: with github.com/evanphx/json-patch, version 4.

Where that library leaves the RFC, so do we: a `test` of a missing field against null passes; `replace` of a missing field sets it; `copy` of a
missing field copies null; negative indexes count from the end; what stands before the first slash of a path is ignored. Values
are equal only when they are of the same type: 1 is neither 1.0 nor true.

Raises `PatchError`: 400 for what is no patch, 422 for operations that fail, among them a `test`. Pure. What is given is not changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from tmc_syncer.controlplane.merge.patcherrors import malformed, unprocessable
from tmc_syncer.controlplane.schema.node import ABSENT

__all__ = ["MAX_COPIED_BYTES", "json_patch"]

MAX_COPIED_BYTES = (
    3 * 1024 * 1024
)  # kube-apiserver's JSONPatchMaxCopyBytes: a short patch must not make a huge object
_INTEGER = re.compile(r"[+-]?[0-9]+")

Container = dict[str, Any] | list[Any]
Edit = Callable[[Container, str], Container]


def json_patch(live: dict[str, Any], operations: Sequence[Any]) -> Any:
    """The live object after all operations."""
    document: Any = live
    copied = 0
    for operation in operations:
        if operation is not None and not isinstance(operation, dict):
            raise malformed("json: cannot unmarshal into Go value of type jsonpatch.Operation")
        document, size = _apply(document, operation or {})
        copied += size
        if copied > MAX_COPIED_BYTES:
            raise unprocessable(f"copies {copied} bytes, more than {MAX_COPIED_BYTES}")
    return document


def _apply(document: Any, operation: dict[str, Any]) -> tuple[Any, int]:
    """The document after one operation, and how many bytes that copied."""
    kind, value = operation.get("op"), operation.get("value", ABSENT)
    given = None if value is ABSENT else value
    match kind:
        case "add":
            return _edit(document, _text(operation, "path"), _adding(given)), 0
        case "remove":
            return _edit(document, _text(operation, "path"), _removed), 0
        case "replace":
            return _replaced(document, _text(operation, "path"), given), 0
        case "test":
            _test(document, _text(operation, "path"), value)
            return document, 0
        case "move":
            origin = _text(operation, "from")
            moved = _get(document, origin)
            rest = _edit(document, origin, _removed)
            return _edit(rest, _text(operation, "path"), _adding(_null(moved))), 0
        case "copy":
            taken = _get(document, _text(operation, "from"))
            made = _edit(document, _text(operation, "path"), _adding(_null(taken)))
            return made, 0 if taken is ABSENT else len(msgspec.json.encode(taken))
        case _:
            raise unprocessable(f"Unexpected kind: {kind or 'unknown'}")


def _null(value: Any) -> Any:
    return None if value is ABSENT else value


def _text(operation: dict[str, Any], name: str) -> str:
    text = operation.get(name)
    if not isinstance(text, str):
        raise unprocessable(f"operation missing {name} field")
    return text


def _steps(path: str) -> list[str]:
    steps = path.split("/")[1:]
    if not steps:
        raise unprocessable(f'doc is missing path: "{path}"')
    return [step.replace("~1", "/").replace("~0", "~") for step in steps]


def _index(step: str, *, end: int) -> int:
    """The place in a list that a step means, below `end`. Raises `PatchError`."""
    if not _INTEGER.fullmatch(step):
        raise unprocessable(f"value was not a proper array index: '{step}'")
    index = int(step)
    if index >= end or index < -end:
        raise unprocessable(f"Unable to access invalid index: {index}")
    return index + end if index < 0 else index


def _child(container: Any, step: str) -> Any:
    """What stands at one step; ABSENT for a field that is not there. Raises `PatchError` for a bad index."""
    if isinstance(container, dict):
        return container.get(step, ABSENT)
    return container[_index(step, end=len(container))]


def _get(document: Any, path: str) -> Any:
    *before, last = _steps(path)
    for step in before:
        document = _container(_child(_container(document, path), step), path)
    return _child(_container(document, path), last)


def _container(value: Any, path: str) -> Any:
    if not isinstance(value, dict | list):
        raise unprocessable(f'doc is missing path: "{path}"')
    return value


def _edit(document: Any, path: str, edit: Edit) -> Any:
    """The document with the container of the path's last step edited; all containers on the way are copies."""

    def descend(value: Any, steps: list[str]) -> Any:
        container = _container(value, path)
        step, *rest = steps
        if not rest:
            return edit(container, step)
        below = descend(_child(container, step), rest)
        return _placed(container, step, below)

    return descend(document, _steps(path))


def _placed(container: Container, step: str, value: Any) -> Container:
    """The container with a value at a step that is there, or a new field."""
    if isinstance(container, dict):
        return {**container, step: value}
    index = _index(step, end=len(container))
    return [*container[:index], value, *container[index + 1 :]]


def _adding(value: Any) -> Edit:
    def added(container: Container, step: str) -> Container:
        if isinstance(container, dict):
            return {**container, step: value}
        if step == "-":
            return [*container, value]
        index = _index(step, end=len(container) + 1)
        return [*container[:index], value, *container[index:]]

    return added


def _removed(container: Container, step: str) -> Container:
    if isinstance(container, dict):
        if step not in container:
            raise unprocessable(f"Unable to remove nonexistent key: {step}")
        return {name: value for name, value in container.items() if name != step}
    index = _index(step, end=len(container))
    return [*container[:index], *container[index + 1 :]]


def _replaced(document: Any, path: str, value: Any) -> Any:
    if path:
        return _edit(document, path, lambda container, step: _placed(container, step, value))
    if not isinstance(value, dict | list):
        raise unprocessable("replace operation value must be object or array")
    return value


def _test(document: Any, path: str, value: Any) -> None:
    found = _get(document, path) if path else document
    passes = value in (ABSENT, None) if found in (ABSENT, None) else _equal(found, value)
    if not passes:
        raise unprocessable(f"testing value {path} failed")


def _equal(left: Any, right: Any) -> bool:
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(_equal(item, right[name]) for name, item in left.items())
    if isinstance(left, list):
        return len(left) == len(right) and all(map(_equal, left, right))
    return bool(left == right)
