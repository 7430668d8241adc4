"""What a path asks for: `Target`, from the path of a URL.

    /api/v1/namespaces/shop/pods/web/log        ->  group "", version v1, namespace shop, resource pods, name web, sub log
    /clusters/root:team-a/apis/apps/v1/deployments  ->  cluster root:team-a, all namespaces
    /clusters/*/apis/apps/v1/deployments        ->  cluster *, all logical clusters
    /api/v1/watch/namespaces/shop/pods          ->  the deprecated form of a watch

Whether there is such a type, and what may be done with it, is not known here. `namespaces` is a resource and a scope: below it,
everything but ``status`` and ``finalize`` is a resource of that namespace (as in kube-apiserver's RequestInfo). Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

__all__ = ["Target", "parse", "split_cluster"]

_NAMESPACE_SUBRESOURCES = ("status", "finalize")


@dataclass(frozen=True, slots=True)
class Target:
    """A resource path. `tail` is what follows a subresource (``…/proxy/a/b``); `watch` is true for the deprecated form."""

    group: str
    version: str
    namespace: str
    resource: str
    name: str = ""
    subresource: str = ""
    tail: str = ""
    watch: bool = False


def split_cluster(path: str) -> tuple[str | None, str]:
    """The logical cluster that a path names, None when it names none, and the rest of the path."""
    if not path.startswith("/clusters/"):
        return None, path
    cluster, _, rest = path[len("/clusters/") :].partition("/")
    return unquote(cluster), "/" + rest


def parse(path: str) -> Target | None:
    """The resource that a path below a cluster addresses; None for any other path. `path` is as it was sent, quoted."""
    parts = path[1:].split("/")
    if parts[-1] == "" and len(parts) > 1:
        parts.pop()
    if parts[0] == "api":
        if len(parts) < 3:
            return None
        group, version, rest = "", parts[1], parts[2:]
    elif parts[0] == "apis":
        if len(parts) < 4:
            return None
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return None
    if "%" in path:
        rest = [unquote(part) for part in rest]
    watch = rest[0] == "watch" and len(rest) > 1
    if watch:
        rest = rest[1:]
    if "" in rest:
        return None
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        if len(rest) > 2 and rest[2] not in _NAMESPACE_SUBRESOURCES:
            rest = rest[2:]
        elif group == "":
            sub = rest[2] if len(rest) > 2 else ""
            return Target(group, version, "", "namespaces", namespace, sub, "/".join(rest[3:]), watch)
    return Target(
        group,
        version,
        namespace,
        rest[0],
        rest[1] if len(rest) > 1 else "",
        rest[2] if len(rest) > 2 else "",
        "/".join(rest[3:]),
        watch,
    )
