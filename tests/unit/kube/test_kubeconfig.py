from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.unit.kube.servers import Authority
from tmc_syncer.kube.connection import Impersonation, LoginAuth, NoAuth, Pem, TokenAuth, TokenFileAuth
from tmc_syncer.kube.errors import KubeconfigError
from tmc_syncer.kube.kubeconfig import load_connection


def config(
    folder: Path,
    *,
    name: str = "config",
    cluster: Any = None,
    user: Any = None,
    **changes: Any,
) -> Path:
    """A kubeconfig with one context ``dev``; `changes` replace top-level fields."""
    document = {
        "current-context": "dev",
        "contexts": [{"name": "dev", "context": {"cluster": "c", "user": "u", "namespace": "team"}}],
        "clusters": [{"name": "c", "cluster": cluster or {"server": "https://api.example.com:6443/"}}],
        "users": [{"name": "u", "user": {"token": "t0"} if user is None else user}],
    } | changes
    file = folder / name
    file.write_text(json.dumps(document))
    return file


def current(context: str) -> dict[str, Any]:
    return {"current-context": context}


def load(file: Path | None, context: str | None = None, /, **environ: str) -> Any:
    return load_connection(None if file is None else str(file), context, environ=environ)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_a_connection_has_what_the_context_names(tmp_path: Path) -> None:
    got = load(config(tmp_path))
    assert (got.server, got.context_name, got.namespace) == ("https://api.example.com:6443", "dev", "team")
    assert got.auth == TokenAuth("t0")
    assert got.source == f"{tmp_path / 'config'} (context 'dev')"
    assert (got.ca, got.client_certificate, got.proxy_url, got.tls_server_name) == (None, None, "", "")
    assert not got.insecure_skip_tls_verify
    assert got.impersonation == Impersonation()


def test_the_kubeconfig_can_be_read_again(tmp_path: Path) -> None:
    got = load(config(tmp_path))
    config(tmp_path, user={"token": "t1"})
    assert got.reload is not None
    assert got.reload().auth == TokenAuth("t1")


def test_all_that_a_cluster_may_say_is_kept(tmp_path: Path) -> None:
    cluster = {
        "server": "https://api:6443/clusters/root:a",
        "certificate-authority-data": b64(b"pem"),
        "insecure-skip-tls-verify": "true",
        "tls-server-name": "api.internal",
        "proxy-url": "http://proxy:3128",
    }
    got = load(config(tmp_path, cluster=cluster), HTTPS_PROXY="http://other:1")
    assert (got.server, got.ca, got.tls_server_name) == (
        "https://api:6443/clusters/root:a",
        Pem(data=b"pem"),
        "api.internal",
    )
    assert got.insecure_skip_tls_verify
    assert got.proxy_url == "http://proxy:3128"


def test_the_environments_proxy_serves_a_cluster_that_names_none(tmp_path: Path) -> None:
    file = config(tmp_path)
    assert load(file, HTTPS_PROXY="http://proxy:1").proxy_url == "http://proxy:1"
    assert load(file, HTTPS_PROXY="http://proxy:1", NO_PROXY=".example.com").proxy_url == ""


def test_a_socks_proxy_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KubeconfigError, match="SOCKS"):
        load(config(tmp_path, cluster={"server": "https://a", "proxy-url": "socks5://user:hunter2@p:1"}))


@pytest.mark.parametrize(
    "server",
    ["", "https://", "ftp://a", "https://user:hunter2@a", "https://a?x=1", "https://a#x", "https://a:99999", "https://[a"],
)  # fmt: skip
def test_a_server_address_that_cannot_be_used_is_refused(tmp_path: Path, server: str) -> None:
    with pytest.raises(
        KubeconfigError, match=r"The cluster 'c' in .* has no usable server address"
    ) as caught:
        load(config(tmp_path, cluster={"server": server, "x": "y"}))
    assert "hunter2" not in str(caught.value)


def test_a_server_without_a_scheme_is_a_plain_one_as_in_client_go(tmp_path: Path) -> None:
    assert load(config(tmp_path, cluster={"server": "localhost:8080"})).server == "http://localhost:8080"


# Which files


