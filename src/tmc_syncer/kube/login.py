"""The login child process: ``python -m tmc_syncer.kube.login`` prints credentials as JSON and ends.

Exec plugins (client.authentication.k8s.io) and OIDC are done by the official client, `kubernetes.aio.config`,
which costs 0.7 s and tens of megabytes to import: therefore in a process of its own that lives for one login.
Input is one JSON line on stdin (`Ask`): nothing secret stands in an argument list. Output is one JSON object on
stdout (`Answer`), also for a failure; the exit code is 0 or 1. Called by `kube.credentials` only.

What the official client leaves out of exec plugins: ``provideClusterInfo`` and interactive plugins.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

__all__ = ["Answer", "Ask", "answer_of_plugin", "main", "resolved"]


class Ask(msgspec.Struct):
    """Which user of which kubeconfig files is to be logged in (by context)."""

    kubeconfigs: list[str]
    context: str


class Answer(msgspec.Struct, omit_defaults=True):
    """What the login gave: a token, or a certificate with its key (PEM), and until when; or `error`."""

    token: str = ""
    certificate: str = ""
    key: str = ""
    expires: str = ""  # RFC 3339
    error: str = ""


async def _log_in(ask: Ask) -> Answer:
    # The official package is not typed; these are its classes, taken here so that importing this module is cheap.
    config: Any = importlib.import_module("kubernetes.aio.config.kube_config")
    client: Any = importlib.import_module("kubernetes.aio.client")
    merger = config.KubeConfigMerger(os.pathsep.join(ask.kubeconfigs))

    def persist(_: object) -> None:
        # OIDC providers may change the refresh token with every use: without this the next login fails. A
        # read-only kubeconfig is no reason to refuse the token that we have in hand.
        with suppress(OSError):
            merger.save_changes()

    loader = config.KubeConfigLoader(
        config_dict=merger.config,
        active_context=ask.context,
        config_base_path=None,
        config_persister=persist,
    )
    user = loader._user  # noqa: SLF001  # the loader logs a plugin's failure and goes on; ExecProvider raises it
    if user is not None and "exec" in user.value:
        base = Path(user.path or ".").parent
        plugin = config.ConfigNode("exec", resolved(user.value["exec"], base))
        return answer_of_plugin(await config.ExecProvider(plugin).run())
    configuration = client.Configuration()
    await loader.load_and_set(configuration)
    token = str(configuration.api_key.get("BearerToken", ""))
    return Answer(token=token.removeprefix("Bearer "))


def resolved(plugin: dict[str, Any], base: Path) -> dict[str, Any]:
    """The plugin's section with a command relative to the kubeconfig's folder, as client-go resolves it."""
    command = str(plugin.get("command", ""))
    if os.sep in command and not Path(command).is_absolute():
        return plugin | {"command": str((base / command).resolve())}
    return plugin


def answer_of_plugin(status: dict[str, Any]) -> Answer:
    """The answer for the ``status`` of a plugin's ExecCredential."""
    answer = Answer(
        token=str(status.get("token") or ""),
        certificate=str(status.get("clientCertificateData") or ""),
        key=str(status.get("clientKeyData") or ""),
        expires=str(status.get("expirationTimestamp") or ""),
    )
    if bool(answer.certificate) != bool(answer.key):
        return Answer(error="the plugin gave a client certificate or a key without the other")
    if not answer.token and not answer.certificate:
        return Answer(error="the plugin gave neither a token nor a client certificate")
    return answer


def main() -> int:
    """Log in as stdin asks, print the `Answer`, return the exit code."""
    logging.disable(logging.CRITICAL)  # the answer carries the error; libraries may log what they send
    try:
        ask = msgspec.json.decode(sys.stdin.buffer.readline(), type=Ask)
        # A plugin that reads stdin must not wait for ours.
        with Path(os.devnull).open("rb") as nothing:
            os.dup2(nothing.fileno(), 0)
        answer = asyncio.run(_log_in(ask))
    except Exception as error:  # noqa: BLE001  # whatever a plugin or the client raises is the answer
        answer = Answer(error=f"{type(error).__name__}: {error}")
    sys.stdout.buffer.write(msgspec.json.encode(answer))
    sys.stdout.buffer.flush()
    return 1 if answer.error else 0


if __name__ == "__main__":
    sys.exit(main())
