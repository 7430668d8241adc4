"""Defaults of autoscalers, bindings of roles, token requests, webhooks and admission policies, and custom types.

Source: ``pkg/apis/autoscaling/v{1,2}/defaults.go``, ``pkg/apis/rbac/v1/defaults.go``,
``pkg/apis/admissionregistration/v1/defaults.go`` and ``apiextensions-apiserver/pkg/apis/apiextensions/v1/defaults.go``. Pure.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "default_admission_policy",
    "default_autoscaler",
    "default_autoscaler_v1",
    "default_binding",
    "default_custom_type",
    "default_policy_binding",
    "default_token_request",
    "default_webhooks",
]

Object = dict[str, Any]

RBAC = "rbac.authorization.k8s.io"
CPU_PERCENT = 80
TOKEN_SECONDS = 3600


def default_autoscaler_v1(obj: Object) -> None:
    """Fill in a HorizontalPodAutoscaler of autoscaling/v1."""
    obj["spec"].setdefault("minReplicas", 1)


def default_autoscaler(obj: Object) -> None:
    """Fill in a HorizontalPodAutoscaler of autoscaling/v2."""
    spec = obj["spec"]
    spec.setdefault("minReplicas", 1)
    if not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": CPU_PERCENT}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    behavior = spec.get("behavior")
    if behavior is not None:
        up = behavior.setdefault("scaleUp", {})
        up.setdefault("stabilizationWindowSeconds", 0)
        _default_rules(up, [("Pods", 4), ("Percent", 100)])
        _default_rules(behavior.setdefault("scaleDown", {}), [("Percent", 100)])


def _default_rules(rules: Object, policies: list[tuple[str, int]]) -> None:
    rules.setdefault("selectPolicy", "Max")
    if "policies" not in rules:
        rules["policies"] = [{"type": kind, "value": value, "periodSeconds": 15} for kind, value in policies]


def default_binding(obj: Object) -> None:
    """Fill in a RoleBinding or ClusterRoleBinding."""
    if not obj["roleRef"].get("apiGroup"):
        obj["roleRef"]["apiGroup"] = RBAC
    for subject in obj.get("subjects") or ():
        if subject.get("kind") in ("User", "Group"):
            subject.setdefault("apiGroup", RBAC)


def default_token_request(obj: Object) -> None:
    """Fill in a TokenRequest."""
    obj["spec"].setdefault("expirationSeconds", TOKEN_SECONDS)


def default_webhooks(obj: Object) -> None:
    """Fill in a MutatingWebhookConfiguration or ValidatingWebhookConfiguration."""
    for webhook in obj.get("webhooks") or ():
        webhook.setdefault("failurePolicy", "Fail")
        webhook.setdefault("matchPolicy", "Equivalent")
        webhook.setdefault("namespaceSelector", {})
        webhook.setdefault("objectSelector", {})
        webhook.setdefault("timeoutSeconds", 10)
        if obj.get("kind") == "MutatingWebhookConfiguration":
            webhook.setdefault("reinvocationPolicy", "Never")
        _default_rule_scopes(webhook.get("rules"))
        service = webhook["clientConfig"].get("service")
        if service:
            service.setdefault("port", 443)


def _default_rule_scopes(rules: list[Object] | None) -> None:
    for rule in rules or ():
        rule.setdefault("scope", "*")


def default_admission_policy(obj: Object) -> None:
    """Fill in a MutatingAdmissionPolicy or ValidatingAdmissionPolicy."""
    spec = obj["spec"]
    spec.setdefault("failurePolicy", "Fail")
    _default_match(spec.get("matchConstraints"))


def default_policy_binding(obj: Object) -> None:
    """Fill in the binding of an admission policy."""
    _default_match(obj["spec"].get("matchResources"))


def _default_match(match: Object | None) -> None:
    if match is None:
        return
    match.setdefault("matchPolicy", "Equivalent")
    match.setdefault("namespaceSelector", {})
    match.setdefault("objectSelector", {})
    for field in ("resourceRules", "excludeResourceRules"):
        _default_rule_scopes(match.get(field))


def default_custom_type(obj: Object) -> None:
    """Fill in a CustomResourceDefinition."""
    spec, status = obj["spec"], obj["status"]
    names = spec["names"]
    kind = names.get("kind", "")
    if not names.get("singular"):
        names["singular"] = kind.lower()
    if not names.get("listKind") and kind:
        names["listKind"] = f"{kind}List"
    conversion = spec.setdefault("conversion", {"strategy": "None"})
    client = (conversion.get("webhook") or {}).get("clientConfig") or {}
    if "service" in client:
        client["service"].setdefault("port", 443)
    if not status.get("storedVersions"):
        stored = [version["name"] for version in spec.get("versions") or () if version.get("storage")]
        status["storedVersions"] = stored[:1] or status.get("storedVersions")