def test_an_explicit_path_is_the_only_file(tmp_path: Path) -> None:
    one = config(tmp_path, name="one")
    two = config(tmp_path, name="two", **current("other"))
    assert load(one, KUBECONFIG=str(two)).context_name == "dev"
    with pytest.raises(KubeconfigError, match="missing does not exist"):
        load(tmp_path / "missing", KUBECONFIG=str(two))


def test_the_files_of_kubeconfig_are_merged_and_missing_ones_skipped(tmp_path: Path) -> None:
    one = config(tmp_path, name="one", users=[], **current(""))
    two = config(tmp_path, name="two", user={"token": "t2"})
    got = load(None, KUBECONFIG=f"{tmp_path}/missing::{one}:{two}:{one}")
    assert got.auth == TokenAuth("t2")
    assert got.context_name == "dev"


def test_kubeconfig_that_names_no_existing_file_is_an_error_even_in_a_pod(tmp_path: Path) -> None:
    with pytest.raises(KubeconfigError, match=r"None of the files that KUBECONFIG names exists: .*a, .*b\."):
        load(None, KUBECONFIG=f"{tmp_path}/a:{tmp_path}/b", KUBERNETES_SERVICE_HOST="10.0.0.1")


def test_the_file_in_the_home_is_the_default(tmp_path: Path) -> None:
    (tmp_path / ".kube").mkdir()
    config(tmp_path / ".kube")
    assert load(None, HOME=str(tmp_path)).context_name == "dev"


def test_no_kubeconfig_at_all_is_said_with_where_it_was_sought(tmp_path: Path) -> None:
    with pytest.raises(KubeconfigError, match=rf"{tmp_path}/\.kube/config does not exist.*--kubeconfig"):
        load(None, HOME=str(tmp_path))


# In a pod


def pod(folder: Path, context: str | None = None, /, **environ: str) -> Any:
    there = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "6443", "HOME": str(folder)}
    return load_connection(None, context, environ=there | environ, service_account_folder=folder)


def test_a_pod_uses_its_service_account(tmp_path: Path) -> None:
    for name, text in (("token", "t"), ("ca.crt", "pem"), ("namespace", "team\n")):
        (tmp_path / name).write_text(text)
    got = pod(tmp_path)
    assert (got.server, got.namespace, got.source) == (
        "https://10.96.0.1:6443",
        "team",
        "the pod's service account",
    )
    assert got.ca == Pem(path=str(tmp_path / "ca.crt"))
    assert got.auth == TokenFileAuth(str(tmp_path / "token"))
    assert pod(tmp_path, HTTPS_PROXY="http://p:1").proxy_url == "http://p:1"
    assert pod(tmp_path, HTTPS_PROXY="http://p:1", NO_PROXY="10.0.0.0/8").proxy_url == ""


def test_a_pod_may_lack_all_but_the_token(tmp_path: Path) -> None:
    with pytest.raises(KubeconfigError, match="no service account token"):
        pod(tmp_path)
    (tmp_path / "token").write_text("t")
    got = pod(tmp_path, KUBERNETES_SERVICE_HOST="fd00::1", KUBERNETES_SERVICE_PORT="")
    assert (got.server, got.namespace, got.ca) == ("https://[fd00::1]:443", "", None)


def test_a_context_in_a_pod_without_a_kubeconfig_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t")
    with pytest.raises(KubeconfigError, match="context 'prod' was asked for"):
        pod(tmp_path, "prod")


# Contexts


def test_a_context_can_be_chosen(tmp_path: Path) -> None:
    contexts = [
        {"name": n, "context": {"cluster": "c", "user": "u", "namespace": n}} for n in ("dev", "prod")
    ]
    assert load(config(tmp_path, contexts=contexts), "prod").namespace == "prod"


def test_an_unknown_context_names_those_that_there_are(tmp_path: Path) -> None:
    contexts = [{"name": n, "context": {"cluster": "c"}} for n in ("prod", "dev")]
    with pytest.raises(KubeconfigError, match=r"no context 'x' in .*It has these contexts: dev, prod\."):
        load(config(tmp_path, contexts=contexts), "x")


