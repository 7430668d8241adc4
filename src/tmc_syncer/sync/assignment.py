"""Assignment: whether an upstream object is for this target, and if not, which rule said so.

An object is assigned when every rule lets it pass: the target takes objects at all (not draining, not
evicted), its workspace is allowed, the filters want it, both selectors match, and the assignment mode agrees.
The first rule that refuses is named; people see it in ``/statusz``. An object that is not assigned but has a
copy leaves the target by row 3 of the table: so the namespace that a selector is asked of must come from a
fresh cache, or every object would look unassigned (lifecycle: row 0).

Labels in a workspace are in its tenant's hands: the mode `Namespaced` and `Labelled` choose among what the
platform owner allows, they grant nothing. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tmc_syncer.api.names import deletion_annotation, state_label
from tmc_syncer.api.objects import Meta, Record
from tmc_syncer.api.resources import ResourceInfo
from tmc_syncer.api.selectors import EVERYTHING, Selector
from tmc_syncer.api.synctarget_spec import Assignment as AssignmentMode
from tmc_syncer.engine.filters import FilterChain

__all__ = ["ASSIGNED", "Assignment", "AssignmentRules"]

_SYNC = "Sync"


@dataclass(frozen=True, slots=True)
class Assignment:
    """The answer. `rule` names the filter or rule that refused, `reason` is CamelCase, `message` a sentence."""

    assigned: bool
    rule: str = ""
    reason: str = ""
    message: str = ""


ASSIGNED = Assignment(True)


@dataclass(frozen=True, slots=True)
class AssignmentRules:
    """The rules of one target at one moment. `leaving` is a reason why nothing at all is assigned any more."""

    key: str
    mode: AssignmentMode = AssignmentMode.ALL
    selector: Selector = EVERYTHING
    namespace_selector: Selector = EVERYTHING
    leaving: str = ""
    filters: FilterChain = field(default_factory=lambda: FilterChain(()))

    def assign(self, record: Record, info: ResourceInfo, namespace: Meta | None) -> Assignment:
        """Whether `record` is for this target. `namespace` is its upstream Namespace (None: cluster-scoped)."""
        if self.leaving:
            return Assignment(False, "target", self.leaving, "The SyncTarget takes no objects any more.")
        if record.meta.annotation(deletion_annotation(self.key)) is not None:
            return Assignment(False, "placement", "Evicted", "The object was told to leave this target.")
        verdict = self.filters.should_sync(record, info)
        if not verdict.allowed:
            return Assignment(False, verdict.filter, "Excluded", verdict.reason)
        if not self.selector.matches(record.meta.labels):
            return Assignment(False, "selector", "NotSelected", f"Its labels do not match {self.selector}.")
        if info.namespaced and not self._namespace_matches(namespace):
            return Assignment(
                False,
                "namespace-selector",
                "NamespaceNotSelected",
                "Its namespace's labels are not selected.",
            )
        return self._by_mode(record, info, namespace)

    def _namespace_matches(self, namespace: Meta | None) -> bool:
        if not self.namespace_selector:
            return True
        return namespace is not None and self.namespace_selector.matches(namespace.labels)

    def _by_mode(self, record: Record, info: ResourceInfo, namespace: Meta | None) -> Assignment:
        if self.mode is AssignmentMode.ALL:
            return ASSIGNED
        decider = namespace if self.mode is AssignmentMode.NAMESPACED and info.namespaced else record.meta
        label = state_label(self.key)
        if decider is not None and decider.label(label) == _SYNC:
            return ASSIGNED
        return Assignment(False, "assignment", "NotPlaced", f"The label {label} is not Sync.")
