"""The package data of the types: JSON files that scripts in tools/ recorded, each with its version and where it comes from.

``go_types.json`` says how the Go types of the API look on the wire, ``discovery.json`` what a real server serves,
``columns.json`` the columns of its Tables. They are read once, when first asked for, and must not be changed by anybody.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

import msgspec

__all__ = ["recorded"]


@cache
def recorded(name: str) -> dict[str, Any]:
    """The content of ``data/<name>.json``. Raises `FileNotFoundError`."""
    content = resources.files("tmc_syncer.controlplane.types").joinpath("data", f"{name}.json").read_bytes()
    found: dict[str, Any] = msgspec.json.decode(content)
    return found
