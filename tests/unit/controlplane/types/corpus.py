"""The corpus of objects that the control plane and a real kube-apiserver are compared by.

Each document of cases/*.yaml has a valid `base` object and `cases`: changes of it by path. A case is one create, or a list
of steps (``create``, ``update``, ``status``), each changing by path what the step before left. ``NS`` stands for a namespace that the
case has for itself, and gives names of cluster-scoped objects their prefix. What a real server answered is recorded beside the
cases (`tests.real.test_defaults_parity` compares it again, and records it with TMC_RECORD=1).
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent / "cases"
RECORDED = FOLDER / "recorded.json"

TOKEN = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


@dataclass(frozen=True)
class Step:
    """One request: `verb` is create, update or status, `changes` are values by path (None removes)."""

    verb: str
    changes: dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A case with the name of its kind, `ns` the stand-in for its namespace."""

    id: str
    base: dict[str, Any]
    steps: tuple[Step, ...]

    @property
    def api_version(self) -> str:
        return str(self.base["apiVersion"])

    @property
    def kind(self) -> str:
        return str(self.base["kind"])


def cases() -> list[Case]:
    return list(read())


def read() -> Iterator[Case]:
    for path in sorted(FOLDER.glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            base = document["base"]
            for name, content in document["cases"].items():
                steps = content if isinstance(content, list) else [{"create": content}]
                if "create" not in steps[0]:
                    steps = [{"create": {}}, *steps]
                made = tuple(Step(verb, changes) for step in steps for verb, changes in step.items())
                yield Case(f"{base['apiVersion']}/{base['kind']}: {name}", base, made)


def changed(obj: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """A copy with values set by path; None removes."""
    made = copy.deepcopy(obj)
    for path, value in changes.items():
        *way, last = [name or int(number) for name, number in TOKEN.findall(path)]
        place: Any = made
        for token in way:
            if isinstance(token, str) and place.get(token) is None:
                place[token] = {}
            place = place[token]
        if value is None and isinstance(last, str):
            place.pop(last, None)
        else:
            place[last] = copy.deepcopy(value)
    return made


def named(value: Any, namespace: str) -> Any:
    """The same with NS replaced."""
    if isinstance(value, str):
        return re.sub(r"\bNS\b", namespace, value)
    if isinstance(value, list):
        return [named(item, namespace) for item in value]
    if isinstance(value, dict):
        return {named(key, namespace): named(item, namespace) for key, item in value.items()}
    return value
