"""Each test module begins with empty caches, so that it reaches by itself what it is to hold, in whatever order they run."""

from __future__ import annotations

import sys

import pytest


@pytest.fixture(scope="module", autouse=True)
def _empty_caches() -> None:
    for name, module in list(sys.modules.items()):
        if name.startswith("tmc_syncer."):
            for each in vars(module).values():
                if hasattr(each, "cache_clear"):
                    each.cache_clear()
