from __future__ import annotations

import pytest

from tmc_syncer.controlplane.server.paths import Target, parse, split_cluster


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/api/v1/pods", Target("", "v1", "", "pods")),
        ("/api/v1/namespaces", Target("", "v1", "", "namespaces")),
        ("/api/v1/namespaces/", Target("", "v1", "", "namespaces")),
        ("/api/v1/namespaces/shop", Target("", "v1", "", "namespaces", "shop")),
        ("/api/v1/namespaces/shop/finalize", Target("", "v1", "", "namespaces", "shop", "finalize")),
        ("/api/v1/namespaces/shop/status", Target("", "v1", "", "namespaces", "shop", "status")),
        ("/api/v1/namespaces/shop/pods", Target("", "v1", "shop", "pods")),
        ("/api/v1/namespaces/shop/pods/web/", Target("", "v1", "shop", "pods", "web")),
        ("/api/v1/namespaces/shop/pods/web/log", Target("", "v1", "shop", "pods", "web", "log")),
        (
            "/api/v1/namespaces/shop/services/web/proxy/a/b",
            Target("", "v1", "shop", "services", "web", "proxy", "a/b"),
        ),
        ("/apis/apps/v1/deployments", Target("apps", "v1", "", "deployments")),
        ("/apis/apps/v1/namespaces/shop/deployments/w", Target("apps", "v1", "shop", "deployments", "w")),
        ("/apis/apps/v1/namespaces/shop", Target("apps", "v1", "shop", "namespaces", "shop")),
        ("/api/v1/nodes/a%2Fb", Target("", "v1", "", "nodes", "a/b")),
        ("/api/v1/watch/pods", Target("", "v1", "", "pods", watch=True)),
        ("/api/v1/watch/namespaces/shop/pods/web", Target("", "v1", "shop", "pods", "web", watch=True)),
        ("/api/v1/watch", Target("", "v1", "", "watch")),
        ("/api/v1", None),
        ("/apis/apps/v1", None),
        ("/api//v1/pods", Target("", "", "", "v1", "pods")),
        ("/api/v1//pods", None),
        ("/version", None),
        ("/", None),
    ],
)
def test_a_path_addresses_a_resource(path: str, target: Target | None) -> None:
    assert parse(path) == target


@pytest.mark.parametrize(
    ("path", "cluster", "rest"),
    [
        ("/api/v1/pods", None, "/api/v1/pods"),
        ("/clusters/root:team-a/api/v1/pods", "root:team-a", "/api/v1/pods"),
        ("/clusters/root%3Ateam-a/apis", "root:team-a", "/apis"),
        ("/clusters/*/api/v1/pods", "*", "/api/v1/pods"),
        ("/clusters/root", "root", "/"),
        ("/clustersome", None, "/clustersome"),
    ],
)
def test_a_path_names_its_cluster(path: str, cluster: str | None, rest: str) -> None:
    assert split_cluster(path) == (cluster, rest)
