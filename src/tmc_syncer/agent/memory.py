"""The agent's memory of upstream versions: what lets it see, after a restart, that upstream came from a backup.

A list whose resourceVersion lies below one that was seen before means a restored upstream, and then nothing may
be deleted because it is "gone". Within one process the informers know; across restarts the versions are kept in
an annotation of a Lease *downstream*: a Lease upstream would have gone back in time together with everything
else. (The design put it upstream; docs/decisions/0005.) Written at most once a minute, and only a Lease, so an
unchanged world still sees no other write.

Losing it costs only this protection: an agent that may not read or write it works without. One that cannot reach the
physical cluster does not start, since it could do nothing there anyway, and must not forget what it was to remember.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import msgspec

from tmc_syncer.agent.lease import LEASES, create_lease_namespace
from tmc_syncer.api.names import LEASE_NAMESPACE, SEEN_VERSIONS, label_value
from tmc_syncer.api.objects import Record
from tmc_syncer.api.resources import GVR
from tmc_syncer.kube.client import Client, PatchType
from tmc_syncer.kube.errors import ApiError, KubeError

__all__ = ["SAVE_SECONDS", "VersionMemory"]

SAVE_SECONDS = 60.0


class VersionMemory:
    """Remembers the last seen upstream resourceVersion per type, for the target with `key`."""

    def __init__(self, downstream: Client, key: str) -> None:
        self._client = downstream
        self._name = f"tmc-seen-{label_value(key).lower()[:40]}"
        self._saved: dict[str, str] = {}

    async def load(self) -> None:
        """Read what an earlier process saw; make the place for it when there is none.

        Raises `KubeError` unless the server answers; that this agent may not read it is an answer, too.
        """
        try:
            self._saved = _decoded(await self._client.get(LEASES, LEASE_NAMESPACE, self._name))
        except ApiError as error:
            if error.status not in (403, 404):
                raise
            if error.status == 404:
                with suppress(KubeError):
                    await self._write({})

    def seen(self, gvr: GVR) -> str:
        """The version that was seen last, '' when none is remembered."""
        return self._saved.get(str(gvr), "")

    async def save(self, versions: dict[GVR, str]) -> None:
        """Remember `versions`, if they differ from what is remembered."""
        wanted = {str(gvr): version for gvr, version in versions.items() if version}
        if not wanted or wanted == self._saved:
            return
        annotations = {SEEN_VERSIONS: msgspec.json.encode(wanted).decode()}
        try:
            await self._write(annotations)
        except KubeError:
            return  # tried again at the next turn
        self._saved = wanted

    async def _write(self, annotations: dict[str, str]) -> None:
        try:
            await self._client.patch(
                LEASES, LEASE_NAMESPACE, self._name, {"metadata": {"annotations": annotations}},
                patch_type=PatchType.MERGE,
            )  # fmt: skip
        except ApiError as error:
            if error.status != 404:
                raise
            await create_lease_namespace(self._client)
            await self._client.create(LEASES, LEASE_NAMESPACE, self._lease(annotations))

    def _lease(self, annotations: dict[str, str]) -> dict[str, Any]:
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self._name, "namespace": LEASE_NAMESPACE, "annotations": annotations},
            "spec": {},
        }


def _decoded(lease: Record) -> dict[str, str]:
    try:
        return msgspec.json.decode(lease.meta.annotation(SEEN_VERSIONS) or "{}", type=dict[str, str])
    except msgspec.DecodeError:
        return {}
