"""Jobs, but for their status (`jobstatus`) and the rules that end them early (`jobpolicies`).

Source: ``pkg/apis/batch/validation``. Pure.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.controlplane.server.errors import Cause
from tmc_syncer.controlplane.types import causes
from tmc_syncer.controlplane.types.formats import dns1123_label, dns1123_subdomain
from tmc_syncer.controlplane.types.rules.jobpolicies import check_failure_policy, check_success_policy
from tmc_syncer.controlplane.types.rules.jobstatus import check_job_status
from tmc_syncer.controlplane.types.rules.labels import check_selector, matches
from tmc_syncer.controlplane.types.rules.numbers import check_counters
from tmc_syncer.controlplane.types.rules.workloads import MISMATCH, check_template

__all__ = ["check_job_spec", "validate_job"]

Object = dict[str, Any]

COUNTERS = (
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
    "backoffLimitPerIndex",
    "maxFailedIndexes",
)
IMMUTABLE = ("completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy")
SCHEDULING = ("affinity", "nodeSelector", "tolerations", "schedulingGates")
MAX_INDEXED_PARALLELISM = 100_000


def validate_job(obj: Object, old: Object | None) -> list[Cause]:
    """A Job."""
    found: list[Cause] = []
    spec = obj["spec"]
    if old is None:
        found = _check_generated(obj) + check_job_spec("spec", spec) + _check_selector(spec)
        found += _check_host_names(obj)
    elif spec != old["spec"]:
        found = _check_generated(obj) + check_job_spec("spec", spec) + _check_selector(spec)
        found += _check_change(spec, old)
    if old is not None and obj["status"] != old["status"]:
        found += check_job_status(obj, old)
    return found


def _check_generated(obj: Object) -> list[Cause]:
    spec, metadata = obj["spec"], obj["metadata"]
    if spec.get("manualSelector") or "selector" not in spec:
        return []
    uid, name = metadata.get("uid", ""), metadata.get("name", "")
    expected = {
        "controller-uid": uid,
        "job-name": name,
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": name,
    }
    labels = spec["template"]["metadata"].get("labels") or {}
    found: list[Cause] = []
    for key, value in expected.items():
        where = f"spec.template.metadata.labels[{key}]"
        if key not in labels:
            found.append(causes.required(where, f"must be '{value}'"))
        elif labels[key] != value:
            found.append(causes.invalid(where, labels, f"must be '{value}'"))
    if not check_selector("", spec["selector"]) and not matches(spec["selector"], expected):
        found.append(causes.invalid("spec.selector", spec["selector"], "`selector` not auto-generated"))
    return found


def _check_selector(spec: Object) -> list[Cause]:
    selector = spec.get("selector")
    labels = spec["template"]["metadata"].get("labels")
    if selector is None:
        return [
            causes.required("spec.selector"),
            causes.invalid("spec.template.metadata.labels", labels, MISMATCH),
        ]
    found = check_selector("spec.selector", selector)
    if not found and not matches(selector, labels or {}):
        found.append(causes.invalid("spec.template.metadata.labels", labels, MISMATCH))
    return found


def _check_host_names(obj: Object) -> list[Cause]:
    spec, name = obj["spec"], obj["metadata"].get("name", "")
    if spec.get("completionMode") != "Indexed" or (spec.get("completions") or 0) <= 0:
        return []
    last = f"{name}-{spec['completions'] - 1}"
    if not dns1123_label(last):
        return []
    return [
        causes.invalid("metadata.name", name, f"will not able to create pod with invalid DNS label: {last}")
    ]


def check_job_spec(path: str, spec: Object) -> list[Cause]:
    """The spec of a Job, or of the Jobs of a CronJob."""
    found = check_counters(path, spec, COUNTERS)
    if "maxFailedIndexes" in spec and "backoffLimitPerIndex" not in spec:
        found.append(causes.required(f"{path}.backoffLimitPerIndex", "when maxFailedIndexes is specified"))
    if "managedBy" in spec:
        found += _check_manager(f"{path}.managedBy", spec["managedBy"])
    found += _check_mode(path, spec)
    if "podFailurePolicy" in spec:
        found += check_failure_policy(f"{path}.podFailurePolicy.rules", spec)
    if "successPolicy" in spec:
        found += check_success_policy(f"{path}.successPolicy", spec)
    policy = spec.get("podReplacementPolicy")
    supported = ("Failed",) if "podFailurePolicy" in spec else ("Failed", "TerminatingOrFailed")
    if policy is not None and policy not in supported:
        found.append(causes.not_supported(f"{path}.podReplacementPolicy", policy, supported))
    found += check_template(f"{path}.template", spec["template"])
    return found + _check_restart(f"{path}.template.spec.restartPolicy", spec)


def _check_restart(path: str, spec: Object) -> list[Cause]:
    policy = spec["template"]["spec"].get("restartPolicy", "")
    if policy in ("Always", ""):
        return [causes.required(path, 'valid values: "OnFailure", "Never"')]
    if policy not in ("OnFailure", "Never"):
        return [causes.not_supported(path, policy, ("OnFailure", "Never"))]
    if "podFailurePolicy" in spec and policy != "Never":
        words = 'only "Never" is supported when podFailurePolicy is specified'
        return [causes.invalid(path, policy, words)]
    return []


def _check_manager(path: str, manager: str) -> list[Cause]:
    if not manager:
        return [causes.required(path)]
    host, slash, rest = manager.partition("/")
    if not (slash and host and rest):
        return [causes.invalid(path, manager, 'must be a domain-prefixed path (such as "acme.io/foo")')]
    return causes.wrong(path, host, dns1123_subdomain(host))


def _check_mode(path: str, spec: Object) -> list[Cause]:
    mode, found = spec.get("completionMode"), list[Cause]()
    if mode not in ("NonIndexed", "Indexed", None):
        found.append(causes.not_supported(f"{path}.completionMode", mode, ("NonIndexed", "Indexed")))
    if mode == "Indexed":
        completions, failed = spec.get("completions"), spec.get("maxFailedIndexes")
        if completions is None:
            found.append(causes.required(f"{path}.completions", "when completion mode is Indexed"))
        if spec.get("parallelism", 0) > MAX_INDEXED_PARALLELISM:
            words = f"must be less than or equal to {MAX_INDEXED_PARALLELISM} when completion mode is Indexed"
            found.append(causes.invalid(f"{path}.parallelism", spec["parallelism"], words))
        if completions is not None and failed is not None and failed > completions:
            words = "must be less than or equal to completions"
            found.append(causes.invalid(f"{path}.maxFailedIndexes", failed, words))
    elif mode == "NonIndexed":
        for field in ("backoffLimitPerIndex", "maxFailedIndexes"):
            if field in spec:
                words = "requires indexed completion mode"
                found.append(causes.invalid(f"{path}.{field}", spec[field], words))
    return found


def _check_change(spec: Object, old: Object) -> list[Cause]:
    before = old["spec"]
    found: list[Cause] = []
    new, was = spec.get("completions"), before.get("completions")
    if new != was:
        if spec.get("completionMode") != "Indexed":
            found.append(causes.invalid("spec.completions", new, causes.IMMUTABLE))
        elif new is not None and new != spec.get("parallelism"):
            words = "can only be modified in tandem with spec.parallelism"
            found.append(causes.invalid("spec.completions", new, words))
    found += [
        causes.invalid(f"spec.{field}", spec.get(field), causes.IMMUTABLE)
        for field in ("selector", *IMMUTABLE)
        if spec.get(field) != before.get(field)
    ]
    if _frozen(spec["template"], old) != _frozen(before["template"], old):
        found.append(causes.invalid("spec.template", causes.OMITTED, causes.IMMUTABLE))
    return found


def _frozen(template: Object, old: Object) -> Object:
    """What of the template must stay; a Job that is suspended and has not started may still say where it wants to run."""
    if not old["spec"].get("suspend"):
        return template
    pod = dict(template["spec"])
    if "startTime" not in old["status"]:
        for field in SCHEDULING:
            pod.pop(field, None)
    for field in ("containers", "initContainers"):
        if field in pod:
            pod[field] = [{**container, "resources": {}} for container in pod[field]]
    return {"spec": pod}
