"""Which logical clusters a server has, and by which names paths may call them.

A *workspace host* has many, each with a name (its identity, in every key and in ``kcp.io/cluster``) and a path
(``root:team-a``); a physical cluster has one, and no ``/clusters/…`` paths at all. ``*`` stands for all of them, for lists and watches.
"""

from __future__ import annotations

__all__ = ["WILDCARD", "Clusters"]

WILDCARD = "*"


class Clusters:
    """See the module. `default` is the cluster of plain paths; `many` allows ``/clusters/…``."""

    def __init__(self, default: str, *, many: bool = False) -> None:
        self.default = default
        self.many = many
        self._names: dict[str, str] = {default: default}

    def add(self, name: str, path: str = "") -> None:
        """A logical cluster, with the path that it is also called by."""
        self._names[name] = name
        if path:
            self._names[path] = name

    def remove(self, name: str) -> None:
        """A logical cluster is gone; what its store holds is the affair of whoever removes it."""
        for key in [key for key, value in self._names.items() if value == name]:
            del self._names[key]

    def resolve(self, text: str | None) -> str | None:
        """The name of the cluster that a path says (None: a plain path), or None for an unknown one."""
        if text is None:
            return self.default
        if not self.many:
            return None
        return WILDCARD if text == WILDCARD else self._names.get(text)

    @property
    def names(self) -> frozenset[str]:
        """The names of all clusters."""
        return frozenset(self._names.values())
