"""String formats that kube-apiserver checks in custom resources.

`FORMATS` has a check for each, by its name without dashes (`normalized`). Names that are not here are not checked, as there. Source:
k8s.io/kube-openapi/pkg/validation/strfmt and apiextensions-apiserver's pkg/apiserver/validation/formats.go. Pure; used by `valuerules`.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import ipaddress
import re
import unicodedata
from collections.abc import Callable

__all__ = ["FORMATS", "normalized"]

_Check = Callable[[str], bool]
_LONGEST_HOST, _LONGEST_HOST_PART, _LONGEST_NAME = 255, 63, 253


def normalized(name: str) -> str:
    """The name as the table has it: ``date-time`` is ``datetime``."""
    return name.replace("-", "")


def _matching(pattern: str) -> _Check:
    compiled = re.compile(pattern, re.ASCII)
    return lambda text: compiled.fullmatch(text) is not None


_NAME = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_is_short_name = _matching(_NAME)
_is_long_name = _matching(rf"{_NAME}(\.{_NAME})*")

_HOST_CHARACTER = "[a-zA-Z0-9=]"
_is_host_text = _matching(
    rf"{_HOST_CHARACTER}-?{_HOST_CHARACTER}{{0,62}}"
    rf"|({_HOST_CHARACTER}(([-a-zA-Z0-9=]{{0,61}}){_HOST_CHARACTER})?\.)+[a-zA-Z]{{2,63}}"
)


def _is_host(text: str) -> bool:
    """All letters count as one letter, all symbols (as + and =, but not dashes) as one symbol."""
    plain = "".join(
        character if character.isascii() and character.isalnum() else _kind(character) for character in text
    )
    short = len(text) <= _LONGEST_HOST and all(len(part) <= _LONGEST_HOST_PART for part in text.split("."))
    return short and _is_host_text(plain)


def _kind(character: str) -> str:
    return {"L": "a", "S": "="}.get(unicodedata.category(character)[0], character)


_LEADING_ZEROS = re.compile(r"(?<![\dA-Fa-f:])0+(?=\d)")


def _is_address(text: str, version: int) -> bool:
    """Of version 4 is what has a dot; there, numbers may have leading zeros."""
    try:
        parsed = ipaddress.ip_address(_LEADING_ZEROS.sub("", text) if "." in text else text)
    except ValueError:
        return False
    return "." in text if version == 4 else ":" in text and "%" not in text and parsed.version == version


def _is_network(text: str) -> bool:
    if "/" not in text:
        return False
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _is_date(text: str) -> bool:
    try:
        dt.datetime.strptime(text, "%Y-%m-%d")  # noqa: DTZ007 - a date has no time zone
    except ValueError:
        return False
    return _has_date_form(text)


_has_date_form = _matching(r"\d{4}-\d\d-\d\d")
_has_time_form = _matching(r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(.[0-9]+)?(z|[+-]\d\d:\d\d)")


def _is_moment(text: str) -> bool:
    date, mark, time = text.lower().partition("t")
    return bool(mark) and _is_date(date) and _has_time_form(time)


_is_go_duration = _matching(
    r"[+-]?(0|(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))*)"
)
_SCALA = re.compile(r"\d+\s*([A-Za-zµ]+)")
_UNITS = ("ns", "us", "µs", "ms", "s", "m", "h", "hr", "d", "w", "wk")
_UNIT_WORDS = ("nano", "micro", "milli", "sec", "min", "hour", "day", "week")


def _is_duration(text: str) -> bool:
    """As Go writes it, or any text that has a number with a unit somewhere."""
    if _is_go_duration(text):
        return True
    units = [unit.lower() for unit in _SCALA.findall(text)]
    return any(unit in _UNITS or unit.startswith(_UNIT_WORDS) for unit in units)


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error:
        return False
    return bool(text)


def _is_isbn(text: str, length: int) -> bool:
    """Check digits: of ten digits weighted from one to ten, of thirteen weighted one and three."""
    digits = text.replace("-", "").replace(" ", "")
    if length == 10:
        if not re.fullmatch(r"\d{9}[\dX]", digits):
            return False
        values = [10 if digit == "X" else int(digit) for digit in digits]
        return sum(value * weight for weight, value in enumerate(values, 1)) % 11 == 0
    if not re.fullmatch(r"\d{13}", digits):
        return False
    return sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10 == 0


_has_card_form = _matching(
    r"4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|6(?:011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}"
    r"|3(?:0[0-5]|[68][0-9])[0-9]{11}|(?:2131|1800|35\d{3})\d{11}"
)


def _is_credit_card(text: str) -> bool:
    """The form of some issuer, and Luhn's check digit."""
    digits = re.sub(r"[^0-9]+", "", text)
    if not _has_card_form(digits):
        return False
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


_UUID = r"(?i:[0-9a-f]{{8}}-?[0-9a-f]{{4}}-?{version}[0-9a-f]{{3}}-?{variant}[0-9a-f]{{3}}-?[0-9a-f]{{12}})"


def _uuid(version: str, variant: str = "[0-9a-f]") -> _Check:
    return _matching(_UUID.format(version=version, variant=variant))


FORMATS: dict[str, _Check] = {
    "bsonobjectid": _matching(r"[0-9a-fA-F]{24}"),
    "byte": _is_base64,
    "cidr": _is_network,
    "creditcard": _is_credit_card,
    "date": _is_date,
    "datetime": _is_moment,
    "duration": _is_duration,
    "email": _matching(r"[^@\s<>]+@[^@\s<>]+|[^<>]*<[^@\s<>]+@[^@\s<>]+>"),
    "hexcolor": _matching(r"#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})"),
    "hostname": _is_host,
    "ipv4": lambda text: _is_address(text, 4),
    "ipv6": lambda text: _is_address(text, 6),
    "k8slongname": lambda text: len(text) <= _LONGEST_NAME and _is_long_name(text),
    "k8sshortname": lambda text: len(text) <= _LONGEST_HOST_PART and _is_short_name(text),
    "isbn": lambda text: _is_isbn(text, 10) or _is_isbn(text, 13),
    "isbn10": lambda text: _is_isbn(text, 10),
    "isbn13": lambda text: _is_isbn(text, 13),
    "mac": _matching(
        "|".join(
            rf"([0-9a-fA-F]{{2}}[:-]){{{octets - 1}}}[0-9a-fA-F]{{2}}|([0-9a-fA-F]{{4}}\.){{{octets // 2 - 1}}}[0-9a-fA-F]{{4}}"
            rf"|[0-9a-fA-F]{{{octets * 2}}}"
            for octets in (6, 8, 20)
        )
    ),
    "password": lambda text: True,  # noqa: ARG005 - any text may be one
    "rgbcolor": _matching(
        r"rgb\(\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*,\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*,"
        r"\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*\)"
    ),
    "ssn": _matching(r"\d{3}[- ]\d{2}[- ]\d{4}"),
    "uri": _matching(r"([a-zA-Z][a-zA-Z0-9+.-]*:\S*|/\S*)"),
    "uuid": _uuid("[0-9a-f]"),
    "uuid3": _uuid("3"),
    "uuid4": _uuid("4", "[89ab]"),
    "uuid5": _uuid("5", "[89ab]"),
}
