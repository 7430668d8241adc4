"""Who sends a request: client certificate, bearer token (also as a WebSocket subprotocol), or nobody in particular.

`Authenticator.authenticate` answers with a `User` or raises `Unauthenticated`, which the HTTP side turns into a 401. The ways are
tried in the order of kube-apiserver, and the first that recognises somebody wins: certificate, static token, service-account
token. A credential that is shown and not recognised is an error, never anonymous; without any credential the user is
``system:anonymous`` (unless switched off). An ``Authorization`` header of another scheme than Bearer is no credential.

Everybody who is recognised is in ``system:authenticated``. Static tokens are kept and compared as digests only. Errors carry
what the real server says in a TokenReview; a 401 tells none of it.

Pure but for the injected clock (in the verifiers). Called by the HTTP side for each request, and by TokenReview.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from cryptography import x509

from tmc_syncer.controlplane.auth.certificates import BadCertificate, CertificateReader
from tmc_syncer.controlplane.auth.jws import BadToken, decoded
from tmc_syncer.controlplane.auth.token_claims import Recognised, TokenVerifier
from tmc_syncer.controlplane.auth.users import (
    ANONYMOUS,
    ANONYMOUS_USER,
    AUTHENTICATED,
    UNAUTHENTICATED,
    User,
    with_group,
)
from tmc_syncer.controlplane.auth.wording import together

__all__ = ["Authenticator", "Unauthenticated", "remaining_protocols"]

_INVALID = "invalid bearer token"
_PROTOCOL = "base64url.bearer.authorization.k8s.io."


class Unauthenticated(Exception):
    """Nobody is recognised; the message is for logs and TokenReviews, not for the sender."""


class Authenticator:
    """Recognises users of one control plane; `audiences` are the names under which tokens are meant for it."""

    def __init__(
        self,
        certificates: CertificateReader,
        tokens: TokenVerifier,
        *,
        audiences: Sequence[str],
        static_tokens: Mapping[str, User] | None = None,
        anonymous: bool = True,
    ) -> None:
        self.audiences = tuple(audiences)
        self._certificates = certificates
        self._tokens = tokens
        self._static = {_digest(token): user for token, user in (static_tokens or {}).items() if token}
        self._anonymous = anonymous

    def authenticate(
        self,
        authorization: str | None,
        certificate: x509.Certificate | bytes | None = None,
        *,
        protocols: Iterable[str] = (),
    ) -> User:
        """The user of a request. Raises `Unauthenticated`.

        `authorization` is the header of that name, `certificate` what the TLS peer showed, `protocols` are the values of
        ``Sec-WebSocket-Protocol`` if the request is a WebSocket upgrade.
        """
        errors: list[str] = []
        if certificate is not None:
            try:
                if (user := self._certificates.user(certificate)) is not None:
                    return _authenticated(user)
            except BadCertificate as error:
                errors.append(str(error))
        tokens = _shown(authorization, protocols, errors)
        return self._recognised(tokens, errors, self.audiences).user

    def review(self, token: str, audiences: Sequence[str] = ()) -> Recognised:
        """Whose token it is and for which of `audiences` (by default those of this server). Raises `Unauthenticated`.

        As on the real server the token is taken for what follows ``Bearer `` in a header: what is blank there is nobody's,
        and so the anonymous user's.
        """
        wanted = tuple(audiences) or self.audiences
        return self._recognised(_shown(f"Bearer {token}", (), []), [], wanted)

    def _recognised(self, tokens: Iterable[str], errors: list[str], wanted: Sequence[str]) -> Recognised:
        """The first token's user, or the anonymous one if nothing was shown at all."""
        for token in tokens:
            try:
                return self._user_of(token, wanted)
            except BadToken as error:
                errors += [_INVALID, str(error)]  # the first is of the real server's token for itself
        if errors or not self._anonymous:
            raise Unauthenticated(together(errors or [_INVALID]))
        return Recognised(ANONYMOUS_USER, tuple(wanted))

    def _user_of(self, token: str, wanted: Sequence[str]) -> Recognised:
        static = self._static.get(_digest(token))
        common = tuple(audience for audience in self.audiences if audience in wanted)
        if static is not None and common:
            return Recognised(_authenticated(static), common)
        if (found := self._tokens.recognise(token, wanted)) is None:
            raise BadToken(_INVALID)
        return Recognised(_authenticated(found.user), found.audiences)


def remaining_protocols(protocols: Iterable[str]) -> list[str]:
    """The subprotocols that a WebSocket client offers beside the one that is its token."""
    return [protocol for protocol in _split(protocols) if not protocol.startswith(_PROTOCOL)]


def _shown(authorization: str | None, protocols: Iterable[str], errors: list[str]) -> list[str]:
    """The tokens of a request; what is wrong with a subprotocol is added to `errors`."""
    tokens = []
    parts = (authorization or "").strip().split(" ", 2)
    if len(parts) > 1 and parts[0].lower() == "bearer" and parts[1]:
        tokens.append(parts[1])
    offered = _split(protocols)
    encoded = [protocol.removeprefix(_PROTOCOL) for protocol in offered if protocol.startswith(_PROTOCOL)]
    if len(encoded) > 1:
        errors.append("multiple base64.bearer.authorization tokens specified")
    elif encoded:
        try:
            token = decoded(encoded[0]).decode()
        except ValueError:  # no base64url, or no text in it
            errors.append("invalid base64.bearer.authorization token encoding")
        else:
            if token and len(offered) == 1:
                errors.append("missing additional subprotocol")
            elif token:
                tokens.append(token)
    return tokens


def _split(protocols: Iterable[str]) -> list[str]:
    return [protocol.strip() for value in protocols for protocol in value.split(",")]


def _authenticated(user: User) -> User:
    if user.name == ANONYMOUS or UNAUTHENTICATED in user.groups:
        return user
    return with_group(user, AUTHENTICATED)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()
