"""`Call`: one request to the resources of one cluster, however it came (HTTP or in-process), and `Outcome`, its result.

A call names what it is about; what it wants done is the method of `Resources` it is given to. `warnings` collects the sentences
that go out as ``Warning`` headers.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tmc_syncer.controlplane.auth.users import MASTERS, User
from tmc_syncer.controlplane.server.kinds import Kind
from tmc_syncer.controlplane.server.served import Object
from tmc_syncer.controlplane.storage.records import Record

__all__ = ["ADMIN", "Call", "Outcome"]

ADMIN = User("system:admin", "", (MASTERS, "system:authenticated"))
"""Whoever asks a server that asks nobody for a name, and everything in-process."""


@dataclass(slots=True)
class Call:
    """See the module. `manager` is the field manager's name, `user` who asks."""

    cluster: str
    kind: Kind
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    manager: str = "unknown"
    user: User = ADMIN
    dry_run: bool = False
    validation: str = "Warn"
    warnings: list[str] = field(default_factory=list)

    @property
    def key(self) -> str:
        """The key of the object in its collection."""
        return self.kind.key(self.cluster, self.namespace, self.name)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a write made: the record as it is now in the store (or would be), the same as a dictionary, and what happened.

    `deleted` says that the object is gone (its last state is `obj`), `created` that it was not there before.
    """

    record: Record
    obj: Object
    created: bool = False
    deleted: bool = False
