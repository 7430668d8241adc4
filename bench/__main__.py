"""`python -m bench [--objects N …] [--json FILE] [--keep]`: run and print; exit 1 when a floor is missed.

Floors (below them the product is not good enough to be called done): a cold start of 0.4 of the ceiling, 3 ms of
CPU per object, no write at a restart.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.run import run

FLOOR_RATIO = 0.4
FLOOR_CPU_US = 3000


def main() -> int:
    """Run for each number of objects; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--objects", type=int, nargs="+", default=[1000, 5000])
    parser.add_argument("--json", type=Path, default=Path(".run/bench.json"))
    options = parser.parse_args()
    results = []
    for count in options.objects:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            print(f"{count} objects …", file=sys.stderr, flush=True)
            results.append(run(Path(folder), count))
    document = {"python": platform.python_version(), "machine": platform.machine(), "runs": results}
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(document, indent=2) + "\n")
    for result in results:
        _print(result)
    print(f"\nwritten to {options.json}")
    return 1 if any(_misses(result) for result in results) else 0


def _print(result: dict[str, Any]) -> None:
    cold, agent, restart = result["cold_start"], result["agent"], result["restart"]
    pair = result["create_and_first_change"]
    rows = [
        ("load average before", result["load_average_before"]),
        ("raw writes per second", result["ceilings_per_second"]),
        ("cold start, objects/s", f"{cold['objects_per_second']} of {cold['ceiling_objects_per_second']}"),
        ("cold start, ratio of the ceiling", f"{cold['ratio']} (floor {FLOOR_RATIO})"),
        ("writes per object", cold["writes_per_object"]),
        ("agent CPU of a start without objects, ms", agent["start_cpu_ms"]),
        ("agent CPU per object, µs", f"{agent['cpu_us_per_object']} (floor {FLOOR_CPU_US})"),
        ("agent memory, MB; bytes per object", f"{agent['memory_mb']}; {agent['bytes_per_object']}"),
        ("create → copy", f"{result['create_to_copy']['synced']} raw {result['create_to_copy']['raw']}"),
        ("status up", f"{result['status_up']['synced']} raw {result['status_up']['raw']}"),
        ("restart, s; writes", f"{restart['seconds']}; {restart['writes']}"),
        (
            "create + first change, objects/s",
            f"apply {pair['apply_per_second']}, POST and hand over {pair['post_and_hand_over_per_second']}",
        ),
    ]
    print(f"\n{result['objects']} objects")
    for name, value in rows:
        print(f"  {name:40} {value}")


def _misses(result: dict[str, Any]) -> bool:
    return bool(
        result["cold_start"]["ratio"] < FLOOR_RATIO
        or result["agent"]["cpu_us_per_object"] > FLOOR_CPU_US
        or result["restart"]["writes"]
    )


if __name__ == "__main__":
    sys.exit(main())
