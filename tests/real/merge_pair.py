"""One object on a real kube-apiserver, and what our merge functions make of the same writes.

`Pair` sends a write and makes it here from the object that the server has, as a server around these functions does: it reads what
a client sent, merges, and keeps what the endpoint does not write. `check` compares what came out.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

from tests.real.merge_world import Object, Subject
from tmc_syncer.controlplane.merge import (
    apply,
    json_patch,
    keep_times,
    merge_patch,
    prune,
    strategic_merge,
    track_update,
    validate,
)
from tmc_syncer.controlplane.schema.gotypes import zero
from tmc_syncer.controlplane.server.errors import ApiError
from tmc_syncer.testing.cluster import ControlPlane

NAMESPACE = "default"
NOW = "2024-01-01T00:00:00Z"
ASSIGNED = ("uid", "resourceVersion", "creationTimestamp", "generation")
APPLY = "application/apply-patch+yaml"
FORMS = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
}

Outcome = Object | ApiError


class Pair:
    """`live` is the object as the server has it; None before the first write."""

    def __init__(self, server: ControlPlane, subject: Subject, name: str) -> None:
        self.server = server
        self.subject = subject
        self.schema = subject.schema
        self.name = name
        self.live: Object | None = None
        self._stored: Object | None = (
            None  # what we expect to be stored, with the nulls that reading leaves out
        )
        prefix = "/api" if "/" not in subject.api_version else "/apis"
        self._collection = f"{prefix}/{subject.api_version}/namespaces/{NAMESPACE}/{subject.resource}"
        self.path = f"{self._collection}/{name}"

    @property
    def kind(self) -> Object:
        """The type, as it begins every object."""
        return {"apiVersion": self.subject.api_version, "kind": self.subject.kind}

    def named(self, body: Object) -> Object:
        """A body with type, name and namespace."""
        metadata = {**body.get("metadata", {}), "name": self.name, "namespace": NAMESPACE}
        return {**self.kind, **copy.deepcopy(body), "metadata": metadata}

    def send(
        self, method: str, body: Any, form: str, manager: str, subresource: str = "", query: str = ""
    ) -> tuple[int, Any]:
        """Make a write on the server."""
        path = self._collection if method == "POST" else self.path
        if subresource:
            path = f"{path}/{subresource}"
        return self.server.request(method, f"{path}?fieldManager={manager}{query}", body, form)

    def create(self, body: Object) -> Object:
        """Create the object on the server alone."""
        status, live = self.send("POST", self.named(body), "application/json", "maker")
        assert status == 201, live
        self.live = live
        created: Object = live
        return created

    # The same write here

    def applied(self, config: Object, manager: str, subresource: str = "", *, force: bool) -> Object:
        """What our apply makes of the live object."""
        made = apply(
            self.live,
            config,
            manager=manager,
            force=force,
            schema=self.schema,
            api_version=self.subject.api_version,
            subresource=subresource,
            now=NOW,
        )
        return self._to_store(made, subresource)

    def updated(self, new: Object, manager: str, subresource: str = "") -> Object:
        """What our ownership makes of a new object that a client sent or that a patch made."""
        read = self.subject.read(new, self.schema)
        sent = new["metadata"].get("managedFields")
        if sent == []:  # reading drops what is empty, but here it says something
            read = {**read, "metadata": {**read["metadata"], "managedFields": sent}}
        made = track_update(
            self.live,
            read,
            manager=manager,
            schema=self.schema,
            api_version=self.subject.api_version,
            subresource=subresource,
            now=NOW,
        )
        return self._to_store(made, subresource)

    def patched(self, patch: Any, kind: str) -> Object:
        """What a patch makes of the live object."""
        assert self.live is not None
        if kind == "json":
            made: Object = json_patch(self.live, patch)
            return made
        return (
            merge_patch(self.live, patch)
            if kind == "merge"
            else strategic_merge(self.live, patch, self.schema)
        )

    def _to_store(self, made: Object, subresource: str) -> Object:
        """With what the endpoint does not write as it was; times change only with something else."""
        new, old = self.subject.complete(made, self.schema), self.live
        if subresource == "status":
            assert old is not None
            metadata = {key: value for key, value in old["metadata"].items() if key != "managedFields"}
            if "managedFields" in new["metadata"]:
                metadata["managedFields"] = new["metadata"]["managedFields"]
            new = _with_status({**old, "metadata": metadata}, new)
        elif self.schema.status:
            before_any = {} if self.subject.custom else zero(self.schema)
            new = _with_status(new, before_any if old is None else old)
        return new if old is None else keep_times(old, new)

    # Both compared

    def check(self, ours: Outcome, status: int, theirs: Object, story: str) -> None:
        """Compare a write here with the server's answer, which becomes the live object."""
        if status >= 400:
            self._check_refusal(ours, status, theirs, story)
            return
        assert isinstance(ours, dict), f"{story}\nrefused here only: {ours}"
        before, self.live = self.live, theirs
        mine, real = self._comparable(prune(ours, self.schema)), self._comparable(theirs)
        assert mine["fields"] == real["fields"], story
        assert mine["object"] == real["object"], story
        stored_before, self._stored = self._stored, self._comparable(ours)
        if before is not None:
            stored = before["metadata"]["resourceVersion"] != theirs["metadata"]["resourceVersion"]
            assert stored == (stored_before != self._stored), f"{story}\nstored there: {stored}"

    def _check_refusal(self, ours: Outcome, status: int, theirs: Object, story: str) -> None:
        causes = theirs.get("details", {}).get("causes", [])
        if theirs.get("reason") == "Invalid" and causes:
            if self.subject.custom:
                assert isinstance(ours, dict), story
                found = {(cause.message, cause.field) for cause in validate(ours, self.schema, self.live)}
                assert found == {(cause["message"], cause["field"]) for cause in causes}, story
            return  # of a built-in type: its own validation refuses it, which is not merging
        assert_refused_alike(ours, status, theirs, story)

    def _comparable(self, obj: Object) -> Object:
        plain = copy.deepcopy(obj)
        fields = [
            [
                entry["manager"],
                entry["operation"],
                entry["apiVersion"],
                entry.get("subresource", ""),
                "time" in entry,
                json.dumps(entry["fieldsV1"]),
            ]
            for entry in plain["metadata"].pop("managedFields", [])
        ]
        for name in ASSIGNED:
            plain["metadata"].pop(name, None)
        for name in self.subject.assigned:
            plain["spec"].pop(name, None)
        return {"object": plain, "fields": sorted(fields)}


def _with_status(obj: Object, of: Object) -> Object:
    found = {key: value for key, value in obj.items() if key != "status"}
    return {**found, "status": of["status"]} if "status" in of else found


def outcome(make: Callable[[], Object]) -> Outcome:
    """What a write gives, be it a refusal."""
    try:
        return make()
    except ApiError as error:
        return error


def assert_refused_alike(ours: Outcome, status: int, theirs: Object, story: str = "") -> None:
    """Whether both refuse with the same status; conflicts are listed in Go's order of a map, so in any."""
    assert isinstance(ours, ApiError), f"{story}\nrefused there only: {theirs}"
    assert status == ours.code, f"{story}\n{theirs}"
    assert _unordered(ours.to_object()) == _unordered(theirs), story


def _unordered(status: Object) -> Object:
    details = dict(status.get("details", {}))
    if "causes" in details:
        details["causes"] = sorted(details["causes"], key=json.dumps)
    lines = sorted(status["message"].splitlines())
    return {"code": status["code"], "reason": status.get("reason", ""), "message": lines, "details": details}
