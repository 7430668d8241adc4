"""`TypeDocuments`: what clients read before they ask for objects: version, discovery and OpenAPI of each logical cluster.

Documents are made when first asked for and kept by the types that they tell of: clusters with the same types share them, and an
installed or removed custom type makes the old ones fall out of use. All carry an ETag, so that an unchanged one costs a 304.
Addresses in the OpenAPI index name the hash of their document; what is asked for with its own hash may be kept for ever.

It is the server's `Documents`; it answers GET for paths below a cluster, and None for a path that is not its own.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from tmc_syncer.controlplane.server.documents import Document
from tmc_syncer.controlplane.server.errors import not_acceptable
from tmc_syncer.controlplane.types import discovery, gotypes
from tmc_syncer.controlplane.types.openapi import document_name, document_of
from tmc_syncer.controlplane.types.registry import Object, Registry, Type

__all__ = ["TypeDocuments"]

JSON = "application/json"
OPENAPI_V2 = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
"""With a dot where clients ask with an @, which is no media type; so does kube-apiserver."""
ACCEPTED = (JSON, "application/yaml", "application/vnd.kubernetes.protobuf")
ANY = frozenset({JSON, "*/*", "application/*"})
AGGREGATED = "APIGroupDiscoveryList"
AGGREGATED_GROUP = "apidiscovery.k8s.io"

MAX_KEPT = 256
"""Documents that are kept: 20 of the built-in types in one or two sets, and those of some dozens of clusters' own types."""

FOR_EVER = "public, immutable"
PLATFORM = "any"
BUILD = "+tmc-syncer"
"""Marks the version that we claim as not built by Kubernetes."""

_OLD_PATH = re.compile(r"/(?:api/(?P<core>v\d+)|apis/(?P<group>[^/]+)(?:/(?P<version>[^/]+))?)")


