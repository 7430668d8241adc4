"""`AgentConfig`: everything that one agent process is started with, checked before anything is contacted.

The command line (flags, environment, ``--config`` file) fills it; tests and the demo construct it directly. It
is immutable and free of secrets: kubeconfigs are named by path, never held. Values that a user may leave open
are empty here (`resources`, `assignment`, selectors): they only fill a SyncTarget that is being created, and
what *was* given is compared with an existing one (`check_against`), so "not given" has to stay visible.

The tunables at the end have no flag. They exist so that tests need not wait real minutes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from tmc_syncer.api.errors import UsageError
from tmc_syncer.api.names import DEFAULT_FIELD_MANAGER
from tmc_syncer.api.resources import GVR
from tmc_syncer.api.selectors import EVERYTHING, Selector
from tmc_syncer.api.synctarget_spec import Assignment, SupportedResource, SyncTargetSpec, label_selector

__all__ = ["DEFAULT_RESOURCES", "AgentConfig", "LogFormat", "LogLevel", "Mode"]

DEFAULT_RESOURCES = (
    GVR("apps", "", "deployments"),
    GVR("", "", "pods"),
    GVR("", "", "services"),
    GVR("", "", "configmaps"),
    GVR("", "", "secrets"),
)
"""What a new SyncTarget syncs when ``--resources`` is not given."""

_NAME_LIMIT = 63  # a target's name is the value of a label downstream
_FIELD_MANAGER_LIMIT = 128  # of the API server
_WORKERS_LIMIT = 64  # the upper end of the adaptive limit (semantics.md, Numbers)
_DNS_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_CLUSTER_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_WORKSPACE = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(:[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")


class Mode(StrEnum):
    """How the upstream is read (architecture.md, Upstream kinds)."""

    KUBERNETES = "kubernetes"
    WORKSPACE = "workspace"


class LogFormat(StrEnum):
    """JSON for machines; console for people; auto is console on a terminal."""

    AUTO = "auto"
    JSON = "json"
    CONSOLE = "console"


class LogLevel(StrEnum):
    """The least severe line that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentConfig:
    """The settings of one agent. Raises `UsageError` on construction when one cannot be used.

    `mode` None means: workspace when `workspace` is given, else kubernetes (`resolved_mode`). `workspace` '' in
    workspace mode means: the one in the kubeconfig's server address. `cluster_name` '' means: derived from the upstream's uid. `qps` 0 means no limit. `admin_address` '' means no admin endpoint.
    """

    target: str
    from_kubeconfig: str | None = None
    from_context: str | None = None
    to_kubeconfig: str | None = None
    to_context: str | None = None
    mode: Mode | None = None
    workspace: str = ""
    cluster_name: str = ""
    resources: tuple[GVR, ...] = ()
    selector: Selector = EVERYTHING
    namespace_selector: Selector = EVERYTHING
    assignment: Assignment | None = None
    field_manager: str = DEFAULT_FIELD_MANAGER
    workers: int = _WORKERS_LIMIT
    qps: float = 0.0
    burst: int = 0
    admin_address: str = "127.0.0.1:8085"
    log_format: LogFormat = LogFormat.AUTO
    log_level: LogLevel = LogLevel.INFO
    install: bool = True
    allow_two_writers: tuple[GVR, ...] = ()

    # Tunables without a flag; all in seconds.
    resync_seconds: float = 600.0
    idle_seconds: float = 150.0
    grace_seconds: float = 30.0
    namespace_deletion_delay: float = 30.0
    heartbeat_seconds: float = 10.0
    lease_seconds: float = 15.0
    discovery_seconds: float = 60.0
    status_seconds: float = 10.0

    def __post_init__(self) -> None:
        _check_target(self.target)
        _check_place(self)
        _check_numbers(self)
        _check_field_manager(self.field_manager)
        _check_types("--resources", self.resources)
        _check_types("--allow-two-writers", self.allow_two_writers)

    @property
    def resolved_mode(self) -> Mode:
        """The mode in force."""
        if self.mode is not None:
            return self.mode
        return Mode.WORKSPACE if self.workspace else Mode.KUBERNETES

    def initial_spec(self, cluster_scoped: frozenset[GVR] = frozenset()) -> SyncTargetSpec:
        """The spec of a SyncTarget that this agent creates. `cluster_scoped`: types that discovery says are so."""
        entries = tuple(
            SupportedResource(
                group=gvr.group,
                version=gvr.version,
                resource=gvr.resource,
                cluster_scoped=gvr in cluster_scoped,
            )
            for gvr in self.resources or DEFAULT_RESOURCES
        )
        return SyncTargetSpec(
            supported_api_resources=entries,
            assignment=self.assignment or Assignment.ALL,
            selector=label_selector(self.selector),
            namespace_selector=label_selector(self.namespace_selector),
        )

    def check_against(self, spec: SyncTargetSpec) -> None:
        """Compare what was given with a SyncTarget that exists; the SyncTarget rules.

        Raises `UsageError` naming the flag's value and the SyncTarget's for the first that differs. A flag that
        was not given agrees with anything; a type given without a version agrees with any version.
        """
        listed = {(e.group, e.resource): e.gvr for e in spec.supported_api_resources}
        if self.resources and not _same_types(self.resources, listed):
            given = ",".join(map(str, self.resources))
            self._differs("--resources", given, ",".join(map(str, listed.values())))
        if self.assignment is not None and self.assignment is not spec.assignment:
            self._differs("--assignment", self.assignment, spec.assignment)
        for flag, selector, standing in (
            ("--selector", self.selector, spec.selector.selector()),
            ("--namespace-selector", self.namespace_selector, spec.namespace_selector.selector()),
        ):
            if selector and set(selector.requirements) != set(standing.requirements):
                self._differs(flag, str(selector), str(standing))

    def _differs(self, flag: str, given: str, standing: str) -> None:
        raise UsageError(
            f"{flag} is '{given}', but SyncTarget {self.target} says '{standing or 'nothing'}'.",
            hint=f"The SyncTarget rules: leave out {flag}, or change the SyncTarget (kubectl edit synctarget {self.target}).",
        )


