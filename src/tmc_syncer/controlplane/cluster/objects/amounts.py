"""Numbers that may be percentages: ``maxSurge: 25%`` of five is two or one, depending on who asks.

`scaled` is Go's `intstr.GetScaledValueFromIntOrPercent`. What cannot be read counts as nothing, because the API server has
validated it before. Pure.
"""

from __future__ import annotations

__all__ = ["scaled"]


def scaled(value: int | str | None, total: int, *, round_up: bool) -> int:
    """The number itself, or that share of `total`; None is nothing."""
    if isinstance(value, int):
        return value
    text = (value or "").strip()
    if not text.endswith("%") or not text[:-1].isdigit():
        return 0
    share = int(text[:-1]) * total
    return -(-share // 100) if round_up else share // 100
