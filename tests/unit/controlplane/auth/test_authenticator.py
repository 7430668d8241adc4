"""Who sends a request, by whatever is shown; hostile credentials are nobody's."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.controlplane.auth.stage import (
    ISSUER,
    NOW,
    Objects,
    StandingClock,
    counted,
    odd_certificate,
    thing,
)
from tmc_syncer.controlplane.auth.authenticator import Authenticator, Unauthenticated, remaining_protocols
from tmc_syncer.controlplane.auth.authority import Authority
from tmc_syncer.controlplane.auth.certificates import CertificateReader
from tmc_syncer.controlplane.auth.token_claims import TokenSigner, TokenVerifier
from tmc_syncer.controlplane.auth.users import ANONYMOUS_USER, User

KEY = ec.generate_private_key(ec.SECP256R1())
AUTHORITY = Authority.create("tmc", NOW)
BOT = "system:serviceaccount:ns:bot"
PREFIX = "base64url.bearer.authorization.k8s.io."
STATIC = {
    "ann-token": User("ann", "1", ("team",)),
    "ghost-token": User("ghost", groups=("system:unauthenticated",)),
    "nobody-token": User("system:anonymous"),
    "ünï": User("uni"),
    "": User("empty"),
    "t1": User("padded"),
    "~~~?": User("dashes"),
}


def authenticator(*, anonymous: bool = True) -> Authenticator:
    clock, objects = StandingClock(), Objects()
    objects.put("serviceaccounts", thing("bot", "ns"))
    verifier = TokenVerifier([KEY.public_key()], ISSUER, (ISSUER,), objects.get, clock, home="c")
    certificates = CertificateReader(AUTHORITY.certificate, clock)
    return Authenticator(
        certificates, verifier, audiences=(ISSUER,), static_tokens=STATIC, anonymous=anonymous
    )


def token(audiences: Sequence[str] = (ISSUER,)) -> str:
    signer = TokenSigner(KEY, ISSUER, StandingClock(), counted())
    return signer.token(thing("bot", "ns"), audiences=audiences, seconds=3600)


def encoded(text: str | bytes) -> str:
    content = text if isinstance(text, bytes) else text.encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def name(
    authorization: str | None = None,
    certificate: x509.Certificate | bytes | None = None,
    protocols: Sequence[str] = (),
    *,
    anonymous: bool = True,
) -> str | None:
    """Whose request it is, None when it is refused."""
    try:
        return (
            authenticator(anonymous=anonymous)
            .authenticate(authorization, certificate, protocols=protocols)
            .name
        )
    except Unauthenticated:
        return None


def test_recognised_users_are_authenticated() -> None:
    ann = authenticator().authenticate("Bearer ann-token")
    assert ann == User("ann", "1", ("team", "system:authenticated"))
    bot = authenticator().authenticate(f"Bearer {token()}")
    assert bot.groups == ("system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated")
    eve = authenticator().authenticate(None, AUTHORITY.client("eve", (), NOW).certificate)
    assert (eve.name, eve.groups) == ("eve", ("system:authenticated",))


def test_a_user_that_is_called_unauthenticated_stays_so() -> None:
    assert authenticator().authenticate("Bearer ghost-token").groups == ("system:unauthenticated",)
    assert authenticator().authenticate("Bearer nobody-token").groups == ()


def test_nothing_shown_is_anonymous_unless_that_is_off() -> None:
    assert authenticator().authenticate(None) is ANONYMOUS_USER
    assert name(None, anonymous=False) is None
    assert name("Bearer ann-token", anonymous=False) == "ann"


@pytest.mark.parametrize(
    ("header", "who"),
    [
        ("Bearer ann-token", "ann"),
        ("bearer ann-token", "ann"),
        ("  BEARER ann-token  ", "ann"),
        ("Bearer ann-token and more", "ann"),
        ("Bearer ünï", "uni"),
        ("Bearer", "system:anonymous"),
        ("Bearer ", "system:anonymous"),
        ("Bearer  ann-token", "system:anonymous"),
        ("Basic ann-token", "system:anonymous"),
        ("ann-token", "system:anonymous"),
        ("", "system:anonymous"),
        ("Bearer wrong", None),
        ("Bearer ann-toke", None),
        ("Bearer ann-tokenn", None),
        ("Bearer \udcff\udcfe", None),
        ("Bearer " + "x" * 1_000_000, None),
        ("Bearer " + "." * 100_000, None),
        ("Bearer " + "a." * 2 + "a", None),
    ],
    ids=range(18),
)
def test_a_header_names_somebody_nobody_or_is_refused(header: str, who: str | None) -> None:
    assert name(header) == who


def test_a_token_for_others_is_refused() -> None:
    assert name(f"Bearer {token(['vault'])}") is None
    assert name(f"Bearer {token(['vault', ISSUER])}") == BOT


# Certificates


def test_the_certificate_comes_before_the_token() -> None:
    certificate = AUTHORITY.client("eve", (), NOW).certificate
    assert name("Bearer ann-token", certificate) == "eve"
    assert name("Bearer wrong", certificate) == "eve"


def test_a_bad_certificate_is_refused_but_a_good_token_beside_it_counts() -> None:
    foreign = Authority.create("tmc", NOW).client("eve", ("system:masters",), NOW).certificate
    expired = AUTHORITY.client("eve", (), NOW, lifetime=timedelta(hours=-1)).certificate
    for certificate in (foreign, expired, b"junk"):
        assert name(None, certificate) is None
        assert name("Basic x", certificate) is None
        assert name("Bearer ann-token", certificate) == "ann"


def test_a_certificate_without_a_name_shows_nobody() -> None:
    nameless = odd_certificate(AUTHORITY, [(NameOID.ORGANIZATION_NAME, "system:masters")])
    assert name(None, nameless) == "system:anonymous"
    assert name("Bearer ann-token", nameless) == "ann"


# WebSockets


@pytest.mark.parametrize(
    ("protocols", "who"),
    [
        ([f"{PREFIX}{encoded('ann-token')}, v4.channel.k8s.io"], "ann"),
        (["v4.channel.k8s.io", f"{PREFIX}{encoded('ann-token')}"], "ann"),
        (["v4.channel.k8s.io"], "system:anonymous"),
        ([f"{PREFIX}, v4.channel.k8s.io"], "system:anonymous"),
        ([f"{PREFIX}{encoded('ann-token')}"], None),
        ([f"{PREFIX}{encoded('wrong')}, x"], None),
        ([f"{PREFIX}{encoded('ann-token')}, {PREFIX}{encoded('ann-token')}, x"], None),
        ([f"{PREFIX}@@, x"], None),
        ([f"{PREFIX}dDE, x"], "padded"),
        ([f"{PREFIX}dDE=, x"], None),
        ([f"{PREFIX}fn5-Pw, x"], "dashes"),
        ([f"{PREFIX}fn5+Pw, x"], None),
        ([f"{PREFIX}a, x"], None),
        ([f"{PREFIX}__4, x"], None),
    ],
    ids=range(14),
)
def test_a_browser_sends_its_token_as_a_subprotocol(protocols: list[str], who: str | None) -> None:
    assert name(None, protocols=protocols) == who


@pytest.mark.parametrize(
    ("protocols", "said"),
    [
        ([f"{PREFIX}a, {PREFIX}b, x"], "multiple base64.bearer.authorization tokens specified"),
        ([f"{PREFIX}@@, x"], "invalid base64.bearer.authorization token encoding"),
        ([f"{PREFIX}{encoded('ann-token')}"], "missing additional subprotocol"),
    ],
)
def test_what_is_wrong_with_a_subprotocol_is_known_to_the_log(protocols: list[str], said: str) -> None:
    with pytest.raises(Unauthenticated) as caught:
        authenticator().authenticate(None, protocols=protocols)
    assert str(caught.value) == said


def test_all_that_was_wrong_is_known_to_the_log() -> None:
    with pytest.raises(Unauthenticated) as caught:
        authenticator().authenticate("Bearer wrong", b"junk")
    assert str(caught.value) == "[x509: malformed certificate, invalid bearer token]"


def test_anonymous_users_are_let_in_by_default() -> None:
    ours = authenticator()
    plain = Authenticator(ours._certificates, ours._tokens, audiences=(ISSUER,))
    assert plain.authenticate(None) is ANONYMOUS_USER


def test_a_header_that_is_refused_can_be_made_good_by_a_subprotocol() -> None:
    assert name("Bearer wrong", protocols=[f"{PREFIX}{encoded('ann-token')}, x"]) == "ann"


def test_the_token_is_not_among_the_protocols_to_choose_from() -> None:
    offered = ["v5.channel.k8s.io, v4.channel.k8s.io", f"{PREFIX}abc"]
    assert remaining_protocols(offered) == ["v5.channel.k8s.io", "v4.channel.k8s.io"]


# Reviews


def test_a_review_tells_for_whom_a_token_is_good() -> None:
    found = authenticator().review(token(["vault", ISSUER]), ["vault", "other"])
    assert (found.user.name, found.audiences) == (BOT, ("vault",))
    static = authenticator().review("ann-token", ["vault", ISSUER])
    assert (static.user.name, static.audiences) == ("ann", (ISSUER,))
    assert authenticator().review("ann-token").audiences == (ISSUER,)


@pytest.mark.parametrize(
    ("text", "audiences", "said"),
    [
        ("wrong", (), "invalid bearer token"),
        ("ann-token", ("vault",), "invalid bearer token"),
        (
            token(["vault"]),
            (),
            f'[invalid bearer token, token audiences ["vault"] is invalid for the target audiences ["{ISSUER}"]]',
        ),
    ],
)
def test_a_review_tells_what_is_wrong(text: str, audiences: tuple[str, ...], said: str) -> None:
    with pytest.raises(Unauthenticated) as caught:
        authenticator().review(text, audiences)
    assert str(caught.value) == said


def test_a_blank_token_is_the_anonymous_user_as_on_the_real_server() -> None:
    found = authenticator().review(" ", ["vault"])
    assert (found.user, found.audiences) == (ANONYMOUS_USER, ("vault",))
    with pytest.raises(Unauthenticated):
        authenticator(anonymous=False).review(" ")


@given(st.text(), st.lists(st.text(max_size=60), max_size=3), st.binary(max_size=200) | st.none())
def test_made_up_credentials_are_nobody_in_particular(
    authorization: str, protocols: list[str], certificate: bytes | None
) -> None:
    assert name(authorization, certificate, protocols) in (None, "system:anonymous")
