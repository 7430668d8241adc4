"""Acting as somebody else: the ``Impersonate-*`` headers and who may use them.

`wanted` reads the headers; `Impersonation.impersonate` asks the authorizer whether the requestor may be that user for this
request, and returns the user who goes on, or raises the 400 or 403 of kube-apiserver 1.36. Since that version there are, beside
the verb ``impersonate`` of always (on users, groups, serviceaccounts, uids, userextras), the constrained modes of KEP 5284: a
verb ``impersonate:<mode>`` for whom, together with ``impersonate-on:<mode>:<verb>`` for what. All are tried, those first; the
error that is told is that of the first, or of the mode that last let this requestor through.

Groups that are not asked for are not taken over from anywhere, except that a service account is in its own groups and everybody
in ``system:authenticated`` or ``system:unauthenticated``.

No caching of permissions: each request is checked anew. The only state is which mode worked last, for `_MOST_REMEMBERED`
requestors. Called by the HTTP side between authentication and authorization.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import unquote

from tmc_syncer.controlplane.auth.attributes import Attributes, refusal
from tmc_syncer.controlplane.auth.authorizer import Authorizer
from tmc_syncer.controlplane.auth.impersonation_modes import MODES, Mode, check_identity, check_request
from tmc_syncer.controlplane.auth.users import (
    ANONYMOUS,
    AUTHENTICATED,
    UNAUTHENTICATED,
    User,
    with_group,
)
from tmc_syncer.controlplane.auth.wording import go_syntax, quote
from tmc_syncer.controlplane.server.errors import ApiError, bad_request

__all__ = ["Impersonation", "wanted"]

_USER, _UID, _GROUP, _EXTRA = (
    "impersonate-user",
    "impersonate-uid",
    "impersonate-group",
    "impersonate-extra-",
)
_PREFIX = "impersonate-"
_MOST_REMEMBERED = 10_000
"""As many requestors as kube-apiserver remembers the last mode of."""


def wanted(headers: Iterable[tuple[str, str]]) -> User | None:
    """The user that the headers ask to act as, None when they ask nothing.

    Raises `ApiError` 400 when they ask for groups, a uid or extra without a user.
    """
    name = uid = ""
    groups: list[str] = []
    extra: dict[str, list[str]] = {}
    for header, raw in headers:
        key = header.lower()
        if not key.startswith(_PREFIX):
            continue
        value = raw.encode(errors="surrogateescape").decode(errors="replace")
        if key == _USER:
            name = name or value
        elif key == _UID:
            uid = uid or value
        elif key == _GROUP:
            groups.append(value)
        elif key.startswith(_EXTRA):
            extra.setdefault(unquote(key.removeprefix(_EXTRA)), []).append(value)
    if name:
        return User(name, uid, tuple(groups), {key: tuple(values) for key, values in extra.items()})
    if uid or groups or extra:
        raise bad_request(f"requested {_as_go(uid, groups, extra)} without impersonating a user name")
    return None


def _as_go(uid: str, groups: list[str], extra: Mapping[str, list[str]]) -> str:
    pairs = ", ".join(f"{quote(key)}:{go_syntax(extra[key])}" for key in sorted(extra))
    extras = f"map[string][]string{{{pairs}}}" if extra else "map[string][]string(nil)"
    return (
        f'&user.DefaultInfo{{Name:"", UID:{quote(uid)}, Groups:{go_syntax(groups or None)}, Extra:{extras}}}'
    )


class Impersonation:
    """Decides who may act as whom."""

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer
        self._last_modes: dict[str, Mode] = {}

    def impersonate(self, requestor: User, asked: User, request: Attributes) -> User:
        """The user as whom `request` goes on. Raises `ApiError` 403."""
        last = self._last_modes.get(requestor.name)
        first: ApiError | None = None
        for mode in MODES if last is None else (last, *(mode for mode in MODES if mode is not last)):
            if not mode.fits(asked, requestor):
                continue
            try:
                return self._checked(mode, requestor, asked, request)
            except ApiError as error:
                first = first or error
        assert first is not None  # the last mode fits everybody
        raise first

    def _checked(self, mode: Mode, requestor: User, asked: User, request: Attributes) -> User:
        def demand(attributes: Attributes) -> None:
            decision = self._authorizer.allows(requestor, attributes)
            if not decision.allowed:
                raise refusal(requestor, attributes, decision.reason)

        check_request(mode, request, demand)
        groups = check_identity(mode, requestor, asked, request.cluster, demand)
        if self._last_modes.get(requestor.name) is not mode:
            if len(self._last_modes) >= _MOST_REMEMBERED:
                self._last_modes.clear()
            self._last_modes[requestor.name] = mode
        actual = User(asked.name, asked.uid, groups, asked.extra)
        if actual.name == ANONYMOUS:
            return with_group(actual, UNAUTHENTICATED)
        return actual if UNAUTHENTICATED in groups else with_group(actual, AUTHENTICATED)
