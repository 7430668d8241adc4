"""The login child process with real plugins; OIDC against a real provider on loopback. Each costs about a second."""

from __future__ import annotations

import base64
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web

from tests.unit.kube.servers import listening
from tmc_syncer.kube.connection import LoginAuth
from tmc_syncer.kube.errors import CredentialsError
from tmc_syncer.kube.logins import Login, log_in, read_answer

AUTH = LoginAuth(("config",), "dev", "exec plugin test")


@pytest.mark.parametrize(
    ("output", "login"),
    [
        (b'{"token":"t"}', Login("t")),
        (
            b'{"token":"t","expires":"2026-11-22T12:00:00Z"}',
            Login("t", expires=datetime(2026, 11, 22, 12, tzinfo=UTC)),
        ),
        (
            b'{"token":"t","expires":"2026-11-22T12:00:00"}',
            Login("t", expires=datetime(2026, 11, 22, 12, tzinfo=UTC)),
        ),
        (b'{"token":"t","expires":"soon"}', Login("t")),
        (b'{"certificate":"c","key":"k"}', Login(certificate=b"c", key=b"k")),
    ],
)
def test_the_childs_answer_is_a_login(output: bytes, login: Login) -> None:
    assert read_answer(AUTH, output) == login


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (b"", "ended without an answer"),
        (b"Traceback (most recent call last)", "ended without an answer"),
        (b'{"error":"please run gke login"}', "failed: please run gke login"),
        (json.dumps({"error": "x" * 9_000}).encode(), "x…"),
        (b"{}", "gave no credentials"),
        (json.dumps({"token": "a\nb"}).encode(), "gave no credentials"),
        (json.dumps({"token": "tök"}).encode(), "gave no credentials"),
    ],
)
def test_no_usable_answer_is_an_error_in_a_short_sentence(output: bytes, message: str) -> None:
    with pytest.raises(CredentialsError, match=message) as caught:
        read_answer(AUTH, output)
    assert "exec plugin test" in str(caught.value)
    assert len(str(caught.value)) < 600


def test_the_kubeconfigs_advice_is_given() -> None:
    with pytest.raises(CredentialsError, match=r"Install it\."):
        read_answer(LoginAuth((), "dev", "x", "Install it."), b'{"error":"not found"}')


def kubeconfig(folder: Path, user: dict) -> LoginAuth:
    document = {
        "contexts": [{"name": "dev", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://a"}}],
        "users": [{"name": "u", "user": user}],
    }
    (folder / "config").write_text(json.dumps(document))
    return LoginAuth((str(folder / "config"),), "dev", "exec plugin test")


def plugin(folder: Path, code: str) -> LoginAuth:
    """A kubeconfig whose plugin is a script."""
    lines = "\n".join(line.strip() for line in code.splitlines())
    script = folder / "plugin.py"
    script.write_text(f"import json, os, sys, time\n{lines}\n")
    exec_ = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": sys.executable,
        "args": [str(script)],
        "env": [{"name": "PLUGIN_SAYS", "value": "hello"}],
    }
    return kubeconfig(folder, {"exec": exec_})


async def test_a_plugin_gets_its_environment_and_an_empty_stdin(tmp_path: Path) -> None:
    auth = plugin(
        tmp_path,
        """
        info = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
        token = os.environ["PLUGIN_SAYS"] + "-" + info["kind"] + "-" + str(len(sys.stdin.read()))
        status = {"token": token, "expirationTimestamp": "2026-11-22T12:00:00Z"}
        print(json.dumps({"apiVersion": info["apiVersion"], "kind": "ExecCredential", "status": status}))
        """,
    )
    login = await log_in(auth)
    assert login.token == "hello-ExecCredential-0"
    assert login.expires == datetime(2026, 11, 22, 12, tzinfo=UTC)


async def test_a_plugin_that_fails_is_quoted(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match="please run gke login"):
        await log_in(plugin(tmp_path, "sys.exit('please run gke login')"))


async def test_a_plugin_that_is_not_installed_is_named(tmp_path: Path) -> None:
    auth = kubeconfig(tmp_path, {"exec": {"apiVersion": "v1", "command": "./no-such-plugin"}})
    with pytest.raises(CredentialsError, match=f"{tmp_path}/no-such-plugin"):
        await log_in(auth)


async def test_a_plugin_that_waits_for_a_person_is_ended(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match=r"did not finish within 0\.5 s"):
        await log_in(plugin(tmp_path, "time.sleep(600)"), seconds=0.5)


async def test_a_child_that_is_killed_gives_no_answer(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match="ended without an answer"):
        await log_in(plugin(tmp_path, "os.kill(os.getppid(), 9)"))


def jwt(expires: int) -> str:
    payload = base64.urlsafe_b64encode(json.dumps({"exp": expires}).encode()).decode().rstrip("=")
    return f"e30.{payload}.c2ln"


def oidc(folder: Path, issuer: str) -> LoginAuth:
    """A kubeconfig whose id-token has expired."""
    provider = {
        "client-id": "tmc",
        "client-secret": "s",
        "id-token": jwt(1),
        "refresh-token": "r0",
        "idp-issuer-url": issuer,
    }
    return kubeconfig(folder, {"auth-provider": {"name": "oidc", "config": provider}})


async def test_oidc_renews_an_expired_token_and_keeps_the_new_refresh_token(tmp_path: Path) -> None:
    refreshed = []

    async def provider(request: web.Request) -> web.Response:
        if request.path.endswith("openid-configuration"):
            return web.json_response({"token_endpoint": f"http://{request.host}/token"})
        refreshed.append((await request.post())["refresh_token"])
        return web.json_response({"id_token": jwt(4_000_000_000), "refresh_token": f"r{len(refreshed)}"})

    async with listening(provider) as issuer:
        auth = oidc(tmp_path, issuer)
        assert (await log_in(auth)).token == jwt(4_000_000_000)
        assert (await log_in(auth)).token == jwt(4_000_000_000)  # kept in the kubeconfig: no second refresh
    assert refreshed == ["r0"]
    assert "r1" in (tmp_path / "config").read_text()


async def test_a_provider_that_refuses_is_told(tmp_path: Path) -> None:
    async def provider(request: web.Request) -> web.Response:
        return web.Response(status=403)

    async with listening(provider) as issuer:
        with pytest.raises(CredentialsError, match="failed"):
            await log_in(oidc(tmp_path, issuer))
