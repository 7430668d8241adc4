"""Words that several tables share: label selectors as text, lists that are cut short, names and images of containers.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = ["containers", "labels", "none", "selector", "shortened"]

Object = dict[str, Any]

NONE = "<none>"
UNSET = "<unset>"
ERROR = "<error>"


def none(text: str | None) -> str:
    """The text, or ``<none>``."""
    return text or NONE


def labels(values: Mapping[str, str] | None) -> str:
    """Labels as ``a=b,c=d``, sorted."""
    return ",".join(f"{key}={value}" for key, value in sorted((values or {}).items())) or NONE


def selector(value: Mapping[str, Any] | None, empty: str = NONE) -> str:
    """A label selector as kubectl writes one; `empty` stands for one that selects everything or nothing."""
    if value is None:
        return empty
    terms = [(key, f"{key}={text}") for key, text in (value.get("matchLabels") or {}).items()]
    for expression in value.get("matchExpressions") or ():
        key, operator = expression.get("key", ""), expression.get("operator", "")
        values = ",".join(sorted(expression.get("values") or ()))
        written = {
            "In": f"{key} in ({values})",
            "NotIn": f"{key} notin ({values})",
            "Exists": key,
            "DoesNotExist": f"!{key}",
        }.get(operator)
        if written is None:
            return ERROR
        terms.append((key, written))
    return ",".join(text for _, text in sorted(terms, key=lambda term: term[0])) or empty


def containers(spec: Mapping[str, Any] | None) -> tuple[str, str]:
    """Names and images of the containers of a pod spec."""
    listed: Sequence[Object] = (spec or {}).get("containers") or ()
    names = ",".join(container.get("name", "") for container in listed)
    return names, ",".join(container.get("image", "") for container in listed)


def shortened(items: Sequence[str], most: int, empty: str) -> str:
    """The first items, and how many more there are."""
    text = ",".join(items[:most])
    if len(items) > most:
        return f"{text} + {len(items) - most} more..."
    return text or empty


def amounts(values: Iterable[str]) -> str:
    """Access modes as kubectl shortens them."""
    short = {
        "ReadWriteOnce": "RWO",
        "ReadOnlyMany": "ROX",
        "ReadWriteMany": "RWX",
        "ReadWriteOncePod": "RWOP",
    }
    present = set(values)
    return ",".join(text for mode, text in short.items() if mode in present)
