"""The Impersonate headers: who is asked for, who may, and what is told to who may not."""

from __future__ import annotations

import pytest

from tests.unit.controlplane.auth.stage import Objects, binding, role, rule, user
from tmc_syncer.controlplane.auth import impersonation as module
from tmc_syncer.controlplane.auth.attributes import Attributes
from tmc_syncer.controlplane.auth.authorizer import Authorizer
from tmc_syncer.controlplane.auth.impersonation import Impersonation, wanted
from tmc_syncer.controlplane.auth.users import ANONYMOUS, AUTHENTICATED, MASTERS, UNAUTHENTICATED, User
from tmc_syncer.controlplane.server.errors import ApiError

ANN = User("ann", groups=(AUTHENTICATED,))
LIST_PODS = Attributes("c", "list", "", "v1", "pods", "", "ns")


@pytest.fixture
def objects() -> Objects:
    return Objects()


@pytest.fixture
def impersonation(objects: Objects) -> Impersonation:
    return Impersonation(Authorizer(objects.list))


def allow(objects: Objects, *rules: dict[str, object]) -> None:
    objects.put("clusterroles", role("r", *rules))
    objects.put("clusterrolebindings", binding("r", "r", user("ann")))


# Headers


def test_without_the_headers_nobody_is_asked_for() -> None:
    assert (
        wanted([("Authorization", "Bearer x"), ("X-Impersonate-User", "bob"), ("Impersonate-User", "")])
        is None
    )


def test_headers_are_read_whatever_their_case_and_the_first_name_counts() -> None:
    asked = wanted(
        [
            ("IMPERSONATE-USER", "bob"),
            ("Impersonate-User", "eve"),
            ("impersonate-group", "a"),
            ("Impersonate-Group", "b"),
            ("Impersonate-Uid", "7"),
            ("Impersonate-Uid", "8"),
            ("Impersonate-Extra-A.Example%2FB", "1"),
            ("Impersonate-Extra-a.example%2fb", "2"),
            ("Impersonate-Extra-x", "3"),
            ("Impersonate-Odd", "4"),
        ]
    )
    assert asked == User("bob", "7", ("a", "b"), {"a.example/b": ("1", "2"), "x": ("3",)})


def test_bytes_that_are_no_text_become_replacement_characters() -> None:
    """Else the name could not be written into an answer."""
    asked = wanted([("Impersonate-User", b"b\xffb".decode(errors="surrogateescape"))])
    assert asked == User("b�b")


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        (
            [("Impersonate-Group", "a"), ("Impersonate-User", "")],
            'UID:"", Groups:[]string{"a"}, Extra:map[string][]string(nil)',
        ),
        ([("Impersonate-Uid", "7")], 'UID:"7", Groups:[]string(nil), Extra:map[string][]string(nil)'),
        (
            [("Impersonate-Extra-b", "1"), ("Impersonate-Extra-a", "2"), ("Impersonate-Extra-a", "3")],
            'UID:"", Groups:[]string(nil), Extra:map[string][]string{"a":[]string{"2", "3"}, "b":[]string{"1"}}',
        ),
    ],
)
def test_groups_without_a_user_are_a_bad_request(headers: list[tuple[str, str]], said: str) -> None:
    with pytest.raises(ApiError) as caught:
        wanted(headers)
    assert caught.value.code == 400
    assert caught.value.message == (
        f'requested &user.DefaultInfo{{Name:"", {said}}} without impersonating a user name'
    )


# Who may


def test_the_verb_impersonate_lets_act_as_a_user(impersonation: Impersonation, objects: Objects) -> None:
    allow(objects, rule("impersonate", "''", "users", "bob"))
    assert impersonation.impersonate(ANN, User("bob"), LIST_PODS) == User("bob", groups=(AUTHENTICATED,))
    with pytest.raises(ApiError) as caught:
        impersonation.impersonate(ANN, User("eve"), LIST_PODS)
    assert caught.value.message == (
        'users "eve" is forbidden: User "ann" cannot impersonate resource "users" in API group "" at the cluster scope'
    )


def test_who_may_nothing_is_told_of_the_first_mode(impersonation: Impersonation) -> None:
    with pytest.raises(ApiError) as caught:
        impersonation.impersonate(ANN, User("bob"), LIST_PODS)
    assert caught.value.code == 403
    assert caught.value.message == (
        'pods is forbidden: User "ann" cannot impersonate-on:user-info:list resource "pods" in API group ""'
        ' in the namespace "ns"'
    )


def test_the_last_mode_that_worked_is_tried_first(impersonation: Impersonation, objects: Objects) -> None:
    allow(objects, rule("impersonate", "''", "users", "bob"))
    with pytest.raises(ApiError, match="impersonate-on:user-info"):
        impersonation.impersonate(ANN, User("eve"), LIST_PODS)
    impersonation.impersonate(ANN, User("bob"), LIST_PODS)
    impersonation.impersonate(ANN, User("bob"), LIST_PODS)
    with pytest.raises(ApiError, match="cannot impersonate resource"):
        impersonation.impersonate(ANN, User("eve"), LIST_PODS)


def test_requestors_are_not_remembered_without_end(
    impersonation: Impersonation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_REMEMBERED", 3)
    for number in range(10):
        impersonation.impersonate(User(f"root-{number}", groups=(MASTERS,)), User("bob"), LIST_PODS)
        assert len(impersonation._last_modes) <= 3


@pytest.mark.parametrize(
    ("asked", "groups"),
    [
        (User("bob"), (AUTHENTICATED,)),
        (User("bob", groups=("a",)), ("a", AUTHENTICATED)),
        (User("bob", groups=(AUTHENTICATED, "a")), (AUTHENTICATED, "a")),
        (User("bob", groups=(UNAUTHENTICATED,)), (UNAUTHENTICATED,)),
        (User(ANONYMOUS), (UNAUTHENTICATED,)),
        (User(ANONYMOUS, groups=(UNAUTHENTICATED,)), (UNAUTHENTICATED,)),
        (
            User("system:serviceaccount:ns:bot"),
            ("system:serviceaccounts", "system:serviceaccounts:ns", AUTHENTICATED),
        ),
        (User("system:serviceaccount:ns:bot", groups=("a",)), ("a", AUTHENTICATED)),
        (User("system:node:n1"), ("system:nodes", AUTHENTICATED)),
    ],
)
def test_whoever_is_acted_as_is_in_the_groups_of_its_kind(
    impersonation: Impersonation, asked: User, groups: tuple[str, ...]
) -> None:
    root = User("root", groups=(MASTERS,))
    actual = impersonation.impersonate(root, asked, LIST_PODS)
    assert actual == User(asked.name, asked.uid, groups, asked.extra)
