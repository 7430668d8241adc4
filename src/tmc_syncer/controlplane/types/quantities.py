"""Kubernetes quantities: ``100m``, ``1.5Gi``, ``3e6``. Reads, compares and adds them, and writes them as a server does.

A server does not keep what it was given: ``1024Mi`` comes back as ``1Gi`` and ``0.5`` as ``500m``, while ``1.500`` stays,
because Go keeps the text of a number that looks canonical to it. The rules are those of
``k8s.io/apimachinery/pkg/api/resource.ParseQuantity`` and ``CanonicalizeBytes``. Amounts are whole numbers of 10⁻⁹
(`nanos`), the smallest unit that Kubernetes knows; what is smaller is rounded up. Pure; results are remembered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["QuantityError", "canonical", "is_quantity", "nanos", "rounded_up_to_milli", "written"]

CACHED = 4096
"""Quantities that are remembered: a cluster uses some dozens of them again and again."""

LONGEST = 256
"""Characters of a quantity. Python's numbers have no bound, so that of the text must be one."""

GREATEST_EXPONENT = 64
"""The greatest power of ten that is calculated with; beyond it no quantity means anything."""

NANO = 9
MAX_BINARY = 2**63 - 1
"""Binary quantities are capped here."""

SPLIT = r"^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"
WRONG_FORMAT = f"quantities must match the regular expression '{SPLIT}'"
WRONG_NUMBER = "unable to parse numeric part of quantity"
WRONG_SUFFIX = "unable to parse quantity's suffix"

_TEXT = re.compile(r"([+-]?)0*([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)")
_EXPONENT = re.compile(r"[eE]([-+]?[0-9]+)")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL_SUFFIX = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_BINARY_SUFFIX = {0: "", **{exponent // 10: suffix for suffix, exponent in _BINARY.items()}}


class QuantityError(ValueError):
    """No quantity; the message is Go's."""


@dataclass(frozen=True, slots=True)
class _Parsed:
    nanos: int
    form: str  # "decimal", "exponent" or "binary"
    kept: bool  # Go writes such a number as it was read


@lru_cache(maxsize=CACHED)
def _parse(text: str) -> _Parsed:
    match = _TEXT.fullmatch(text) if 0 < len(text) <= LONGEST else None
    if match is None:
        raise QuantityError(WRONG_FORMAT)
    sign, whole, fraction, suffix = match[1], match[2], match[3] or "", match[4]
    digits = int(f"{whole}{fraction}" or "0")
    if suffix in _DECIMAL:
        form, exponent, shift = "decimal", _DECIMAL[suffix], 0
    elif suffix in _BINARY:
        form, exponent, shift = "binary", 0, _BINARY[suffix]
    else:
        power = _EXPONENT.fullmatch(suffix)
        if power is None:
            raise QuantityError(WRONG_SUFFIX)
        form, exponent, shift = "exponent", int(power[1]), 0
    exponent -= len(fraction)
    if digits and abs(exponent) > GREATEST_EXPONENT:
        raise QuantityError(WRONG_NUMBER)
    shown = f"{whole or '0'}{fraction}"
    if form == "binary":
        kept = not fraction and digits & 7 != 0 and len(shown) + shift * 3 // 10 < 15
    else:
        kept = exponent % 3 == 0 and exponent >= -NANO and len(shown) < 19
        kept = kept and not shown.endswith("000") and shown[0] != "0"
    value = _scaled(digits << shift, exponent)
    if form == "binary":
        value = min(value, MAX_BINARY * 10**NANO)
        if 0 < value < 10**NANO:
            form = "decimal"
    return _Parsed(-value if sign == "-" else value, form, kept)


def _scaled(digits: int, exponent: int) -> int:
    """The amount in nanos, rounded up."""
    power = exponent + NANO
    if not digits:
        return 0
    scale: int = 10 ** abs(power)
    return digits * scale if power >= 0 else -(-digits // scale)


def is_quantity(text: str) -> bool:
    """Whether this is a quantity."""
    try:
        _parse(text)
    except QuantityError:
        return False
    return True


def nanos(text: str) -> int:
    """The amount in units of 10⁻⁹. Raises `QuantityError`."""
    return _parse(text).nanos


@lru_cache(maxsize=CACHED)
def canonical(text: str) -> str:
    """As a server writes what it read. Raises `QuantityError`."""
    parsed = _parse(text)
    return text if parsed.kept else _written(parsed.nanos, parsed.form)


@lru_cache(maxsize=CACHED)
def rounded_up_to_milli(text: str) -> str:
    """The same with a precision of a thousandth, in canonical form: what defaulting does to resource lists."""
    parsed = _parse(text)
    if parsed.nanos % 10**6 == 0:
        return canonical(text)
    return _written(-(-parsed.nanos // 10**6) * 10**6, parsed.form)


def written(amount: int, like: str) -> str:
    """An amount of `nanos` in the format of another quantity, for sums."""
    return _written(amount, _parse(like).form)


def _written(amount: int, form: str) -> str:
    if not amount:
        return "0"
    sign, amount = ("-", -amount) if amount < 0 else ("", amount)
    if form == "binary" and amount >= 1024 * 10**NANO and amount % 10**NANO == 0:
        number, times = _reduced(amount // 10**NANO, 1024)
        return f"{sign}{number}{_BINARY_SUFFIX[times]}"
    number, exponent = _reduced(amount, 10)
    exponent -= NANO
    number, exponent = number * 10 ** (exponent % 3), exponent - exponent % 3
    if form == "exponent":
        return f"{sign}{number}e{exponent}" if exponent else f"{sign}{number}"
    if exponent in _DECIMAL_SUFFIX:
        return f"{sign}{number}{_DECIMAL_SUFFIX[exponent]}"
    return f"{sign}{number}"  # as Go, which drops an exponent that it has no suffix for


def _reduced(number: int, base: int) -> tuple[int, int]:
    times = 0
    while number >= base and number % base == 0:
        number, times = number // base, times + 1
    return number, times