def _same_types(given: tuple[GVR, ...], listed: dict[tuple[str, str], GVR]) -> bool:
    if {(gvr.group, gvr.resource) for gvr in given} != listed.keys():
        return False
    return all(not gvr.version or gvr.version == listed[gvr.group, gvr.resource].version for gvr in given)


def _check_target(name: str) -> None:
    if not name:
        raise UsageError("No target is named.", hint="Give --target NAME (environment: TMC_TARGET).")
    if len(name) > _NAME_LIMIT:
        raise UsageError(
            f"The target name {name[:20]}… has {len(name)} characters.",
            hint=f"A target name has at most {_NAME_LIMIT}: it becomes the value of a label.",
        )
    if not _DNS_LABEL.fullmatch(name):
        raise UsageError(
            f"{name!r} is not a target name.",
            hint="Use lower-case letters, digits and '-', with a letter or digit at both ends, for example eu-1.",
        )


def _check_place(config: AgentConfig) -> None:
    mode = config.resolved_mode
    if config.workspace and not _WORKSPACE.fullmatch(config.workspace):
        raise UsageError(
            f"{config.workspace!r} is not a workspace.", hint="Write its path, for example root:team-a."
        )
    if mode is Mode.KUBERNETES and config.workspace:
        raise UsageError("--workspace does not go with --mode kubernetes.", hint="Leave one of the two out.")
    if config.cluster_name and mode is not Mode.KUBERNETES:
        raise UsageError(
            "--cluster-name goes with --mode kubernetes only.",
            hint="A workspace has a name of its own; leave --cluster-name out.",
        )
    if config.cluster_name and not _CLUSTER_NAME.fullmatch(config.cluster_name):
        raise UsageError(
            f"{config.cluster_name!r} is not a cluster name.",
            hint="Use at most 63 lower-case letters, digits and '-', with a letter or digit at both ends.",
        )
    upstream = (config.from_kubeconfig or "", config.from_context or "")
    downstream = (config.to_kubeconfig or "", config.to_context or "")
    if upstream == downstream:
        raise UsageError(
            "Upstream and downstream would be the same cluster: both come from the same kubeconfig and context.",
            hint="Give --from-kubeconfig or --from-context, and --to-kubeconfig or --to-context.",
        )


def _check_numbers(config: AgentConfig) -> None:
    if not 1 <= config.workers <= _WORKERS_LIMIT:
        raise UsageError(f"--workers is {config.workers}.", hint=f"Give a number from 1 to {_WORKERS_LIMIT}.")
    if not 0 <= config.qps < float("inf"):
        raise UsageError(f"--qps is {config.qps}.", hint="Give requests per second, or 0 for no limit.")
    if config.burst < 0 or (config.burst and not config.qps):
        raise UsageError(f"--burst is {config.burst}.", hint="Give a positive number, together with --qps.")
    for name in ("resync_seconds", "idle_seconds", "heartbeat_seconds", "lease_seconds", "discovery_seconds"):
        if not getattr(config, name) > 0:
            raise UsageError(f"{name} is {getattr(config, name)}.", hint="Give more than 0 seconds.")
    for name in ("grace_seconds", "namespace_deletion_delay", "status_seconds"):
        if not getattr(config, name) >= 0:
            raise UsageError(f"{name} is {getattr(config, name)}.", hint="Give 0 or more seconds.")


def _check_field_manager(name: str) -> None:
    if not name or len(name) > _FIELD_MANAGER_LIMIT or not name.isprintable():
        raise UsageError(
            f"{name[:20]!r} is not a field manager.",
            hint=f"Give 1 to {_FIELD_MANAGER_LIMIT} printable characters; the default is {DEFAULT_FIELD_MANAGER}.",
        )


def _check_types(flag: str, types: tuple[GVR, ...]) -> None:
    seen: set[tuple[str, str]] = set()
    for gvr in types:
        if (gvr.group, gvr.resource) in seen:
            raise UsageError(f"{flag} names {gvr.group_resource} twice.", hint="Name each type once.")
        seen.add((gvr.group, gvr.resource))
