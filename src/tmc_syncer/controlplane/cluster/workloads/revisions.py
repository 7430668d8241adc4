"""ControllerRevisions: the templates that a StatefulSet or a DaemonSet has had, numbered, each in an object of its own.

A revision holds the template as a patch. The one whose content is the present template is the current one; it gets a number above
all others, whether it is new or an old template that came back. Names are the owner's and a hash of the content; a
collision count makes another hash when the name is taken by another content. Source: ``pkg/controller/history``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from tmc_syncer.controlplane.cluster.objects.hashing import content_hash
from tmc_syncer.controlplane.cluster.objects.pods import created
from tmc_syncer.controlplane.cluster.objects.references import controller_reference
from tmc_syncer.controlplane.cluster.objects.selection import matches
from tmc_syncer.controlplane.cluster.runtime.claims import claim
from tmc_syncer.controlplane.cluster.runtime.world import World
from tmc_syncer.controlplane.cluster.workloads.names import MANAGER, REVISIONS
from tmc_syncer.controlplane.server.errors import ApiError

__all__ = ["REVISION_LABEL", "Revisions", "data_of", "template_of"]

Object = dict[str, Any]

REVISION_LABEL = "controller-revision-hash"
"""Label of pods: the name of the revision (StatefulSet) or its hash (DaemonSet)."""

LONGEST_PREFIX = 223
COLLISIONS = 100
"""Tries for a free name in one reconcile."""


def data_of(owner: Object) -> Object:
    """What a revision remembers of its owner."""
    template = {**owner["spec"]["template"], "$patch": "replace"}
    return {"spec": {"template": template}}


def template_of(revision: Object) -> Object:
    """The pod template in a revision."""
    template = dict(revision["data"]["spec"]["template"])
    template.pop("$patch", None)
    return template


class Revisions:
    """The revisions of one owner during one reconcile. `label` gets the hash of each."""

    def __init__(self, world: World, owner: Object, label: str) -> None:
        self._world = world
        self._owner = owner
        self._label = label
        view = world.view(REVISIONS)
        metadata = owner["metadata"]
        candidates = [*view.owned_by(metadata["uid"]), *view.orphans(metadata["namespace"])]
        self.all: list[Object] = _sorted(
            claim(
                world,
                REVISIONS,
                owner,
                candidates,
                lambda obj: matches(owner["spec"].get("selector"), obj["metadata"].get("labels")),
                MANAGER,
            )
        )
        self.collisions: int | None = (owner.get("status") or {}).get("collisionCount")

    def current(self) -> Object:
        """The revision of the present template, created or renumbered where needed. Raises `ApiError`."""
        data = data_of(self._owner)
        equal = [revision for revision in self.all if revision.get("data") == data]
        if not equal:
            made = self._create(data, self._next())
            self.all = _sorted([*self.all, made])
            return made
        found = equal[-1]
        if found is not self.all[-1]:
            number = self._next()
            renumbered = self._world.change(
                REVISIONS, found, lambda present: {**present, "revision": number}, MANAGER
            )
            found = renumbered or found
            uid = found["metadata"]["uid"]
            self.all = _sorted([found if r["metadata"]["uid"] == uid else r for r in self.all])
        return found

    def named(self, name: str) -> Object | None:
        """The revision of this name."""
        return next((revision for revision in self.all if revision["metadata"]["name"] == name), None)

    def truncate(self, live: Collection[str]) -> None:
        """Delete the oldest ones beyond the history limit; those in `live` (names) stay and do not count."""
        limit = self._owner["spec"].get("revisionHistoryLimit", 10)
        past = [revision for revision in self.all if revision["metadata"]["name"] not in live]
        for revision in past[: max(0, len(past) - limit)]:
            self._world.delete(REVISIONS, revision)

    def _next(self) -> int:
        return int(self.all[-1].get("revision", 0)) + 1 if self.all else 1

    def _create(self, data: Object, number: int) -> Object:
        metadata = self._owner["metadata"]
        for _ in range(COLLISIONS):
            digest = content_hash(data, self.collisions)
            name = f"{metadata['name'][:LONGEST_PREFIX]}-{digest}"
            template = self._owner["spec"]["template"].get("metadata") or {}
            revision: Object = {
                "apiVersion": "apps/v1",
                "kind": "ControllerRevision",
                "metadata": {
                    "name": name,
                    "namespace": metadata["namespace"],
                    "labels": {**(template.get("labels") or {}), self._label: digest},
                    "ownerReferences": [controller_reference(self._owner)],
                },
                "data": data,
                "revision": number,
            }
            if metadata.get("annotations"):
                revision["metadata"]["annotations"] = dict(metadata["annotations"])
            try:
                return self._world.create(REVISIONS, revision, MANAGER)
            except ApiError as error:
                if error.reason != "AlreadyExists":
                    raise
                standing = self._world.fresh(REVISIONS, (metadata["namespace"], name))
                if standing is not None and standing.get("data") == data:
                    return standing
                self.collisions = (self.collisions or 0) + 1
        raise ApiError(409, "AlreadyExists", f"no free name for a revision of {metadata['name']}")


def _sorted(revisions: Sequence[Object]) -> list[Object]:
    return sorted(revisions, key=lambda r: (r.get("revision", 0), created(r), r["metadata"]["name"]))
