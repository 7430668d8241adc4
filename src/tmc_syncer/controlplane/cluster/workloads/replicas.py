"""`Rollout`: one Deployment with its ReplicaSets during one reconcile, and what is done to them.

Each step writes at once and works on with what it wrote, so that the next step sees it. A ReplicaSet name is the Deployment's and
the hash of its template; when that name is taken by another template, the Deployment's collision count goes up, which makes
another hash at the next try.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.controlplane.cluster.objects import conditions
from tmc_syncer.controlplane.cluster.objects.hashing import content_hash
from tmc_syncer.controlplane.cluster.objects.references import controller_reference, is_controlled_by
from tmc_syncer.controlplane.cluster.runtime.controller import namespace_is_terminating
from tmc_syncer.controlplane.cluster.runtime.recorder import NORMAL, WARNING, Recorder
from tmc_syncer.controlplane.cluster.runtime.world import World
from tmc_syncer.controlplane.cluster.workloads import history, progress, rollouts
from tmc_syncer.controlplane.cluster.workloads.history import HASH_LABEL, REVISION, ROLLBACK
from tmc_syncer.controlplane.cluster.workloads.names import DEPLOYMENTS, MANAGER, REPLICA_SETS
from tmc_syncer.controlplane.cluster.workloads.progress import FOREVER
from tmc_syncer.controlplane.cluster.workloads.rollouts import actual, size
from tmc_syncer.controlplane.server.errors import ApiError

__all__ = ["Rollout"]

Object = dict[str, Any]

LONGEST_NAME = 253


class Rollout:
    """See the module. `new` is the ReplicaSet of the present template, `old` are all others."""

    def __init__(
        self, world: World, recorder: Recorder, component: str, deployment: Object, sets: list[Object]
    ) -> None:
        self._world = world
        self._recorder = recorder
        self._component = component
        self.deployment = deployment
        self.new: Object | None = None
        self.old: list[Object] = []
        self._claimed = sets

    @property
    def sets(self) -> list[Object]:
        """All ReplicaSets."""
        return self.old if self.new is None else [*self.old, self.new]

    def active(self) -> list[Object]:
        """Those that are to have pods."""
        return [replica_set for replica_set in self.sets if size(replica_set)]

    def active_old(self) -> list[Object]:
        """The old ones that are to have pods."""
        return [replica_set for replica_set in self.old if size(replica_set)]

    # The new one

    def find(self, *, create: bool) -> None:
        """Tell new from old, keep the revisions right, and on request create what is missing. Raises `ApiError`."""
        found = history.find_new(self.deployment, self._claimed)
        uid = "" if found is None else found["metadata"]["uid"]
        self.old = [s for s in self._claimed if s["metadata"]["uid"] != uid]
        revision = history.max_revision(self.old) + 1
        if found is not None:
            self.new = self._refreshed(found, revision)
        elif create:
            self.new = self._create(revision)

    def _refreshed(self, found: Object, revision: int) -> Object:
        spec = self.deployment["spec"]
        present = found["metadata"].get("annotations") or {}
        annotations = history.annotations_for(self.deployment, present, revision)
        ready_seconds = spec.get("minReadySeconds", 0)
        if annotations != present or found["spec"].get("minReadySeconds", 0) != ready_seconds:
            found = self._changed(found, annotations=annotations, minReadySeconds=ready_seconds)
        is_news = self._take_revision(annotations.get(REVISION, str(revision)))
        status = self.deployment.get("status") or {}
        known = conditions.find(status.get("conditions"), "Progressing")
        if progress.has_deadline(self.deployment) and known is None:
            name = found["metadata"]["name"]
            self.note("True", "FoundNewReplicaSet", f'Found new replica set "{name}"')
        elif is_news:
            self.write(status)
        return found

    def _create(self, revision: int) -> Object | None:
        wanted = self._fresh_set(revision)
        name = wanted["metadata"]["name"]
        try:
            made = self._world.create(REPLICA_SETS, wanted, MANAGER)
        except ApiError as error:
            if error.reason == "AlreadyExists":
                return self._taken(wanted)
            if not namespace_is_terminating(error):
                message = f'Failed to create new replica set "{name}": {error.message}'
                if progress.has_deadline(self.deployment):
                    self.note("False", "ReplicaSetCreateError", message)
                self._tell(WARNING, "ReplicaSetCreateError", message)
            raise
        self._claimed = [*self._claimed, made]
        if size(made):
            self._tell(NORMAL, "ScalingReplicaSet", f"Scaled up replica set {name} from 0 to {size(made)}")
        is_news = self._take_revision(str(revision))
        if progress.has_deadline(self.deployment):
            self.note("True", "NewReplicaSetCreated", f'Created new replica set "{name}"')
        elif is_news:
            self.write(self.deployment.get("status") or {})
        return made

    def _fresh_set(self, revision: int) -> Object:
        metadata, spec = self.deployment["metadata"], self.deployment["spec"]
        collisions = (self.deployment.get("status") or {}).get("collisionCount")
        digest = content_hash(history.without_hash(spec["template"]), collisions)
        template = spec["template"]
        labels = {**((template.get("metadata") or {}).get("labels") or {}), HASH_LABEL: digest}
        selector = dict(spec["selector"])
        selector["matchLabels"] = {**(selector.get("matchLabels") or {}), HASH_LABEL: digest}
        annotations = history.annotations_for(self.deployment, {}, revision)
        replicas = rollouts.new_size(self.deployment, self.old, 0)
        return {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": f"{metadata['name'][: LONGEST_NAME - 1 - len(digest)]}-{digest}",
                "namespace": metadata["namespace"],
                "labels": labels,
                "annotations": annotations | rollouts.replica_annotations(self.deployment),
                "ownerReferences": [controller_reference(self.deployment)],
            },
            "spec": {
                "replicas": replicas,
                **({"minReadySeconds": spec["minReadySeconds"]} if spec.get("minReadySeconds") else {}),
                "selector": selector,
                "template": {**template, "metadata": {**(template.get("metadata") or {}), "labels": labels}},
            },
        }

    def _taken(self, wanted: Object) -> Object | None:
        """The name is taken: by ourselves a moment ago, or by another template."""
        metadata = wanted["metadata"]
        standing = self._world.fresh(REPLICA_SETS, (metadata["namespace"], metadata["name"]))
        template = self.deployment["spec"]["template"]
        if (
            standing is not None
            and is_controlled_by(standing, self.deployment)
            and history.same_template(standing["spec"]["template"], template)
        ):
            return standing
        status = self.deployment.get("status") or {}
        self.write({**status, "collisionCount": status.get("collisionCount", 0) + 1})
        return None

    # Sizes

    def resize(self, replica_set: Object, replicas: int, *, always: bool = False) -> bool:
        """Scale a ReplicaSet; whether its size changed. `always` refreshes what it knows of the scale, too."""
        before = size(replica_set)
        known = replica_set["metadata"].get("annotations") or {}
        annotations = known | rollouts.replica_annotations(self.deployment)
        if before == replicas and not (always and annotations != known):
            return False
        made = self._changed(replica_set, annotations=annotations, replicas=replicas)
        if before == replicas:
            return False
        way = "up" if before < replicas else "down"
        name = made["metadata"]["name"]
        message = f"Scaled {way} replica set {name} from {before} to {replicas}"
        self._tell(NORMAL, "ScalingReplicaSet", message)
        return True

    def clean_up(self) -> None:
        """Delete old, empty ReplicaSets beyond the history limit, the lowest revisions first."""
        limit = self.deployment["spec"].get("revisionHistoryLimit", FOREVER)
        standing = [s for s in self.old if "deletionTimestamp" not in s["metadata"]]
        surplus = len(standing) - limit if limit != FOREVER else 0
        for replica_set in sorted(history.by_age(standing), key=history.revision_of)[: max(0, surplus)]:
            generation = replica_set["metadata"].get("generation", 0)
            observed = actual(replica_set, "observedGeneration")
            if not (actual(replica_set) or size(replica_set) or generation > observed):
                self._world.delete(REPLICA_SETS, replica_set)

    def _changed(self, replica_set: Object, *, annotations: dict[str, str], **spec: Any) -> Object:
        def how(present: Object) -> Object:
            metadata = {**present["metadata"], "annotations": annotations}
            fields = {**present["spec"], **spec}
            if not fields.get("minReadySeconds"):
                fields.pop("minReadySeconds", None)
            return {**present, "metadata": metadata, "spec": fields}

        made = self._world.change(REPLICA_SETS, replica_set, how, MANAGER) or replica_set
        uid = replica_set["metadata"]["uid"]
        self._claimed = [made if s["metadata"]["uid"] == uid else s for s in self._claimed]
        self.old = [made if s["metadata"]["uid"] == uid else s for s in self.old]
        if self.new is not None and self.new["metadata"]["uid"] == uid:
            self.new = made
        return made

    # Rollback

    def roll_back(self) -> None:
        """Take over the template of the revision that the annotation names (0: the one before)."""
        text = self.deployment["metadata"]["annotations"][ROLLBACK]
        revision = int(text) if text.isdigit() else 0
        revision = revision or history.last_revision(self.sets)
        target = next((s for s in self.sets if revision and history.revision_of(s) == revision), None)
        name = self.deployment["metadata"]["name"]
        if target is None:
            word = "the revision to rollback to." if text != "0" else "last revision."
            self._tell(WARNING, "DeploymentRollbackRevisionNotFound", f"Unable to find {word}")
        elif history.same_template(target["spec"]["template"], self.deployment["spec"]["template"]):
            message = f'The rollback revision contains the same template as current deployment "{name}"'
            self._tell(WARNING, "DeploymentRollbackTemplateUnchanged", message)
            target = None
        else:
            message = f'Rolled back deployment "{name}" to revision {revision}'
            self._tell(NORMAL, "DeploymentRollback", message)
        self._world.change(DEPLOYMENTS, self.deployment, lambda d: _rolled_back(d, target), MANAGER)

    # Status

    def counted(self) -> Object:
        """The status of a sync that is no step of a rollout."""
        return progress.counted(self.deployment, self.sets, self.new, self._world.now())

    def finish(self) -> float | None:
        """Write the status after a step; when to look again whether it is stuck."""
        now = self._world.now()
        status = progress.progressed(self.deployment, self.sets, self.new, now)
        self.write(status)
        return progress.seconds_until_stuck(self.deployment, now)

    def note(self, status: str, reason: str, message: str) -> None:
        """Write a Progressing condition."""
        present = self.deployment.get("status") or {}
        made = progress.condition("Progressing", status, reason, message, self._world.now())
        self.write({**present, "conditions": conditions.put(present.get("conditions"), made)})

    def write(self, status: Object) -> None:
        """Write the status, and the revision annotation with it."""
        revision = (self.deployment["metadata"].get("annotations") or {}).get(REVISION)

        def how(present: Object) -> Object:
            metadata = present["metadata"]
            annotations = metadata.get("annotations") or {}
            if revision is not None and annotations.get(REVISION) != revision:
                metadata = {**metadata, "annotations": {**annotations, REVISION: revision}}
            return {**present, "metadata": metadata, "status": status}

        made = self._world.change(DEPLOYMENTS, self.deployment, how, MANAGER, subresource="status")
        if made is not None:
            # The generation that was looked at stays, even if a user has changed the object meanwhile.
            generation = self.deployment["metadata"].get("generation")
            self.deployment = {
                **made,
                "metadata": {**made["metadata"], "generation": generation},
                "spec": self.deployment["spec"],
            }

    def _take_revision(self, revision: str) -> bool:
        """Note the Deployment's revision, to be written with the next status; whether it is another one."""
        metadata = self.deployment["metadata"]
        annotations = metadata.get("annotations") or {}
        if annotations.get(REVISION) == revision:
            return False
        metadata = {**metadata, "annotations": {**annotations, REVISION: revision}}
        self.deployment = {**self.deployment, "metadata": metadata}
        return True

    def _tell(self, level: str, reason: str, message: str) -> None:
        self._recorder.tell(self._component, self.deployment, level, reason, message)


def _rolled_back(deployment: Object, target: Object | None) -> Object:
    metadata = dict(deployment["metadata"])
    annotations = {k: v for k, v in (metadata.get("annotations") or {}).items() if k != ROLLBACK}
    spec = deployment["spec"]
    if target is not None:
        spec = {**spec, "template": history.without_hash(target["spec"]["template"])}
        kept = {k: v for k, v in annotations.items() if k in history.NOT_COPIED}
        taken = target["metadata"].get("annotations") or {}
        annotations = kept | {k: v for k, v in taken.items() if k not in history.NOT_COPIED}
    metadata["annotations"] = annotations
    return {**deployment, "metadata": metadata, "spec": spec}
