"""What the store keeps: `Record` (one state of one object), `Change` (one step of history), and the store's refusals.

A record holds the object as encoded JSON, not as dictionaries: 100,000 objects of 3 KB must fit into memory and a list must
be joined, not encoded. `body` is the text of the object behind its kind and apiVersion, so it starts with ``"metadata":`` and
ends with the closing brace; what stands before it depends on who asks (a list item, a watch event, another served version)
and is put in front when it is sent. Labels, field selector values and uid are kept beside it, since selectors and
preconditions need them for every object.

Records and changes are immutable and hold no cycles; the garbage collector does not track them (``gc=False``). Their revision
is the ``resourceVersion`` that stands in the body.
"""

from __future__ import annotations

import msgspec

__all__ = ["Change", "Compacted", "Mismatch", "Record", "StoreError", "Window"]


class Record(msgspec.Struct, frozen=True, gc=False):
    """One state of one object. `key` is ``cluster/namespace/name``, or ``cluster/name`` without a namespace.

    `version` is the apiVersion the body is written in. `fields` are the values of field selectors beyond name and namespace.
    """

    key: str
    revision: int
    body: bytes
    uid: str = ""
    version: str = ""
    labels: dict[str, str] | None = None
    fields: dict[str, str] | None = None


class Change(msgspec.Struct, frozen=True, gc=False):
    """One step of history. Of a deletion, `record` is the last state, written with the revision of the deletion."""

    record: Record
    previous: Record | None
    deleted: bool = False

    @property
    def revision(self) -> int:
        """The revision that this change made."""
        return self.record.revision


class Window:
    """How far back the history of a store reaches; one object that the store and its collections share."""

    __slots__ = ("compacted",)

    def __init__(self) -> None:
        self.compacted = 0
        """The oldest revision that can still be asked for."""


class StoreError(Exception):
    """A request that the store refuses."""


class Mismatch(StoreError):
    """The object is not at the expected revision. `current` is what is there, None for nothing."""

    def __init__(self, key: str, current: Record | None) -> None:
        super().__init__(f"{key} is not at the expected revision")
        self.current = current


class Compacted(StoreError):
    """The revision is older than the window. `oldest` is the oldest that can still be asked for."""

    def __init__(self, revision: int, oldest: int) -> None:
        super().__init__(f"revision {revision} is older than the window, which starts at {oldest}")
        self.revision = revision
        self.oldest = oldest
