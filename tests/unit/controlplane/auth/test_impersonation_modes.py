"""What each mode asks of the authorizer, one by one."""

from __future__ import annotations

import pytest

from tmc_syncer.controlplane.auth.attributes import Attributes, refusal
from tmc_syncer.controlplane.auth.impersonation_modes import MODES, Mode, check_identity, check_request
from tmc_syncer.controlplane.auth.users import MASTERS, NODE_NAME_KEY, User
from tmc_syncer.controlplane.server.errors import ApiError

ANN = User("ann")
AGENT = User("system:serviceaccount:ns:agent", extra={NODE_NAME_KEY: ("n1",)})
NODE, BOT = User("system:node:n1"), User("system:serviceaccount:ns:bot")
BY_NAME = {mode.name: mode for mode in MODES}


class Demanded:
    """An authorizer that notes what it is asked, and refuses some names."""

    def __init__(self, *refused: str) -> None:
        self.refused = refused
        self.asked: list[str] = []

    def __call__(self, attributes: Attributes) -> None:
        assert attributes.cluster == "c"
        resource = "/".join(filter(None, (attributes.resource, attributes.subresource)))
        where = f"{attributes.group}:{resource}"
        place = f"{attributes.namespace}/" if attributes.namespace else ""
        self.asked.append(f"{attributes.verb} {where} {place}{attributes.name}")
        if attributes.name in self.refused:
            raise refusal(ANN, attributes)


@pytest.mark.parametrize(
    ("asked", "requestor", "modes"),
    [
        (User("bob"), ANN, ["user-info", ""]),
        (User("bob", "7", ("a",), {"k": ("v",)}), ANN, ["user-info", ""]),
        (NODE, ANN, ["arbitrary-node", ""]),
        (NODE, AGENT, ["associated-node", "arbitrary-node", ""]),
        (User("system:node:n2"), AGENT, ["arbitrary-node", ""]),
        (NODE, User("ann", extra={NODE_NAME_KEY: ("n1",)}), ["arbitrary-node", ""]),
        (User("system:node:n1", groups=("a",)), AGENT, [""]),
        (BOT, ANN, ["serviceaccount", ""]),
        (User(BOT.name, "7"), ANN, [""]),
    ],
)
def test_modes_fit_those_they_are_for(asked: User, requestor: User, modes: list[str]) -> None:
    assert [mode.name for mode in MODES if mode.fits(asked, requestor)] == modes


def test_constrained_modes_ask_for_the_request_itself() -> None:
    demanded = Demanded()
    request = Attributes("c", "list", "", "v1", "pods", "", "ns")
    for mode in MODES:
        check_request(mode, request, demanded)
    assert demanded.asked == [
        f"impersonate-on:{name}:list :pods ns/"
        for name in ("associated-node", "arbitrary-node", "serviceaccount", "user-info")
    ]


@pytest.mark.parametrize(
    ("mode", "asked", "demands"),
    [
        ("", User("bob"), ["impersonate :users bob"]),
        ("", BOT, ["impersonate :serviceaccounts ns/bot"]),
        ("", NODE, ["impersonate :users system:node:n1"]),
        (
            "",
            User("bob", "7", ("a", ""), {"k": ("v", "w"), "c": ("d",)}),
            [
                "impersonate :users bob",
                "impersonate authentication.k8s.io:uids 7",
                "impersonate :groups a",
                "impersonate :groups ",
                "impersonate authentication.k8s.io:userextras/c d",
                "impersonate authentication.k8s.io:userextras/k v",
                "impersonate authentication.k8s.io:userextras/k w",
            ],
        ),
        ("associated-node", NODE, ["impersonate:associated-node authentication.k8s.io:nodes *"]),
        ("arbitrary-node", NODE, ["impersonate:arbitrary-node authentication.k8s.io:nodes n1"]),
        ("serviceaccount", BOT, ["impersonate:serviceaccount authentication.k8s.io:serviceaccounts ns/bot"]),
        (
            "user-info",
            User("bob", "7", ("a",), {"a.example/k": ("v",)}),
            [
                "impersonate:user-info authentication.k8s.io:users bob",
                "impersonate:user-info authentication.k8s.io:uids 7",
                "impersonate:user-info authentication.k8s.io:groups a",
                "impersonate:user-info authentication.k8s.io:userextras/a.example/k v",
            ],
        ),
    ],
)
def test_an_identity_is_demanded_piece_by_piece(mode: str, asked: User, demands: list[str]) -> None:
    demanded = Demanded()
    check_identity(BY_NAME[mode], ANN, asked, "c", demanded)
    assert demanded.asked == demands


