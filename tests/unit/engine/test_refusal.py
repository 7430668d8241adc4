from __future__ import annotations

import pytest

from tests.unit.engine.watching import refusing
from tmc_syncer.engine.refusal import Failure, refusal_of
from tmc_syncer.kube.errors import CredentialsError, KubeconfigError, TransportError, TransportFault


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (refusing(410), Failure.EXPIRED),
        (refusing(429), Failure.THROTTLED),
        (refusing(400, terminal=True), Failure.UNSUPPORTED),
        (refusing(422, terminal=True), Failure.UNSUPPORTED),
        (refusing(504, too_large=True), Failure.TOO_LARGE),
        (refusing(504), Failure.TRANSIENT),
        (refusing(403, terminal=True), Failure.REFUSED),
        (refusing(404, terminal=True), Failure.REFUSED),
        (refusing(404), Failure.TRANSIENT),  # text/plain: a server that starts
        (TransportError("cut", fault=TransportFault.BROKEN), Failure.TRANSIENT),
        (CredentialsError("expired"), Failure.TRANSIENT),
        (KubeconfigError("gone"), Failure.REFUSED),
        (ValueError("a bug"), Failure.TRANSIENT),
    ],
)
def test_what_a_failure_means(error, failure):
    assert refusal_of(error).failure is failure


def test_text_and_retry_after_come_along():
    refusal = refusal_of(refusing(429, retry_after=7.0))
    assert refusal.retry_after == 7.0
    assert "refused with 429" in refusal.text
    assert refusal.text.endswith("(TMC-101)")


def test_an_error_without_words_is_named_by_its_type():
    assert refusal_of(TimeoutError()).text == "TimeoutError"