class TypeDocuments:
    """See the module."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._kept: OrderedDict[tuple[Any, ...], tuple[tuple[Type, ...], bytes, str]] = OrderedDict()

    def has_group(self, cluster: str, group: str) -> bool:
        """Whether the cluster serves an API group at all."""
        return any(made.group == group for made in self._registry.all(cluster))

    def find(
        self, cluster: str, path: str, query: Mapping[str, str], headers: Mapping[str, str]
    ) -> Document | None:
        """The document at a path, None when there is none. Raises `ApiError` 406."""
        path = path.rstrip("/")
        if path == "/version":
            return Document(msgspec.json.encode(version()))
        if path == "/openapi/v2":
            # The old format is protobuf and no client needs it beside v3: a document that says nothing.
            return Document(b"", OPENAPI_V2)
        types = self._registry.all(cluster)
        if path == "/openapi/v3":
            return self._answer(headers, JSON, *self._index(types), {})
        if path.startswith("/openapi/v3/"):
            return self._openapi(path.removeprefix("/openapi/v3/"), types, query, headers)
        return self._discovery(path, types, headers)

    # Discovery

    def _discovery(self, path: str, types: Sequence[Type], headers: Mapping[str, str]) -> Document | None:
        if path in ("/api", "/apis"):
            wanted = _aggregated_version(headers.get("Accept", ""))
            if wanted:
                make = discovery.core_discovery if path == "/api" else discovery.group_discovery
                body, tag = self._keep(
                    (path, wanted), types, lambda: msgspec.json.encode(make(types, wanted))
                )
                form = f"{JSON};g={AGGREGATED_GROUP};v={wanted};as={AGGREGATED}"
                caching = {"Vary": "Accept", "Cache-Control": "public"}
                return self._answer(headers, form, body, tag, caching)
        found = self._old(path, types, headers)
        if found is None:
            return None
        _check_json(headers.get("Accept", ""))
        body = msgspec.json.encode(found)
        return self._answer(headers, JSON, body, _hash(body), {"Vary": "Accept"})

    @staticmethod
    def _old(path: str, types: Sequence[Type], headers: Mapping[str, str]) -> Object | None:
        if path == "/api":
            return discovery.core_versions(headers.get("Host", ""))
        if path == "/apis":
            return discovery.group_list(types)
        match = _OLD_PATH.fullmatch(path)
        if match is None:
            return {"paths": _paths(types)} if not path else None
        if match["core"]:
            return discovery.resource_list(types, "", match["core"])
        if match["version"]:
            return discovery.resource_list(types, match["group"], match["version"])
        return discovery.group_entry(types, match["group"])

    # OpenAPI

    def _index(self, types: Sequence[Type]) -> tuple[bytes, str]:
        return self._keep(("index",), types, lambda: msgspec.json.encode({"paths": self._addresses(types)}))

    def _addresses(self, types: Sequence[Type]) -> Object:
        found: Object = {}
        for name, members in _by_document(types).items():
            tag = self._document(name, members)[1]
            found[name] = {"serverRelativeURL": f"/openapi/v3/{quote(name)}?hash={tag}"}
        return found

    def _document(self, name: str, members: Sequence[Type]) -> tuple[bytes, str]:
        return self._keep(("document", name), members, lambda: document_of(members))

    def _openapi(
        self, name: str, types: Sequence[Type], query: Mapping[str, str], headers: Mapping[str, str]
    ) -> Document | None:
        members = _by_document(types).get(name)
        if members is None:
            return None
        _check_json(headers.get("Accept", ""))
        body, tag = self._document(name, members)
        caching = {"Vary": "Accept"}
        if query.get("hash") == tag:
            caching["Cache-Control"] = FOR_EVER
        return self._answer(headers, JSON, body, tag, caching)

    # Keeping

    def _keep(
        self, what: tuple[str, ...], types: Sequence[Type], make: Callable[[], bytes]
    ) -> tuple[bytes, str]:
        """The body and its hash, made anew for types that were not seen before."""
        key = (*what, *map(id, types))
        kept = self._kept.get(key)
        if kept is None:
            body = make()
            # The types are kept too: none can come to life in the place, and with the id, of one that is told of.
            kept = self._kept[key] = (tuple(types), body, _hash(body))
            if len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(key)
        return kept[1], kept[2]

    @staticmethod
    def _answer(
        headers: Mapping[str, str], form: str, body: bytes, tag: str, more: Mapping[str, str]
    ) -> Document:
        said = {**more, "ETag": f'"{tag}"'}
        known = headers.get("If-None-Match", "")
        if tag in known:
            return Document(b"", form, 304, said)
        return Document(body, form, headers=said)


def version() -> Object:
    """The document of /version."""
    recorded = gotypes.version()
    major, minor, _ = recorded.removeprefix("v").split(".", 2)
    return {
        "major": major,
        "minor": minor,
        "gitVersion": f"{recorded}{BUILD}",
        "gitCommit": "",
        "gitTreeState": "",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "",
        "platform": PLATFORM,
    }


def _by_document(types: Sequence[Type]) -> dict[str, list[Type]]:
    found: dict[str, list[Type]] = {}
    for made in types:
        found.setdefault(document_name(made), []).append(made)
    return {name: found[name] for name in sorted(found)}


def _paths(types: Sequence[Type]) -> list[str]:
    names = _by_document(types)
    groups = {name.rpartition("/")[0] for name in names}
    fixed = {"/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version", "/api", "/apis"}
    return sorted({*fixed, *(f"/{name}" for name in names), *(f"/{name}" for name in groups)})


def _hash(body: bytes) -> str:
    return hashlib.sha512(body).hexdigest().upper()


def _aggregated_version(accept: str) -> str:
    """The version of the aggregated form that a client wants most, empty when it prefers the old form."""
    for clause in accept.split(","):
        media, *rest = (part.strip() for part in clause.split(";"))
        parameters = dict(part.partition("=")[::2] for part in rest)
        if media in ANY and parameters.get("as") == AGGREGATED and parameters.get("g") == AGGREGATED_GROUP:
            if parameters.get("v") in discovery.AGGREGATED_VERSIONS:
                return parameters["v"]
        elif media in ANY and "as" not in parameters:
            return ""
    return ""


def _check_json(accept: str) -> None:
    """Raises `ApiError` 406 when JSON is not good enough."""
    clauses = [clause.split(";") for clause in accept.split(",")] if accept else []
    plain = (media.strip() for media, *rest in clauses if not any("as=" in part for part in rest))
    if clauses and not any(media in ANY for media in plain):
        raise not_acceptable(ACCEPTED)
