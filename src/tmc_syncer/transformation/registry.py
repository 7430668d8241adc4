"""Which transformers run for a type, and in which order.

A transformer is any object with the five members of `Transformer`; it does one thing in both directions. It is
registered by code (`Registry.register`) or by a distribution's entry point in the group `ENTRY_POINT_GROUP`,
for one type or for all (None, written ``*`` elsewhere). They run by ascending priority down and descending
up; the built-in ones have 100, 200, … 700, equal numbers run by name.

`applies` is asked for each object before `down` or `up`. These two receive a dictionary that belongs to the
run: they may change it in place and return it, or return another. They must be deterministic and must not
look at anything but their arguments; a transformer that refuses an object raises `ExclusionError`.

The registry finds no entry points by itself (that would read the disk): the agent passes them in.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol, runtime_checkable

from tmc_syncer.api.errors import UsageError
from tmc_syncer.api.objects import Meta
from tmc_syncer.api.resources import GVR
from tmc_syncer.transformation.context import Context

__all__ = ["ENTRY_POINT_GROUP", "EntryPoint", "Registry", "Transformer"]

ENTRY_POINT_GROUP = "tmc_syncer.transformers"


@runtime_checkable
class Transformer(Protocol):
    """One step of the pipeline, in both directions."""

    @property
    def name(self) -> str: ...

    @property
    def priority(self) -> int: ...

    def applies(self, gvr: GVR, meta: Meta) -> bool: ...

    def down(self, obj: dict[str, Any], ctx: Context) -> dict[str, Any]: ...

    def up(self, obj: dict[str, Any], ctx: Context) -> dict[str, Any]: ...


class EntryPoint(Protocol):
    """The part of `importlib.metadata.EntryPoint` that is used here."""

    @property
    def name(self) -> str: ...

    def load(self) -> Any: ...


class Registry:
    """A set of transformers with unique names."""

    def __init__(self, transformers: Iterable[Transformer] = ()) -> None:
        self._entries: list[tuple[GVR | None, Transformer]] = []
        self._chains: dict[GVR, tuple[Transformer, ...]] = {}
        for transformer in transformers:
            self.register(transformer)

    def register(self, transformer: Transformer, gvr: GVR | None = None) -> None:
        """Add a transformer for one type, or for all.

        Args:
            transformer: the step; its name must be free.
            gvr: the type; an empty version stands for every version. None is every type.

        Raises:
            UsageError: the name is taken, or the object is no transformer.
        """
        if not _is_transformer(transformer):
            raise UsageError(
                f"{transformer!r} is not a transformer.",
                hint="It needs name, priority, applies(gvr, meta), down(obj, ctx) and up(obj, ctx).",
            )
        if any(transformer.name == present.name for _, present in self._entries):
            raise UsageError(
                f"There is a transformer named {transformer.name!r} already.",
                hint="Give it a name of its own.",
            )
        self._entries.append((gvr, transformer))
        self._entries.sort(key=lambda entry: (entry[1].priority, entry[1].name))
        self._chains.clear()

    def load(self, entry_points: Iterable[EntryPoint]) -> None:
        """Register what entry points name: a transformer, or a class or function that makes one.

        Raises:
            UsageError: as `register`; it names the entry point.
        """
        for entry_point in entry_points:
            loaded = entry_point.load()
            transformer = loaded() if callable(loaded) else loaded
            try:
                self.register(transformer)
            except UsageError as error:
                raise UsageError(
                    f"Entry point {entry_point.name!r} of {ENTRY_POINT_GROUP}: {error.message}",
                    hint=error.hint,
                ) from error

    def for_type(self, gvr: GVR) -> tuple[Transformer, ...]:
        """The transformers of a type in the order of the way down."""
        chain = self._chains.get(gvr)
        if chain is None:
            chain = tuple(transformer for wanted, transformer in self._entries if _covers(wanted, gvr))
            self._chains[gvr] = chain  # bounded by the number of types that discovery shows
        return chain


def _is_transformer(candidate: object) -> bool:
    # A class has the members too, but is not an instance of itself.
    return isinstance(candidate, Transformer) and not isinstance(candidate, type)


def _covers(wanted: GVR | None, gvr: GVR) -> bool:
    if wanted is None:
        return True
    same_type = (wanted.group, wanted.resource) == (gvr.group, gvr.resource)
    return same_type and wanted.version in ("", gvr.version)
