"""Strings and encodings are those that kcp's in-tree syncer used: existing data must be recognised.

The vectors were taken from the tests of that syncer (kcp-dev/contrib-tmc): the SyncTarget `us-west1` with uid `syncTargetUID`
in workspace `root:org:ws`.
"""

from __future__ import annotations

import hashlib
import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmc_syncer.api import names
from tmc_syncer.api.names import base36, base62, label_value, sync_target_key

KEY = "6ohB8yeXhwqTQVuBzJRgqcRJTpRjX7yTZu5g5g"
LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")  # as kube-apiserver checks it


def sha224(text: str) -> bytes:
    return hashlib.sha224(text.encode()).digest()


def test_the_key_is_the_one_of_kcp() -> None:
    assert sync_target_key("root:org:ws", "us-west1") == KEY


@pytest.mark.parametrize(("text", "prefix"), [("syncTargetUID", "1nuzj7pw"), ("root:org:ws", "2fcy2vpi")])
def test_base36_is_the_one_of_kcp(text: str, prefix: str) -> None:
    """Its names of DNS objects hold the first eight digits of these hashes."""
    assert base36(sha224(text))[:8] == prefix


@pytest.mark.parametrize(
    ("data", "in_36", "in_62"),
    [
        (b"", "0", "0"),
        (b"\0\0", "0", "0"),
        (b"\x23", "z", "z"),
        (b"\x24", "10", "A"),
        (b"\x3d", "1p", "Z"),
        (b"\x3e", "1q", "10"),
    ],
)
def test_digits_run_0_9_a_z_and_then_A_Z(data: bytes, in_36: str, in_62: str) -> None:  # noqa: N802
    assert (base36(data), base62(data)) == (in_36, in_62)


@given(st.binary(max_size=40))
def test_a_number_in_base_36_is_the_number(data: bytes) -> None:
    assert int(base36(data), 36) == int.from_bytes(data, "big")


@given(st.binary(max_size=40))
def test_a_number_in_base_62_is_the_number(data: bytes) -> None:
    digits = string.digits + string.ascii_lowercase + string.ascii_uppercase
    number = 0
    for digit in base62(data):
        number = number * 62 + digits.index(digit)
    assert number == int.from_bytes(data, "big")


@given(st.text(), st.text())
def test_a_key_fits_into_a_label_and_a_finalizer(cluster: str, target: str) -> None:
    key = sync_target_key(cluster, target)
    assert re.fullmatch(r"[0-9a-zA-Z]{1,38}", key)
    assert len(names.finalizer(key).partition("/")[2]) <= 63


def test_strings_with_a_key() -> None:
    assert names.state_label("k") == "state.workload.kcp.io/k"
    assert names.finalizer("k") == "workload.kcp.io/syncer-k"
    assert names.deletion_annotation("k") == "deletion.internal.workload.kcp.io/k"
    assert names.soft_finalizers_annotation("k") == "finalizers.workload.kcp.io/k"
    assert names.lease_name("eu-1") == "tmc-eu-1"


def test_strings_that_existing_data_knows() -> None:
    assert names.DOWNSTREAM_CLUSTER_LABEL == "internal.workload.kcp.io/cluster"
    assert names.NAMESPACE_LOCATOR == "kcp.io/namespace-locator"
    assert names.TENANT_LABEL == "kcp.io/tenant-id"
    assert names.DEFAULT_FIELD_MANAGER == "syncer"


def test_every_exported_string_is_spelled_once() -> None:
    strings = [getattr(names, name) for name in names.__all__ if name.isupper()]
    assert len(strings) == len(set(strings))


@pytest.mark.parametrize(
    ("value", "label"),
    [
        ("", ""),
        ("eu-1", "eu-1"),
        ("x" * 63, "x" * 63),
        ("root:org:ws", "root.org.ws"),
        (":root:", "root"),
        ("-eu-1_", "eu-1"),
        ("ä", ""),
    ],
)
def test_a_value_is_made_fit_for_a_label(value: str, label: str) -> None:
    assert label_value(value) == label


def test_a_long_value_keeps_52_characters_and_gets_a_hash() -> None:
    digest = hashlib.sha256(b"x" * 64).hexdigest()[:10]
    assert label_value("x" * 64) == "x" * 52 + "-" + digest
    assert label_value("x" * 64) != label_value("x" * 65)


@pytest.mark.parametrize("value", ["-" * 64, "ä" * 64, "." * 52 + "x" * 20])
def test_a_long_value_that_begins_badly_gives_a_label_all_the_same(value: str) -> None:
    assert LABEL_VALUE.fullmatch(label_value(value))
    assert label_value(value)


@given(st.text(st.characters() | st.sampled_from("-_.:aA0"), max_size=80))
def test_every_label_value_is_one_that_the_server_takes(value: str) -> None:
    label = label_value(value)
    assert LABEL_VALUE.fullmatch(label)
    assert len(label) <= 63
    assert label_value(label) == label
