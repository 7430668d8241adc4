"""``SyncTarget.spec``: the types, exactly the fields and values whose code exists.

One SyncTarget (cluster-scoped, ``workload.kcp.io/v1alpha1``) stands for one physical cluster: what is synced to
it and by which rules. The structs mirror ``crds/workload.kcp.io_synctargets.yaml``; a test holds the two
together. They are what the agent works with after `synctarget.parse_spec` has checked them, so a spec that is
in force has no value that needs a second look. Unknown fields are refused: a field that a newer CRD knows and
this agent does not would otherwise be silently without effect.

Pure data.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from fnmatch import fnmatchcase

import msgspec

from tmc_syncer.api.resources import GVR
from tmc_syncer.api.selectors import Requirement, Selector, from_match

__all__ = [
    "AllowedWorkspaces",
    "Assignment",
    "ConflictPolicy",
    "FieldRule",
    "FinalizerPolicy",
    "LabelExpression",
    "LabelSelector",
    "NamespaceNaming",
    "PodSecurity",
    "Propagation",
    "RemovalPolicy",
    "Rule",
    "SupportedResource",
    "SyncTargetSpec",
    "label_selector",
]


class Assignment(StrEnum):
    """What makes an object belong to this target (semantics.md, state label)."""

    ALL = "All"
    NAMESPACED = "Namespaced"
    LABELLED = "Labelled"


class FinalizerPolicy(StrEnum):
    """Whether upstream objects carry our finalizer while they have a copy."""

    REQUIRED = "Required"
    NONE = "None"


class Propagation(StrEnum):
    """How copies are deleted; without one, each kind has its own default."""

    BACKGROUND = "Background"
    FOREGROUND = "Foreground"
    ORPHAN = "Orphan"


class RemovalPolicy(StrEnum):
    """What happens to copies when their type or the whole target is taken away."""

    DELETE = "Delete"
    ORPHAN = "Orphan"


class NamespaceNaming(StrEnum):
    """Names of new downstream namespaces."""

    READABLE = "Readable"
    HASHED = "Hashed"


class PodSecurity(StrEnum):
    """``pod-security.kubernetes.io/enforce`` of downstream namespaces."""

    PRIVILEGED = "privileged"
    BASELINE = "baseline"
    RESTRICTED = "restricted"


class ConflictPolicy(StrEnum):
    """Who wins when both sides set a field. (The others come with their code.)"""

    UPSTREAM_WINS = "UpstreamWins"


class Rule(StrEnum):
    """What a field rule does with its field, under every conflict policy."""

    TAKE = "take"
    YIELD = "yield"
    SHARE = "share"


class _Strict(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """Common settings of the structs of a spec."""


class SupportedResource(_Strict, frozen=True):
    """A type that is synced. An empty `version` is the upstream's preferred one."""

    resource: str
    group: str = ""
    version: str = ""
    cluster_scoped: bool = False

    @property
    def gvr(self) -> GVR:
        """The type's name; the version may be empty."""
        return GVR(self.group, self.version, self.resource)


class LabelExpression(_Strict, frozen=True):
    """An entry of ``matchExpressions``."""

    key: str
    operator: str
    values: tuple[str, ...] = ()


class LabelSelector(_Strict, frozen=True):
    """``metav1.LabelSelector``; the empty one selects everything."""

    match_labels: dict[str, str] = {}
    match_expressions: tuple[LabelExpression, ...] = ()

    def selector(self) -> Selector:
        """The selector that matches. Raises `UsageError` on an unknown operator."""
        expressions: list[dict[str, object]] = [
            {"key": entry.key, "operator": entry.operator, "values": list(entry.values)}
            for entry in self.match_expressions
        ]
        return from_match(self.match_labels, list(expressions))


_EVERYTHING = LabelSelector()


class AllowedWorkspaces(_Strict, frozen=True):
    """Which workspaces may use the target: names of logical clusters, with ``*`` for any text."""

    names: tuple[str, ...] = ()

    def allows(self, cluster: str) -> bool:
        """Whether the logical cluster of that name may use the target."""
        return any(fnmatchcase(cluster, pattern) for pattern in self.names)


class FieldRule(_Strict, frozen=True):
    """A rule for one field of one type; `path` as in `api.fieldpath`."""

    resource: str
    path: str
    rule: Rule
    group: str = ""


class SyncTargetSpec(_Strict, frozen=True):
    """``SyncTarget.spec``. `supported_api_resources` is ``supportedAPIResources`` on the wire."""

    supported_api_resources: tuple[SupportedResource, ...] = msgspec.field(
        default=(), name="supportedAPIResources"
    )
    assignment: Assignment = Assignment.ALL
    selector: LabelSelector = _EVERYTHING
    namespace_selector: LabelSelector = _EVERYTHING
    unschedulable: bool = False
    evict_after: str | None = None
    finalizers: FinalizerPolicy = FinalizerPolicy.REQUIRED
    propagation: Propagation | None = None
    on_removal: RemovalPolicy = RemovalPolicy.DELETE
    namespace_naming: NamespaceNaming = NamespaceNaming.READABLE
    pod_security: PodSecurity = PodSecurity.BASELINE
    allowed_workspaces: AllowedWorkspaces | None = None
    conflict_policy: ConflictPolicy = ConflictPolicy.UPSTREAM_WINS
    field_rules: tuple[FieldRule, ...] = ()
    paused: bool = False

    def evicted(self, now: datetime) -> bool:
        """Whether `evictAfter` lies in the past of `now` (aware): then nothing is assigned to this target."""
        if self.evict_after is None:
            return False
        moment = datetime.fromisoformat(self.evict_after.upper())
        return moment.astimezone(UTC) <= now

    def allows_workspace(self, cluster: str, *, by_default: bool) -> bool:
        """Whether that logical cluster may use the target; `by_default` where the spec does not say."""
        return by_default if self.allowed_workspaces is None else self.allowed_workspaces.allows(cluster)


_STRUCTURED = {"in": "In", "notin": "NotIn", "exists": "Exists", "!": "DoesNotExist"}


def label_selector(selector: Selector) -> LabelSelector:
    """The structured form of a selector: what ``--selector`` writes into a new SyncTarget.

    Plain equality of one label becomes ``matchLabels``; a second term for the same label an expression.
    """
    if not selector:
        return _EVERYTHING  # the default itself, so that it is left out of what is written
    labels: dict[str, str] = {}
    expressions: list[LabelExpression] = []
    for term in selector.requirements:
        if _is_equality(term) and term.key not in labels:
            labels[term.key] = term.values[0]
        else:
            expressions.append(
                LabelExpression(key=term.key, operator=_STRUCTURED[term.operator], values=term.values)
            )
    return LabelSelector(match_labels=labels, match_expressions=tuple(expressions))


def _is_equality(term: Requirement) -> bool:
    return term.operator == "in" and len(term.values) == 1
