"""What goes into a transformation and what comes out are plain values."""

from __future__ import annotations

import dataclasses

import pytest

from tests.unit.transformation.samples import TARGET, TYPES, context
from tmc_syncer.api.errors import TmcError
from tmc_syncer.api.locator import Locator
from tmc_syncer.api.objects import Meta, OwnerReference
from tmc_syncer.transformation.context import (
    Context,
    ExclusionError,
    OwnerState,
    OwnerVerdict,
    Step,
    TransformerError,
)


def test_an_owner_is_known_with_its_uid_awaited_or_dropped() -> None:
    assert OwnerState.known("u1") == OwnerState(OwnerVerdict.KNOWN, "u1")
    assert OwnerState.wait() == OwnerState(OwnerVerdict.WAIT, "")
    assert OwnerState.drop() == OwnerState(OwnerVerdict.DROP, "")


def test_a_context_without_a_way_back_knows_nobody() -> None:
    ctx = Context(
        key=TARGET.key,
        target="eu-1",
        locator=Locator(TARGET, "1a2b3c", "shop"),
        namespace="kcp-1a2b3c-shop",
        namespace_of=str,
        owner_uid=lambda _reference, _namespace: OwnerState.wait(),
    )
    assert ctx.namespace_from("kcp-1a2b3c-shop") is None
    assert ctx.owner_from(OwnerReference(), "shop") == OwnerState.drop()
    assert (ctx.source, ctx.owners, ctx.cluster_scoped) == (Meta(), (), False)
    assert ctx.nulls > 0


def test_a_context_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        context(TYPES["Pod"]).target = "other"  # type: ignore[misc]


def test_a_context_for_a_run_differs_in_what_the_run_fills_only() -> None:
    ctx = context(TYPES["Pod"], trusted=True)
    meta = Meta(name="web")
    run = ctx.for_run(TYPES["Job"], meta, ((OwnerReference(), OwnerState.wait()),), 3)
    expected = dataclasses.replace(
        ctx, info=TYPES["Job"], source=meta, owners=((OwnerReference(), OwnerState.wait()),), nulls=3
    )
    assert run == expected


def test_a_refusal_carries_its_reason_and_what_to_do() -> None:
    error = ExclusionError("NotTrusted", "Too far.", terminal=True, hint="Ask.")
    assert (error.reason, error.terminal, str(error)) == ("NotTrusted", True, "Too far. Ask.")


def test_errors_have_codes_of_their_own() -> None:
    assert len({TmcError.code, ExclusionError.code, TransformerError.code}) == 3


def test_a_step_tells_whether_it_changed_anything() -> None:
    assert Step("a", 100, {"x": 1}, {"x": 2}).changed
    assert not Step("a", 100, {"x": 1}, {"x": 1}).changed
