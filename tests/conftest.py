"""What holds for every test: tiers, hypothesis profiles, nothing left behind, one closing line.

A test belongs to the tier of its folder and gets that tier's marker by itself. A test whose parameter `server` is `kube`
or `kcp` also gets `real` or `kcp`, so `-m "not real and not kcp"` is everything that needs Python only.
`TMC_REQUIRE=kube` (or `kcp`, or both with a comma) makes a skip in that tier a failure.

A test fails when it leaves an asyncio task, a thread or a child process behind. What a fixture of a wider scope than one
test starts while it is set up is exempt; a process that such a fixture's object starts later (a server that a test
restarts) is exempt while its id stands in the set that the fixture `kept_processes` returns.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# A synchronous test before the first asynchronous one would leave pytest-asyncio an event loop that nobody closes.
asyncio.set_event_loop(None)

TESTS = Path(__file__).parent
REPOSITORY = TESTS.parent

MARKER_OF_FOLDER = {
    "layout": "unit",
    "unit": "unit",
    "models": "model",
    "contract": "contract",
    "sim": "sim",
    "faults": "fault",
    "real": "real",
    "browser": "browser",
    "bench": "bench",
}
MARKER_OF_SERVER = {"kube": "real", "kcp": "kcp"}
COLUMN_OF_MARKER = {
    "unit": "unit",
    "model": "model",
    "contract": "contract",
    "sim": "sim",
    "fault": "faults",
    "real": "real",
}

GRACE_SECONDS = 2.0
"""How long a thread or process that is already ending may take: joining happens just after a test's last statement."""

hypothesis.settings.register_profile("dev", max_examples=50, deadline=None, print_blob=True)
hypothesis.settings.register_profile("ci", max_examples=100, deadline=None, print_blob=True)
hypothesis.settings.register_profile("soak", max_examples=2000, deadline=None, print_blob=True)
hypothesis.settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev")
)


# Tiers


def folder_of(path: Path) -> str:
    """Return the name of the folder directly below tests/ that holds the file, empty when it is elsewhere."""
    return path.relative_to(TESTS).parts[0] if path.is_relative_to(TESTS) else ""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        marker = MARKER_OF_FOLDER.get(folder_of(item.path))
        if marker and item.get_closest_marker(marker) is None:
            item.add_marker(marker)
        parameters: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
        server = parameters.get("server")
        if isinstance(server, str) and server in MARKER_OF_SERVER:
            item.add_marker(MARKER_OF_SERVER[server])


def missing_requirement(item: pytest.Item) -> str:
    """Return which of the required servers this test needs, empty when it may be skipped; kcp tests need more than kube."""
    required = os.environ.get("TMC_REQUIRE", "").replace(",", " ").split()
    needed = "kcp" if item.get_closest_marker("kcp") else "kube" if item.get_closest_marker("real") else ""
    return needed if needed in required else ""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and (required := missing_requirement(item)):
        report.outcome = "failed"
        report.longrepr = f"TMC_REQUIRE={required}, but this was skipped: {report.longrepr}"
    return report


# Nothing left behind

left_tasks: list[str] = []
exempt_threads: set[int] = set()
exempt_processes: set[int] = set()
before_test: dict[str, tuple[set[int], set[int]]] = {}

close_runner = asyncio.Runner.close


def close_and_remember(self: asyncio.Runner) -> None:
    """Note the tasks that closing an event loop would cancel silently, then close it."""
    loop: asyncio.AbstractEventLoop | None = getattr(self, "_loop", None)
    if loop is not None and not loop.is_closed():
        left_tasks.extend(f"task {task.get_name()} {task.get_coro()}" for task in asyncio.all_tasks(loop))
    close_runner(self)


asyncio.Runner.close = close_and_remember  # type: ignore[method-assign]


def child_processes() -> set[int]:
    """Return the ids of this process's children that still run; on a system without /proc none are seen."""
    children: set[int] = set()
    for listing in Path("/proc/self/task").glob("*/children"):
        try:
            children.update(int(word) for word in listing.read_text().split())
        except OSError:  # the thread ended meanwhile
            continue
    return {child for child in children if is_running(child)}


def is_running(process: int) -> bool:
    """Return whether the process exists and is no zombie; Python's own resource tracker does not count."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        command = Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return False
    return state != "Z" and b"multiprocessing.resource_tracker" not in command


def thread_ids() -> set[int]:
    return {id(thread) for thread in threading.enumerate()}


def leftovers(threads: set[int], processes: set[int]) -> list[str]:
    """Return what is there now and was not then, in words."""
    new_threads = [
        f"thread {thread.name}"
        for thread in threading.enumerate()
        if id(thread) not in threads | exempt_threads
    ]
    new_processes = [f"process {child}" for child in sorted(child_processes() - processes - exempt_processes)]
    return new_threads + new_processes


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
    if fixturedef.scope == "function":
        return (yield)
    threads, processes = thread_ids(), child_processes()
    try:
        return (yield)
    finally:
        exempt_threads.update(thread_ids() - threads)
        exempt_processes.update(child_processes() - processes)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    left_tasks.clear()
    before_test[item.nodeid] = thread_ids(), child_processes()
    yield


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    yield
    threads, processes = before_test.pop(item.nodeid)
    deadline = time.monotonic() + GRACE_SECONDS
    while (found := leftovers(threads, processes)) and time.monotonic() < deadline:
        time.sleep(0.01)
    found = left_tasks + found
    left_tasks.clear()
    if found:
        pytest.fail("the test left something running: " + "; ".join(found), pytrace=False)


@pytest.fixture(scope="session")
def kept_processes() -> set[int]:
    """Ids of processes that may outlive the test that started them; whoever adds one stops it."""
    return exempt_processes


# The command


@pytest.fixture(scope="session")
def tmc_command() -> Path:
    """Path of the installed `tmc` of the environment that runs the tests (an editable one, or the wheel in CI)."""
    command = Path(sys.executable).with_name("tmc")
    assert command.exists(), f"{command} is missing: make env"
    return command


# The closing line


def counted(terminalreporter: Any) -> dict[str, int]:
    """Return how many tests of each tier ran, and how many were skipped."""
    counts = dict.fromkeys([*COLUMN_OF_MARKER.values(), "skipped"], 0)
    seen: set[str] = set()
    for outcome in ("passed", "failed", "error", "xfailed", "xpassed", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            nodeid = getattr(report, "nodeid", "")
            if "::" not in nodeid or nodeid in seen:
                continue
            seen.add(nodeid)
            parts = Path(nodeid.partition("::")[0]).parts
            marker = MARKER_OF_FOLDER.get(parts[1], "") if parts[0] == TESTS.name and len(parts) > 1 else ""
            column = "skipped" if outcome == "skipped" else COLUMN_OF_MARKER.get(marker)
            if column:
                counts[column] += 1
    return counts


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: Any) -> Generator[None, None, None]:
    """Close the run with one line; TMC_RAN_FILE adds up the parts of a run in several pytest processes."""
    yield
    counts = counted(terminalreporter)
    if (name := os.environ.get("TMC_RAN_FILE")) and "PYTEST_XDIST_WORKER" not in os.environ:
        ledger = REPOSITORY / name
        before = json.loads(ledger.read_text()) if ledger.exists() else {}
        counts = {column: number + before.get(column, 0) for column, number in counts.items()}
        ledger.parent.mkdir(exist_ok=True)
        ledger.write_text(json.dumps(counts))
    terminalreporter.write_line(
        "ran: " + ", ".join(f"{column} {number}" for column, number in counts.items())
    )
