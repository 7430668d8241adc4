"""StatefulSets.

Source: ``ValidateStatefulSet*`` in ``pkg/apis/apps/validation``. Pure.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.controlplane.server.errors import Cause
from tmc_syncer.controlplane.types import causes
from tmc_syncer.controlplane.types.formats import dns1123_label
from tmc_syncer.controlplane.types.rules.claims import check_claim_spec
from tmc_syncer.controlplane.types.rules.numbers import (
    check_counters,
    check_share,
    check_shares,
    decremented,
    share,
)
from tmc_syncer.controlplane.types.rules.workloads import check_lasting_template, check_match, check_template

__all__ = ["validate_stateful_set"]

Object = dict[str, Any]

COUNTERS = (
    "replicas",
    "readyReplicas",
    "currentReplicas",
    "updatedReplicas",
    "availableReplicas",
    "observedGeneration",
    "collisionCount",
)
RETENTION = ("Retain", "Delete")
MUTABLE = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)
IMMUTABLE_SPEC = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
    "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)


def validate_stateful_set(obj: Object, old: Object | None) -> list[Cause]:
    """A StatefulSet."""
    found: list[Cause] = []
    spec = obj["spec"]
    if old is None or spec != old["spec"]:
        found = _check_spec(spec, is_new=old is None)
    if old is None:
        return found
    before = old["spec"]
    if any(
        spec.get(field) != before.get(field) for field in spec.keys() | before.keys() if field not in MUTABLE
    ):
        found.append(causes.forbidden("spec", IMMUTABLE_SPEC))
    status = obj["status"]
    if status != old["status"]:
        found += check_counters("status", status, COUNTERS)
        parts = ("readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas")
        found += check_shares("status", status, parts, "cannot be greater than status.readyReplicas")
        found += decremented("status", "collisionCount", status, old["status"])
    return found


def _check_spec(spec: Object, *, is_new: bool) -> list[Cause]:
    found: list[Cause] = []
    policy = spec.get("podManagementPolicy", "")
    if policy not in ("OrderedReady", "Parallel"):
        found.append(
            causes.invalid("spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'")
        )
    found += _check_strategy(spec["updateStrategy"])
    retention = spec.get("persistentVolumeClaimRetentionPolicy") or {}
    for field in ("whenDeleted", "whenScaled"):
        if retention.get(field) not in RETENTION:
            where = f"spec.persistentVolumeClaimRetentionPolicy.{field}"
            found.append(causes.not_supported(where, retention.get(field, ""), RETENTION))
    claims = spec.get("volumeClaimTemplates") or ()
    if is_new:
        for number, claim in enumerate(claims):
            found += check_claim_spec(f"spec.volumeClaimTemplates[{number}].spec", claim["spec"])
        name = spec.get("serviceName")
        if name:
            found += causes.wrong("spec.serviceName", name, dns1123_label(name))
    found += check_counters("spec", spec, ("replicas", "minReadySeconds"))
    found += check_counters("spec.ordinals", spec.get("ordinals") or {}, ("start",))
    wrong, usable = check_match(spec.get("selector"), spec["template"], "statefulset")
    found += wrong
    if usable:
        found += check_template("spec.template", _with_claims(spec["template"], claims))
    return found + check_lasting_template("spec.template", spec["template"], "StatefulSet")


def _check_strategy(strategy: Object) -> list[Cause]:
    path, kind, rolling = "spec.updateStrategy", strategy.get("type"), strategy.get("rollingUpdate")
    if kind == "OnDelete":
        if rolling is None:
            return []
        words = "only allowed for updateStrategy 'RollingUpdate'"
        shown = {"Partition": rolling.get("partition", 0), "MaxUnavailable": rolling.get("maxUnavailable")}
        return [causes.invalid(f"{path}.rollingUpdate", shown, words)]
    if kind != "RollingUpdate":
        shown = {"Type": kind, "RollingUpdate": rolling}
        return [causes.invalid(path, shown, "must be 'RollingUpdate' or 'OnDelete'")]
    if rolling is None:
        return []
    found = check_counters(f"{path}.rollingUpdate", rolling, ("partition",))
    unavailable = rolling.get("maxUnavailable")
    if unavailable is not None:
        where = f"{path}.rollingUpdate.maxUnavailable"
        found += check_share(where, unavailable)
        if not share(unavailable):
            found.append(causes.invalid(where, unavailable, "cannot be 0"))
    return found


def _with_claims(template: Object, claims: Any) -> Object:
    """The template as its pods will be: a volume for each claim, and names that the pods get of the set left out."""
    spec = {
        field: value for field, value in template["spec"].items() if field not in ("hostname", "subdomain")
    }
    if claims:
        names = [claim["metadata"].get("name", "") for claim in claims]
        volumes = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in names]
        others = [volume for volume in spec.get("volumes") or () if volume.get("name") not in names]
        spec["volumes"] = [*volumes, *others]
    return {**template, "spec": spec}
