"""What types a server serves: the only source of plurals, scopes and subresources (never guessed).

`discover` asks for aggregated discovery (two requests, KEP-3352) and falls back to the classic documents, one per
group and version, for servers that do not have it. A group that fails (an aggregated API server that is down) is
named in `failed_groups` and makes the result incomplete: absence from an incomplete discovery means nothing, and
only a complete one may stop an informer (F69). When the root documents cannot be read at all, it raises.

Reading the documents is pure (`kube.discovery_documents`).
"""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field

from tmc_syncer.api.resources import GVR, ResourceInfo
from tmc_syncer.kube.client import Client
from tmc_syncer.kube.discovery_documents import (
    Group,
    parse_aggregated,
    parse_group_list,
    parse_resource_list,
    parse_versions,
)
from tmc_syncer.kube.errors import KubeError
from tmc_syncer.kube.refusals import Asked, refusal
from tmc_syncer.kube.wire import JSON, segment

__all__ = ["Discovery", "discover"]

_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList"
ACCEPT = ",".join((_AGGREGATED.format("v2"), _AGGREGATED.format("v2beta1"), JSON))

DISCOVERY_SECONDS = 32.0
"""kubectl's own limit; aggregated API servers that hang cost the server up to 5 s each."""

PARALLEL_REQUESTS = 8
"""Classic discovery: a server has some 30 group versions; more at once gain nothing."""

SUGGESTIONS = 3


@dataclass(frozen=True, slots=True)
class Discovery:
    """The types of one server. `preferred` maps (group, resource) to the version that the server prefers."""

    resources: Mapping[GVR, ResourceInfo]
    preferred: Mapping[tuple[str, str], str]
    failed_groups: frozenset[str] = frozenset()
    complete: bool = True
    aliases: Mapping[str, GVR] = field(default_factory=dict)  # short names, singulars and kinds, lower case

    def find(self, gvr: GVR) -> ResourceInfo | None:
        """The type; with an empty version the server's preferred one of that group and resource."""
        version = gvr.version or self.preferred.get((gvr.group, gvr.resource), "")
        return self.resources.get(GVR(gvr.group, version, gvr.resource))

    def suggest(self, text: str) -> list[str]:
        """What somebody who typed `text` may have meant: at most three types as ``deployments.apps``."""
        word = text.strip().lower()
        plural = word.partition(".")[0]
        exact = [gvr.group_resource for gvr in self._preferred_types() if gvr.resource in {word, plural}]
        alias = self.aliases.get(word) or self.aliases.get(plural)
        if alias is not None:
            exact.append(alias.group_resource)
        names = {name: gvr for name, gvr in self.aliases.items() if len(name) > 3}
        for gvr in self._preferred_types():
            names[gvr.group_resource] = names[gvr.resource] = gvr
        near = difflib.get_close_matches(word, names, n=2 * SUGGESTIONS, cutoff=0.7)
        found = dict.fromkeys(exact + [names[name].group_resource for name in near])
        return list(found)[:SUGGESTIONS]

    def _preferred_types(self) -> list[GVR]:
        return [GVR(group, version, name) for (group, name), version in self.preferred.items()]


async def discover(client: Client) -> Discovery:
    """The types of the server behind `client`.

    Raises `KubeError` when ``/api`` or ``/apis`` gives no usable answer.
    """
    groups: list[Group] = []
    for path in ("/api", "/apis"):
        groups += await _groups(client, path)
    return assemble(groups)


def assemble(groups: list[Group]) -> Discovery:
    """One `Discovery` of all groups, in the server's order of preference."""
    resources: dict[GVR, ResourceInfo] = {}
    preferred: dict[tuple[str, str], str] = {}
    aliases: dict[str, GVR] = {}
    for group in groups:
        for version in group.versions:
            for info, short_names in version.resources:
                gvr = info.gvr
                resources[gvr] = info
                preferred.setdefault((gvr.group, gvr.resource), gvr.version)
                for alias in (info.singular, info.kind.lower(), *short_names):
                    if alias:
                        aliases.setdefault(alias, gvr)
    failed = frozenset(group.name for group in groups if group.failed)
    return Discovery(resources, preferred, failed, not failed, aliases)


async def _groups(client: Client, path: str) -> list[Group]:
    body = await _document(client, path)
    aggregated = parse_aggregated(body)
    if aggregated is not None:
        return aggregated
    if path == "/api":
        listed = [("", version, f"/api/{segment(version)}") for version in parse_versions(body, path)]
    else:
        listed = [
            (group, version, f"/apis/{segment(group)}/{segment(version)}")
            for group, version in parse_group_list(body, path)
        ]
    limit = asyncio.Semaphore(PARALLEL_REQUESTS)

    async def one(group: str, version: str, where: str) -> Group:
        try:
            async with limit:
                return parse_resource_list(await _document(client, where), group, version, where)
        except KubeError:
            return Group(group, (), failed=True)

    async with asyncio.TaskGroup() as tasks:
        started = [tasks.create_task(one(*item), name=f"discovery {item[2]}") for item in listed]
    return [task.result() for task in started]


_ROOT = ResourceInfo(GVR("", "", "discovery"), "APIGroupDiscoveryList", namespaced=False)


async def _document(client: Client, path: str) -> bytes:
    reply = await client.raw("GET", path, accept=ACCEPT, timeout_seconds=DISCOVERY_SECONDS)
    if 200 <= reply.status < 300:
        return reply.body
    raise refusal(Asked("read", _ROOT, "", path), reply.status, reply.body, reply.headers)
