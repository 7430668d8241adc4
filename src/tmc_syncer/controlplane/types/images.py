"""Names of container images, as far as a server reads them: the tag decides whether the image is pulled each time.

``nginx`` means ``docker.io/library/nginx:latest`` and is pulled always; with another tag, or a digest, only when it is missing.
A name that cannot be read counts as not latest, as in kube-apiserver (``parsers.ParseImageName``). Pure.
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["image_tag", "pull_policy"]

CACHED = 2048
"""Images that are remembered."""

_PART = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_DOMAIN = re.compile(rf"(?:{_PART}(?:\.{_PART})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?")
_PATH = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}")
_IDENTIFIER = re.compile("[a-f0-9]{64}")
LONGEST_NAME = 255
"""Characters of a repository's name."""


@lru_cache(CACHED)
def image_tag(image: str) -> str:
    """The tag; ``latest`` when there is neither tag nor digest, empty when there is only a digest or no valid name."""
    rest, at, digest = image.partition("@")
    first, slash, remainder = rest.partition("/")
    is_host = slash and (set(".:") & set(first) or first == "localhost" or first.lower() != first)
    domain, path = (first, remainder) if is_host else ("docker.io", rest)
    name, colon, tag = path.partition(":")
    if (at and not _DIGEST.fullmatch(digest)) or (colon and not _TAG.fullmatch(tag)):
        return ""
    if not _DOMAIN.fullmatch(domain) or not _PATH.fullmatch(name) or _IDENTIFIER.fullmatch(image):
        return ""
    if len(name) > LONGEST_NAME:
        return ""
    return tag or ("" if at else "latest")


@lru_cache(CACHED)
def pull_policy(image: str) -> str:
    """The pull policy that a container gets when it has none."""
    return "Always" if image_tag(image) == "latest" else "IfNotPresent"
