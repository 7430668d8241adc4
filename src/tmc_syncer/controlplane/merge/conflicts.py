"""What the server answers to an apply that it refuses.

`conflict` lists every field that another manager owns, as causes and in the message, in kube-apiserver's words; clients and kubectl read
both. Managers come in their order (the server has them in a random one), the fields of one in the order of field sets. Source:
k8s.io/apimachinery/pkg/util/managedfields/internal, conflict.go. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from tmc_syncer.controlplane.merge.fieldset import FieldSet, paths
from tmc_syncer.controlplane.merge.gotext import quoted
from tmc_syncer.controlplane.merge.managers import Managed, Owner
from tmc_syncer.controlplane.merge.steps import words
from tmc_syncer.controlplane.server.errors import ApiError, Cause

__all__ = ["ApplyConflict", "ApplyError", "conflict"]


class ApplyError(ApiError):
    """An apply that makes no sense for the type."""


class ApplyConflict(ApplyError):
    """An apply that would change what others own; `causes` has one entry for each field."""

    def __init__(self, message: str, causes: list[Cause]) -> None:
        super().__init__(
            409, "Conflict", message, details={"causes": [cause.to_object() for cause in causes]}
        )
        self.causes = tuple(causes)


def conflict(conflicts: Mapping[Owner, FieldSet], managed: Managed) -> ApplyConflict:
    """The refusal for these fields of these owners."""
    ordered = [
        (_said(owner, managed), [words(path) for path in paths(conflicts[owner])])
        for owner in sorted(conflicts)
    ]
    causes = [
        Cause("FieldManagerConflict", f"conflict with {said}", field)
        for said, fields in ordered
        for field in fields
    ]
    if len(causes) == 1:
        (only,) = causes
        return ApplyConflict(f"Apply failed with 1 conflict: {only.message}: {only.field}", causes)
    lines = []
    for said, fields in ordered:
        lines += [f"conflicts with {said}:", *(f"- {field}" for field in fields)]
    return ApplyConflict(f"Apply failed with {len(causes)} conflicts: " + "\n".join(lines), causes)


def _said(owner: Owner, managed: Managed) -> str:
    said = quoted(owner.manager)
    if owner.subresource:
        said += f" with subresource {quoted(owner.subresource)}"
    return f"{said} using {managed[owner].api_version}" if owner.operation == "Update" else said
