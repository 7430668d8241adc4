"""A new token for a service account: the subresource ``serviceaccounts/token``, from request body to answer.

`TokenRequests.create` checks a TokenRequest as the real server does (the account, the object that the token shall be bound to, how
long it lasts), fills in the defaults, and answers with the token. Nothing is stored: a token lives by its signature, and dies
with the account or the bound object.

A pod-bound token that asks for 3,607 seconds, as every kubelet does for mounted tokens, lasts a year with a warning mark
(``warnafter``), like the real server's: older clients do not re-read their file.

Source: `k8s.io/kubernetes/pkg/registry/core/serviceaccount/storage/token.go` of 1.36. Time is injected. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from tmc_syncer.controlplane.auth.access_reviews import own_metadata
from tmc_syncer.controlplane.auth.attributes import Resource
from tmc_syncer.controlplane.auth.shapes import shaped
from tmc_syncer.controlplane.auth.token_claims import BOUND_RESOURCES, Bound, GetObject, TokenSigner
from tmc_syncer.controlplane.auth.wording import quote
from tmc_syncer.controlplane.clock import Clock, timestamp
from tmc_syncer.controlplane.server.errors import (
    Cause,
    bad_request,
    conflict,
    invalid,
    not_found,
)

__all__ = ["TokenRequests"]

Object = Mapping[str, Any]

_GROUP, _KIND = "authentication.k8s.io", "TokenRequest"
_DEFAULT_SECONDS = 3600
_LEAST_SECONDS, _MOST_SECONDS = 600, 2**32
_KUBELET_SECONDS, _EXTENDED_SECONDS = 3607, 365 * 24 * 3600


class TokenRequests:
    """Answers TokenRequests of one control plane, whose own audiences are the default of a token.

    `home` is the one cluster of this server, None for a server with workspaces.
    """

    def __init__(
        self,
        signer: TokenSigner,
        audiences: Sequence[str],
        get: GetObject,
        clock: Clock,
        *,
        home: str | None,
    ) -> None:
        self._signer = signer
        self._audiences = tuple(audiences)
        self._get = get
        self._clock = clock
        self._home = home

    def create(self, body: Object, cluster: str, namespace: str, name: str) -> dict[str, Any]:
        """Answer a TokenRequest for the service account `name`. Raises `ApiError` 400, 404, 409 or 422."""
        metadata = own_metadata(body, namespace)
        given = metadata.get("name")
        if given and given != name:
            why = f"Invalid value: {quote(given)}: must match the service account name if specified"
            raise invalid(_KIND, name, [Cause("FieldValueInvalid", why, "metadata.name")], _GROUP)
        spec = shaped(_KIND, body)
        account = self._found(cluster, "serviceaccounts", namespace, name)
        uid = account["metadata"]["uid"]
        if metadata.get("uid") and metadata["uid"] != uid:
            why = (
                f"the UID in the token request ({metadata['uid']}) does not match the UID of the service account"
                f" ({uid})"
            )
            raise conflict(Resource(_GROUP, _KIND), name, why)
        audiences = spec.get("audiences") or list(self._audiences)
        seconds = spec.get("expirationSeconds", _DEFAULT_SECONDS)
        _check_seconds(seconds)
        reference = spec.get("boundObjectRef")
        bound = None if reference is None else self._bound(cluster, namespace, name, reference)
        now = self._clock.now()
        lasts, warn_after = seconds, 0
        is_ours = set(audiences) <= set(self._audiences)
        if bound is not None and bound.kind == "Pod" and seconds == _KUBELET_SECONDS and is_ours:
            lasts, warn_after = _EXTENDED_SECONDS, seconds
        token = self._signer.token(
            account,
            audiences=audiences,
            seconds=lasts,
            cluster=cluster if self._home is None else "",
            bound=bound,
            warn_after=warn_after,
        )
        own = {"name": name, "namespace": namespace, "uid": uid, "creationTimestamp": timestamp(now)}
        return {
            "kind": _KIND,
            "apiVersion": f"{_GROUP}/v1",
            "metadata": {**metadata, **own},
            "spec": {"audiences": audiences, "expirationSeconds": seconds, "boundObjectRef": reference},
            "status": {"token": token, "expirationTimestamp": timestamp(now + timedelta(seconds=seconds))},
        }

    def _bound(self, cluster: str, namespace: str, account: str, reference: Object) -> Bound:
        kind, version, name = (reference.get(key, "") for key in ("kind", "apiVersion", "name"))
        group, slash, rest = version.partition("/")
        group, version = (group, rest) if slash else ("", version)
        if group or kind not in BOUND_RESOURCES:
            raise bad_request(f"cannot bind token to object of type {group}/{version}, Kind={kind}")
        place = "" if kind == "Node" else namespace
        found = self._found(cluster, BOUND_RESOURCES[kind], place, name)
        node = None
        if kind == "Pod":
            node = self._checked_node(cluster, account, found)
        uid = found["metadata"]["uid"]
        if reference.get("uid") and reference["uid"] != uid:
            why = (
                f"the UID in the bound object reference ({reference['uid']}) does not match the UID in record. "
                "The object might have been deleted and then recreated"
            )
            raise conflict(Resource("", kind), name, why)
        return Bound(kind, name, uid, node)

    def _checked_node(self, cluster: str, account: str, pod: Object) -> tuple[str, str] | None:
        """The node of a pod that runs as this account; its uid is empty when the node does not exist."""
        spec = pod.get("spec") or {}
        if spec.get("serviceAccountName", "") != account:
            raise bad_request(
                f"cannot bind token for serviceaccount {quote(account)} to pod running with different "
                "serviceaccount name."
            )
        if not (name := spec.get("nodeName")):
            return None
        node = self._get(cluster, "nodes", "", name)
        return name, node["metadata"]["uid"] if node is not None else ""

    def _found(self, cluster: str, resource: str, namespace: str, name: str) -> Object:
        found = self._get(cluster, resource, namespace, name)
        if found is None:
            raise not_found(Resource("", resource), name)
        return found


def _check_seconds(seconds: int) -> None:
    why = ""
    if seconds < _LEAST_SECONDS:
        why = "may not specify a duration less than 10 minutes"
    elif seconds > _MOST_SECONDS:
        why = "may not specify a duration larger than 2^32 seconds"
    if why:
        cause = Cause("FieldValueInvalid", f"Invalid value: {seconds}: {why}", "spec.expirationSeconds")
        raise invalid(_KIND, "", [cause], _GROUP)
