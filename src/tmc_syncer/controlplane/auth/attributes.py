"""What is asked of authorization: `Attributes` of a request, and the 403 that a refusal becomes.

`Attributes` is a tuple, because one is made for every request. `path` is None for a request of a resource; otherwise the
request is for that path and only `verb` counts beside it. `name` is also filled from a field selector on
``metadata.name`` of a list or watch, as kube-apiserver does.

`refusal` writes the message of kube-apiserver word for word (`k8s.io/apiserver` ``responsewriters.ForbiddenStatusError``):
clients and people search for it.

Pure. Called by the HTTP side for each request and by the reviews.
"""

from __future__ import annotations

from typing import NamedTuple

from tmc_syncer.controlplane.auth.users import User
from tmc_syncer.controlplane.auth.wording import quote
from tmc_syncer.controlplane.server.errors import ApiError, forbidden

__all__ = ["Attributes", "Resource", "refusal"]


class Attributes(NamedTuple):
    """One request: a verb on a resource of a logical cluster, or on a path."""

    cluster: str
    verb: str
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str | None = None


class Resource(NamedTuple):
    """What an error needs to know of a type (`server.errors.Named`)."""

    group: str
    resource: str
    kind: str = ""


_MARKUP = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def refusal(user: User, attributes: Attributes, reason: str = "") -> ApiError:
    """The 403 that answers this request; `reason` is what the authorizer said."""
    message = _cannot(user.name, attributes).translate(_MARKUP)
    if reason:
        message = f"{message}: {reason}"
    if not attributes.resource:  # a path, or a review that names no resource
        return ApiError(403, "Forbidden", f"forbidden: {message}", details={})
    return forbidden(Resource(attributes.group, attributes.resource), attributes.name, message)


def _cannot(username: str, attributes: Attributes) -> str:
    start = f"User {quote(username)} cannot {attributes.verb}"
    if attributes.path is not None:
        return f"{start} path {quote(attributes.path)}"
    resource = attributes.resource
    if attributes.subresource:
        resource = f"{resource}/{attributes.subresource}"
    said = f"{start} resource {quote(resource)} in API group {quote(attributes.group)}"
    if attributes.namespace:
        return f"{said} in the namespace {quote(attributes.namespace)}"
    return f"{said} at the cluster scope"
