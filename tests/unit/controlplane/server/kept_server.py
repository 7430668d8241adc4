"""A control plane on disk in a process of its own, for tests that kill it: prints its URL, then serves until it ends."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.unit.controlplane.server.serving import made


async def main(directory: Path) -> None:
    plane = made(directory=directory)
    await plane.start()
    sys.stdout.write(f"{plane.url}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
