from __future__ import annotations

from tmc_syncer.controlplane.server.faults import Faults, FaultyRequest
from tmc_syncer.controlplane.storage.records import Record
from tmc_syncer.controlplane.storage.watch import Event

REQUEST = FaultyRequest("s", "c", "get", "", "pods", "", "ns", "n", "u", "/api")


async def test_no_faults_change_nothing() -> None:
    faults = Faults()
    await faults.before(REQUEST)
    await faults.committed(REQUEST)
    events = [Event("ADDED", Record("k", 1, b""), 1)]
    assert await faults.events(REQUEST, events) is events
    assert faults.revision(REQUEST) is None
    faults.ended(REQUEST, 200)
