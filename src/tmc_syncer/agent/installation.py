"""Installing our types into an upstream, for `tmc crds --install` and for an agent that may do so at its start.

Idempotent: a type that is missing is created, one that differs is replaced as a whole (so that what a newer version
dropped is gone), one that is the same is left alone. A type that a *newer* tmc-syncer installed is not taken back:
objects would lose fields.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tmc_syncer.api.errors import TmcError
from tmc_syncer.api.manifests import SCHEMA_REVISION
from tmc_syncer.api.objects import Record
from tmc_syncer.api.resources import GVR, ResourceInfo
from tmc_syncer.engine.env import Clock
from tmc_syncer.kube.client import Client
from tmc_syncer.kube.errors import ApiError, RetryClass

__all__ = ["CRDS", "CrdError", "install_crd"]

CRDS = ResourceInfo(
    GVR("apiextensions.k8s.io", "v1", "customresourcedefinitions"),
    "CustomResourceDefinition",
    namespaced=False,
)
_ESTABLISHED_SECONDS = 30.0
_TRIES = 5  # of a replacement that somebody else got in between of


class CrdError(TmcError):
    """A type cannot be installed, or is not served after it was."""

    code = "TMC-032"


async def install_crd(client: Client, crd: dict[str, Any], clock: Clock) -> str:
    """Create, replace or leave one CRD, and wait until it is served: ``created``, ``updated`` or ``unchanged``.

    Raises `CrdError` when a newer one stands there or the server does not establish it, and `ApiError`.
    """
    name = crd["metadata"]["name"]
    record, result = await _put(client, crd)
    deadline = clock.monotonic() + _ESTABLISHED_SECONDS
    while (conditions := _conditions(record)).get("Established") != "True":
        if conditions.get("NamesAccepted") == "False" or clock.monotonic() > deadline:
            raise CrdError(
                f"The type {name} is installed, but the upstream does not serve it.",
                hint=f"See its conditions: kubectl describe crd {name}.",
            )
        await clock.sleep(0.1)
        record = await client.get(CRDS, "", name)
    return result


async def _put(client: Client, crd: dict[str, Any]) -> tuple[Record, str]:
    for _ in range(_TRIES):
        standing = await _standing(client, crd["metadata"]["name"])
        try:
            if standing is None:
                return await client.create(CRDS, "", crd, field_manager="tmc"), "created"
            body = _replacement(standing, crd)
            record = await client.replace(CRDS, "", standing.meta.name, body, field_manager="tmc")
        except ApiError as error:
            if error.retry_class is not RetryClass.CONFLICT:
                raise
        else:
            changed = record.meta.generation != standing.meta.generation
            return record, "updated" if changed else "unchanged"
    raise CrdError(
        f"The type {crd['metadata']['name']} is being changed by somebody else.", hint="Try again."
    )


async def _standing(client: Client, name: str) -> Record | None:
    try:
        return await client.get(CRDS, "", name)
    except ApiError as error:
        if error.is_not_found_of(CRDS, name):
            return None
        if error.status == 404:
            raise CrdError(
                "The upstream takes no CustomResourceDefinitions.",
                hint="Is it an API server, or a workspace of kcp?",
            ) from error
        raise


def _replacement(standing: Record, crd: dict[str, Any]) -> dict[str, Any]:
    revision = standing.meta.annotation(SCHEMA_REVISION) or "0"
    ours = crd["metadata"]["annotations"][SCHEMA_REVISION]
    if revision.isdigit() and int(revision) > int(ours):
        raise CrdError(
            f"A newer tmc-syncer installed {standing.meta.name} (revision {revision}, this one brings {ours}).",
            hint="Upgrade this tmc-syncer; an older type would take fields away from existing objects.",
        )
    metadata = msgspec.to_builtins(msgspec.structs.replace(standing.meta, managed_fields=None))
    metadata["annotations"] = {**(standing.meta.annotations or {}), **crd["metadata"]["annotations"]}
    return {**crd, "metadata": metadata}


def _conditions(record: Record) -> dict[str, str]:
    status = record.field("status") or {}
    return {each.get("type", ""): each.get("status", "") for each in status.get("conditions") or []}
