"""The CustomResourceDefinitions that tmc-syncer brings, as text and as objects: package data below ``crds/``.

The files are the truth: `tmc crds` prints them, the agent installs them. Reading package data is the only I/O,
and its result never changes while a process runs.
"""

from __future__ import annotations

import functools
from importlib import resources
from typing import Any

import yaml

__all__ = ["SCHEMA_REVISION", "crd_objects", "crd_yaml"]

SCHEMA_REVISION = "workload.kcp.io/schema-revision"
"""Annotation on our CRDs, a number that grows with each change of a schema: an older version of tmc-syncer must not
replace the type of a newer one."""

_FILES = ("workload.kcp.io_synctargets.yaml",)


@functools.cache
def crd_yaml() -> str:
    """All CRDs as one YAML stream with comments, to be shown or piped into ``kubectl apply -f -``."""
    folder = resources.files("tmc_syncer.api") / "crds"
    return "---\n".join((folder / name).read_text("utf-8") for name in _FILES)


def crd_objects() -> list[dict[str, Any]]:
    """All CRDs as fresh dictionaries."""
    return list(yaml.load_all(crd_yaml(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
