"""Metrics have the documented names, count what happens, and never grow a label without bound."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tmc_syncer import __version__
from tmc_syncer.api.resources import GVR
from tmc_syncer.observability.metrics import Metrics

DEPLOYMENTS, PODS = GVR("apps", "v1", "deployments"), GVR("", "v1", "pods")


def samples(metrics: Metrics) -> dict[str, float]:
    """Return every sample of ours as `name{label=value,…}`: value."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(metrics.render().decode()):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


def test_each_event_is_counted_under_its_documented_name() -> None:
    metrics = Metrics()
    metrics.write("downstream", "apply", "created")
    metrics.write("downstream", "apply", "created")
    metrics.sync_seconds(DEPLOYMENTS, "down", 0.2)
    metrics.sync_seconds(DEPLOYMENTS, "up", 0.2)
    metrics.queue("spec", 7, 1.5)
    metrics.objects(PODS, "failed", 3)
    metrics.conflict("field", "UpstreamWins")
    metrics.drift(PODS)
    metrics.retry(PODS)
    metrics.watch_restart("upstream", "expired")
    metrics.relist("upstream", PODS)
    metrics.heartbeat(sent=True)
    metrics.heartbeat(sent=False)
    metrics.brake(True)
    found = samples(metrics)
    assert found["tmc_writes_total{result=created,side=downstream,verb=apply}"] == 2
    assert found["tmc_sync_seconds_count{direction=down,type=deployments.apps}"] == 1
    assert found["tmc_sync_seconds_count{direction=up,type=deployments.apps}"] == 1
    assert found["tmc_queue_depth{queue=spec}"] == 7
    assert found["tmc_queue_oldest_seconds{queue=spec}"] == 1.5
    assert found["tmc_objects{state=failed,type=pods}"] == 3
    assert found["tmc_conflicts_total{kind=field,policy=UpstreamWins}"] == 1
    assert found["tmc_drift_corrections_total{type=pods}"] == 1
    assert found["tmc_retries_total{type=pods}"] == 1
    assert found["tmc_watch_restarts_total{reason=expired,side=upstream}"] == 1
    assert found["tmc_relists_total{side=upstream,type=pods}"] == 1
    assert found["tmc_heartbeats_total{result=sent}"] == 1
    assert found["tmc_heartbeats_total{result=missed}"] == 1
    assert found["tmc_brake{}"] == 1
    assert any(name.startswith("tmc_build_info") and __version__ in name for name in found)


def test_the_brake_is_shown_from_the_start_and_falls_back() -> None:
    metrics = Metrics()
    assert samples(metrics)["tmc_brake{}"] == 0
    metrics.brake(True)
    metrics.brake(False)
    assert samples(metrics)["tmc_brake{}"] == 0


def test_a_value_that_is_not_foreseen_counts_as_other() -> None:
    metrics = Metrics()
    for number in range(100):
        metrics.write(f"side{number}", f"verb{number}", f"result{number}")
        metrics.conflict(f"kind{number}", f"policy{number}")
        metrics.watch_restart(f"side{number}", f"reason{number}")
        metrics.relist(f"side{number}", PODS)
    found = samples(metrics)
    assert found["tmc_writes_total{result=other,side=other,verb=other}"] == 100
    assert found["tmc_conflicts_total{kind=other,policy=other}"] == 100
    assert len([name for name in found if name.startswith(("tmc_writes_total", "tmc_relists_total"))]) == 2


def test_a_clock_that_went_back_is_no_negative_latency() -> None:
    metrics = Metrics()
    metrics.sync_seconds(PODS, "down", -3.0)
    assert samples(metrics)["tmc_sync_seconds_sum{direction=down,type=pods}"] == 0


def test_a_type_that_is_no_longer_synced_loses_its_gauges_only() -> None:
    metrics = Metrics()
    for gvr in (PODS, DEPLOYMENTS):
        metrics.objects(gvr, "synced", 3)
        metrics.objects(gvr, "failed", 1)
        metrics.retry(gvr)
    metrics.forget_type(PODS)
    found = samples(metrics)
    assert not [name for name in found if name.startswith("tmc_objects") and "type=pods" in name]
    assert found["tmc_objects{state=synced,type=deployments.apps}"] == 3
    assert found["tmc_retries_total{type=pods}"] == 1
    metrics.objects(PODS, "synced", 5)
    assert samples(metrics)["tmc_objects{state=synced,type=pods}"] == 5


@pytest.mark.parametrize("name", ["process_resident_memory_bytes", "python_gc_objects_collected"])
def test_the_process_is_measured_too(name: str) -> None:
    assert name in Metrics().render().decode()


def test_two_agents_in_one_process_do_not_share_metrics() -> None:
    first, second = Metrics(), Metrics()
    first.brake(True)
    assert samples(second)["tmc_brake{}"] == 0


def test_what_an_informer_counted_since_the_last_time_is_added() -> None:
    metrics = Metrics()
    metrics.informer("upstream", PODS, {"closed": 2}, 0)
    metrics.informer("upstream", PODS, {"closed": 3, "expired": 1, "odd": 1}, 2)
    metrics.informer("upstream", PODS, {"closed": 3, "expired": 1, "odd": 1}, 2)
    found = samples(metrics)
    assert found["tmc_watch_restarts_total{reason=closed,side=upstream}"] == 3
    assert found["tmc_watch_restarts_total{reason=expired,side=upstream}"] == 1
    assert found["tmc_watch_restarts_total{reason=other,side=upstream}"] == 1
    assert found["tmc_relists_total{side=upstream,type=pods}"] == 2


@pytest.mark.parametrize("forgotten", [True, False])
def test_an_informer_that_was_replaced_counts_from_zero(forgotten: bool) -> None:
    metrics = Metrics()
    metrics.informer("upstream", PODS, {"closed": 3}, 1)
    if forgotten:
        metrics.forget_type(PODS)
    metrics.informer("upstream", PODS, {"closed": 1}, 1)
    assert samples(metrics)["tmc_watch_restarts_total{reason=closed,side=upstream}"] == 4
