"""The servers of the contract suite, one of each kind for a whole test run, and a namespace of its own for each test.

Every test asks for `server` and so runs once on each kind that is offered: ``embedded`` always, ``kube`` and ``kcp``
where they are on this machine or TMC_REQUIRE names them (then a missing one fails each case, see tests/conftest.py).
What a kind of server lacks or does differently stands in expectations.py: ``needs`` skips a test where an ability is
lacking, a deviation is a strict xfail, so that the entry has to go once the server does what the test asks for.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract import custom, expectations, servers
from tests.contract.embedded import embedded
from tests.contract.objects import at
from tests.contract.past import Past, left_behind
from tests.contract.servers import Server

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]

KINDS = servers.offered()
PAST: dict[str, Past] = {}


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
    # Among themselves only: one kind after the other, so that each server is started once, and what is late last.
    places = [place for place, item in enumerate(items) if kind_of(item)]
    cases = sorted(
        (items[place] for place in places),
        key=lambda item: (KINDS.index(kind_of(item)), item.get_closest_marker("late") is not None),
    )
    for place, item in zip(places, cases, strict=True):
        items[place] = item
        kind = kind_of(item)
        if reason := expectations.deviation(kind, item):
            item.add_marker(pytest.mark.xfail(strict=True, reason=f"{kind}: {reason}"))


@pytest.fixture(scope="session", params=KINDS)
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
        return embedded(directory)
    if missing := servers.missing(kind):
        pytest.skip(missing)
    return servers.kube(directory) if kind == "kube" else servers.kcp(directory)


def keep_logs(directory: Path, kind: str) -> None:
    """Copy the servers' logs to where those of tests/real go."""
    stamp = dt.datetime.now(dt.UTC).strftime("%Y%m%d-%H%M%S")
    target = REPOSITORY / ".testbed" / "logs" / f"{stamp}-contract-{kind}"
    for log in directory.rglob("*.log"):
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(log, target / log.name)


@pytest.fixture(autouse=True)
def able(request: pytest.FixtureRequest) -> None:
    """Skips a test that needs what its server lacks; after the server was found, so that a missing one is said once."""
    if "server" not in request.fixturenames:
        return
    kind = request.getfixturevalue("server").name
    for marker in request.node.iter_markers("needs"):
        for ability in marker.args:
            if reason := expectations.LACKING[kind].get(ability):
                pytest.skip(f"{kind} lacks {ability}: {reason}")


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
