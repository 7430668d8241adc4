"""What names, labels and finalizers must look like, and the sentences in which kube-apiserver says that they do not.

The rules and words are those of `k8s.io/apimachinery/pkg/util/validation`. Each function returns the faults as sentences, an
empty list for a good value. Good values are remembered, because the same few labels come with every object. Pure.
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = [
    "dns_label_faults",
    "dns_subdomain_faults",
    "finalizer_faults",
    "label_key_faults",
    "label_value_faults",
    "path_segment_faults",
    "too_long",
]

CACHED = 8192
"""Values whose faults are remembered; labels and names of a busy server repeat."""

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_QUALIFIED = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_VALUE = rf"({_QUALIFIED})?"

_is_label = re.compile(_LABEL).fullmatch
_is_subdomain = re.compile(_SUBDOMAIN).fullmatch
_is_qualified = re.compile(_QUALIFIED).fullmatch
_is_value = re.compile(_VALUE).fullmatch

_SUBDOMAIN_WORDS = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    f"'{_SUBDOMAIN}')"
)
_LABEL_WORDS = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end "
    f"with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '{_LABEL}')"
)
_NAME_PART = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
_NAME_PART_WORDS = f"name part {_NAME_PART} (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{_QUALIFIED}')"
_KEY_WORDS = (
    f"a valid label key {_NAME_PART} (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    f"'{_QUALIFIED}') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
)
_VALUE_WORDS = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    f"'{_VALUE}')"
)

_STANDARD_FINALIZERS = ("kubernetes", "orphan", "foregroundDeletion")


def too_long(limit: int) -> str:
    """The sentence about a name that is too long."""
    return f"must be no more than {limit} bytes"


@lru_cache(maxsize=CACHED)
def dns_subdomain_faults(name: str) -> tuple[str, ...]:
    """Most kinds' names: up to 253 characters, labels joined by dots."""
    return _faults(name, 253, _is_subdomain(name) is not None, _SUBDOMAIN_WORDS)


@lru_cache(maxsize=CACHED)
def dns_label_faults(name: str) -> tuple[str, ...]:
    """Namespaces: one label of up to 63 characters."""
    return _faults(name, 63, _is_label(name) is not None, _LABEL_WORDS)


@lru_cache(maxsize=CACHED)
def path_segment_faults(name: str) -> tuple[str, ...]:
    """RBAC names: whatever is one segment of a path."""
    if name in (".", ".."):
        return (f"may not be '{name}'",)
    return tuple(f"may not contain '{character}'" for character in "/%" if character in name)


@lru_cache(maxsize=CACHED)
def label_key_faults(key: str) -> tuple[str, ...]:
    """Keys of labels and annotations: ``[prefix/]name``."""
    prefix, slash, name = key.rpartition("/")
    if "/" in prefix:
        return (_KEY_WORDS,)
    faults: list[str] = []
    if slash and not prefix:
        faults.append("prefix part must be non-empty")
    elif slash:
        faults.extend(f"prefix part {fault}" for fault in dns_subdomain_faults(prefix))
    if not name:
        faults.append("name part must be non-empty")
    elif len(name) > 63:
        faults.append("name part must be no more than 63 bytes")
    if not _is_qualified(name):
        faults.append(_NAME_PART_WORDS)
    return tuple(faults)


@lru_cache(maxsize=CACHED)
def label_value_faults(value: str) -> tuple[str, ...]:
    """Values of labels: empty, or up to 63 characters of a name."""
    return _faults(value, 63, _is_value(value) is not None, _VALUE_WORDS)


@lru_cache(maxsize=CACHED)
def finalizer_faults(finalizer: str) -> tuple[str, ...]:
    """Finalizers: a qualified name with a prefix, or one of the three old ones without."""
    if faults := label_key_faults(finalizer):
        return faults
    if "/" not in finalizer and finalizer not in _STANDARD_FINALIZERS:
        return ("name is neither a standard finalizer name nor is it fully qualified",)
    return ()


def _faults(text: str, limit: int, fits: bool, words: str) -> tuple[str, ...]:
    faults = [too_long(limit)] if len(text) > limit else []
    if not fits:
        faults.append(words)
    return tuple(faults)
