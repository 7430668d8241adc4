"""Who asks, and whether they may: the door of a server, as a protocol; `OpenGate` lets everybody in.

The real one (`assembly.AuthGate`) is made of the part `auth`. Credentials are looked at once per request; everything that a gate
remembers (tokens, rights) is its own affair.
"""

from __future__ import annotations

from typing import Protocol

from aiohttp import web

from tmc_syncer.controlplane.auth.attributes import Attributes
from tmc_syncer.controlplane.auth.users import User
from tmc_syncer.controlplane.server.calls import ADMIN

__all__ = ["Gate", "OpenGate"]


class Gate(Protocol):
    """See the module."""

    def user(self, request: web.BaseRequest) -> User:
        """Who sent this request. Raises `ApiError` 401."""
        ...

    def check(self, request: web.BaseRequest, user: User, attributes: Attributes) -> User:
        """As whom the request goes on (impersonation). Raises `ApiError` 403."""
        ...


class OpenGate:
    """Everybody may do everything."""

    def user(self, request: web.BaseRequest) -> User:
        del request
        return ADMIN

    def check(self, request: web.BaseRequest, user: User, attributes: Attributes) -> User:
        del request, attributes
        return user
