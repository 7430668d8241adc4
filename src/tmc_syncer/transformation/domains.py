"""Which label and annotation names belong to the control plane and never cross it.

Everything in the domain ``kcp.io`` and below it is spoken between the control plane and its syncers: state
labels, locators, ``kcp.io/cluster``, claim labels, our own marks. A user's value under such a name stays on
its side: going down it would spoof a mark of ours, going up it would be taken for an order. The whole domain
and not a list of names, since a later kcp has more of them. Two names of others belong here too, because they
describe the upstream object and not its copy. Pure.
"""

from __future__ import annotations

from typing import Final

from tmc_syncer.api.names import LAST_APPLIED

__all__ = ["belongs_to_user", "of_user"]

_DOMAIN: Final = "kcp.io"
_SUFFIX: Final = "kcp.io/"


def belongs_to_user(name: str) -> bool:
    """Whether a label or annotation of this name crosses between upstream and downstream."""
    if _SUFFIX not in name:
        return name != LAST_APPLIED
    domain = name.partition("/")[0]
    return domain != _DOMAIN and not domain.endswith("." + _DOMAIN)


def of_user(entries: dict[str, str] | None) -> dict[str, str]:
    """The entries of a label or annotation map that cross, as a new map."""
    return {name: value for name, value in entries.items() if belongs_to_user(name)} if entries else {}
