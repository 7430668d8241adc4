from __future__ import annotations

from pathlib import Path

import pytest

from tmc_syncer.kube import kubeconfig_files
from tmc_syncer.kube.errors import KubeconfigError
from tmc_syncer.kube.kubeconfig_files import Entry, read_kubeconfig


def written(folder: Path, text: str, name: str = "config") -> Path:
    file = folder / name
    file.write_text(text)
    return file


def test_the_first_file_that_says_something_wins(tmp_path: Path) -> None:
    one = written(tmp_path, "clusters: [{name: a, cluster: {server: one}}]\nusers: null\n", "one")
    two = written(
        tmp_path,
        "current-context: x\nclusters: [{name: a, cluster: {server: two, ca: b}}, {name: b, cluster: {server: two}}]\n",
        "two",
    )
    three = written(tmp_path, "current-context: y", "three")
    config = read_kubeconfig([one, two, three])
    assert config.current_context == "x"
    assert config.clusters["a"].text("server") == "one"
    assert config.clusters["a"].text("ca") == ""  # the whole entry is taken from the first file
    assert config.clusters["b"].file == two
    assert config.users == {}
    assert config.words == f"{one}, {two}, {three}"


@pytest.mark.parametrize("text", ["", "---\n", "{}", "# nothing\n", "~", '""'])
def test_an_empty_file_is_an_empty_kubeconfig(tmp_path: Path, text: str) -> None:
    config = read_kubeconfig([written(tmp_path, text)])
    assert (config.current_context, config.clusters, config.contexts) == ("", {}, {})


def test_an_entry_may_be_empty(tmp_path: Path) -> None:
    config = read_kubeconfig([written(tmp_path, "users: [{name: a, user: null}, {name: b}]")])
    assert dict(config.users["a"].body) == dict(config.users["b"].body) == {}


def test_json_is_yaml(tmp_path: Path) -> None:
    config = read_kubeconfig(
        [written(tmp_path, '{"current-context":"x","users":[{"name":"u","user":{"token":"t"}}]}')]
    )
    assert config.users["u"].text("token") == "t"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(KubeconfigError, match=r"gone does not exist"):
        read_kubeconfig([tmp_path / "gone"])


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(KubeconfigError, match=r"Cannot read the kubeconfig .*: Is a directory"):
        read_kubeconfig([tmp_path])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("token: [hunter2\nb", r"is not YAML \(line \d\)"),
        ("a: b: hunter2", "is not YAML"),
        ("hunter2", "is not a mapping"),
        ("[hunter2]", "is not a mapping"),
        ("clusters: {a: b}", "clusters in the kubeconfig .* is not a list"),
        ("clusters: hunter2", "is not a list"),
        ("users: [hunter2]", "an entry without a name"),
        ("users: [{user: {token: hunter2}}]", "an entry without a name"),
        ("users: [{name: u, user: hunter2}]", "user 'u' in the kubeconfig .* is not a mapping"),
        ("current-context: [a]", "current-context of .* is not a text"),
        ("\x00", "is not YAML"),
    ],
)
def test_what_is_wrong_is_said_without_quoting_the_file(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(KubeconfigError, match=message) as caught:
        read_kubeconfig([written(tmp_path, text)])
    assert "hunter2" not in str(caught.value)
    assert str(tmp_path / "config") in str(caught.value)


def test_bytes_that_are_no_text_are_not_yaml(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_bytes(b"a: \xff\xfe\xff")
    with pytest.raises(KubeconfigError, match="is not YAML"):
        read_kubeconfig([file])


def test_a_huge_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubeconfig_files, "MAX_FILE_BYTES", 1 << 20)
    with pytest.raises(KubeconfigError, match="larger than 1 MiB"):
        read_kubeconfig([written(tmp_path, "#" * (1 << 20) + "#")])


def entry(**body: object) -> Entry:
    return Entry("the user 'u' in f", body, Path("/etc/kube/config"))


def test_scalars_are_text_whatever_yaml_would_make_of_them(tmp_path: Path) -> None:
    text = "users: [{name: u, user: {token: 0123, user: 2026-11-22, as: yes, none: null, empty: ''}}]"
    user = read_kubeconfig([written(tmp_path, text)]).users["u"]
    assert user.text("token") == "0123"
    assert user.text("user") == "2026-11-22"
    assert user.text("as") == "yes"
    assert user.text("none") == user.text("empty") == user.text("absent") == ""


@pytest.mark.parametrize(
    ("value", "expected"), [("true", True), ("True", True), ("false", False), ("", False)]
)
def test_flags(value: str, expected: bool) -> None:
    assert entry(x=value).flag("x") is expected
    assert not entry().flag("x")


def test_lists_and_sections() -> None:
    assert entry(x=["a", "b"]).texts("x") == ("a", "b")
    assert entry(x="null").texts("x") == entry().texts("x") == ()
    for wrong in ("a", {"a": "b"}, [["a"]]):
        with pytest.raises(KubeconfigError, match="not a list of texts"):
            entry(x=wrong).texts("x")
    inner = entry(x={"a": "b"}).section("x")
    assert inner is not None
    assert (inner.text("a"), inner.words) == ("b", "x of the user 'u' in f")
    assert entry(x="~").section("x") is entry().section("x") is None
    for wrong_section in ("a", ["a"]):
        with pytest.raises(KubeconfigError, match="not a mapping"):
            entry(x=wrong_section).section("x")


def test_files_are_seen_from_the_kubeconfigs_folder() -> None:
    assert entry(x="pki/a.crt").file_named("x") == Path("/etc/kube/pki/a.crt")
    assert entry(x="/a.crt").file_named("x") == Path("/a.crt")
    assert entry().file_named("x") is None
