from __future__ import annotations

from tmc_syncer.controlplane.server.clusters import Clusters


def test_a_physical_cluster_has_no_other_paths_than_plain_ones() -> None:
    clusters = Clusters("only")
    assert clusters.resolve(None) == "only"
    assert clusters.resolve("only") is None
    assert clusters.resolve("*") is None


def test_a_workspace_host_finds_clusters_by_name_and_path() -> None:
    clusters = Clusters("root", many=True)
    clusters.add("2hsm", "root:team-a")
    clusters.add("plain")
    assert [
        clusters.resolve(text) for text in (None, "root", "2hsm", "root:team-a", "plain", "*", "gone")
    ] == [
        "root",
        "root",
        "2hsm",
        "2hsm",
        "plain",
        "*",
        None,
    ]
    assert clusters.names == {"root", "2hsm", "plain"}
    clusters.remove("2hsm")
    assert clusters.resolve("root:team-a") is None
    assert clusters.names == {"root", "plain"}
