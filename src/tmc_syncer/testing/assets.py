"""Where the programs of the test bed are.

The programs (etcd, kube-apiserver, ...) are built by ``make testbed`` into ``.testbed/bin`` of the repository. The
environment variables ``TMC_ASSETS`` and ``KUBEBUILDER_ASSETS`` (envtest's convention), in this order, name another
folder that is used *instead*: the two are never mixed, so that a test never runs against an accidental pair of versions.

kwok also needs its stages (what a node and a pod do over time), YAML files in ``share/kwok`` next to or inside the folder
of the programs.

Nothing is downloaded or built here. A missing file raises ``AssetsMissing`` with a sentence that says what to do.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tmc_syncer.testing.errors import AssetsMissing

__all__ = ["CONTROL_PLANE_PROGRAMS", "PHYSICAL_CLUSTER_PROGRAMS", "Assets", "find_assets"]

CONTROL_PLANE_PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")
"""What a ``ControlPlane`` starts."""

PHYSICAL_CLUSTER_PROGRAMS = (*CONTROL_PLANE_PROGRAMS, "kube-scheduler", "kwok")
"""What a ``PhysicalCluster`` starts."""

_VARIABLES = ("TMC_ASSETS", "KUBEBUILDER_ASSETS")


@dataclass(frozen=True)
class Assets:
    """A folder of programs; existence is checked when a program is asked for."""

    directory: Path

    def program(self, name: str) -> Path:
        """Return the path of a program; raises ``AssetsMissing``."""
        path = self.directory / name
        if not os.access(path, os.X_OK):
            raise AssetsMissing(f"{name} is not in {self.directory}: {_ADVICE}")
        return path

    def stages(self) -> list[Path]:
        """Return kwok's stage files, sorted; raises ``AssetsMissing``."""
        for folder in (self.directory.parent / "share" / "kwok", self.directory / "share" / "kwok"):
            found = sorted(folder.glob("*.yaml"))
            if found:
                return found
        raise AssetsMissing(f"kwok's stages are not in share/kwok next to {self.directory}: {_ADVICE}")


def find_assets(
    programs: tuple[str, ...] = PHYSICAL_CLUSTER_PROGRAMS,
    *,
    environment: Mapping[str, str] | None = None,
    start: Path | None = None,
) -> Assets:
    """Find the folder that holds all of ``programs``.

    ``environment`` is by default that of the process. Where neither variable is set, ``.testbed/bin`` is looked for in
    ``start`` (by default the working directory) and its parents. Raises ``AssetsMissing``.
    """
    variables = os.environ if environment is None else environment
    for variable in _VARIABLES:
        if variables.get(variable):
            return _checked(Assets(Path(variables[variable]).absolute()), programs)
    origin = (start or Path.cwd()).absolute()
    for folder in (origin, *origin.parents):
        if (folder / ".testbed" / "bin").is_dir():
            return _checked(Assets(folder / ".testbed" / "bin"), programs)
    raise AssetsMissing(f"no .testbed/bin in {origin} or above: {_ADVICE}")


def _checked(assets: Assets, programs: tuple[str, ...]) -> Assets:
    for name in programs:
        assets.program(name)
    if "kwok" in programs:
        assets.stages()
    return assets


_ADVICE = "run `make testbed` (needs Go), or set TMC_ASSETS to a folder that has it"
