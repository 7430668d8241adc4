"""The commands of `tmc`, by name, each loaded when it runs; environment variables for every flag.

``TMC_`` and the flag's name in capitals (``TMC_FROM_KUBECONFIG``) stand for the flag of any command; a flag on
the command line wins over the environment, which wins over ``--config``. Flags that confirm or force something
are never taken from the environment.

What a command does and its examples stand here, so that ``tmc --help`` need not load all of them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from cyclopts import App, Group, Parameter
from cyclopts.config import Env

__all__ = ["application"]


class _Command(NamedTuple):
    """A command: its name, ``module:function`` below this package, what it does, examples without ``tmc``."""

    name: str
    where: str
    help: str
    examples: tuple[str, ...]


_GROUPS: dict[str, tuple[_Command, ...]] = {
    "Run": (
        _Command(
            "syncer",
            "syncer:syncer",
            "Keep objects of an upstream running on a physical cluster, and bring their status back.\n\n"
            "Runs until it is stopped. A SyncTarget that is missing is created from the flags; one that exists rules.",
            (
                "syncer --target edge-1 --from-kubeconfig hub.yaml --to-kubeconfig edge.yaml",
                "syncer --target edge-1 --from-context hub --to-context edge --resources deployments.apps,services",
                "syncer --config /etc/tmc/syncer.yaml",
            ),
        ),
        _Command(
            "demo",
            "demo:demo",
            "Try it: two real clusters on this machine, and an app that runs.\n\n"
            "Needs the servers of the test bed (make testbed). Ctrl-C ends it and cleans up.",
            ("demo", "demo --exit-when-ready"),
        ),
    ),
    "Look": (
        _Command(
            "status",
            "status:status",
            "Show what every target syncs, and what needs somebody.",
            ("status", "status eu-1 --kubeconfig hub.yaml", "status -o json"),
        ),
        _Command("version", "version:version", "Show the version.", ("version", "version -o json")),
    ),
    "Set up": (
        _Command(
            "crds",
            "crds:crds",
            "Print or install the types that tmc-syncer brings.\n\nInstalling again is harmless.",
            (
                "crds | kubectl apply --server-side -f -",
                "crds --install --kubeconfig hub.yaml",
                "crds --install --workspace root:tmc",
            ),
        ),
        _Command(
            "completion",
            "completion:completion",
            "Print the completion script of a shell.",
            (
                "completion bash > ~/.local/share/bash-completion/completions/tmc",
                "completion zsh > ~/.zfunc/_tmc",
            ),
        ),
    ),
}
_TARGET_COMMANDS = (
    _Command("list", "targets:list_targets", "List the targets.", ("target list", "target list -o name")),
    _Command(
        "show",
        "targets:show_target",
        "Show one target with its conditions, types and troubles.",
        ("target show eu-1", "target show eu-1 -o yaml"),
    ),
    _Command(
        "release-brake",
        "targets:release_brake",
        "Let deletions go on that the deletion brake holds.\n\n"
        "Look first at what it holds and why (target show). A brake that trips later is not released.",
        ("target release-brake eu-1",),
    ),
    _Command(
        "remove",
        "removal:remove_target",
        "Delete a target and wait until its copies are gone.\n\n"
        "With --force, for a target whose cluster never comes back: strips its finalizer and label from all objects "
        "upstream; copies that still exist stay.",
        ("target remove eu-1", "target remove eu-1 --force --yes"),
    ),
)
_ENVIRONMENT = "Flags can be set by the environment: --log-level by TMC_LOG_LEVEL."
_EPILOGUE = (
    f"{_ENVIRONMENT}\n--debug shows the traceback of a failure. Exit codes: 0 done, 1 failed, 2 wrong usage."
)


class _Environment(Env):
    """TMC_* for every flag but those that a person has to type."""

    _NEVER = frozenset({"--force", "--install", "--yes"})

    def __call__(self, app: App, commands: tuple[str, ...], arguments: Any) -> None:
        super().__call__(app, commands, arguments)
        never = self._NEVER if commands[:1] != ("syncer",) else frozenset()
        for argument in arguments:
            if never & set(argument.names) or not any(name.startswith("--") for name in argument.names):
                argument.tokens[:] = [token for token in argument.tokens if token.source != self.source]


def application(program: str) -> App:
    """The command line; calling it with tokens runs one command and returns what that returned."""
    app = App(
        name=program,
        help="Transparent multi-cluster: objects of a workspace run on physical clusters, status comes back.",
        help_epilogue=_EPILOGUE,
        help_format="plaintext",
        version_flags=[],
        default_parameter=Parameter(show_env_var=False),
        config=_Environment("TMC_", command=False),
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,
        result_action="return_value",
    )
    groups = {name: Group.create_ordered(name) for name in _GROUPS}
    app.group_commands = Group.create_ordered("Other")
    for name, commands in _GROUPS.items():
        for command in commands:
            _register(app, command, program, group=groups[name])
    target = App(name="target", help="Look at targets, and take them away.", group=groups["Look"])
    for command in _TARGET_COMMANDS:
        _register(target, command, program)
    app.command(target)
    return app


def _register(app: App, command: _Command, program: str, **more: Any) -> None:
    examples = "\n".join(f"  {program} {example}" for example in command.examples)
    app.command(
        f"tmc_syncer.cli.{command.where}",
        name=command.name,
        help=command.help,
        help_epilogue=f"Examples:\n{examples}\n\n{_ENVIRONMENT}",
        **more,
    )
