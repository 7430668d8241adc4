"""Fields that nobody owns: those that the server keeps for itself, and those that an endpoint does not write.

`UNOWNED` are the parts of metadata and the type that no entry contains. An `Endpoint` says what a path of the API writes: the
object itself all but its status, ``/status`` the status and in most cases the metadata. What it does not write makes no conflict and no
entry. kube-apiserver decides this kind by kind (``GetResetFields`` of each strategy in pkg/registry); the table here has what
differs from the rule. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tmc_syncer.controlplane.merge.fieldset import FieldSet, from_paths, is_member, recursive_difference
from tmc_syncer.controlplane.schema.node import Schema

__all__ = ["UNOWNED", "Endpoint", "endpoint"]

UNOWNED: Final = from_paths(
    [
        ("f:apiVersion",),
        ("f:kind",),
        ("f:metadata",),
        *(
            ("f:metadata", f"f:{name}")
            for name in (
                "name",
                "namespace",
                "creationTimestamp",
                "selfLink",
                "uid",
                "clusterName",
                "generation",
                "managedFields",
                "resourceVersion",
            )
        ),
    ]
)

_ANY = "*"

Pattern = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What an endpoint writes: all but `resets` and what is below, or, when there are `writes`, only these and below."""

    resets: FieldSet
    writes: tuple[Pattern, ...] = ()

    def owned(self, fields: FieldSet) -> FieldSet:
        """The part of a set that the endpoint writes."""
        if self.writes:
            return _matching(fields, self.writes)
        return recursive_difference(fields, self.resets) if self.resets else fields


def _matching(fields: FieldSet, patterns: tuple[Pattern, ...]) -> FieldSet:
    """The part of a set that begins like one of the patterns; a field on the way there belongs to it, too."""
    found: FieldSet = {}
    for step, node in fields.items():
        rests = [pattern[1:] for pattern in patterns if pattern[0] in (step, _ANY)]
        if step == "." or not rests:
            continue
        if not all(rests):
            found[step] = node
            continue
        below = _matching(node, tuple(rests))
        if is_member(node):
            below = {".": {}, **below} if below else {}
        elif not below:
            continue
        found[step] = below
    return found


def _resetting(*members: Pattern) -> Endpoint:
    return Endpoint(from_paths(members))


_SPEC, _STATUS, _METADATA = ("f:spec",), ("f:status",), ("f:metadata",)

_WHOLE: Final = Endpoint({})
_OBJECT: Final = _resetting(_STATUS)
_STATUS_ALONE: Final = _resetting(_SPEC)
_STATUS_STRICTLY: Final = _resetting(_SPEC, _METADATA)

_RESIZED = tuple(
    (*_SPEC, f"f:{containers}", _ANY, f"f:{name}")
    for containers in ("containers", "initContainers")
    for name in ("resources", "resizePolicy")
)

_EXCEPTIONS: Final[dict[tuple[str, str, str], Endpoint]] = {
    ("", "Pod", "status"): _resetting(
        _SPEC, (*_METADATA, "f:deletionTimestamp"), (*_METADATA, "f:ownerReferences")
    ),
    ("", "Pod", "ephemeralcontainers"): Endpoint({}, ((*_SPEC, "f:ephemeralContainers"),)),
    ("", "Pod", "resize"): Endpoint({}, _RESIZED),
    ("", "Namespace", "finalize"): _resetting(_STATUS),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy", "status"): _STATUS_STRICTLY,
    ("apiregistration.k8s.io", "APIService", "status"): _STATUS_STRICTLY,
    ("apps", "Deployment", "status"): _resetting(_SPEC, (*_METADATA, "f:labels")),
    ("certificates.k8s.io", "CertificateSigningRequest", ""): _resetting(_SPEC, _STATUS),
    ("certificates.k8s.io", "CertificateSigningRequest", "status"): _resetting(
        _SPEC, (*_STATUS, "f:conditions")
    ),
    ("certificates.k8s.io", "CertificateSigningRequest", "approval"): _resetting(
        _SPEC, (*_STATUS, "f:certificate")
    ),
    ("networking.k8s.io", "ServiceCIDR", "status"): _STATUS_STRICTLY,
    ("storage.k8s.io", "VolumeAttachment", "status"): _STATUS_STRICTLY,
}


def endpoint(schema: Schema, subresource: str) -> Endpoint:
    """What the endpoint of a type writes; `subresource` is empty for the object itself."""
    for group, _, kind in schema.facts.kinds:
        if (group, kind, subresource) in _EXCEPTIONS:
            return _EXCEPTIONS[group, kind, subresource]
    if subresource == "status":
        return _STATUS_STRICTLY if schema.custom else _STATUS_ALONE
    return _OBJECT if schema.status and not subresource else _WHOLE
