"""Lost races, provoked on purpose: the world changes between the agent's decision and its write.

Each request waits at a gate while the test changes what it was decided about. The server refuses it (422 or 409), and
the agent looks again at once instead of parking the object: its log names code and reason, and the next try without a wait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.real.gate import Gate
from tests.real.samples import Manifest
from tests.real.scene import OWN_AGENT, Scene, config_map
from tmc_syncer.api.resources import GVR
from tmc_syncer.testing.agent import AgentProcess
from tmc_syncer.testing.agent_writes import WriteKind
from tmc_syncer.testing.polling import eventually

THEIRS = "example.com/theirs"
WRITER = "races"


@dataclass
class Track:
    """An agent behind a gate, with one upstream namespace."""

    scene: Scene
    gate: Gate
    namespace: str

    def up(self, name: str) -> Manifest | None:
        return self.scene.upstream.get("ConfigMap", name, self.namespace)

    def down(self, name: str) -> Manifest | None:
        return self.scene.copy("ConfigMap", self.namespace, name)

    def create(self, name: str, **metadata: Any) -> None:
        manifest = config_map(self.namespace, name)
        manifest["metadata"].update(metadata)
        self.scene.upstream.create(manifest)

    def change(self, name: str, metadata: Any = None, **data: Any) -> None:
        patch = {"metadata": metadata} if metadata else {"data": data}
        self.scene.upstream.patch("ConfigMap", name, self.namespace, patch)

    def delete(self, name: str) -> None:
        self.scene.upstream.delete("ConfigMap", name, self.namespace)

    @property
    def place(self) -> str:
        found = self.scene.downstream_namespace(self.namespace)
        assert found is not None
        return found

    def synced(self, name: str, **data: str) -> bool:
        """The copy stands for the present object, with its content, and the finalizer is there."""
        up, down = self.up(name), self.down(name)
        assert up is not None
        assert down is not None
        assert self.scene.finalizers("ConfigMap", self.namespace, name)
        assert down["metadata"]["annotations"]["workload.kcp.io/source-uid"] == up["metadata"]["uid"]
        return bool(down["data"] == (data or {"colour": "green"}) == up["data"])

    def gone(self, name: str) -> bool:
        return self.up(name) is None and self.down(name) is None


@pytest.fixture(scope="module")
def track(
    scene: Scene, tmp_path_factory: pytest.TempPathFactory, kept_processes: set[int]
) -> Iterator[Track]:
    folder = tmp_path_factory.mktemp("races")
    user = f"agent-{WRITER}"
    for cluster in (scene.upstream, scene.downstream):
        cluster.add_user(user)
    with Gate(folder, scene.upstream, scene.downstream, user) as gate:
        agent = AgentProcess(
            folder,
            scene.upstream,
            scene.downstream,
            target=WRITER,
            types=(GVR("", "v1", "configmaps"),),
            flags=("--namespace-selector", f"{OWN_AGENT}={WRITER}"),
            upstream_url=gate.urls["upstream"],
            downstream_url=gate.urls["downstream"],
        )
        agent.start()
        kept_processes.add(agent.pid or 0)
        own = Scene(scene.upstream, scene.downstream, agent)
        made = Track(own, gate, own.namespace(**{OWN_AGENT: WRITER}))
        made.create("first")
        eventually(lambda: made.synced("first"))
        yield made
        agent.stop()


# Each race: what the agent is brought to write, what changes under it, what must be in the end


def finalizer_list_changed(track: Track, name: str) -> Iterator[Any]:
    yield WriteKind.ADD_FINALIZER, lambda: track.create(name)
    track.change(name, metadata={"finalizers": [THEIRS]})
    yield lambda: track.synced(name) and THEIRS in str(track.up(name))  # nobody's finalizer was lost
    track.change(name, metadata={"finalizers": [f for f in finalizers(track, name) if f != THEIRS]})


def finalizer_list_changed_at_the_end(track: Track, name: str) -> Iterator[Any]:
    track.create(name, finalizers=[THEIRS])
    eventually(lambda: track.synced(name))
    yield WriteKind.REMOVE_FINALIZER, lambda: track.delete(name)
    track.change(name, metadata={"finalizers": [f for f in finalizers(track, name) if f != THEIRS]})
    yield lambda: track.gone(name)


def deleted_before_the_finalizer(track: Track, name: str) -> Iterator[Any]:
    yield WriteKind.ADD_FINALIZER, lambda: track.create(name, finalizers=[THEIRS])
    track.delete(name)
    yield lambda: track.down(name) is None and finalizers(track, name) == [THEIRS]
    track.change(name, metadata={"finalizers": None})


def replaced_before_the_finalizer(track: Track, name: str) -> Iterator[Any]:
    yield WriteKind.ADD_FINALIZER, lambda: track.create(name)
    track.delete(name)
    track.create(name)
    yield lambda: track.synced(name)


def copy_vanished(track: Track, name: str) -> Iterator[Any]:
    track.create(name)
    eventually(lambda: track.synced(name))
    yield WriteKind.APPLY, lambda: track.change(name, colour="red")
    track.scene.downstream.delete("ConfigMap", name, track.place)
    yield lambda: track.synced(name, colour="red")


def copy_replaced_by_others(track: Track, name: str) -> Iterator[Any]:
    track.create(name)
    eventually(lambda: track.synced(name))
    yield WriteKind.APPLY, lambda: track.change(name, colour="red")
    track.scene.downstream.delete("ConfigMap", name, track.place)
    track.scene.downstream.create(config_map(track.place, name, owner="somebody"))
    yield lambda: (track.down(name) or {})["data"] == {"owner": "somebody"} and collides(track, name)
    track.scene.downstream.delete("ConfigMap", name, track.place)


def name_taken(track: Track, name: str) -> Iterator[Any]:
    yield WriteKind.CREATE, lambda: track.create(name)
    track.scene.downstream.create(config_map(track.place, name, owner="somebody"))
    yield lambda: (track.down(name) or {})["data"] == {"owner": "somebody"} and collides(track, name)
    track.scene.downstream.delete("ConfigMap", name, track.place)


def copy_changed_before_its_deletion(track: Track, name: str) -> Iterator[Any]:
    track.create(name)
    eventually(lambda: track.synced(name))
    yield WriteKind.DELETE, lambda: track.delete(name)
    track.scene.downstream.patch("ConfigMap", name, track.place, {"metadata": {"labels": {"a": "b"}}})
    yield lambda: track.gone(name)


def copy_replaced_before_its_deletion(track: Track, name: str) -> Iterator[Any]:
    track.create(name)
    eventually(lambda: track.synced(name))
    yield WriteKind.DELETE, lambda: track.delete(name)
    track.scene.downstream.delete("ConfigMap", name, track.place)
    track.scene.downstream.create(config_map(track.place, name, owner="somebody"))
    yield lambda: track.up(name) is None and (track.down(name) or {})["data"] == {"owner": "somebody"}
    track.scene.downstream.delete("ConfigMap", name, track.place)


def finalizers(track: Track, name: str) -> list[str]:
    found = track.up(name)
    assert found is not None
    return list(found["metadata"].get("finalizers", []))


def collides(track: Track, name: str) -> bool:
    lines = track.scene.agent.statusz(f"?name={track.namespace}/{name}")["objects"]
    return [(line["state"], line["reason"]) for line in lines] == [("collision", "Collision")]


RACES: dict[Callable[[Track, str], Iterator[Any]], set[int]] = {
    finalizer_list_changed: {422},
    finalizer_list_changed_at_the_end: {422},
    deleted_before_the_finalizer: {422},
    replaced_before_the_finalizer: {422},
    copy_vanished: {409},
    copy_replaced_by_others: {422, 409},
    name_taken: set(),  # a 409 that is answered by a live look in the same pass: no failure at all
    copy_changed_before_its_deletion: {409},
    copy_replaced_before_its_deletion: {409},
}


@pytest.mark.parametrize("race", RACES, ids=lambda race: race.__name__)
def test_a_lost_race_is_looked_at_again_at_once_and_ends_right(
    track: Track, race: Callable[[Track, str], Iterator[Any]]
) -> None:
    name = race.__name__.replace("_", "-")
    story = race(track, name)
    kind, begin = next(story)
    track.gate.close(kind, name)
    try:
        begin()
        eventually(lambda: track.gate.waiting, message=f"{kind} waits at the gate")
        end = next(story)  # acts, then says what must be in the end
    finally:
        track.gate.open()
    eventually(end, message="the right end")
    next(story, None)

    failures = [
        line for line in track.scene.agent.log() if line.get("event") == "failed" and line.get("name") == name
    ]
    first = [line for line in failures if line["attempts"] == 1]
    assert bool(first) == bool(RACES[race])
    for line in first:
        assert (line["code"], line["retry_in"]) == ("TMC-101", 0.0), line
        assert any(f"the server answered {status} " in line["problem"] for status in RACES[race]), line
