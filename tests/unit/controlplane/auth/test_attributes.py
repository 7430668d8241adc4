"""The 403 of a request, word for word as kube-apiserver writes it (recorded from 1.36.3)."""

from __future__ import annotations

import pytest

from tmc_syncer.controlplane.auth.attributes import Attributes, refusal
from tmc_syncer.controlplane.auth.users import User

ANN = User("ann")


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        (
            Attributes("c", "list", "", "v1", "configmaps", "", "y"),
            'configmaps is forbidden: User "ann" cannot list resource "configmaps" in API group "" in the namespace "y"',
        ),
        (
            Attributes("c", "get", "apps", "v1", "deployments", "scale", "y", "web"),
            'deployments.apps "web" is forbidden: User "ann" cannot get resource "deployments/scale" in API group "apps" in the namespace "y"',
        ),
        (
            Attributes("c", "delete", "", "v1", "nodes", "", "", "n1"),
            'nodes "n1" is forbidden: User "ann" cannot delete resource "nodes" in API group "" at the cluster scope',
        ),
        (Attributes("c", "get", path="/metrics"), 'forbidden: User "ann" cannot get path "/metrics"'),
        (
            Attributes("c", "get"),
            'forbidden: User "ann" cannot get resource "" in API group "" at the cluster scope',
        ),
    ],
)
def test_the_message_says_who_what_and_where(attributes: Attributes, message: str) -> None:
    error = refusal(ANN, attributes)
    assert (error.code, error.reason, error.message) == (403, "Forbidden", message)


def test_details_name_the_object() -> None:
    of_object = refusal(ANN, Attributes("c", "get", "apps", "v1", "deployments", "scale", "y", "web"))
    assert of_object.details == {"name": "web", "group": "apps", "kind": "deployments"}
    assert refusal(ANN, Attributes("c", "get", path="/x")).details == {}


def test_the_reason_comes_last_and_only_ours_is_safe_for_html() -> None:
    error = refusal(User("<&>"), Attributes("c", "get", path="/x"), "RBAC: <z>")
    assert error.message == 'forbidden: User "&lt;&amp;&gt;" cannot get path "/x": RBAC: <z>'
