"""The agent's Lease: one agent per target. Lock and heartbeat in one object, upstream.

``tmc-<target>`` in namespace ``tmc-system``. Whoever holds it may write; a second agent stands by and says so.
Times in the Lease are for people and for the hub; this agent judges only by its own monotonic clock: it counts
as holder for `RENEW_DEADLINE` of its last successful renewal, and takes a Lease over only after it has watched
it unchanged for the Lease's whole duration. A lost Lease stops every write (row 0: not fresh) without ending
the process; when upstream is back, the agent renews and goes on.

The lock is a convenience. Correctness rests on the preconditions of every write.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tmc_syncer.api.names import LEASE_NAMESPACE, lease_name
from tmc_syncer.api.objects import Record
from tmc_syncer.api.resources import GVR, ResourceInfo
from tmc_syncer.engine.env import Env, rfc3339_micro
from tmc_syncer.kube.client import Client
from tmc_syncer.kube.errors import ApiError, KubeError

__all__ = ["LEASES", "AgentLease", "LeaseTimes", "create_lease_namespace"]

LEASES = ResourceInfo(GVR("coordination.k8s.io", "v1", "leases"), "Lease", namespaced=True)
_NAMESPACES = ResourceInfo(GVR("", "v1", "namespaces"), "Namespace", namespaced=False)
_ATTEMPT_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    """`duration`: how long others must wait; `deadline`: how long we trust our last renewal; `renew`: how often."""

    duration: float = 15.0
    deadline: float = 10.0
    renew: float = 5.0
    retry: float = 2.0


class AgentLease:
    """Acquires and renews the Lease of one target. `held` is the only thing that others ask."""

    def __init__(self, client: Client, target: str, identity: str, env: Env, times: LeaseTimes) -> None:
        self._client = client
        self._name = lease_name(target)
        self._identity = identity
        self._env = env
        self._times = times
        self._renewed_at: float | None = None
        self._seen: tuple[str, float] = ("", 0.0)
        self.holder = ""
        self.annotations: dict[str, str] = {}

    @property
    def retry_seconds(self) -> float:
        """How soon to try again after an attempt that failed."""
        return self._times.retry

    @property
    def holder_is_other(self) -> bool:
        """Whether the last look showed another agent as holder."""
        return self.holder not in ("", self._identity)

    def held(self) -> bool:
        """Whether this agent may write now."""
        return (
            self._renewed_at is not None
            and self._env.clock.monotonic() - self._renewed_at < self._times.deadline
        )

    def why_not_held(self) -> str:
        """Why this agent may not write now, for people; '' when it may."""
        if self.held():
            return ""
        if self.holder_is_other:
            return "Another agent holds the Lease."
        if self._renewed_at is None:
            return "The Lease is not acquired yet."
        return "The Lease could not be renewed in time: upstream does not answer, or refuses it."

    async def attempt(self) -> float:
        """Acquire or renew once; returns the seconds until the next attempt. Raises `KubeError` when it cannot ask."""
        started = self._env.clock.monotonic()
        try:
            lease: Record | None = await self._client.get(
                LEASES, LEASE_NAMESPACE, self._name, timeout=_ATTEMPT_TIMEOUT_SECONDS
            )
        except ApiError as error:
            if error.status != 404:
                raise
            lease = None
        if lease is None:
            written = await self._create()
        elif self._may_take(lease):
            written = await self._take(lease)
        else:
            self._renewed_at = None
            return self._times.retry
        if written:
            self._renewed_at = started
            self.holder = self._identity
            return self._times.renew
        return self._times.retry

    async def release(self) -> None:
        """Give the Lease up on the way out, so that a standby takes over at once. Failing to is no error."""
        if not self.held():
            return
        self._renewed_at = None
        try:
            lease = await self._client.get(
                LEASES, LEASE_NAMESPACE, self._name, timeout=_ATTEMPT_TIMEOUT_SECONDS
            )
            spec = lease.field("spec") or {}
            if spec.get("holderIdentity") == self._identity:
                await self._write(lease, {**spec, "holderIdentity": "", "leaseDurationSeconds": 1})
        except KubeError:
            return

    def _may_take(self, lease: Record) -> bool:
        spec: dict[str, Any] = lease.field("spec") or {}
        self.holder = str(spec.get("holderIdentity") or "")
        if self.holder in ("", self._identity):
            return True
        now = self._env.clock.monotonic()
        if self._seen[0] != lease.meta.resource_version:
            self._seen = lease.meta.resource_version, now
            return False
        duration = float(spec.get("leaseDurationSeconds") or self._times.duration)
        return now - self._seen[1] > duration

    async def _create(self) -> bool:
        body = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self._name, "namespace": LEASE_NAMESPACE, "annotations": self.annotations},
            "spec": self._spec(transitions=0),
        }
        for _ in range(2):
            try:
                await self._client.create(LEASES, LEASE_NAMESPACE, body)
            except ApiError as error:
                if error.status == 409:
                    return False
                if error.status != 404:
                    raise
                await create_lease_namespace(self._client)
            else:
                return True
        return False

    async def _take(self, lease: Record) -> bool:
        spec: dict[str, Any] = lease.field("spec") or {}
        changed_hands = spec.get("holderIdentity") != self._identity
        transitions = int(spec.get("leaseTransitions") or 0) + int(changed_hands)
        fresh = self._spec(transitions)
        if not changed_hands:
            fresh["acquireTime"] = spec.get("acquireTime", fresh["acquireTime"])
        try:
            await self._write(lease, fresh)
        except ApiError as error:
            if error.status in (404, 409):
                return False
            raise
        return True

    async def _write(self, lease: Record, spec: dict[str, Any]) -> None:
        annotations = {**(lease.meta.annotations or {}), **self.annotations}
        body = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                "name": self._name,
                "namespace": LEASE_NAMESPACE,
                "uid": lease.meta.uid,
                "resourceVersion": lease.meta.resource_version,
                "annotations": annotations,
            },
            "spec": spec,
        }
        await self._client.replace(LEASES, LEASE_NAMESPACE, self._name, body)

    def _spec(self, transitions: int) -> dict[str, Any]:
        moment = rfc3339_micro(self._env.clock.now())
        return {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": int(self._times.duration),
            "acquireTime": moment,
            "renewTime": moment,
            "leaseTransitions": transitions,
        }


async def create_lease_namespace(client: Client) -> None:
    """Create ``tmc-system``, if it is not there."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": LEASE_NAMESPACE}}
    try:
        await client.create(_NAMESPACES, "", namespace)
    except ApiError as error:
        if error.status != 409:
            raise
