"""What a store tells its listeners: one `Change` per key, with how it was learnt.

Data only, pure: not the store itself, and not a watch event. A listener is called after the store shows the change.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from tmc_syncer.api.objects import Record
from tmc_syncer.api.resources import Key

__all__ = ["Change", "ChangeOrigin", "Listener"]


class ChangeOrigin(Enum):
    """How the store learnt of a change. Deletions of origin LIST are inferred, and feed the deletion brake."""

    WATCH = "watch"
    LIST = "list"
    REPLY = "reply"


@dataclass(frozen=True, slots=True)
class Change:
    """One key's change. `old` is None when it appeared, `new` is None when it is gone."""

    key: Key
    old: Record | None
    new: Record | None
    origin: ChangeOrigin


Listener = Callable[[Change], None]