def test_many_contexts_are_not_all_listed(tmp_path: Path) -> None:
    contexts = [{"name": f"c{n:02}", "context": {}} for n in range(30)]
    with pytest.raises(KubeconfigError, match=r"c00, .*, c19, …\.") as caught:
        load(config(tmp_path, contexts=contexts), "x")
    assert "c20" not in str(caught.value)


def test_a_kubeconfig_without_a_current_context_says_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(KubeconfigError, match=r"has no current context. It has these contexts: dev"):
        load(config(tmp_path, **current("")))
    with pytest.raises(KubeconfigError, match=r"has no current context. It has no contexts"):
        load(config(tmp_path, contexts=[], **current("")))


@pytest.mark.parametrize(
    ("context", "message"),
    [
        ({"cluster": "gone", "user": "u"}, r"The context 'dev' in .* names the cluster 'gone', which is not there. It has these clusters: c\."),
        ({"cluster": "c", "user": "gone"}, r"names the user 'gone', which is not there. It has these users: u\."),
        ({"user": "u"}, "names no cluster"),
    ],
)  # fmt: skip
def test_a_context_that_names_what_is_not_there(
    tmp_path: Path, context: dict[str, str], message: str
) -> None:
    with pytest.raises(KubeconfigError, match=message):
        load(config(tmp_path, contexts=[{"name": "dev", "context": context}]))


def test_a_context_without_a_user_has_no_credentials(tmp_path: Path) -> None:
    got = load(config(tmp_path, contexts=[{"name": "dev", "context": {"cluster": "c"}}]))
    assert got.auth == NoAuth()


# Certificates


def test_certificates_come_from_files_beside_the_kubeconfig_or_from_data(tmp_path: Path) -> None:
    authority = Authority()
    certificate, key = authority.client()
    for name, content in (("ca.crt", authority.pem.data), ("a.crt", certificate.data), ("a.key", key.data)):
        (tmp_path / name).write_bytes(content)
    files = {"client-certificate": "a.crt", "client-key": "a.key"}
    cluster = {"server": "https://a", "certificate-authority": "ca.crt"}
    got = load(config(tmp_path, cluster=cluster, user=files))
    assert got.ca == Pem(path=str(tmp_path / "ca.crt"))
    assert got.client_certificate == Pem(path=str(tmp_path / "a.crt"))
    assert got.client_key == Pem(path=str(tmp_path / "a.key"))
    assert got.auth == NoAuth()
    data = files | {"client-certificate-data": b64(certificate.data), "client-key-data": b64(key.data)}
    got = load(config(tmp_path, user=data))
    assert (got.client_certificate, got.client_key) == (certificate, key)


@pytest.mark.parametrize("field", ["certificate-authority"])
def test_a_certificate_file_that_is_not_there_is_named(tmp_path: Path, field: str) -> None:
    with pytest.raises(
        KubeconfigError, match=rf"The {field} file {tmp_path}/gone of the cluster 'c' in .* does not exist"
    ):
        load(config(tmp_path, cluster={"server": "https://a", field: "gone"}))


def test_a_certificate_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(KubeconfigError, match=r"Cannot read the client-certificate file .*: Is a directory"):
        load(config(tmp_path, user={"client-certificate": ".", "client-key": "."}))


def test_data_that_is_not_base64_is_refused_without_quoting_it(tmp_path: Path) -> None:
    with pytest.raises(
        KubeconfigError, match=r"client-key-data of the user 'u' in .* is not base64"
    ) as caught:
        load(config(tmp_path, user={"client-certificate-data": b64(b"x"), "client-key-data": "hunter2!"}))
    assert "hunter2" not in str(caught.value)


def test_base64_may_be_broken_into_lines(tmp_path: Path) -> None:
    text = "\n ".join((b64(b"pem bytes")[:4], b64(b"pem bytes")[4:]))
    got = load(config(tmp_path, cluster={"server": "https://a", "certificate-authority-data": text}))
    assert got.ca == Pem(data=b"pem bytes")


def test_a_certificate_needs_its_key_and_the_other_way_round(tmp_path: Path) -> None:
    with pytest.raises(KubeconfigError, match="has a client-certificate but no client-key"):
        load(config(tmp_path, user={"client-certificate-data": b64(b"x")}))
    with pytest.raises(KubeconfigError, match="has a client-key but no client-certificate"):
        load(config(tmp_path, user={"client-key-data": b64(b"x")}))


