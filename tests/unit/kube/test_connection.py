from __future__ import annotations

import os
from pathlib import Path

import pytest

from tmc_syncer.kube.connection import (
    Connection,
    Impersonation,
    LoginAuth,
    NoAuth,
    Pem,
    TokenAuth,
    split_server,
)
from tmc_syncer.kube.errors import CredentialsError


def test_a_pem_is_its_data_or_the_present_content_of_its_file(tmp_path: Path) -> None:
    assert Pem(data=b"abc").read() == b"abc"
    file = tmp_path / "ca.crt"
    file.write_bytes(b"one")
    pem = Pem(path=str(file))
    assert pem.read() == b"one"
    file.write_bytes(b"two")
    assert pem.read() == b"two"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match=r"gone\.crt: No such file"):
        Pem(path=str(tmp_path / "gone.crt")).read()


def test_the_version_of_a_file_changes_with_it_and_with_the_link_to_it(tmp_path: Path) -> None:
    one, two, link = tmp_path / "one", tmp_path / "two", tmp_path / "tls.crt"
    one.write_bytes(b"1")
    two.write_bytes(b"2")
    for file in (one, two):
        os.utime(file, ns=(5, 5))
    link.symlink_to(one)
    pem = Pem(path=str(link))
    first = pem.version()
    assert pem.version() == first
    link.unlink()
    link.symlink_to(two)  # as the kubelet rotates a projected volume
    second = pem.version()
    assert second != first
    os.utime(two, ns=(6, 6))
    assert pem.version() not in {first, second}


def test_data_and_a_missing_file_have_a_constant_version(tmp_path: Path) -> None:
    assert Pem(data=b"x").version() == Pem(data=b"y").version() == (0, 0)
    assert Pem(path=str(tmp_path / "gone")).version() == (0, 0)


def test_nothing_secret_is_shown() -> None:
    shown = repr(
        Connection(
            "https://a",
            client_certificate=Pem(data=b"hunter2"),
            client_key=Pem(data=b"hunter2"),
            auth=TokenAuth("hunter2"),
            proxy_url="http://user:hunter2@proxy",
        )
    )
    assert "hunter2" not in shown
    assert repr(LoginAuth(("f",), "c", "p")) != repr(NoAuth())


def test_impersonation_becomes_headers() -> None:
    assert Impersonation().headers() == []
    who = Impersonation("jane", "u1", ("a", "b"), (("scopes", "x"), ("scopes", "y")))
    assert who.headers() == [
        ("Impersonate-User", "jane"),
        ("Impersonate-Uid", "u1"),
        ("Impersonate-Group", "a"),
        ("Impersonate-Group", "b"),
        ("Impersonate-Extra-scopes", "x"),
        ("Impersonate-Extra-scopes", "y"),
    ]


@pytest.mark.parametrize(
    ("path", "server", "prefix"),
    [
        ("/clusters/root:a", "", "/clusters/root:a"),
        ("/clusters/root:a/", "", "/clusters/root:a"),
        ("/kcp/clusters/root:a", "/kcp", "/clusters/root:a"),
        ("/clusters/root:a/more", "/clusters/root:a/more", ""),
        ("/", "", ""),
        ("", "", ""),
    ],
)
def test_a_workspace_at_the_end_of_an_address_is_split_off(path: str, server: str, prefix: str) -> None:
    assert split_server(f"https://api:6443{path}") == (f"https://api:6443{server}", prefix)
