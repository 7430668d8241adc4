"""Real servers for the tests of this folder: one set per test run, fresh ones for tests that stop or restore them.

`upstream` and `downstream` are shared by all tests: a test works in namespaces of its own, deletes nothing that it did not make,
and neither stops nor restores a server. `fresh_upstream` and `fresh_downstream` belong to one test, which may do all that;
they cost some seconds each. Together in one test they start at the same time (ask for `fresh_pair`).

Without the programs the tests are skipped, or fail where `TMC_REQUIRE` names `kube` (tests/conftest.py sees to that). When a test
fails, the servers' logs are copied to `.testbed/logs/<time>` and the report names the folder.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.real.custom_types import CUSTOM_TYPES, install_custom_types
from tests.real.scene import ALL_TYPES, OWN_AGENT, Scene
from tests.real.trouble import Servers
from tmc_syncer.testing.agent import AgentProcess
from tmc_syncer.testing.assets import Assets
from tmc_syncer.testing.cluster import ControlPlane, PhysicalCluster, find_assets, running
from tmc_syncer.testing.errors import AssetsMissing

REPOSITORY = Path(__file__).parents[2]
KEPT_LOGS = 20
ALIVE: pytest.StashKey[list[ControlPlane]] = pytest.StashKey()


@pytest.fixture(scope="session")
def assets() -> Assets:
    """The programs; skips the test without them."""
    try:
        return find_assets(start=REPOSITORY)
    except AssetsMissing as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def shared_pair(
    assets: Assets,
    tmp_path_factory: pytest.TempPathFactory,
    kept_processes: set[int],
    request: pytest.FixtureRequest,
) -> Iterator[tuple[ControlPlane, PhysicalCluster]]:
    """The servers of the run, both at once."""
    for pair in running_pair(assets, tmp_path_factory.mktemp("shared"), request):
        # pytest does not call tests/conftest.py for the set-up of session fixtures, so the processes are named here.
        kept_processes.update(server.pid for cluster in pair for server in cluster.servers() if server.pid)
        yield pair


@pytest.fixture(scope="session")
def upstream(shared_pair: tuple[ControlPlane, PhysicalCluster]) -> ControlPlane:
    """The control plane of the run."""
    return shared_pair[0]


@pytest.fixture(scope="session")
def downstream(shared_pair: tuple[ControlPlane, PhysicalCluster]) -> PhysicalCluster:
    """The physical cluster of the run."""
    return shared_pair[1]


@pytest.fixture
def fresh_upstream(assets: Assets, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[ControlPlane]:
    """A control plane for this test alone."""
    cluster = ControlPlane(tmp_path / "upstream", assets=assets)
    with remembered(request, cluster), running(cluster):
        yield cluster


@pytest.fixture
def fresh_downstream(
    assets: Assets, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[PhysicalCluster]:
    """A physical cluster for this test alone."""
    cluster = PhysicalCluster(tmp_path / "downstream", assets=assets)
    with remembered(request, cluster), running(cluster):
        yield cluster


@pytest.fixture
def fresh_pair(
    assets: Assets, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[tuple[ControlPlane, PhysicalCluster]]:
    """A control plane and a physical cluster for this test alone."""
    yield from running_pair(assets, tmp_path, request)


def running_pair(
    assets: Assets, directory: Path, request: pytest.FixtureRequest
) -> Iterator[tuple[ControlPlane, PhysicalCluster]]:
    upstream = ControlPlane(directory / "upstream", assets=assets)
    downstream = PhysicalCluster(directory / "downstream", assets=assets)
    with remembered(request, upstream, downstream), running(upstream, downstream):
        yield upstream, downstream


@pytest.fixture(scope="module")
def servers(
    assets: Assets,
    tmp_path_factory: pytest.TempPathFactory,
    kept_processes: set[int],
    request: pytest.FixtureRequest,
) -> Iterator[Servers]:
    """A control plane and a physical cluster for the tests of one module, which may stop and restore them."""
    for upstream, downstream in running_pair(assets, tmp_path_factory.mktemp("module"), request):
        pair = Servers(upstream, downstream, kept_processes)
        pair.keep()
        yield pair


# The agent of the run


@pytest.fixture(scope="session")
def scene(
    shared_pair: tuple[ControlPlane, PhysicalCluster],
    tmp_path_factory: pytest.TempPathFactory,
    kept_processes: set[int],
) -> Iterator[Scene]:
    """The servers of the run with one agent that syncs every built-in type that a workload needs, and two custom ones.

    It leaves namespaces with the label `OWN_AGENT` alone: they are for agents that a test starts by itself.
    """
    upstream, downstream = shared_pair
    install_custom_types(upstream, downstream)
    tune = {"namespace_deletion_delay": 1.0, "discovery_seconds": 5.0, "status_seconds": 1.0}
    agent = AgentProcess(
        tmp_path_factory.mktemp("agent"),
        upstream,
        downstream,
        types=(*ALL_TYPES, *CUSTOM_TYPES),
        flags=("--namespace-selector", f"!{OWN_AGENT}"),
        tune=tune,
    )
    agent.start()
    kept_processes.add(agent.pid or 0)
    yield Scene(upstream, downstream, agent)
    agent.stop()


# Logs of a failed test


@contextlib.contextmanager
def remembered(request: pytest.FixtureRequest, *clusters: ControlPlane) -> Iterator[None]:
    """List clusters, while they are in use, among those whose logs a failure keeps."""
    listed = request.config.stash.setdefault(ALIVE, [])
    listed.extend(clusters)
    try:
        yield
    finally:
        for cluster in clusters:
            listed.remove(cluster)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    clusters = item.config.stash.get(ALIVE, [])
    if report.failed and clusters:
        logs = REPOSITORY / ".testbed" / "logs"
        target = logs / dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%S.%f")
        for cluster in clusters:
            shutil.copytree(cluster.logs, target / cluster.directory.parent.name / cluster.name)
        report.sections.append(("server logs", f"kept in {target.relative_to(REPOSITORY)}"))
        for old in sorted(logs.iterdir())[:-KEPT_LOGS]:
            shutil.rmtree(old, ignore_errors=True)
    return report
