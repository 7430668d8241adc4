"""The formats of names in Kubernetes: DNS labels and subdomains, label keys and values, ports, environment variables.

Each function returns what is wrong with a value, in the words of ``k8s.io/apimachinery`` (``util/validation`` and
``api/validate/content``), or nothing. Values repeat, so answers are remembered: a Deployment has the same label keys
as a thousand others. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

__all__ = [
    "Format",
    "between",
    "c_identifier",
    "config_key",
    "dns1035_label",
    "dns1123_label",
    "dns1123_subdomain",
    "dns1123_subdomain_caseless",
    "header_name",
    "label_key",
    "label_value",
    "name_prefix",
    "path_segment",
    "percent",
    "port_name",
    "port_number",
    "relaxed_env_name",
    "wildcard_subdomain",
]

CACHED = 8192
"""Answers that are remembered for each format: the names of some thousand objects."""

NO_ERRORS: tuple[str, ...] = ()

Format = Callable[[str], tuple[str, ...]]

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_DNS1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
_KEY = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_WILDCARD = rf"\*\.{_SUBDOMAIN}"
_CONFIG_KEY = "[-._a-zA-Z0-9]+"
_C_IDENTIFIER = "[A-Za-z_][A-Za-z0-9_]*"
_HEADER = "[-A-Za-z0-9]+"
_PERCENT = "[0-9]+%"

_LABEL_MATCH = re.compile(_LABEL)
_SUBDOMAIN_MATCH = re.compile(_SUBDOMAIN)
_CASELESS_MATCH = re.compile(_SUBDOMAIN, re.IGNORECASE | re.ASCII)
_DNS1035_MATCH = re.compile(_DNS1035)
_KEY_MATCH = re.compile(_KEY)
_VALUE_MATCH = re.compile(f"({_KEY})?")
_WILDCARD_MATCH = re.compile(_WILDCARD)
_CONFIG_KEY_MATCH = re.compile(_CONFIG_KEY)
_PORT_MATCH = re.compile("[-a-z0-9]+")

_LABEL_WORDS = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end "
    "with an alphanumeric character"
)
_SUBDOMAIN_WORDS = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    "and end with an alphanumeric character"
)
_CASELESS_WORDS = (
    "an RFC 1123 subdomain must consist of alphanumeric characters, '-' or '.', and must start and end with an "
    "alphanumeric character"
)
_DNS1035_WORDS = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character"
)
_KEY_WORDS = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
_VALUE_WORDS = (
    f"a valid label must be an empty string or consist of {_KEY_WORDS.removeprefix('must consist of ')}"
)
_WILDCARD_WORDS = (
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of "
    "lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character"
)


def _regex(words: str, pattern: str, *examples: str) -> str:
    shown = " or ".join(f"'{example}', " for example in examples)
    return f"{words} (e.g. {shown}regex used for validation is '{pattern}')"


def _size(value: str) -> int:
    return len(value) if value.isascii() else len(value.encode())


def between(low: int, high: int) -> str:
    """The words for a number outside its range."""
    return f"must be between {low} and {high}, inclusive"


@lru_cache(CACHED)
def dns1123_label(value: str) -> tuple[str, ...]:
    """``web-1``."""
    if _LABEL_MATCH.fullmatch(value) and len(value) <= 63:
        return NO_ERRORS
    errors = ["must be no more than 63 characters"] if _size(value) > 63 else []
    if not _LABEL_MATCH.fullmatch(value):
        dots = _SUBDOMAIN_MATCH.fullmatch(value) is not None
        errors.append("must not contain dots" if dots else _regex(_LABEL_WORDS, _LABEL, "my-name", "123-abc"))
    return tuple(errors)


@lru_cache(CACHED)
def dns1123_subdomain(value: str) -> tuple[str, ...]:
    """``web-1.example.com``."""
    return _matched(value, _SUBDOMAIN_MATCH, 253, _regex(_SUBDOMAIN_WORDS, _SUBDOMAIN, "example.com"))


@lru_cache(CACHED)
def dns1123_subdomain_caseless(value: str) -> tuple[str, ...]:
    """The same with upper case letters."""
    words = _regex(_CASELESS_WORDS, _SUBDOMAIN, "Example.com")
    return _matched(value, _CASELESS_MATCH, 253, words, unit="bytes")


@lru_cache(CACHED)
def dns1035_label(value: str) -> tuple[str, ...]:
    """``web-1``, but no digit first."""
    return _matched(value, _DNS1035_MATCH, 63, _regex(_DNS1035_WORDS, _DNS1035, "my-name", "abc-123"))


@lru_cache(CACHED)
def wildcard_subdomain(value: str) -> tuple[str, ...]:
    """``*.example.com``."""
    return _matched(value, _WILDCARD_MATCH, 253, _regex(_WILDCARD_WORDS, _WILDCARD, "*.example.com"))


def _matched(
    value: str, pattern: re.Pattern[str], longest: int, words: str, unit: str = "characters"
) -> tuple[str, ...]:
    errors = [f"must be no more than {longest} {unit}"] if _size(value) > longest else []
    if not pattern.fullmatch(value):
        errors.append(words)
    return tuple(errors)


@lru_cache(CACHED)
def label_key(value: str) -> tuple[str, ...]:
    """The key of a label, annotation or finalizer, with an optional DNS prefix."""
    prefix, slash, name = value.rpartition("/")
    if "/" in prefix:
        words = _regex(_KEY_WORDS, _KEY, "MyName", "my.name", "123-abc")
        return (
            f"a valid label key {words} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
        )
    errors: list[str] = []
    if slash and not prefix:
        errors.append("prefix part must be non-empty")
    elif slash:
        errors += [
            f"prefix part {said.replace('characters', 'bytes')}"
            if said.endswith("253 characters")
            else f"prefix part {said}"
            for said in dns1123_subdomain(prefix)
        ]
    if not name:
        errors.append("name part must be non-empty")
    elif _size(name) > 63:
        errors.append("name part must be no more than 63 bytes")
    if not _KEY_MATCH.fullmatch(name):
        errors.append(f"name part {_regex(_KEY_WORDS, _KEY, 'MyName', 'my.name', '123-abc')}")
    return tuple(errors)


@lru_cache(CACHED)
def label_value(value: str) -> tuple[str, ...]:
    """The value of a label."""
    words = _regex(_VALUE_WORDS, f"({_KEY})?", "MyValue", "my_value", "12345")
    return _matched(value, _VALUE_MATCH, 63, words, unit="bytes")


@lru_cache(CACHED)
def config_key(value: str) -> tuple[str, ...]:
    """A key of a ConfigMap or Secret."""
    errors = list(
        _matched(
            value,
            _CONFIG_KEY_MATCH,
            253,
            _regex(
                "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
                _CONFIG_KEY,
                "key.name",
                "KEY_NAME",
                "key-name",
            ),
        )
    )
    if value in (".", ".."):
        errors.append(f"must not be '{value}'")
    elif value.startswith(".."):
        errors.append("must not start with '..'")
    return tuple(errors)


@lru_cache(CACHED)
def port_name(value: str) -> tuple[str, ...]:
    """The name of a port (IANA service name)."""
    errors = ["must be no more than 15 characters"] if _size(value) > 15 else []
    if not _PORT_MATCH.fullmatch(value):
        errors.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not any("a" <= char <= "z" for char in value):
        errors.append("must contain at least one letter (a-z)")
    if "--" in value:
        errors.append("must not contain consecutive hyphens")
    if value.startswith("-") or value.endswith("-"):
        errors.append("must not begin or end with a hyphen")
    return tuple(errors)


def port_number(value: int) -> tuple[str, ...]:
    """A port."""
    return NO_ERRORS if 1 <= value <= 65535 else (between(1, 65535),)


@lru_cache(CACHED)
def relaxed_env_name(value: str) -> tuple[str, ...]:
    """The name of an environment variable, as servers take it since 1.34: printable ASCII without ``=``."""
    errors = [] if value else ["environment variable name must be non-empty"]
    if any(not " " <= char <= "~" or char == "=" for char in value):
        errors.append(
            "a valid environment variable name must consist only of printable ASCII characters other than '='"
        )
    return tuple(errors)


def c_identifier(value: str) -> tuple[str, ...]:
    """``my_name``."""
    if re.fullmatch(_C_IDENTIFIER, value):
        return NO_ERRORS
    words = (
        "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric "
        "characters or '_'"
    )
    return (_regex(words, _C_IDENTIFIER, "my_name", "MY_NAME", "MyName"),)


def header_name(value: str) -> tuple[str, ...]:
    """The name of an HTTP header."""
    if re.fullmatch(_HEADER, value):
        return NO_ERRORS
    return (
        _regex(
            "a valid HTTP header must consist of alphanumeric characters or '-'", _HEADER, "X-Header-Name"
        ),
    )


def percent(value: str) -> tuple[str, ...]:
    """``25%``."""
    if re.fullmatch(_PERCENT, value):
        return NO_ERRORS
    words = "a valid percent string must be a numeric string followed by an ending '%'"
    return (_regex(words, _PERCENT, "1%", "93%"),)


def path_segment(value: str) -> tuple[str, ...]:
    """A name that may be anything that fits into one segment of a path."""
    if value in (".", ".."):
        return (f"may not be '{value}'",)
    return tuple(f"may not contain '{char}'" for char in "/%" if char in value)


def name_prefix(value: str) -> str:
    """A ``generateName`` as the name formats look at it: a dash at its end is no error."""
    return f"{value[:-2]}a" if len(value) > 1 and value.endswith("-") else value
