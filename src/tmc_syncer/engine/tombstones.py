"""`Tombstones`: what a store remembers of objects that are gone, so that late events do not bring them back. Pure.

Two kinds. A *version* is left by a DELETED event: events of that key from before it are replays; it says nothing about
the uid, which may return to a label-selected view. A *uid* is left by a reply that said "gone at once": such an object
never returns, but the version of its deletion is unknown, so every event of the uid is hidden.

Both are bounded in number, and a uid in time too: should one be wrong (a server restored from a backup without our
noticing), a list that shows the object is believed after `UID_SECONDS`. What falls out early can only let a replayed
event through, which the next periodic relist heals.
"""

from __future__ import annotations

from collections.abc import Callable

from tmc_syncer.api.resources import Key

__all__ = ["MAX_TOMBSTONES", "UID_SECONDS", "Tombstones"]

MAX_TOMBSTONES = 10_000
"""Of each kind. Replays reach back seconds to minutes; ten thousand deletions of one type take a server that long."""

UID_SECONDS = 600.0
"""Longer than any watch may stay silent and still count as alive, so no event of the past arrives after it."""


class Tombstones:
    """See the module docstring. `now` returns monotonic seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._versions: dict[Key, int] = {}
        self._uids: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._versions) + len(self._uids)

    def bury_version(self, key: Key, version: int) -> None:
        """A DELETED event of `version`; 0 (unknown) leaves nothing."""
        if version <= self._versions.get(key, 0):
            return
        self._versions.pop(key, None)
        self._versions[key] = version
        if len(self._versions) > MAX_TOMBSTONES:
            del self._versions[next(iter(self._versions))]

    def version_of(self, key: Key) -> int:
        """The version of the last known deletion of `key`; 0 when there is none."""
        return self._versions.get(key, 0)

    def drop_versions(self, version: int) -> None:
        """A complete list of `version` tells what is there: deletions up to it need not be remembered."""
        if self._versions:
            self._versions = {key: at for key, at in self._versions.items() if at > version}

    def bury_uid(self, uid: str) -> None:
        """A reply said that the object with this uid is gone; an empty uid says nothing."""
        if not uid:
            return
        self._uids.pop(uid, None)
        self._uids[uid] = self._now()
        if len(self._uids) > MAX_TOMBSTONES:
            del self._uids[next(iter(self._uids))]

    def deletion_seen(self, uid: str) -> None:
        """The DELETED event of `uid` came: from here on its version hides the replays."""
        self._uids.pop(uid, None)

    def hides(self, uid: str) -> bool:
        """Whether events of this uid are late."""
        if not self._uids:
            return False
        since = self._uids.get(uid)
        if since is None:
            return False
        if self._now() - since < UID_SECONDS:
            return True
        del self._uids[uid]
        return False
