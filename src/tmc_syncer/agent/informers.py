"""How the agent opens its informers: one client's list and watch of one type, with the agent's settings.

It binds functions and nothing else; what an informer does is in `engine.informer`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tmc_syncer.api.objects import Record
from tmc_syncer.api.resources import ResourceInfo
from tmc_syncer.engine.env import Env
from tmc_syncer.engine.informer import Informer
from tmc_syncer.kube.client import Client

__all__ = ["Informers"]


@dataclass(frozen=True, slots=True)
class Informers:
    """Opens informers that relist every `relist_seconds`."""

    env: Env
    relist_seconds: float

    def open(
        self,
        client: Client,
        info: ResourceInfo,
        *,
        name: str,
        label_selector: str = "",
        field_selector: str = "",
        trim: Callable[[Record], Record] | None = None,
        seen_version: str = "",
        on_regression: Callable[[str, str], None] | None = None,
    ) -> Informer:
        """An informer over one type of one server; see `Informer` for `trim`, `seen_version` and `on_regression`."""
        return Informer(
            name=name,
            list_page=partial(
                client.list_page, info, label_selector=label_selector, field_selector=field_selector
            ),
            watch=partial(client.watch, info, label_selector=label_selector, field_selector=field_selector),
            env=self.env,
            relist_seconds=self.relist_seconds,
            trim=trim,
            seen_version=seen_version,
            on_regression=on_regression,
        )
