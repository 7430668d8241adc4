"""`Connection`: where a server is, how it proves itself to us, and how we prove ourselves to it.

A value, made by `kube.kubeconfig` (or a test) and used by `kube.credentials` and `kube.transport`. It names files
rather than their content where the kubeconfig does, so that rotated files are read again. Its `repr` shows no
token and no key. `reload` reads the kubeconfig again, for tokens that are rotated inside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from tmc_syncer.kube.errors import CredentialsError

__all__ = [
    "Auth",
    "Connection",
    "Impersonation",
    "LoginAuth",
    "NoAuth",
    "Pem",
    "TokenAuth",
    "TokenFileAuth",
    "split_server",
]


@dataclass(frozen=True, slots=True)
class Pem:
    """Certificates or a key in PEM: a file (read again when it changes) or the data itself."""

    path: str = ""
    data: bytes = field(default=b"", repr=False)

    def read(self) -> bytes:
        """The PEM bytes. Raises `CredentialsError` naming the file that cannot be read."""
        if self.data:
            return self.data
        try:
            return Path(self.path).read_bytes()
        except OSError as error:
            raise CredentialsError(f"Cannot read {self.path}: {error.strerror}.") from error

    def version(self) -> tuple[int, int]:
        """Changes when the file does (modification time in ns, inode); constant for data and a missing file."""
        if self.data:
            return (0, 0)
        try:
            # Follows links: Kubernetes replaces the link of a projected volume, and so the inode.
            stat = Path(self.path).stat()
        except OSError:
            return (0, 0)
        return (stat.st_mtime_ns, stat.st_ino)


@dataclass(frozen=True, slots=True)
class NoAuth:
    """No token; a client certificate or nothing."""


@dataclass(frozen=True, slots=True)
class TokenAuth:
    """A bearer token that stands in the kubeconfig."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TokenFileAuth:
    """A file that holds a bearer token and is rotated by others (service accounts)."""

    path: str


@dataclass(frozen=True, slots=True)
class LoginAuth:
    """An exec plugin or OIDC: `kubeconfigs` and `context` are handed to the login child process.

    `plugin` names it for messages (``exec plugin gke-gcloud-auth-plugin``, ``OIDC``); `hint` is the kubeconfig's
    advice on installing it.
    """

    kubeconfigs: tuple[str, ...]
    context: str
    plugin: str
    hint: str = ""


Auth = NoAuth | TokenAuth | TokenFileAuth | LoginAuth


@dataclass(frozen=True, slots=True)
class Impersonation:
    """The kubeconfig user's ``as``, ``as-uid``, ``as-groups`` and ``as-user-extra``."""

    user: str = ""
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: tuple[tuple[str, str], ...] = ()

    def headers(self) -> list[tuple[str, str]]:
        """The Impersonate-* headers."""
        pairs = [("Impersonate-User", self.user)] if self.user else []
        if self.uid:
            pairs.append(("Impersonate-Uid", self.uid))
        pairs += [("Impersonate-Group", group) for group in self.groups]
        return pairs + [(f"Impersonate-Extra-{name}", value) for name, value in self.extra]


@dataclass(frozen=True, slots=True)
class Connection:
    """See the module docstring. `server` is ``scheme://host[:port][/path]`` without a trailing slash.

    `source` says in words where this comes from (a file and a context), for messages.
    """

    server: str
    ca: Pem | None = None
    insecure_skip_tls_verify: bool = False
    tls_server_name: str = ""
    proxy_url: str = field(default="", repr=False)  # may hold a password
    client_certificate: Pem | None = None
    client_key: Pem | None = None
    auth: Auth = NoAuth()
    impersonation: Impersonation = Impersonation()
    context_name: str = ""
    namespace: str = ""
    source: str = ""
    reload: Callable[[], Connection] | None = field(default=None, repr=False, compare=False)


def split_server(server: str) -> tuple[str, str]:
    """A server's address without its trailing ``/clusters/<workspace>``, and that ("" when there is none)."""
    path = urlsplit(server).path.rstrip("/")
    head, marker, workspace = path.rpartition("/clusters/")
    if not marker or "/" in workspace:
        return server.rstrip("/"), ""
    return server.rstrip("/").removesuffix(path) + head, f"/clusters/{workspace}"
