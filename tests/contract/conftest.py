"""The servers of the contract suite, one of each kind for a whole test run, and a namespace of its own for each test.

Every test asks for `server` and so runs once on each kind that is offered: ``kube`` and ``kcp`` always (skipped where there is none; see
TMC_REQUIRE in tests/conftest.py), ``embedded`` as soon as the control plane can be put together. What a kind of server
lacks or does differently stands in expectations.py: ``needs`` skips a test where an ability is lacking, a deviation is a strict
xfail, so that the entry has to go once the server does what the test asks for.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract import custom, expectations, servers
from tests.contract.objects import at
from tests.contract.past import Past, left_behind
from tests.contract.servers import Server
from tmc_syncer.testing.assets import find_assets
from tmc_syncer.testing.errors import AssetsMissing

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]

IS_EMBEDDED_THERE = (HERE / "embedded.py").exists() and importlib.util.find_spec(
    "tmc_syncer.controlplane.server.assembly"
) is not None
PAST: dict[str, Past] = {}
OFFERED = [*(["embedded"] if IS_EMBEDDED_THERE else []), "kube", "kcp"]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "needs(ability): skipped on servers that lack it (tests/contract/expectations.py)"
    )
    config.addinivalue_line("markers", "late: runs after the others, when a slow server has had time")


def kind_of(item: pytest.Item) -> str:
    """Return the kind of server that a case of this folder runs on, empty for any other test."""
    parameters: dict[str, object] = getattr(getattr(item, "callspec", None), "params", {})
    return str(parameters.get("server", "")) if item.path.is_relative_to(HERE) else ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: bool(kind_of(item)) and item.get_closest_marker("late") is not None)
    for item in items:
        kind = kind_of(item)
        if not kind:
            continue
        needed = {ability for marker in item.iter_markers("needs") for ability in marker.args}
        for ability in sorted(needed & expectations.LACKING.get(kind, {}).keys()):
            item.add_marker(
                pytest.mark.skip(reason=f"{kind} lacks {ability}: {expectations.LACKING[kind][ability]}")
            )
        if reason := expectations.deviation(kind, item):
            item.add_marker(pytest.mark.xfail(strict=True, reason=f"{kind}: {reason}"))


@pytest.fixture(scope="session", params=OFFERED)
def server(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    kept_processes: set[int],
) -> Iterator[Server]:
    """The server under test, with the custom types of custom.py."""
    kind: str = request.param
    directory = tmp_path_factory.mktemp(kind)
    failed_before = request.session.testsfailed
    with started(kind, directory) as server:
        # pytest does not call tests/conftest.py for the set-up of session fixtures, so the processes are named here.
        kept_processes.update(server.pids())
        if "compaction" not in expectations.LACKING[kind]:
            PAST[server.name] = left_behind(server)
        custom.install(server, *custom.shared_definitions())
        yield server
    if request.session.testsfailed > failed_before:
        keep_logs(directory, kind)


def started(kind: str, directory: Path) -> contextlib.AbstractContextManager[Server]:
    """Return the server of a kind, to be started by ``with``; skips the test where it is not on this machine."""
    if kind == "embedded":
        from tests.contract.embedded import embedded  # it imports what may not exist yet

        return embedded(directory)
    if kind == "kcp":
        program = servers.find_kcp()
        if program is None:
            pytest.skip("no kcp: neither TMC_KCP nor kcp on PATH names one")
        return servers.kcp(directory, program)
    try:
        return servers.kube(directory, find_assets(start=REPOSITORY))
    except AssetsMissing as error:
        pytest.skip(str(error))


def keep_logs(directory: Path, kind: str) -> None:
    """Copy the servers' logs to where those of tests/real go."""
    stamp = dt.datetime.now(dt.UTC).strftime("%Y%m%d-%H%M%S")
    target = REPOSITORY / ".testbed" / "logs" / f"{stamp}-contract-{kind}"
    for log in directory.rglob("*.log"):
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(log, target / log.name)


@pytest.fixture
def namespace(server: Server) -> str:
    """A namespace that only this test knows."""
    return server.create_namespace()


@pytest.fixture
def past(server: Server) -> Past:
    """A state that the server was told to forget when it began."""
    return PAST[server.name]


@pytest.fixture
def maps(namespace: str) -> str:
    """The path of the ConfigMaps in the test's namespace."""
    return at("configmaps", namespace)


@pytest.fixture
def widgets(namespace: str) -> str:
    """The path of the Widgets in the test's namespace."""
    return at("widgets", namespace)
