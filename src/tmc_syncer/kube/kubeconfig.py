"""From kubeconfig files, or the pod we run in, to a `Connection`.

The rules are client-go's: an explicit path alone; else the files of KUBECONFIG (missing ones are skipped, the
first that says something wins); else ``~/.kube/config``; else the service account of the pod. Paths in a file are
relative to that file; ``…-data`` wins over a file; a token file wins over a token, a token over a login plugin.

Whatever is wrong is said in one sentence with the file and the entry (`KubeconfigError`, exit 2), including what
is known to fail later: a certificate file that is not there. (That one has expired is told at the first request.)
Not supported (and said so): user name and password, SOCKS proxies, auth-providers other than oidc, plugins that need
a person.
"""

from __future__ import annotations

import base64
import binascii
import functools
import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from tmc_syncer.kube.connection import (
    Auth,
    Connection,
    Impersonation,
    LoginAuth,
    NoAuth,
    Pem,
    TokenAuth,
    TokenFileAuth,
)
from tmc_syncer.kube.credentials import expired_since
from tmc_syncer.kube.errors import KubeconfigError, shorten
from tmc_syncer.kube.kubeconfig_files import Entry, Kubeconfig, read_kubeconfig
from tmc_syncer.kube.proxies import proxy_for
from tmc_syncer.kube.tls import end_of_validity

__all__ = ["SERVICE_ACCOUNT_FOLDER", "load_connection"]

SERVICE_ACCOUNT_FOLDER = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a pod finds its token, CA and namespace."""


def load_connection(
    path: str | None,
    context: str | None,
    *,
    environ: Mapping[str, str],
    now: datetime | None = None,
    service_account_folder: Path = SERVICE_ACCOUNT_FOLDER,
) -> Connection:
    """The connection that a user means.

    `path` is an explicit kubeconfig (``--kubeconfig``) or None, `context` one of its contexts or None for the
    current one. `environ` gives KUBECONFIG, HOME, KUBERNETES_SERVICE_*, HTTPS_PROXY and NO_PROXY. A client
    certificate that has expired by `now` (``env.clock.now()``) is refused. Raises `KubeconfigError`.
    """
    files = _files(path, environ)
    if files is None:
        return _in_cluster(context, environ, service_account_folder)
    again = functools.partial(
        load_connection, path, context, environ=environ, service_account_folder=service_account_folder
    )
    connection = replace(_from_kubeconfig(read_kubeconfig(files), context, environ), reload=again)
    if now is not None:
        _refuse_expired(connection, now)
    return connection


def _files(path: str | None, environ: Mapping[str, str]) -> list[Path] | None:
    """The kubeconfig files there are; None when the pod's service account is meant."""
    if path:
        return [Path(path).expanduser()]
    home = Path(environ.get("HOME") or "~").expanduser() / ".kube" / "config"
    named = [Path(p).expanduser() for p in environ.get("KUBECONFIG", "").split(os.pathsep) if p]
    files = [p for p in dict.fromkeys(named or [home]) if p.exists()]
    if files:
        return files
    if named:
        raise KubeconfigError(
            f"None of the files that KUBECONFIG names exists: {', '.join(map(str, named))}.",
            hint="Correct KUBECONFIG, or unset it.",
        )
    if environ.get("KUBERNETES_SERVICE_HOST"):
        return None
    raise KubeconfigError(
        f"There is no kubeconfig: {home} does not exist, and this is no pod of a cluster.",
        hint="Give one with --kubeconfig or KUBECONFIG.",
    )


def _from_kubeconfig(config: Kubeconfig, context: str | None, environ: Mapping[str, str]) -> Connection:
    name = context or config.current_context
    if not name:
        raise KubeconfigError(
            f"The kubeconfig {config.words} has no current context.", hint=_offer("contexts", config.contexts)
        )
    chosen = config.contexts.get(name)
    if chosen is None:
        raise KubeconfigError(
            f"There is no context {name!r} in the kubeconfig {config.words}.",
            hint=_offer("contexts", config.contexts),
        )
    cluster = _referenced(chosen, "cluster", config.clusters)
    if cluster is None:
        raise KubeconfigError(f"{_capital(chosen.words)} names no cluster.")
    user = _referenced(chosen, "user", config.users)
    if user is None:
        user = Entry(f"the user of {chosen.words}", {}, chosen.file)
    connection = _of_cluster(cluster, environ)
    connection = replace(
        connection,
        context_name=name,
        namespace=chosen.text("namespace"),
        source=f"{chosen.file} (context {name!r})",
    )
    return _of_user(connection, user, config.files, name)


def _referenced(context: Entry, kind: str, entries: Mapping[str, Entry]) -> Entry | None:
    name = context.text(kind)
    if not name:
        return None
    if name not in entries:
        raise KubeconfigError(
            f"{_capital(context.words)} names the {kind} {name!r}, which is not there.",
            hint=_offer(f"{kind}s", entries),
        )
    return entries[name]


def _of_cluster(cluster: Entry, environ: Mapping[str, str]) -> Connection:
    server = cluster.text("server")
    if "://" not in server and server:
        server = f"http://{server}"  # client-go's default
    try:
        url = urlsplit(server)
        valid = url.scheme in {"http", "https"} and bool(url.hostname) and (url.port is None or url.port > 0)
        valid = valid and not (url.query or url.fragment or url.username)
    except ValueError:
        valid = False
    if not valid:
        raise KubeconfigError(
            f"{_capital(cluster.words)} has no usable server address.",
            hint="It looks like https://host:6443.",
        )
    proxy = cluster.text("proxy-url") or proxy_for(server, environ)
    if proxy and urlsplit(proxy).scheme not in {"http", "https"}:
        raise KubeconfigError(
            f"The proxy of {cluster.words} is not an http proxy.", hint="SOCKS proxies are not supported."
        )
    return Connection(
        server=server.rstrip("/"),
        ca=_pem(cluster, "certificate-authority"),
        insecure_skip_tls_verify=cluster.flag("insecure-skip-tls-verify"),
        tls_server_name=cluster.text("tls-server-name"),
        proxy_url=proxy,
    )


