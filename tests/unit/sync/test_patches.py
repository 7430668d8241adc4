"""Patches that a server refuses when the world has moved on; applied here by an RFC 6902 implementation."""

from __future__ import annotations

import copy
from typing import Any

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmc_syncer.sync.patches import add_finalizer, remove_finalizer, replace_status

OURS = "workload.kcp.io/syncer-k"
OTHERS = st.lists(st.sampled_from(["a", "b/c", "orphan"]), unique=True).map(tuple)


def stored(uid: str = "u1", finalizers: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": "n", "uid": uid}
    if finalizers:
        metadata["finalizers"] = list(finalizers)
    return {"metadata": metadata, **more}


def patched(obj: dict[str, Any], patch: list[dict[str, Any]]) -> dict[str, Any]:
    """As an API server does it: a test of an absent member for null holds (evanphx/json-patch)."""
    document = copy.deepcopy(obj)
    document["metadata"].setdefault("finalizers", None)
    result: dict[str, Any] = jsonpatch.apply_patch(document, patch)
    if not result["metadata"]["finalizers"]:
        del result["metadata"]["finalizers"]
    return result


@given(OTHERS)
def test_our_finalizer_comes_last_and_goes_again(present: tuple[str, ...]) -> None:
    with_ours = patched(stored(finalizers=present), add_finalizer("u1", present, OURS))
    assert with_ours == stored(finalizers=(*present, OURS))
    assert patched(with_ours, remove_finalizer("u1", (*present, OURS), OURS)) == stored(finalizers=present)


@given(OTHERS, OTHERS, st.randoms(use_true_random=False))
def test_only_our_finalizer_goes_wherever_it_stands(
    before: tuple[str, ...], after: tuple[str, ...], rng: Any
) -> None:
    others = list(dict.fromkeys((*before, *after)))
    position = rng.randint(0, len(others))
    present = (*others[:position], OURS, *others[position:])
    left = patched(stored(finalizers=present), remove_finalizer("u1", present, OURS))
    assert left == stored(finalizers=tuple(others))


@given(OTHERS, OTHERS)
def test_a_finalizer_of_somebody_else_is_never_lost_to_a_race(
    known: tuple[str, ...], now: tuple[str, ...]
) -> None:
    """F43: what the list has become since we looked makes the server refuse."""
    if known == now:
        return
    with pytest.raises(jsonpatch.JsonPatchTestFailed):
        patched(stored(finalizers=now), add_finalizer("u1", known, OURS))
    with pytest.raises(jsonpatch.JsonPatchTestFailed):
        patched(stored(finalizers=now), remove_finalizer("u1", (*known, OURS), OURS))


@pytest.mark.parametrize(
    "patch",
    [
        add_finalizer("u1", (), OURS),
        add_finalizer("u1", ("a",), OURS),
        remove_finalizer("u1", ("a", OURS), OURS),
        replace_status("u1", {"x": 1}),
    ],
)
def test_another_object_of_the_same_name_is_not_touched(patch: list[dict[str, Any]]) -> None:
    assert patch[0] == {"op": "test", "path": "/metadata/uid", "value": "u1"}
    for finalizers in ((), ("a",), ("a", OURS)):
        with pytest.raises(jsonpatch.JsonPatchTestFailed):
            patched(stored("u2", finalizers), patch)


@pytest.mark.parametrize("present", [{}, {"status": {"stale": 1, "x": 0}}])
def test_a_status_is_replaced_whole(present: dict[str, Any]) -> None:
    assert patched(stored(**present), replace_status("u1", {"x": 1})) == stored(status={"x": 1})
