"""`tmc syncer`: the agent, from flags, environment and ``--config`` to its exit code.

The flags become an `AgentConfig`, which checks them; then the agent runs on this process's event loop. SIGTERM
and SIGINT ask it to stop within its grace, a second one to stop at once.
"""

from __future__ import annotations

import asyncio
import dataclasses
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Group, Parameter

from tmc_syncer.agent.config import AgentConfig, LogFormat, LogLevel, Mode
from tmc_syncer.api.errors import UsageError
from tmc_syncer.api.resources import GVR, parse_resource_argument
from tmc_syncer.api.selectors import parse_selector
from tmc_syncer.api.synctarget_spec import Assignment
from tmc_syncer.cli.config_file import read_config_file

__all__ = ["SyncerFlags", "agent_config", "syncer"]

_NOT_IN_FILE = frozenset({"config"})
_UP, _DOWN, _WHAT, _HOW = map(
    Group.create_ordered, ("Upstream", "Downstream", "What is synced", "How the agent runs")
)


def _flag(group: Group, text: str, **more: Any) -> Parameter:
    return Parameter(group=group, help=text, **more)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class SyncerFlags:
    """The flags; None where nothing was given. The same names are the keys of a configuration file."""

    target: Annotated[
        str | None, _flag(_UP, "Name of the SyncTarget that stands for the physical cluster.")
    ] = None
    from_kubeconfig: Annotated[str | None, _flag(_UP, "Kubeconfig of the upstream.")] = None
    from_context: Annotated[str | None, _flag(_UP, "Context in that kubeconfig.")] = None
    mode: Annotated[
        Literal["kubernetes", "workspace"] | None,
        _flag(_UP, "A plain API server, or a workspace of kcp; workspace is the default with --workspace."),
    ] = None
    workspace: Annotated[str | None, _flag(_UP, "Path of the workspace, for example root:team-a.")] = None
    cluster_name: Annotated[
        str | None, _flag(_UP, "Name of the upstream in kubernetes mode; by default made from its uid.")
    ] = None
    install: Annotated[
        bool | None,
        _flag(_UP, "Install the SyncTarget type and the SyncTarget when they are missing (default)."),
    ] = None

    to_kubeconfig: Annotated[str | None, _flag(_DOWN, "Kubeconfig of the physical cluster.")] = None
    to_context: Annotated[str | None, _flag(_DOWN, "Context in that kubeconfig.")] = None

    resources: Annotated[
        tuple[str, ...] | None,
        _flag(
            _WHAT,
            "Types, plural[.version].group, with commas or repeated; by default deployments.apps, pods, services, "
            "configmaps, secrets.",
            negative=(),
        ),
    ] = None
    selector: Annotated[str | None, _flag(_WHAT, "Only objects with these labels.")] = None
    namespace_selector: Annotated[
        str | None, _flag(_WHAT, "Only objects in namespaces with these labels.")
    ] = None
    assignment: Annotated[
        Literal["All", "Namespaced", "Labelled"] | None,
        _flag(_WHAT, "All, or only what carries the state label: its namespace, or itself (default All)."),
    ] = None
    allow_two_writers: Annotated[
        tuple[str, ...] | None,
        _flag(_WHAT, "Types whose status upstream is also written by a controller there.", negative=()),
    ] = None

    field_manager: Annotated[str | None, _flag(_HOW, "Field manager of all writes (default syncer).")] = None
    workers: Annotated[
        int | None, _flag(_HOW, "Most writes in flight, 1 to 64 (default 64; adaptive below).")
    ] = None
    qps: Annotated[float | None, _flag(_HOW, "Requests per second for each side (default 0: no limit).")] = (
        None
    )
    burst: Annotated[int | None, _flag(_HOW, "Requests that may exceed --qps for a moment.")] = None
    admin_address: Annotated[
        str | None,
        _flag(_HOW, "Where /healthz, /readyz, /statusz, /metrics listen (default 127.0.0.1:8085; '' off)."),
    ] = None
    log_format: Annotated[
        Literal["auto", "json", "console"] | None,
        _flag(_HOW, "Default auto: console on a terminal, else json."),
    ] = None
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"] | None, _flag(_HOW, "Default info.")
    ] = None
    config: Annotated[Path | None, _flag(_HOW, "File with these settings, YAML or TOML.")] = None
    tune: Annotated[tuple[str, ...] | None, Parameter(show=False, negative=())] = None


_NO_FLAGS = SyncerFlags()


def syncer(*, flags: SyncerFlags = _NO_FLAGS) -> int:
    """Keep objects of an upstream running on a physical cluster, and bring their status back.

    Runs until it is stopped. The SyncTarget is created from the flags when it is missing; an existing one rules.
    """
    config = agent_config(flags)
    from tmc_syncer.cli.connection import run_async

    return run_async(_run(config))


def agent_config(flags: SyncerFlags) -> AgentConfig:
    """The settings that flags and file give together. Raises `UsageError`."""
    if flags.config is not None:
        of_file = read_config_file(flags.config, SyncerFlags, _NOT_IN_FILE)
        given = {name: value for name, value in _fields(flags).items() if value is not None}
        flags = dataclasses.replace(of_file, **given)
    values = {name: value for name, value in _fields(flags).items() if value is not None}
    values.pop("config", None)
    tunables = _tunables(values.pop("tune", ()))
    for name in ("resources", "allow_two_writers"):
        if name in values:
            values[name] = _types(values[name])
    for name in ("selector", "namespace_selector"):
        if name in values:
            values[name] = parse_selector(values[name])
    for name, kind in (
        ("mode", Mode),
        ("assignment", Assignment),
        ("log_format", LogFormat),
        ("log_level", LogLevel),
    ):
        if name in values:
            values[name] = kind(values[name])
    return AgentConfig(**{"target": "", **values, **tunables})


async def _run(config: AgentConfig) -> int:
    from tmc_syncer.agent.agent import run_agent
    from tmc_syncer.engine.env import real_env

    stop, stop_now = asyncio.Event(), asyncio.Event()

    def asked_to_stop() -> None:
        (stop_now if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked_to_stop)
    return await run_agent(config, real_env(), stop=stop, stop_now=stop_now)


def _fields(flags: SyncerFlags) -> dict[str, Any]:
    return {field.name: getattr(flags, field.name) for field in dataclasses.fields(flags)}


def _types(texts: tuple[str, ...]) -> tuple[GVR, ...]:
    return tuple(parse_resource_argument(part) for text in texts for part in text.split(",") if part.strip())


def _tunables(pairs: tuple[str, ...]) -> dict[str, float]:
    """``name=seconds`` for the settings without a flag: for tests and emergencies."""
    known = [
        field.name
        for field in dataclasses.fields(AgentConfig)
        if field.type == "float" and field.name != "qps"
    ]
    found: dict[str, float] = {}
    for pair in pairs:
        name, _, text = pair.partition("=")
        if name not in known:
            raise UsageError(f"--tune knows no {name[:40]!r}.", hint=f"Known are {', '.join(known)}.")
        try:
            found[name] = float(text)
        except ValueError as error:
            raise UsageError(
                f"--tune {name}: {text[:40]!r} is no number of seconds.", hint="Give a number."
            ) from error
    return found
