"""Who is somebody: TokenReview and SelfSubjectReview of ``authentication.k8s.io``, from request body to answer.

`review_token` tells whose token it is. A token that is not recognised is an answer with an error in its status, not a failure of
the request; only a review without a token is refused. `review_self` tells the sender who he is. The answers are those of the real
server, which drops metadata and spec of the second. Nothing is stored.

Pure. Called through `assembly`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tmc_syncer.controlplane.auth.access_reviews import own_metadata
from tmc_syncer.controlplane.auth.authenticator import Authenticator, Unauthenticated
from tmc_syncer.controlplane.auth.shapes import shaped
from tmc_syncer.controlplane.auth.users import User
from tmc_syncer.controlplane.clock import timestamp
from tmc_syncer.controlplane.server.errors import bad_request

__all__ = ["review_self", "review_token"]

Object = Mapping[str, Any]

_VERSION = "authentication.k8s.io/v1"


def review_token(authenticator: Authenticator, body: Object) -> dict[str, Any]:
    """Answer a TokenReview. Raises `ApiError` 400."""
    metadata = own_metadata(body, "")
    spec = shaped("TokenReview", body)
    if not spec.get("token"):
        raise bad_request("token is required for TokenReview in authentication")
    status: dict[str, Any]
    try:
        found = authenticator.review(spec["token"], spec.get("audiences", ()))
    except Unauthenticated as error:
        status = {"user": {}, "error": str(error)}
    else:
        status = {
            "authenticated": True,
            "user": found.user.to_object(),
            "audiences": list(found.audiences),
        }
    return {
        "kind": "TokenReview",
        "apiVersion": _VERSION,
        "metadata": metadata,
        "spec": spec,
        "status": status,
    }


def review_self(user: User, now: datetime) -> dict[str, Any]:
    """Answer a SelfSubjectReview."""
    return {
        "kind": "SelfSubjectReview",
        "apiVersion": _VERSION,
        "metadata": {"creationTimestamp": timestamp(now)},
        "status": {"userInfo": user.to_object()},
    }
