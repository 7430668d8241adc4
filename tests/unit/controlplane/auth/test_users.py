"""Names and groups of users, and who they are in a logical cluster."""

from __future__ import annotations

import pytest

from tmc_syncer.controlplane.auth.users import (
    ANONYMOUS,
    AUTHENTICATED,
    CLUSTER_KEY,
    SCOPES_KEY,
    UNAUTHENTICATED,
    Identities,
    User,
    identities,
    is_at_home,
    is_node,
    service_account_groups,
    service_account_name,
    split_service_account,
    with_group,
)

BOT = "system:serviceaccount:ns:bot"


def test_the_json_form_leaves_out_what_is_empty_and_sorts_the_extra() -> None:
    assert User("ann").to_object() == {"username": "ann"}
    full = User("ann", "7", ("a", "b"), {"z": ("1",), "k": ("2", "3")})
    assert full.to_object() == {
        "username": "ann",
        "uid": "7",
        "groups": ["a", "b"],
        "extra": {"k": ["2", "3"], "z": ["1"]},
    }
    assert list(full.to_object()["extra"]) == ["k", "z"]  # type: ignore[call-overload]


def test_users_can_be_kept_in_sets_though_extra_is_a_dictionary() -> None:
    assert len({User("ann", extra={"a": ("b",)}), User("ann", extra={"a": ("b",)})}) == 1


def test_a_group_is_added_once() -> None:
    ann = User("ann", "7", ("a",), {"k": ("v",)})
    assert with_group(ann, "a") is ann
    assert with_group(ann, "b") == User("ann", "7", ("a", "b"), {"k": ("v",)})


def test_names_of_service_accounts_are_taken_apart_again() -> None:
    assert split_service_account(service_account_name("ns", "bot.x")) == ("ns", "bot.x")
    longest = service_account_name("ns", "a" * 253)
    assert split_service_account(longest) == ("ns", "a" * 253)
    assert service_account_groups("ns") == ("system:serviceaccounts", "system:serviceaccounts:ns")


@pytest.mark.parametrize(
    "name",
    [
        "ann",
        "system:serviceaccount:ns",
        "system:serviceaccount::bot",
        "system:serviceaccount:ns:",
        "system:serviceaccount:Ns:bot",
        "system:serviceaccount:ns:Bot",
        "system:serviceaccount:ns:a:b",
        f"system:serviceaccount:ns:{'a' * 254}",
        f"system:serviceaccount:{'a' * 64}:bot",
    ],
)
def test_other_names_are_no_service_accounts(name: str) -> None:
    assert split_service_account(name) is None


def test_kubelets_are_named_after_their_nodes() -> None:
    assert is_node("system:node:n1.example") == "n1.example"
    assert [is_node(name) for name in ("n1", "system:node:", "system:node:A", "system:nodes:x")] == [None] * 4


# Logical clusters


def test_most_users_are_themselves_everywhere() -> None:
    ann = User("ann", groups=("a", AUTHENTICATED))
    assert identities(ann, "anywhere") == Identities(("ann",), ("a", AUTHENTICATED))


def test_a_service_account_without_a_cluster_counts_as_local() -> None:
    assert identities(User(BOT, groups=("g",)), "x") == Identities((BOT,), ("g",))


def test_a_service_account_is_itself_at_home_and_has_its_global_name_everywhere() -> None:
    bot = User(
        BOT, groups=("g", AUTHENTICATED), extra={CLUSTER_KEY: ("home",), SCOPES_KEY: ("cluster:home",)}
    )
    alias = "system:kcp:serviceaccount:home:ns:bot"
    assert identities(bot, "home") == Identities((BOT, alias), ("g", AUTHENTICATED))
    assert identities(bot, "away") == Identities((ANONYMOUS, alias), (AUTHENTICATED,))


def test_a_service_account_of_several_clusters_has_no_global_name() -> None:
    bot = User(BOT, extra={CLUSTER_KEY: ("one", "two")})
    assert identities(bot, "two") == Identities((BOT,), ())
    assert identities(bot, "three") == Identities((ANONYMOUS,), (UNAUTHENTICATED,))


def test_a_service_account_with_scopes_but_no_cluster_is_bound_by_its_scopes() -> None:
    bot = User(BOT, extra={SCOPES_KEY: ("cluster:x",)})
    assert identities(bot, "x") == Identities((BOT,), ())
    assert identities(bot, "y") == Identities((ANONYMOUS,), (UNAUTHENTICATED,))


def test_a_user_with_scopes_is_anonymous_outside_of_them() -> None:
    ann = User(
        "ann", groups=(AUTHENTICATED, "a"), extra={SCOPES_KEY: ("cluster:x,cluster:y", "cluster:y,cluster:z")}
    )
    assert identities(ann, "y") == Identities(("ann",), (AUTHENTICATED, "a"))
    for cluster in ("x", "z", "w"):
        assert identities(ann, cluster) == Identities((ANONYMOUS,), (AUTHENTICATED,))


def test_only_service_accounts_have_a_home() -> None:
    assert is_at_home(User(BOT, extra={CLUSTER_KEY: ("home",)}), "home")
    assert not is_at_home(User(BOT, extra={CLUSTER_KEY: ("home",)}), "away")
    assert not is_at_home(User(BOT), "home")
    assert not is_at_home(User("ann", extra={CLUSTER_KEY: ("home",)}), "home")


def test_the_cluster_of_somebody_who_is_no_service_account_means_nothing() -> None:
    ann = User("ann", groups=("a",), extra={CLUSTER_KEY: ("home",)})
    assert identities(ann, "away") == Identities(("ann",), ("a",))
