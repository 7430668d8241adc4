"""What a StatefulSet does to its pods and claims: create, repair and delete them, with its Events.

A pod is created after its claims; a claim that is being deleted holds its pod back. Events name set, pod and claim as the real
controller does.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.controlplane.cluster.runtime.recorder import NORMAL, WARNING, Recorder
from tmc_syncer.controlplane.cluster.runtime.world import World
from tmc_syncer.controlplane.cluster.workloads import retention
from tmc_syncer.controlplane.cluster.workloads.names import MANAGER, PODS
from tmc_syncer.controlplane.cluster.workloads.ordinals import (
    claims_of,
    has_identity,
    has_storage,
    ordinal_of,
    repaired,
)
from tmc_syncer.controlplane.server.errors import ApiError

__all__ = ["CLAIMS", "StatefulPods"]

Object = dict[str, Any]

CLAIMS = "persistentvolumeclaims"


class StatefulPods:
    """See the module."""

    def __init__(self, world: World, recorder: Recorder, component: str) -> None:
        self._world = world
        self._recorder = recorder
        self._component = component

    def create(self, owner: Object, pod: Object) -> None:
        """Create a pod and what it needs. Raises `ApiError`."""
        self.make_claims(owner, pod)
        try:
            made = self._world.create(PODS, pod, MANAGER)
        except ApiError as error:
            if error.reason != "AlreadyExists":
                self._tell("create", owner, pod, error)
            raise
        self.keep_owners(owner, made)
        self._tell("create", owner, pod, None)

    def delete(self, owner: Object, pod: Object) -> None:
        """Delete a pod. Raises `ApiError`."""
        try:
            self._world.delete(PODS, pod)
        except ApiError as error:
            self._tell("delete", owner, pod, error)
            raise
        self._tell("delete", owner, pod, None)

    def repair(self, owner: Object, pod: Object) -> None:
        """Give a pod its labels, volumes and claims back. Raises `ApiError`."""
        self.keep_owners(owner, pod)
        if has_identity(owner, pod) and has_storage(owner, pod):
            return
        if not has_storage(owner, pod):
            self.make_claims(owner, pod)
        try:
            self._world.change(PODS, pod, lambda present: repaired(owner, present), MANAGER)
        except ApiError as error:
            self._tell("update", owner, pod, error)
            raise
        self._tell("update", owner, pod, None)

    def make_claims(self, owner: Object, pod: Object) -> None:
        """Create the claims that are missing. Raises `ApiError`."""
        for claim in claims_of(owner, ordinal_of(pod)).values():
            metadata = claim["metadata"]
            standing = self._world.view(CLAIMS).get((metadata["namespace"], metadata["name"]))
            if standing is None:
                self._make_claim(owner, pod, claim)
            elif "deletionTimestamp" in standing["metadata"]:
                raise ApiError(409, "Conflict", f"pvc {metadata['name']} is being deleted")

    def _make_claim(self, owner: Object, pod: Object, claim: Object) -> None:
        said = f"Create Claim {claim['metadata']['name']} Pod {pod['metadata']['name']} in StatefulSet"
        said = f"{said} {owner['metadata']['name']}"
        try:
            self._world.create(CLAIMS, claim, MANAGER)
        except ApiError as error:
            message = f"{said} failed error: {error.message}"
            self._recorder.tell(self._component, owner, WARNING, "FailedCreate", message)
            raise
        self._recorder.tell(self._component, owner, NORMAL, "SuccessfulCreate", f"{said} success")

    def keep_owners(self, owner: Object, pod: Object) -> None:
        """Let the owners of its claims be those of the retention policy."""
        for standing in self._claims(owner, pod):
            if not retention.is_up_to_date(standing, owner, pod):
                self._world.change(
                    CLAIMS, standing, lambda present: retention.with_owners(present, owner, pod), MANAGER
                )

    def has_stale_claim(self, owner: Object, pod: Object) -> bool:
        """Whether a claim still belongs to an earlier pod of that name, with which it will go."""
        if retention.keeps_when_scaled(owner):
            return False
        return any(retention.has_stale_owner(claim, pod) for claim in self._claims(owner, pod))

    def _claims(self, owner: Object, pod: Object) -> list[Object]:
        view = self._world.view(CLAIMS)
        names = [claim["metadata"] for claim in claims_of(owner, ordinal_of(pod)).values()]
        found = (view.get((name["namespace"], name["name"])) for name in names)
        return [claim for claim in found if claim is not None]

    def _tell(self, verb: str, owner: Object, pod: Object, error: ApiError | None) -> None:
        said = f"{verb.title()} Pod {pod['metadata']['name']} in StatefulSet {owner['metadata']['name']}"
        if error is None:
            self._recorder.tell(
                self._component, owner, NORMAL, f"Successful{verb.title()}", f"{said} successful"
            )
        else:
            message = f"{said} failed error: {error.message}"
            self._recorder.tell(self._component, owner, WARNING, f"Failed{verb.title()}", message)
