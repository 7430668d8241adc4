"""May somebody do something: the review types of ``authorization.k8s.io``, from request body to answer.

`review_access` answers a SubjectAccessReview, its Self and its Local form; `review_rules` a SelfSubjectRulesReview. The answer is the
body as the real server gives it back: spec as it was read, metadata as it was sent, and the decision as status. What cannot
be answered is an `ApiError`, 400 or 422, with that server's message. Nothing is stored.

The questions are for the logical cluster that the request was sent to. The caller has authorized the request itself (``create``
of the review) and put its `managedFields` into the body if it keeps them.

Pure. Called through `assembly`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tmc_syncer.controlplane.auth.access_validation import review_causes, selector_errors
from tmc_syncer.controlplane.auth.attributes import Attributes
from tmc_syncer.controlplane.auth.authorizer import Authorizer
from tmc_syncer.controlplane.auth.shapes import shaped
from tmc_syncer.controlplane.auth.users import User
from tmc_syncer.controlplane.auth.wording import together
from tmc_syncer.controlplane.server.errors import bad_request, invalid

__all__ = ["ACCESS_REVIEWS", "own_metadata", "review_access", "review_rules"]

Object = Mapping[str, Any]

_GROUP = "authorization.k8s.io"
ACCESS_REVIEWS = ("SubjectAccessReview", "LocalSubjectAccessReview", "SelfSubjectAccessReview")
"""The kinds that `review_access` answers."""


def review_access(
    authorizer: Authorizer, kind: str, body: Object, user: User, cluster: str, namespace: str = ""
) -> dict[str, Any]:
    """Answer a review; `namespace` is that of the request's path, for the Local form. Raises `ApiError`."""
    metadata = own_metadata(body, namespace)
    spec = shaped(kind, body)
    if causes := review_causes(kind, spec, metadata):
        raise invalid("", "", causes, _GROUP)
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    subject = user if kind == "SelfSubjectAccessReview" else _subject(spec)
    errors: list[str] = []
    if resource is not None:
        attributes = _of_resource(cluster, resource)
        errors = selector_errors(resource)
    else:
        assert path is not None  # one of both is there, says the validation
        attributes = Attributes(cluster, path.get("verb", ""), path=path.get("path", ""))
    decision = authorizer.allows(subject, attributes)
    status: dict[str, Any] = {"allowed": decision.allowed}
    if decision.reason:
        status["reason"] = decision.reason
    if errors:
        status["evaluationError"] = "; ".join(errors)
    return _answer(kind, metadata, spec, status)


def review_rules(authorizer: Authorizer, body: Object, user: User, cluster: str) -> dict[str, Any]:
    """Answer a SelfSubjectRulesReview: all rules of the user in the namespace that it names. Raises `ApiError`."""
    namespace = shaped("SelfSubjectRulesReview", body).get("namespace")
    if not namespace:
        raise bad_request("no namespace on request")
    rules, errors = authorizer.rules(user, cluster, namespace)
    objects = [rule.to_object() for rule in rules]
    of_paths = [
        {key: rule[key] for key in ("verbs", "nonResourceURLs")}
        for rule in objects
        if "nonResourceURLs" in rule
    ]
    of_resources = [
        {key: rule[key] for key in ("verbs", "apiGroups", "resources", "resourceNames") if key in rule}
        for rule in objects
        if "resources" in rule
    ]
    status: dict[str, Any] = {
        "resourceRules": of_resources,
        "nonResourceRules": of_paths,
        "incomplete": False,
    }
    if errors:
        status["evaluationError"] = together([str(error) for error in errors])
    return _answer("SelfSubjectRulesReview", {}, {}, status)


def own_metadata(body: Object, namespace: str) -> dict[str, Any]:
    """The metadata of a body, in the namespace of the request. Raises `ApiError` 400 when it names another."""
    metadata = body.get("metadata") or {}
    if not isinstance(metadata, Mapping):
        raise bad_request("metadata must be an object")
    given = metadata.get("namespace") or ""
    if namespace and given and given != namespace:
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    found = {key: value for key, value in metadata.items() if key != "namespace"}
    return {**found, "namespace": namespace} if namespace else found


def _subject(spec: Object) -> User:
    extra = {key: tuple(values or ()) for key, values in (spec.get("extra") or {}).items()}
    return User(spec.get("user", ""), spec.get("uid", ""), tuple(spec.get("groups", ())), extra)


def _of_resource(cluster: str, resource: Object) -> Attributes:
    names = ("verb", "group", "version", "resource", "subresource", "namespace", "name")
    return Attributes(cluster, **{name: resource.get(name, "") for name in names})


def _answer(kind: str, metadata: Object, spec: Object, status: Object) -> dict[str, Any]:
    return {"kind": kind, "apiVersion": f"{_GROUP}/v1", "metadata": metadata, "spec": spec, "status": status}
