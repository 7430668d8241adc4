"""`tmc crds`: the types that tmc-syncer brings, printed for review or installed into an upstream.

How a type is installed, and when not, is in `agent.installation`: an agent may do the same at its start.
"""

from __future__ import annotations

import sys
from typing import Annotated, Any

from cyclopts import Parameter

from tmc_syncer.agent.installation import install_crd
from tmc_syncer.api.errors import UsageError
from tmc_syncer.api.manifests import crd_objects, crd_yaml
from tmc_syncer.cli.connection import UpstreamFlags, open_client, run_async
from tmc_syncer.cli.output import OutputFlag, print_data
from tmc_syncer.engine.env import SystemClock

__all__ = ["crds"]

_NO_FLAGS = UpstreamFlags()


def crds(
    *,
    install: Annotated[bool, Parameter(negative=(), help="Install them into the upstream.")] = False,
    upstream: UpstreamFlags = _NO_FLAGS,
    output: OutputFlag = "yaml",
) -> None:
    """Print or install the types that tmc-syncer brings."""
    objects = crd_objects()
    names = [f"customresourcedefinition.apiextensions.k8s.io/{each['metadata']['name']}" for each in objects]
    if not install:
        if upstream != _NO_FLAGS:
            raise UsageError(
                "--kubeconfig, --context and --workspace go with --install.", hint="Add --install."
            )
        if output in ("yaml", "table"):
            sys.stdout.write(crd_yaml())
        else:
            print_data({"apiVersion": "v1", "kind": "List", "items": objects}, output, "", names)
        return
    results = run_async(_install_all(upstream, objects))
    data = [{"name": name, "result": result} for name, result in results.items()]
    text = ", ".join(f"{name} {result}" for name, result in results.items())
    print_data(data, "table" if output == "yaml" else output, text, names)


async def _install_all(upstream: UpstreamFlags, objects: list[dict[str, Any]]) -> dict[str, str]:
    async with open_client(upstream) as client:
        return {each["metadata"]["name"]: await install_crd(client, each, SystemClock()) for each in objects}
