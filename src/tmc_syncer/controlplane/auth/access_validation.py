"""What is wrong with an access review: the causes of its 422, in the words and the order of kube-apiserver.

`review_causes` checks the spec of a SubjectAccessReview, its Self and its Local form: exactly one of resource and
non-resource attributes, somebody to ask about, selectors that can be read, and metadata that is empty. `selector_errors` tells
which selectors of an accepted review were ignored, wholly or partly, because a newer client sent what is unknown here.

Source: `k8s.io/kubernetes/pkg/apis/authorization/validation` and ``registry/authorization/util`` of 1.36. Selectors never
change a decision of RBAC. Pure. Called by `access_reviews`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tmc_syncer.controlplane.auth.wording import quote
from tmc_syncer.controlplane.server import labelselectors
from tmc_syncer.controlplane.server.errors import ApiError, Cause
from tmc_syncer.controlplane.server.wording import label_key_faults, label_value_faults

__all__ = ["review_causes", "selector_errors"]

Object = Mapping[str, Any]

_ATTRIBUTES = "spec.resourceAttributes"
_LISTING, _TESTING = ("In", "NotIn"), ("Exists", "DoesNotExist")

_METADATA = (
    *("name", "generateName", "namespace", "selfLink", "uid", "resourceVersion", "generation"),
    *("creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "labels", "annotations"),
    *("ownerReferences", "finalizers", "managedFields"),
)
"""The order in which messages print metadata."""


def review_causes(kind: str, spec: Object, metadata: Object) -> list[Cause]:
    """What is wrong with a review of this kind, whose spec has the right shape; empty when nothing is."""
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    causes = []
    if resource is not None and path is not None:
        why = "cannot be specified in combination with resourceAttributes"
        causes.append(_invalid("spec.nonResourceAttributes", _path_value(path), why))
    if resource is None and path is None:
        why = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        causes.append(_invalid(_ATTRIBUTES, "null", why))
    if kind != "SelfSubjectAccessReview" and not spec.get("user") and not spec.get("groups"):
        causes.append(_invalid("spec.user", '""', "at least one of user or group must be specified"))
    if resource is not None:
        causes += _field_causes(resource.get("fieldSelector"))
        causes += _label_causes(resource.get("labelSelector"))
    is_local = kind == "LocalSubjectAccessReview"
    allowed = ("managedFields", "namespace") if is_local else ("managedFields",)
    if any(value for key, value in metadata.items() if key not in allowed):
        why = "must be empty except for namespace" if is_local else "must be empty"
        given = {key: metadata[key] for key in _METADATA if metadata.get(key)}
        causes.append(_invalid("metadata", msgspec.json.encode(given).decode(), why))
    if is_local and resource is not None and resource.get("namespace", "") != metadata.get("namespace", ""):
        asked = quote(resource.get("namespace", ""))
        causes.append(_invalid(f"{_ATTRIBUTES}.namespace", asked, "must match metadata.namespace"))
    if is_local and path is not None:
        why = "disallowed on this kind of request"
        causes.append(_invalid("spec.nonResourceAttributes", _path_value(path), why))
    return causes


def selector_errors(resource: Object) -> list[str]:
    """What was ignored of the selectors of a review's resource attributes."""
    checks = (
        ("fieldSelector", _bad_field, _is_field_selector),
        ("labelSelector", _bad_label, _is_label_selector),
    )
    errors = []
    for name, is_bad, is_readable in checks:
        selector = resource.get(name) or {}
        requirements = selector.get("requirements") or []
        bad = sum(map(is_bad, requirements))
        raw = selector.get("rawSelector", "")
        if bad and bad < len(requirements):
            errors.append(f"{_ATTRIBUTES}.{name} partially ignored due to parse error")
        elif bad or (raw and not is_readable(raw)):
            errors.append(f"{_ATTRIBUTES}.{name} ignored due to parse error")
    return errors


# Validation


def _field_causes(selector: Object | None) -> list[Cause]:
    path = f"{_ATTRIBUTES}.fieldSelector"
    causes = _selector_causes(selector, path)
    for number, requirement in enumerate(_requirements(selector)):
        where = f"{path}.requirements[{number}]"
        if not requirement.get("key"):
            causes.append(_required(f"{where}.key", "must be specified"))
        causes += _operator_causes(requirement, where)
    return causes


def _label_causes(selector: Object | None) -> list[Cause]:
    path = f"{_ATTRIBUTES}.labelSelector"
    causes = _selector_causes(selector, path)
    for number, requirement in enumerate(_requirements(selector)):
        where = f"{path}.requirements[{number}]"
        causes += _operator_causes(requirement, where)
        key = requirement.get("key", "")
        causes += [_invalid(f"{where}.key", quote(key), why) for why in label_key_faults(key)]
        for place, value in enumerate(requirement.get("values") or ()):
            causes += [
                _invalid(f"{where}.values[{place}]", quote(value), why) for why in label_value_faults(value)
            ]
    return causes


def _selector_causes(selector: Object | None, path: str) -> list[Cause]:
    if selector is None:
        return []
    raw, requirements = selector.get("rawSelector", ""), selector.get("requirements")
    if raw and requirements:
        why = "may not specified at the same time as requirements"
        return [_invalid(f"{path}.rawSelector", quote(raw), why)]
    if not raw and not requirements:
        why = f"when {path} is specified, requirements or rawSelector is required"
        return [_required(f"{path}.requirements", why)]
    return []


def _operator_causes(requirement: Object, where: str) -> list[Cause]:
    operator, values = requirement.get("operator"), requirement.get("values")
    if operator in _LISTING and not values:
        return [_required(f"{where}.values", "must be specified when `operator` is 'In' or 'NotIn'")]
    if operator in _TESTING and values:
        why = "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
        return [Cause("FieldValueForbidden", why, f"{where}.values")]
    return []


def _requirements(selector: Object | None) -> Sequence[Object]:
    return (selector or {}).get("requirements") or ()


def _path_value(path: Object) -> str:
    """Non-resource attributes as the internal type, which has no JSON names, is printed."""
    return msgspec.json.encode({"Path": path.get("path", ""), "Verb": path.get("verb", "")}).decode()


def _invalid(field: str, value: str, why: str) -> Cause:
    return Cause("FieldValueInvalid", f"Invalid value: {value}: {why}", field)


def _required(field: str, why: str) -> Cause:
    return Cause("FieldValueRequired", f"Required value: {why}", field)


# Reading

_TERMS = re.compile(r"(?:\\.|[^,\\]|\\$)+", re.DOTALL)
_OPERATOR = re.compile("!=|==|=")
_VALUE = re.compile(r"(?:[^\\,=]|\\[\\,=])*")


def _bad_field(requirement: Object) -> bool:
    return requirement.get("operator") not in _LISTING or len(requirement.get("values") or ()) != 1


def _bad_label(requirement: Object) -> bool:
    return requirement.get("operator") not in (*_LISTING, *_TESTING)


def _is_field_selector(text: str) -> bool:
    """Whether text like ``a=b,c!=d`` can be read; a backslash escapes a comma, an equals sign or itself."""
    for term in _TERMS.findall(text):
        operator = _OPERATOR.search(term)
        if operator is None or not _VALUE.fullmatch(term, operator.end()):
            return False
    return True


def _is_label_selector(text: str) -> bool:
    try:
        labelselectors.parse(text)
    except ApiError:
        return False
    return True
