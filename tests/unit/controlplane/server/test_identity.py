from __future__ import annotations

import random
import uuid

from tmc_syncer.controlplane.server.identity import new_suffix, new_uid
from tmc_syncer.controlplane.server.metadata import NAME_ALPHABET


def test_uids_are_random_uuids_that_a_seed_repeats() -> None:
    found = [new_uid(random.Random(seed)) for seed in range(50)]
    assert len(set(found)) == 50
    for text in found:
        assert uuid.UUID(text).version == 4
        assert uuid.UUID(text).variant == uuid.RFC_4122
    assert new_uid(random.Random(3)) == found[3]


def test_suffixes_are_five_characters_of_the_alphabet() -> None:
    found = {new_suffix(random.Random(seed)) for seed in range(50)}
    assert len(found) == 50
    assert all(len(text) == 5 and set(text) <= set(NAME_ALPHABET) for text in found)
