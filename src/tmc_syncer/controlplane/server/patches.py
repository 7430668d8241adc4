"""Patches: from a body and its content type to a change of an object, in the words of kube-apiserver where it is none.

JSON, merge and strategic merge patches become a function from the live object to the wanted one; the result is read again as a body
would be (`Reading.patched`), since a patch may have put anything there. An apply configuration is an object of its own, which
`Resources.apply` takes. The rules of merging are `merge`'s.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.controlplane.merge.gotext import go_map, quoted
from tmc_syncer.controlplane.server.calls import Call
from tmc_syncer.controlplane.server.errors import ApiError, bad_request
from tmc_syncer.controlplane.server.merging import Merging
from tmc_syncer.controlplane.server.reading import Reading
from tmc_syncer.controlplane.server.resources import Change
from tmc_syncer.controlplane.server.served import Object

__all__ = ["Patches", "check_configuration"]

MAX_OPERATIONS = 10_000
"""Operations of one JSON patch, as in kube-apiserver."""


class Patches:
    """See the module."""

    def __init__(self, merging: Merging, reading: Reading) -> None:
        self._merging = merging
        self._reading = reading

    def change(self, call: Call, form: str, patch: Any) -> Change:
        """The change that a patch of the form json, merge or strategic describes. Raises `ApiError`."""
        served = call.kind.served
        if form == "json":
            if not isinstance(patch, list):
                raise _undecodable(patch, "[]handlers.jsonPatchOp")
            if len(patch) > MAX_OPERATIONS:
                raise ApiError(
                    413,
                    "RequestEntityTooLarge",
                    f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {len(patch)}",
                )
        elif patch is None:
            raise bad_request("Invalid JSON Patch")
        elif not isinstance(patch, dict):
            raise _undecodable(patch, "map[string]interface {}")

        def change(old: Object) -> Object:
            shown = ""
            if form == "json":
                made = self._merging.json_patch(old, patch)
            elif form == "merge":
                made = self._merging.merge_patch(old, patch)
            else:
                made = self._merging.strategic_merge(old, patch, served.schema)
                shown = quoted(go_map(patch))
            return self._reading.patched(served, made, call.validation, call.warnings, shown)

        return change


def check_configuration(call: Call, patch: Any) -> Object:
    """The configuration of an apply, which must say what it is (400)."""
    if not isinstance(patch, dict):
        raise bad_request("error decoding YAML: not an object")
    version, kind = patch.get("apiVersion") or "", patch.get("kind") or ""
    if kind != call.kind.kind or version != call.kind.version:
        raise bad_request(f"invalid object type: {_shown(version)}, Kind={kind}")
    metadata = patch.get("metadata")
    if metadata is None:
        patch["metadata"] = {}
    elif not isinstance(metadata, dict):
        raise bad_request("metadata must be an object")
    elif metadata.get("managedFields") is not None:
        raise bad_request("metadata.managedFields must be nil")
    return patch


def _shown(version: str) -> str:
    return version if "/" in version else f"/{version}"


_GO = {dict: "object", list: "array", str: "string", int: "number", float: "number", bool: "bool"}


def _undecodable(value: object, wanted: str) -> ApiError:
    found = _GO.get(type(value), "null")
    return bad_request(f"error decoding patch: json: cannot unmarshal {found} into Go value of type {wanted}")
