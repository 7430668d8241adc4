"""Admission: functions that see each write before it is validated, and may change it or refuse it.

They run in the order of the chain, on the object as it will be written, after the patch was applied and before defaulting and
validation. A function returns the object (the one it got, or a new one) or raises `ApiError`. Reads go through what the
function was made with, for example a `Local`. Deletes are shown too, with the live object as `obj`; what is returned for them
does not matter. The functions themselves (service accounts, limit ranges, quotas) are registered by the assembly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tmc_syncer.controlplane.auth.users import User
from tmc_syncer.controlplane.server.kinds import Kind
from tmc_syncer.controlplane.server.served import Object

__all__ = ["Admission", "Admit"]


@dataclass(frozen=True, slots=True)
class Admission:
    """One write. `verb` is create, update or delete; `old` is the live object of an update."""

    verb: str
    kind: Kind
    cluster: str
    namespace: str
    name: str
    subresource: str
    obj: Object
    old: Object | None
    user: User
    dry_run: bool


Admit = Callable[[Admission], Object]
"""Returns the object to go on with; raises `ApiError` to refuse."""
