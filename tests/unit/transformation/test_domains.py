"""What belongs to the control plane does not cross; everything else is the user's."""

from __future__ import annotations

import pytest

from tmc_syncer.api import names
from tmc_syncer.transformation.domains import belongs_to_user, of_user


@pytest.mark.parametrize(
    "name",
    [
        "kcp.io/cluster",
        "kcp.io/anything",
        "workload.kcp.io/conflict-policy",
        "state.workload.kcp.io/abc",
        "experimental.spec-diff.workload.kcp.io/abc",
        "claimed.internal.apis.kcp.io/abc",
        "kcp.io/original-api-version",
        "kcp.io/no/valid/name",
        "kubectl.kubernetes.io/last-applied-configuration",
    ],
)
def test_names_of_the_control_plane_stay_behind(name: str) -> None:
    assert not belongs_to_user(name)


@pytest.mark.parametrize(
    "name",
    [
        "app",
        "kcp.io",
        "notkcp.io/x",
        "internal.example.com/x",
        "kcp.io.example.com/x",
        "example.com/kcp.io",
        "",
    ],
)
def test_other_names_cross(name: str) -> None:
    assert belongs_to_user(name)


@pytest.mark.parametrize(
    "name", [value for name, value in vars(names).items() if name.isupper() and "/" in str(value)]
)
def test_each_string_of_ours_stays_behind(name: str) -> None:
    """Whatever is added to api.names is covered by the rule, or is Kubernetes' own."""
    assert belongs_to_user(name) == name.startswith(("kubernetes.io/", "pod-security.kubernetes.io/"))


@pytest.mark.parametrize(
    "made",
    [names.state_label, names.deletion_annotation, names.soft_finalizers_annotation],
)
def test_each_string_with_a_key_stays_behind(made) -> None:
    assert not belongs_to_user(made("abc"))


def test_the_users_entries_are_a_new_map() -> None:
    entries = {"app": "web", "kcp.io/managed": "true"}
    assert of_user(entries) == {"app": "web"}
    assert entries == {"app": "web", "kcp.io/managed": "true"}
    assert of_user(None) == {}
    assert of_user({}) == {}
