"""Types are named as kubectl names them, and never guessed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmc_syncer.api.errors import UsageError
from tmc_syncer.api.resources import GVR, Key, ResourceInfo, parse_resource_argument


@pytest.mark.parametrize(
    ("text", "gvr"),
    [
        ("pods", GVR("", "", "pods")),
        ("pods.v1.", GVR("", "v1", "pods")),
        ("pods.v1", GVR("", "v1", "pods")),
        ("deployments.apps", GVR("apps", "", "deployments")),
        ("deployments.v1.apps", GVR("apps", "v1", "deployments")),
        ("ingresses.v1.networking.k8s.io", GVR("networking.k8s.io", "v1", "ingresses")),
        ("widgets.v2beta1.example.com", GVR("example.com", "v2beta1", "widgets")),
        ("widgets.v2gamma1.example.com", GVR("v2gamma1.example.com", "", "widgets")),
        ("widgets.v0.example.com", GVR("v0.example.com", "", "widgets")),
        (" deployments.apps ", GVR("apps", "", "deployments")),
    ],
)
def test_a_type_as_it_is_typed(text: str, gvr: GVR) -> None:
    assert parse_resource_argument(text) == gvr


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        ".apps",
        "Deployments.apps",
        "a b",
        "deployments.apps.",
        "deployments.-apps",
        "a/b",
        "1pods",
        "pods.v1.A",
    ],
)
def test_what_is_no_type_is_refused_with_examples(text: str) -> None:
    with pytest.raises(UsageError, match="not a resource type") as caught:
        parse_resource_argument(text)
    assert "deployments.apps" in caught.value.hint


@given(
    st.sampled_from(["", "apps", "networking.k8s.io", "example.com"]),
    st.sampled_from(["", "v1", "v1beta2"]),
    st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True),
)
def test_what_is_shown_can_be_typed(group: str, version: str, resource: str) -> None:
    gvr = GVR(group, version, resource)
    assert parse_resource_argument(str(gvr)) == gvr


@pytest.mark.parametrize(
    ("gvr", "api_version", "group_resource"),
    [
        (GVR("", "v1", "pods"), "v1", "pods"),
        (GVR("apps", "v1", "deployments"), "apps/v1", "deployments.apps"),
    ],
)
def test_names_of_a_type(gvr: GVR, api_version: str, group_resource: str) -> None:
    assert (gvr.api_version, gvr.group_resource) == (api_version, group_resource)


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        (Key("1a2b", "shop", "web"), "1a2b/shop/web"),
        (Key("", "kcp-1a2b-shop", "web"), "kcp-1a2b-shop/web"),
        (Key("", "", "web"), "web"),
    ],
)
def test_a_key_is_shown_without_its_empty_parts(key: Key, shown: str) -> None:
    assert str(key) == shown


def test_a_type_has_a_status_when_it_has_the_subresource() -> None:
    gvr = GVR("apps", "v1", "deployments")
    assert ResourceInfo(gvr, "Deployment", True, subresources=frozenset({"status", "scale"})).has_status
    assert not ResourceInfo(gvr, "Deployment", True).has_status
