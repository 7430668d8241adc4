"""Content negotiation: which answer an ``Accept`` header asks for, and which body a ``Content-Type`` announces.

Answers are JSON or YAML; ``as=Table`` and ``as=PartialObjectMetadata[List]`` ask for another shape of the same. Protobuf is
never sent: a client that prefers it also takes JSON, and one that takes nothing else is refused (406). Clauses count in
the order of their quality, then as written. Headers repeat, so answers are remembered. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from tmc_syncer.controlplane.server.errors import ApiError, not_acceptable, unsupported_media_type

__all__ = ["JSON", "PATCHES", "PROTOBUF", "YAML", "Answer", "body_type", "negotiate"]

CACHED = 1024
"""Headers whose meaning is remembered."""

JSON = "application/json"
YAML = "application/yaml"
PROTOBUF = "application/vnd.kubernetes.protobuf"
MEDIA = (JSON, YAML, PROTOBUF)
STREAMS = (f"{JSON};stream=watch", f"{PROTOBUF};stream=watch")

PATCHES = {
    "application/json-patch+json": "json",
    "application/merge-patch+json": "merge",
    "application/strategic-merge-patch+json": "strategic",
    "application/apply-patch+yaml": "apply",
}
"""Content types of patches, with the short names that the server uses for them."""

_META_VERSIONS = ("v1", "v1beta1")
_SHAPES = ("Table", "PartialObjectMetadata", "PartialObjectMetadataList")


@dataclass(frozen=True, slots=True)
class Answer:
    """What to send: `shape` is empty for the object itself, `version` the one of meta.k8s.io for another shape."""

    yaml: bool = False
    shape: str = ""
    version: str = "v1"

    @property
    def content_type(self) -> str:
        """The header of the answer."""
        return YAML if self.yaml else JSON


@lru_cache(maxsize=CACHED)
def negotiate(accept: str, *, streaming: bool = False) -> Answer:
    """The best answer to an ``Accept`` header. Raises `ApiError` 406."""
    if not accept:
        return Answer()
    known = False
    for wanted, parameters in _clauses(accept):
        media = JSON if wanted in ("*/*", "application/*") else wanted
        if media not in MEDIA:
            continue
        known = True
        if media == PROTOBUF or (media == YAML and streaming):
            continue
        shape = parameters.get("as", "")
        if shape:
            version = parameters.get("v", "")
            group = parameters.get("g", "")
            if shape not in _SHAPES or version not in _META_VERSIONS or group != "meta.k8s.io":
                continue
            return Answer(media == YAML, shape, version)
        return Answer(media == YAML)
    if known:
        raise not_acceptable(STREAMS if streaming else MEDIA)
    listed = ", ".join((*MEDIA, *STREAMS) if streaming else MEDIA)
    message = f"406: Not Acceptable\n\nAvailable representations: {listed}"
    raise ApiError(406, "NotAcceptable", message, details={})


def _clauses(accept: str) -> list[tuple[str, dict[str, str]]]:
    found: list[tuple[float, int, str, dict[str, str]]] = []
    for number, clause in enumerate(accept.split(",")):
        media, *rest = (part.strip() for part in clause.split(";"))
        parameters = dict(part.split("=", 1) for part in rest if "=" in part)
        try:
            quality = float(parameters.pop("q", "1"))
        except ValueError:
            quality = 0.0
        found.append((-quality, number, media.lower(), parameters))
    found.sort(key=lambda clause: clause[:2])
    return [(media, parameters) for _, _, media, parameters in found]


@lru_cache(maxsize=CACHED)
def body_type(content_type: str) -> str:
    """The media type of a body that is an object; JSON when none is said. Raises `ApiError` 415."""
    media = content_type.partition(";")[0].strip().lower() or JSON
    if media not in MEDIA:
        raise unsupported_media_type(MEDIA)
    return media