def test_an_expired_client_certificate_is_told_up_front(tmp_path: Path) -> None:
    end = datetime(2026, 11, 20, 11, tzinfo=UTC)
    certificate, key = Authority().client(not_before=end - timedelta(days=9), not_after=end)
    user = {"client-certificate-data": b64(certificate.data), "client-key-data": b64(key.data)}
    file = str(config(tmp_path, user=user))
    message = r"expired on 2026-11-20 11:00:00 UTC \(2 days, 1:00:00 ago\)"
    with pytest.raises(KubeconfigError, match=message):
        load_connection(file, None, environ={}, now=end + timedelta(days=2, hours=1))
    load_connection(file, None, environ={}, now=end - timedelta(seconds=1))
    load_connection(str(config(tmp_path)), None, environ={}, now=end)
    load_connection(file, None, environ={})  # the transport notices it later


# Users


def test_a_token_file_wins_over_a_token(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t")
    got = load(config(tmp_path, user={"token": "x", "tokenFile": "token"}))
    assert got.auth == TokenFileAuth(str(tmp_path / "token"))
    with pytest.raises(KubeconfigError, match=r"tokenFile .*gone of the user 'u' in .* does not exist"):
        load(config(tmp_path, user={"tokenFile": "gone"}))


@pytest.mark.parametrize("token", ["a\nb", "tök", "a\x00"])
def test_a_token_that_cannot_be_one_is_refused_without_quoting_it(tmp_path: Path, token: str) -> None:
    with pytest.raises(KubeconfigError, match="holds characters that no token has") as caught:
        load(config(tmp_path, user={"token": token}))
    assert token not in str(caught.value)


def plugin(**changes: Any) -> dict[str, Any]:
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "gke", **changes}}


def test_an_exec_plugin_and_oidc_are_logins_and_a_token_wins_over_them(tmp_path: Path) -> None:
    file = config(tmp_path, user=plugin(installHint="See\nthe docs.", interactiveMode="IfAvailable"))
    assert load(file).auth == LoginAuth((str(file),), "dev", "exec plugin gke", "See the docs.")
    oidc: Mapping[str, Any] = {"auth-provider": {"name": "oidc", "config": {}}}
    assert load(config(tmp_path, user=dict(oidc))).auth == LoginAuth((str(file),), "dev", "OIDC")
    assert load(config(tmp_path, user={"token": "x", **oidc, **plugin()})).auth == TokenAuth("x")


@pytest.mark.parametrize(
    ("user", "message"),
    [
        (plugin(command=""), "Exec of the user 'u' in .* names no command"),
        (plugin(interactiveMode="Always"), "login plugin gke of the user 'u' in .* needs a person"),
        ({"auth-provider": {"name": "gcp"}}, "auth-provider 'gcp' of the user 'u' in .* is not supported"),
        ({"username": "a", "password": "hunter2"}, "has a user name and password. Kubernetes removed basic"),
        ({"exec": "x"}, "not a mapping"),
    ],
)
def test_what_is_not_supported_is_said(tmp_path: Path, user: dict[str, Any], message: str) -> None:
    with pytest.raises(KubeconfigError, match=message) as caught:
        load(config(tmp_path, user=user))
    assert "hunter2" not in str(caught.value)


def test_a_password_beside_a_certificate_does_not_matter(tmp_path: Path) -> None:
    certificate, key = Authority().client()
    user = {
        "username": "a",
        "password": "b",
        "client-certificate-data": b64(certificate.data),
        "client-key-data": b64(key.data),
    }
    assert load(config(tmp_path, user=user)).auth == NoAuth()


def test_impersonation_is_kept(tmp_path: Path) -> None:
    user = {
        "token": "t",
        "as": "jane",
        "as-uid": "u1",
        "as-groups": ["a", "b"],
        "as-user-extra": {"scopes": ["x", "y"]},
    }
    got = load(config(tmp_path, user=user))
    assert got.impersonation == Impersonation("jane", "u1", ("a", "b"), (("scopes", "x"), ("scopes", "y")))
