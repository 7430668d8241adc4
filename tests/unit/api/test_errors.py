"""An expected failure says what is wrong and what to do, in two sentences."""

from __future__ import annotations

import pytest

from tmc_syncer.api.errors import TmcError, UsageError


@pytest.mark.parametrize(("hint", "shown"), [("", "It is broken."), ("Mend it.", "It is broken. Mend it.")])
def test_the_text_is_the_message_and_the_hint(hint: str, shown: str) -> None:
    error = TmcError("It is broken.", hint=hint)
    assert (error.message, error.hint, str(error)) == ("It is broken.", hint, shown)


def test_a_wrong_use_has_its_own_code_and_exit_code() -> None:
    assert (TmcError.code, TmcError.exit_code) == ("TMC-001", 1)
    assert (UsageError.code, UsageError.exit_code) == ("TMC-002", 2)
    assert issubclass(UsageError, TmcError)