def _of_user(connection: Connection, user: Entry, files: tuple[Path, ...], context: str) -> Connection:
    certificate, key = _pem(user, "client-certificate"), _pem(user, "client-key")
    if (certificate is None) != (key is None):
        there, missing = ("client-certificate", "client-key")[:: 1 if certificate else -1]
        raise KubeconfigError(f"{_capital(user.words)} has a {there} but no {missing}.")
    extra = user.section("as-user-extra")
    return replace(
        connection,
        client_certificate=certificate,
        client_key=key,
        auth=_auth(user, files, context, certified=certificate is not None),
        impersonation=Impersonation(
            user.text("as"),
            user.text("as-uid"),
            user.texts("as-groups"),
            tuple((name, v) for name in extra.body for v in extra.texts(name)) if extra is not None else (),
        ),
    )


def _auth(user: Entry, files: tuple[Path, ...], context: str, *, certified: bool) -> Auth:
    token_file = user.file_named("tokenFile")
    if token_file is not None:
        if not token_file.exists():
            raise KubeconfigError(f"The tokenFile {token_file} of {user.words} does not exist.")
        return TokenFileAuth(str(token_file))
    token = user.text("token")
    if token:
        if not token.isascii() or not token.isprintable():
            raise KubeconfigError(f"The token of {user.words} holds characters that no token has.")
        return TokenAuth(token)
    names = tuple(str(file.absolute()) for file in files)
    plugin = user.section("exec")
    if plugin is not None:
        command = plugin.text("command")
        if not command:
            raise KubeconfigError(f"{_capital(plugin.words)} names no command.")
        if plugin.text("interactiveMode") == "Always":
            raise KubeconfigError(
                f"The login plugin {command} of {user.words} needs a person to answer it.",
                hint="Use one that does not, or a token or client certificate.",
            )
        return LoginAuth(names, context, f"exec plugin {command}", shorten(plugin.text("installHint")))
    provider = user.section("auth-provider")
    if provider is not None:
        if provider.text("name") != "oidc":
            raise KubeconfigError(
                f"The auth-provider {provider.text('name')!r} of {user.words} is not supported.",
                hint="Kubernetes removed it too; its exec plugin takes its place.",
            )
        return LoginAuth(names, context, "OIDC")
    if (user.text("username") or user.text("password")) and not certified:
        raise KubeconfigError(
            f"{_capital(user.words)} has a user name and password.",
            hint="Kubernetes removed basic authentication in 1.19; use a token or client certificate.",
        )
    return NoAuth()


def _pem(entry: Entry, name: str) -> Pem | None:
    """The data of ``<name>-data`` or the file of ``<name>``, known to be there."""
    data = entry.text(f"{name}-data")
    if data:
        try:
            return Pem(data=base64.b64decode("".join(data.split()), validate=True))
        except (binascii.Error, ValueError):
            raise KubeconfigError(f"{name}-data of {entry.words} is not base64.") from None
    path = entry.file_named(name)
    if path is None:
        return None
    try:
        path.read_bytes()
    except FileNotFoundError:
        raise KubeconfigError(
            f"The {name} file {path} of {entry.words} does not exist.",
            hint="Paths in a kubeconfig are relative to the file's own folder.",
        ) from None
    except OSError as error:
        raise KubeconfigError(f"Cannot read the {name} file {path}: {error.strerror}.") from error
    return Pem(path=str(path))


def _in_cluster(context: str | None, environ: Mapping[str, str], folder: Path) -> Connection:
    if context:
        raise KubeconfigError(
            f"The context {context!r} was asked for, but there is no kubeconfig, only the pod's service account."
        )
    token, ca, namespace = folder / "token", folder / "ca.crt", folder / "namespace"
    if not token.exists():
        raise KubeconfigError(
            f"This pod has no service account token at {token}.",
            hint="Set automountServiceAccountToken, or give a kubeconfig.",
        )
    host, port = environ["KUBERNETES_SERVICE_HOST"], environ.get("KUBERNETES_SERVICE_PORT") or "443"
    server = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    return Connection(
        server=server,
        ca=Pem(path=str(ca)) if ca.exists() else None,
        auth=TokenFileAuth(str(token)),
        proxy_url=proxy_for(server, environ),
        namespace=namespace.read_text().strip() if namespace.exists() else "",
        source="the pod's service account",
    )


def _refuse_expired(connection: Connection, now: datetime) -> None:
    """An expired client certificate is told before the server's 401, which would not say why."""
    if connection.client_certificate is None:
        return
    not_after = end_of_validity(connection.client_certificate.read())
    if not_after is not None and not_after <= now:
        raise KubeconfigError(
            f"The client certificate of {connection.source} {expired_since(not_after, now)}.",
            hint="Log in again, or renew the certificate.",
        )


def _offer(kind: str, entries: Mapping[str, Entry]) -> str:
    names = ", ".join(sorted(entries)[:_OFFERED])
    more = ", …" if len(entries) > _OFFERED else ""
    return f"It has these {kind}: {names}{more}." if names else f"It has no {kind}."


_OFFERED = 20


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
