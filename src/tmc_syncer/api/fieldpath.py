"""Paths of fields inside an object, in the form that people and 409 causes write, as steps of a field set.

``.spec.replicas`` · ``.metadata.annotations["example.com/a.b"]`` · ``.spec.containers[name="web"].image`` ·
``.spec.containers[*].image`` · ``.metadata.finalizers[="example.com/x"]`` (a value of a set). A server writes keys of
string maps unquoted (``.metadata.annotations.example.com/a.b``): below the maps that every object has, all that
follows is one key.

`parse_field_path` gives the steps in the form of ``metadata.managedFields`` (``f:spec``, ``k:{"name":"web"}``,
``v:"example.com/x"``), with `ANY_ITEM` for ``[*]``, so that a path of a rule, a cause of a field conflict and a
field set compare without further translation. Source of the forms: structured-merge-diff, `fieldpath`. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from tmc_syncer.api.errors import UsageError

__all__ = ["ANY_ITEM", "FieldPath", "covers", "parse_field_path"]

FieldPath = tuple[str, ...]
ANY_ITEM = "*"
"""The step of ``[*]``: any item of a list, any value of a set."""

_PATH_LIMIT = 1024  # characters; the CRD has the same bound
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_ITEM_VALUE = rf"{_QUOTED}|[^\]\[,\"]+"
_STEP = re.compile(
    rf"\.(?P<field>[A-Za-z0-9_$-]+)"
    rf"|\[(?P<quoted>{_QUOTED})\]"
    rf"|\[(?P<any>\*)\]"
    rf"|\[=(?P<value>{_ITEM_VALUE})\]"
    rf"|\[(?P<keys>[A-Za-z0-9_-]+=(?:{_ITEM_VALUE})(?:,[A-Za-z0-9_-]+=(?:{_ITEM_VALUE}))*)\]"
)
_MAPS = (("f:metadata", "f:labels"), ("f:metadata", "f:annotations"))
_LAST_MAPS = ("f:matchLabels", "f:nodeSelector")
_TOP_MAPS = (("f:data",), ("f:binaryData",), ("f:stringData",))
_MAP_KEY = re.compile(r"\.([^\[\]\"\s]+)")
_PAIR = re.compile(rf"([A-Za-z0-9_-]+)=({_ITEM_VALUE})")
_compact = msgspec.json.Encoder(order="sorted").encode


def parse_field_path(text: str) -> FieldPath:
    """The steps of a path. Raises `UsageError` that shows where it stops being one."""
    steps: list[str] = []
    position = 0
    while position < len(text) and len(text) <= _PATH_LIMIT:
        if _is_string_map(steps) and (whole := _MAP_KEY.fullmatch(text, position)):
            steps.append(f"f:{whole[1]}")
            position = len(text)
            break
        found = _STEP.match(text, position)
        step = None if found is None else _read_step(found)
        if found is None or step is None:
            break
        steps.append(step)
        position = found.end()
    if position != len(text) or not steps:
        where = f" from {text[position : position + 40]!r} on" if steps else ""
        raise UsageError(
            f"{text[:80]!r} is not a field path{where}.",
            hint='Write for example .spec.replicas, .metadata.annotations["example.com/a"] '
            "or .spec.template.spec.containers[name=web].image.",
        )
    return tuple(steps)


def covers(rule: Sequence[str], path: Sequence[str]) -> bool:
    """Whether `rule` names `path` or a field above it; `ANY_ITEM` in the rule stands for any item."""
    if len(rule) > len(path):
        return False
    return all(
        wanted == step or (wanted == ANY_ITEM and not step.startswith("f:"))
        for wanted, step in zip(rule, path, strict=False)
    )


def _is_string_map(steps: list[str]) -> bool:
    return (
        tuple(steps[-2:]) in _MAPS or (bool(steps) and steps[-1] in _LAST_MAPS) or tuple(steps) in _TOP_MAPS
    )


def _read_step(found: re.Match[str]) -> str | None:
    if (name := found["field"]) is not None:
        return f"f:{name}"
    if found["any"] is not None:
        return ANY_ITEM
    if (quoted := found["quoted"]) is not None:
        text = _scalar(quoted)
        return None if text is None else f"f:{text}"
    if (value := found["value"]) is not None:
        return _encoded("v:", _scalar(value))
    pairs = {key: _scalar(value) for key, value in _PAIR.findall(found["keys"])}
    return None if None in pairs.values() else _encoded("k:", pairs)


def _encoded(prefix: str, value: object) -> str | None:
    return None if value is None else prefix + _compact(value).decode()


def _scalar(text: str) -> str | int | bool | None:
    """A quoted string, a number or a boolean as in JSON; any other bare text is a string. None: bad quoting."""
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return None if text.startswith('"') else text
    return value if isinstance(value, str | int) else text
