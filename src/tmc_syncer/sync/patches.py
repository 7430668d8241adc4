"""JSON patches (RFC 6902) that tmc-syncer sends upstream, each with the ``test`` that makes it safe.

A finalizer patch tests the uid and the whole list, so that another controller's finalizer is never lost to a
race (F43); the server answers 422 when a test fails, which means: look again. A status patch tests the uid and
replaces the status whole, since a merge patch would leave stale fields behind. Pure.
"""

from __future__ import annotations

from typing import Any

__all__ = ["add_finalizer", "remove_finalizer", "replace_status"]

Operation = dict[str, Any]


def add_finalizer(uid: str, present: tuple[str, ...], finalizer: str) -> list[Operation]:
    """Append `finalizer` to the list `present` of the object `uid`."""
    if not present:
        return [
            _test("/metadata/uid", uid),
            _test("/metadata/finalizers", None),
            {"op": "add", "path": "/metadata/finalizers", "value": [finalizer]},
        ]
    return [
        _test("/metadata/uid", uid),
        _test("/metadata/finalizers", list(present)),
        {"op": "add", "path": "/metadata/finalizers/-", "value": finalizer},
    ]


def remove_finalizer(uid: str, present: tuple[str, ...], finalizer: str) -> list[Operation]:
    """Remove `finalizer`, which stands in the list `present`, from the object `uid`."""
    return [
        _test("/metadata/uid", uid),
        _test("/metadata/finalizers", list(present)),
        {"op": "remove", "path": f"/metadata/finalizers/{present.index(finalizer)}"},
    ]


def replace_status(uid: str, status: Any) -> list[Operation]:
    """Set ``.status`` whole on the object `uid`."""
    return [_test("/metadata/uid", uid), {"op": "add", "path": "/status", "value": status}]


def _test(path: str, value: Any) -> Operation:
    return {"op": "test", "path": path, "value": value}