def test_many_groups_are_first_asked_for_at_once_in_constrained_modes() -> None:
    many = User("bob", groups=("a", "b", "c", "d"))
    once = Demanded()
    check_identity(BY_NAME["user-info"], ANN, many, "c", once)
    assert once.asked[1:] == ["impersonate:user-info authentication.k8s.io:groups *"]
    each = Demanded("*")
    check_identity(BY_NAME["user-info"], ANN, many, "c", each)
    assert [text[-1] for text in each.asked[1:]] == ["*", "a", "b", "c", "d"]
    legacy = Demanded("*")
    check_identity(BY_NAME[""], ANN, many, "c", legacy)
    assert [text[-1] for text in legacy.asked[1:]] == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    "extra", [{"a.b/c": ("1", "2", "3", "4")}, {f"a.b/{key}": ("1",) for key in ("c", "d", "e", "f")}]
)
def test_many_extra_values_are_first_asked_for_at_once(extra: dict[str, tuple[str, ...]]) -> None:
    many = User("bob", extra=extra)
    once = Demanded()
    check_identity(BY_NAME["user-info"], ANN, many, "c", once)
    assert once.asked[1:] == ["impersonate:user-info authentication.k8s.io:userextras/* *"]
    each = Demanded("*")
    check_identity(BY_NAME["user-info"], ANN, many, "c", each)
    assert len(each.asked) == 6


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (User("bob", groups=("a", "")), "impersonating the empty string group is not allowed"),
        (User("bob", groups=(MASTERS,)), "impersonating the system:masters group is not allowed"),
        (User("bob", extra={"": ("v",)}), "impersonating the empty string key in extra is not allowed"),
        (
            User("bob", extra={"k": ("v",)}),
            (
                'impersonating an invalid key in extra is not allowed: extra.key: Invalid value: "k": must be a domain-prefixed'
                ' path (such as "acme.io/foo")'
            ),
        ),
        (
            User("bob", extra={"a.b/C": ("v",)}),
            'impersonating a non-lowercase key in extra is not allowed: "a.b/C"',
        ),
        (User("bob", extra={"a.b/c": ("",)}), "impersonating the empty string value in extra is not allowed"),
    ],
)
def test_constrained_modes_refuse_what_is_never_meant(asked: User, said: str) -> None:
    with pytest.raises(ApiError) as caught:
        check_identity(BY_NAME["user-info"], ANN, asked, "c", Demanded())
    assert caught.value.code == 403
    assert f": {said}" in caught.value.message
    assert caught.value.message.endswith(said) or "such as" in caught.value.message
    check_identity(BY_NAME[""], ANN, asked, "c", Demanded())


def test_a_mode_is_named_in_its_verb() -> None:
    assert [mode.verb for mode in MODES[-2:]] == ["impersonate:user-info", "impersonate"]
    assert isinstance(MODES[0], Mode)


def test_refusals_of_what_is_never_meant_name_the_made_up_resource() -> None:
    with pytest.raises(ApiError, match=r'^groups.authentication.k8s.io is forbidden: User "ann" cannot'):
        check_identity(BY_NAME["user-info"], ANN, User("bob", groups=("",)), "c", Demanded())
    with pytest.raises(ApiError, match=r'^userextras.authentication.k8s.io is forbidden: User "ann" cannot'):
        check_identity(BY_NAME["user-info"], ANN, User("bob", extra={"": ("v",)}), "c", Demanded())
