from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmc_syncer.controlplane.server.continuation import Continuation, decode, encode
from tmc_syncer.controlplane.server.errors import ApiError

FROM_KUBE_APISERVER = "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MjkxLCJzdGFydCI6Ii9jMVx1MDAwMCJ9"


def test_tokens_are_those_of_kube_apiserver() -> None:
    assert encode(291, "c1") == FROM_KUBE_APISERVER
    assert decode(FROM_KUBE_APISERVER) == Continuation(291, "c1")


@given(
    revision=st.one_of(st.none(), st.integers(1, 2**60)),
    after=st.from_regex(r"[a-z0-9./-]{1,80}", fullmatch=True).filter(
        lambda key: ".." not in key.split("/") and not key.startswith("/")
    ),
)
def test_what_is_encoded_is_decoded(revision: int | None, after: str) -> None:
    assert decode(encode(revision, after)) == Continuation(revision, after)


def token(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "text",
    [
        "xx",
        "e30",
        "!",
        "ä",
        token("[]"),
        token('{"v":"meta.k8s.io/v2","rv":1,"start":"/a\\u0000"}'),
        token('{"v":"meta.k8s.io/v1","rv":0,"start":"/a\\u0000"}'),
        token('{"v":"meta.k8s.io/v1","rv":-2,"start":"/a\\u0000"}'),
        token('{"v":"meta.k8s.io/v1","rv":1,"start":"/a"}'),
        token('{"v":"meta.k8s.io/v1","rv":1,"start":"/../a\\u0000"}'),
        token('{"v":1}'),
    ],
)
def test_what_is_no_token_is_a_bad_request(text: str) -> None:
    with pytest.raises(ApiError, match="invalid continue token: continue key is not valid: ") as refused:
        decode(text)
    assert refused.value.code == 400
