"""JSON merge patches (RFC 7386), as kube-apiserver applies them: with github.com/evanphx/json-patch, version 4.

It differs from the RFC in one thing: nulls inside a list of the patch stay, but nulls of objects in such a list go, and only when the
list does not replace an object. Pure. Nothing that is given is changed; parts are shared.
"""

from __future__ import annotations

from typing import Any

__all__ = ["merge_patch"]


def merge_patch(live: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """The live object with the patch merged into it."""
    found = dict(live)
    for name, wanted in patch.items():
        if wanted is None:
            found.pop(name, None)
            continue
        current = found.get(name)
        if not isinstance(current, dict):
            found[name] = _without_nulls(wanted)
        elif isinstance(wanted, dict):
            found[name] = merge_patch(current, wanted)
        else:
            found[name] = wanted
    return found


def _without_nulls(value: Any) -> Any:
    """The value without null fields, in lists too; null items of lists stay."""
    if isinstance(value, dict):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value
