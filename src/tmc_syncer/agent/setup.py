"""Setting up: what has to be there upstream before an agent can run, and what must not be.

The CRD and the SyncTarget are created when they are missing and the agent may; ``--no-install`` forbids it.
Flags only fill a SyncTarget that is being created: one that differs from what an existing SyncTarget says is an
error that names both. Upstream and downstream being one cluster is refused, since the copies would be synced
again. Raises `UsageError` and `KubeError`s; nothing is half-done, each step is complete in itself.
"""

from __future__ import annotations

from tmc_syncer.agent.config import AgentConfig
from tmc_syncer.agent.installation import install_crd
from tmc_syncer.api.errors import TmcError, UsageError
from tmc_syncer.api.manifests import crd_objects
from tmc_syncer.api.objects import Record
from tmc_syncer.api.resources import GVR, ResourceInfo
from tmc_syncer.api.synctarget import SYNC_TARGETS, check_spec, synctarget_object
from tmc_syncer.engine.env import Clock
from tmc_syncer.kube.client import Client
from tmc_syncer.kube.discovery import Discovery
from tmc_syncer.kube.errors import ApiError

__all__ = ["InstallError", "ensure_crd", "ensure_target", "refuse_same_cluster", "refuse_unknown_types"]

_NAMESPACES = ResourceInfo(GVR("", "v1", "namespaces"), "Namespace", namespaced=False)


class InstallError(TmcError):
    """The SyncTarget type or object is missing and this agent may not, or cannot, create it."""

    code = "TMC-020"


async def ensure_crd(client: Client, clock: Clock, *, install: bool) -> None:
    """Make sure that upstream serves SyncTargets; waits until a CRD that was just created is served."""
    try:
        await client.list_page(SYNC_TARGETS, limit=1)
    except ApiError as error:
        if error.status != 404:
            raise
    else:
        return
    if not install:
        raise InstallError(
            "The upstream does not serve SyncTargets, and --no-install forbids to create the type.",
            hint="Run `tmc crds --install` with the rights to do so.",
        )
    try:
        for crd in crd_objects():
            await install_crd(client, crd, clock)
    except ApiError as error:
        if error.status == 403:
            raise InstallError(
                "The upstream does not serve SyncTargets, and this user may not create the type.",
                hint="Run `tmc crds --install` as somebody who may.",
            ) from error
        raise


async def ensure_target(client: Client, config: AgentConfig, discovery: Discovery) -> Record:
    """The SyncTarget of this agent, created from the flags when it is missing."""
    try:
        found = await client.get(SYNC_TARGETS, "", config.target)
    except ApiError as error:
        if not error.is_not_found_of(SYNC_TARGETS, config.target):
            raise
    else:
        spec, problems = check_spec(found.fields.get("spec"))
        if spec is None:
            raise UsageError(f"SyncTarget {config.target} is not valid: {problems[0]}")
        config.check_against(spec)
        return found
    if not config.install:
        raise InstallError(
            f"SyncTarget {config.target} does not exist, and --no-install forbids to create it.",
            hint="Create it, or leave out --no-install.",
        )
    refuse_unknown_types(config, discovery)
    spec = config.initial_spec()
    return await client.create(SYNC_TARGETS, "", synctarget_object(config.target, spec))


def refuse_unknown_types(config: AgentConfig, discovery: Discovery) -> None:
    """Raise `UsageError` for a type named by a flag that upstream does not serve (a typing mistake)."""
    for gvr in config.resources:
        if discovery.find(gvr) is None and discovery.complete:
            near = discovery.suggest(gvr.group_resource)
            hint = f"Did you mean {' or '.join(near)}?" if near else "See `kubectl api-resources`."
            raise UsageError(f"The upstream does not serve {gvr}.", hint=hint)


async def refuse_same_cluster(upstream: Client, downstream: Client) -> None:
    """Raise `UsageError` when both sides are one cluster: the uid of kube-system tells."""
    uids = []
    for client in (upstream, downstream):
        try:
            uids.append((await client.get(_NAMESPACES, "", "kube-system")).meta.uid)
        except ApiError as error:
            if error.status not in (403, 404):
                raise
            return
    if uids[0] == uids[1]:
        raise UsageError(
            "Upstream and downstream are the same cluster.",
            hint="Check --from-kubeconfig/--from-context and --to-kubeconfig/--to-context.",
        )
