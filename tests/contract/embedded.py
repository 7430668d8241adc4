"""The product's control plane as a server under test: `embedded` starts it in a process of its own.

It is put together as a physical cluster without nodes, whose workload controllers and scheduler are switched off: what
is left (namespaces end, garbage is collected, accounts exist) is what the test bed's kube-apiserver has too. The
process is this module run as a program: it prints one line of JSON once it serves, answers each line ``compact`` on its
input with ``done``, and ends with its input. What goes wrong inside is in its log.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import secrets
import select
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

from tests.contract.servers import LIMITED, Server
from tmc_syncer.controlplane.auth.users import MASTERS, User
from tmc_syncer.controlplane.cluster.assembly import Options, SimulatedCluster
from tmc_syncer.controlplane.cluster.runtime.served import served_resources
from tmc_syncer.controlplane.server.assembly import ControlPlane, Settings
from tmc_syncer.engine.env import SystemClock

REPOSITORY = Path(__file__).parents[2]

PARTS = frozenset({"accounts", "claim-protection", "garbage", "kubelet", "namespaces"})
"""The kubelet has no nodes here, but it brings the eviction of pods with it."""

START_SECONDS = 30.0
"""Far more than a start takes on a busy machine."""

STOP_SECONDS = 10.0


@contextlib.contextmanager
def embedded(directory: Path) -> Iterator[Server]:
    """Run the embedded control plane."""
    with (
        (directory / "embedded.log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-m", "tests.contract.embedded"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        ) as process,
    ):
        try:
            facts = json.loads(_line(process))
            server = Server(
                "embedded",
                facts["url"],
                ca_pem=facts["ca"].encode(),
                admin_token=facts["admin"],
                limited_token=facts["limited"],
                compact=lambda: _compact(process),
                pids=lambda: {process.pid},
            )
            with contextlib.closing(server):
                yield server
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def _line(process: subprocess.Popen[bytes]) -> str:
    """Read a line of the program; fails when it has none for too long."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], START_SECONDS)
    line = process.stdout.readline() if ready else b""
    assert line, "the embedded control plane did not start: see embedded.log"
    return line.decode()


def _compact(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.write(b"compact\n")
    process.stdin.flush()
    assert _line(process).strip() == "done"


# The program


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def serve() -> None:
    """Serve until the input ends."""
    clock = SystemClock()
    tokens = {"admin": secrets.token_urlsafe(), LIMITED: secrets.token_urlsafe()}
    users = {
        tokens["admin"]: User("admin", groups=(MASTERS,)),
        tokens[LIMITED]: User(LIMITED, groups=()),
    }
    plane = ControlPlane(
        Settings("embedded", tokens=users),
        clock,
        random.SystemRandom(),
        report=lambda error, what: traceback.print_exception(error),
    )
    cluster = plane.settings.cluster
    upkeep = SimulatedCluster(
        plane.local(manager="upkeep"),
        clock,
        random.SystemRandom(),
        types=lambda: served_resources(plane.registry.all(cluster)),
        options=Options(nodes=0, parts=PARTS),
        report=lambda failure: traceback.print_exception(failure.error),
    )
    assert upkeep.streams is not None
    upkeep.streams.register(plane.extensions)
    await plane.start()
    facts = {
        "url": plane.url,
        "ca": plane.auth.keyring.authority.certificate_pem.decode(),
        **tokens,
    }
    work = asyncio.create_task(upkeep.run())
    try:
        _say(json.dumps(facts))
        while (line := await asyncio.to_thread(sys.stdin.readline)) != "":
            assert line == "compact\n"
            plane.store.compact(plane.store.revision)
            _say("done")
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        await plane.stop()


if __name__ == "__main__":
    asyncio.run(serve())
