"""``--config FILE``: the flags of `tmc syncer` in a YAML, JSON or TOML file.

Keys are the names of the flags without the dashes (``from-kubeconfig``; ``_`` for ``-`` is accepted). What the
command line or the environment sets wins. Paths are relative to the file. Everything that is no flag, or no value
for it, is refused by name: a mistyped key must not be without effect silently.
"""

from __future__ import annotations

import dataclasses
import difflib
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from tmc_syncer.api.errors import UsageError

__all__ = ["read_config_file"]

_SIZE_LIMIT = 1 << 20  # bytes; a configuration has a few hundred
_PATHS = frozenset({"from_kubeconfig", "to_kubeconfig"})
FlagsT = TypeVar("FlagsT")


def read_config_file(path: Path, kind: type[FlagsT], without: frozenset[str]) -> FlagsT:
    """The flags that the file sets, as an instance of the dataclass `kind`; `without` names fields it cannot set.

    Raises `UsageError` naming the file, the key and what would be right.
    """
    data = _load(path)
    known = {field.name: field for field in dataclasses.fields(kind) if field.name not in without}  # type: ignore[arg-type]
    found: dict[str, Any] = {}
    for key, value in data.items():
        name = str(key).replace("-", "_")
        if name not in known or not isinstance(key, str):
            names = [known_name.replace("_", "-") for known_name in known]
            near = difflib.get_close_matches(str(key).replace("_", "-"), names, 1, cutoff=0.7)
            hint = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(names)}."
            raise UsageError(f"{path}: {str(key)[:80]!r} is no setting.", hint=hint)
        if name in found:
            raise UsageError(f"{path}: {key} is set twice.", hint="Keep one of the two.")
        found[name] = _relative(path, name, _as_list(known[name], value))
    try:
        return msgspec.convert(found, type=kind)
    except msgspec.ValidationError as error:
        raise UsageError(f"{path}: {_sentence(str(error))}", hint="See `tmc syncer --help`.") from error


def _load(path: Path) -> dict[Any, Any]:
    try:
        raw = path.expanduser().read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}.", hint="Give --config a file.") from error
    if len(raw) > _SIZE_LIMIT:
        raise UsageError(f"{path}: this is too large for a configuration.", hint="Give another file.")
    try:
        data = _parse_toml(raw) if path.suffix == ".toml" else _parse_yaml(raw)
    except ValueError as error:
        raise UsageError(f"{path}: {error}", hint="Correct the file.") from error
    if not isinstance(data, dict):
        raise UsageError(f"{path}: settings are expected, key: value.", hint="Correct the file.")
    return data


def _parse_toml(raw: bytes) -> Any:
    import tomllib

    try:
        return tomllib.loads(raw.decode())
    except UnicodeDecodeError as error:
        raise ValueError("it is not UTF-8 text.") from error
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"it is not TOML: {error}.") from error


def _parse_yaml(raw: bytes) -> Any:
    import yaml

    try:
        data = yaml.load(raw, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise ValueError(f"it is not YAML: {error.problem or 'unreadable'}{where}.") from error
    except yaml.YAMLError as error:
        raise ValueError("it is not YAML text.") from error
    return {} if data is None else data


def _as_list(field: dataclasses.Field[Any], value: Any) -> Any:
    """A single text where a list is meant counts as a list of one."""
    return [value] if isinstance(value, str) and "tuple" in str(field.type) else value


def _relative(path: Path, name: str, value: Any) -> Any:
    if name in _PATHS and isinstance(value, str):
        return str(path.expanduser().parent / Path(value).expanduser())
    return value


def _sentence(text: str) -> str:
    what, _, where = text.partition(" - at `$.")
    field = where.removesuffix("`").replace("_", "-") or "settings"
    what = what.replace(" | null", "")
    return f"{field}: {what[:1].lower()}{what[1:].replace('`', '')}."
