"""What the server needs of `merge`: field ownership and patches, as a protocol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from tmc_syncer.controlplane.server.served import Object

__all__ = ["Merging"]


class Merging(Protocol):
    """The functions of the part `merge`; none of them changes what it is given."""

    def track_update(
        self,
        old: Object | None,
        new: Object,
        *,
        manager: str,
        schema: Any,
        api_version: str,
        subresource: str,
        now: str,
    ) -> Object:
        """The object with its managedFields as they are after this write."""
        ...

    def keep_times(self, old: Object, new: Object) -> Object:
        """The new object, with the old times of its managedFields where nothing else changed."""
        ...

    def apply(
        self,
        live: Object | None,
        patch: Object,
        *,
        manager: str,
        force: bool,
        schema: Any,
        api_version: str,
        subresource: str,
        now: str,
    ) -> Object:
        """What a server-side apply makes of the live object."""
        ...

    def strategic_merge(self, live: Object, patch: Object, schema: Any) -> Object: ...

    def merge_patch(self, live: Object, patch: Object) -> Object: ...

    def json_patch(self, live: Object, operations: Sequence[Object]) -> Object: ...
