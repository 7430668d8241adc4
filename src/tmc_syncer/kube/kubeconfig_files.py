"""Kubeconfig files, read and merged: named clusters, users and contexts, each knowing which file it is from.

Merging as in client-go: of several files the first that has an entry of a name gives all of it, and the first
that names a current context wins. Scalars are kept as text (no YAML guessing: a token of digits stays as it is).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tmc_syncer.kube.errors import KubeconfigError

__all__ = ["Entry", "Kubeconfig", "read_kubeconfig"]

MAX_FILE_BYTES = 4 << 20
"""A kubeconfig with hundreds of clusters and their certificates has some hundred KB."""

_LOADER: type[yaml.BaseLoader | yaml.CBaseLoader] = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_NOTHING = frozenset({"", "null", "~"})
_TRUE = frozenset({"true", "yes", "on"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One named cluster, user or context; `words` says what and where it is, for messages."""

    words: str
    body: Mapping[str, Any] = field(repr=False)
    file: Path

    def text(self, name: str) -> str:
        """A scalar, "" when it is absent. Raises `KubeconfigError` when it is none."""
        value = self.body.get(name, "")
        if not isinstance(value, str):
            raise KubeconfigError(f"{name} of {self.words} is not a text.")
        return "" if value in _NOTHING else value

    def flag(self, name: str) -> bool:
        """A boolean, False when it is absent."""
        return self.text(name).lower() in _TRUE

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of scalars, empty when it is absent."""
        value = self.body.get(name, ())
        if isinstance(value, str) and value in _NOTHING:
            return ()
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            raise KubeconfigError(f"{name} of {self.words} is not a list of texts.")
        return tuple(value)

    def section(self, name: str) -> Entry | None:
        """A mapping inside, None when it is absent."""
        value = self.body.get(name, "")
        if isinstance(value, str) and value in _NOTHING:
            return None
        if not isinstance(value, dict):
            raise KubeconfigError(f"{name} of {self.words} is not a mapping.")
        return Entry(f"{name} of {self.words}", value, self.file)

    def file_named(self, name: str) -> Path | None:
        """The file that a scalar names, seen from the kubeconfig's folder."""
        text = self.text(name)
        return self.file.parent / Path(text).expanduser() if text else None


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """The merged content of `files`."""

    files: tuple[Path, ...]
    current_context: str
    clusters: Mapping[str, Entry]
    users: Mapping[str, Entry]
    contexts: Mapping[str, Entry]

    @property
    def words(self) -> str:
        """The files, for messages."""
        return ", ".join(map(str, self.files))


def read_kubeconfig(files: Iterable[Path]) -> Kubeconfig:
    """Read and merge `files`. Raises `KubeconfigError` naming the file that cannot be used."""
    current = ""
    merged: dict[str, dict[str, Entry]] = {"clusters": {}, "users": {}, "contexts": {}}
    read = []
    for file in files:
        read.append(file)
        document = _document(file)
        current = current or Entry(str(file), document, file).text("current-context")
        for kind, entries in merged.items():
            for name, entry in _entries(document, kind, file):
                entries.setdefault(name, entry)
    return Kubeconfig(tuple(read), current, merged["clusters"], merged["users"], merged["contexts"])


def _document(file: Path) -> dict[str, Any]:
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        raise KubeconfigError(f"The kubeconfig {file} does not exist.") from None
    except OSError as error:
        raise KubeconfigError(f"Cannot read the kubeconfig {file}: {error.strerror}.") from error
    if len(data) > MAX_FILE_BYTES:
        raise KubeconfigError(f"The kubeconfig {file} is larger than {MAX_FILE_BYTES >> 20} MiB.")
    try:
        document = yaml.load(data, Loader=_LOADER)  # noqa: S506  # a BaseLoader makes texts, lists and dicts only
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        # The mark alone: the line that it shows may hold a token.
        mark = getattr(error, "problem_mark", None)
        line = f" (line {mark.line + 1})" if mark is not None else ""
        raise KubeconfigError(f"The kubeconfig {file} is not YAML{line}.") from None
    if document is None or (isinstance(document, str) and document in _NOTHING):
        return {}
    if not isinstance(document, dict):
        raise KubeconfigError(f"The kubeconfig {file} is not a mapping with clusters, users and contexts.")
    return document


def _entries(document: dict[str, Any], kind: str, file: Path) -> Iterable[tuple[str, Entry]]:
    listed = document.get(kind, ())
    if isinstance(listed, str) and listed in _NOTHING:
        return
    singular = kind.removesuffix("s")
    if not isinstance(listed, list | tuple):
        raise KubeconfigError(f"{kind} in the kubeconfig {file} is not a list.")
    for item in listed:
        name = item.get("name") if isinstance(item, dict) else None
        if not isinstance(name, str):
            raise KubeconfigError(f"{kind} in the kubeconfig {file} has an entry without a name.")
        body = item.get(singular, {})
        if isinstance(body, str) and body in _NOTHING:
            body = {}
        if not isinstance(body, dict):
            raise KubeconfigError(f"The {singular} {name!r} in the kubeconfig {file} is not a mapping.")
        yield name, Entry(f"the {singular} {name!r} in {file}", body, file)
