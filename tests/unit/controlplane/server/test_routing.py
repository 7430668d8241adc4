from __future__ import annotations

import pytest

from tests.unit.controlplane.server.kinds_for_tests import CONFIGMAPS, NODES, PODS, kind_of, type_of
from tmc_syncer.controlplane.server.errors import ApiError
from tmc_syncer.controlplane.server.paths import parse
from tmc_syncer.controlplane.server.routing import check_offered, verb_of
from tmc_syncer.controlplane.types.registry import Type

NS = "/api/v1/namespaces/shop"
READ_ONLY = type_of("configmaps", "ConfigMap", verbs=("get", "list", "watch"))


@pytest.mark.parametrize(
    ("method", "path", "verb"),
    [
        ("GET", f"{NS}/pods", "list"),
        ("POST", f"{NS}/pods", "create"),
        ("DELETE", f"{NS}/pods", "deletecollection"),
        ("GET", f"{NS}/pods/web", "get"),
        ("PUT", f"{NS}/pods/web", "update"),
        ("PATCH", f"{NS}/pods/web", "patch"),
        ("DELETE", f"{NS}/pods/web", "delete"),
        ("POST", f"{NS}/pods/web/eviction", "create"),
        ("GET", f"{NS}/pods/web/log", "get"),
        ("GET", "/api/v1/watch/namespaces/shop/pods/web", "list"),
    ],
)
def test_methods_are_verbs(method: str, path: str, verb: str) -> None:
    target = parse(path)
    assert target is not None
    assert verb_of(method, target) == verb


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("HEAD", f"{NS}/pods/web"),
        ("OPTIONS", f"{NS}/pods"),
        ("PUT", f"{NS}/pods"),
        ("PATCH", f"{NS}/pods"),
        ("POST", f"{NS}/pods/web"),
        ("TRACE", f"{NS}/pods/web/log"),
    ],
)
def test_other_methods_are_not_allowed(method: str, path: str) -> None:
    target = parse(path)
    assert target is not None
    with pytest.raises(ApiError) as refused:
        verb_of(method, target)
    assert refused.value.code == 405


def offered(served: Type, verb: str, path: str, cluster: str = "c") -> int:
    target = parse(path)
    assert target is not None
    try:
        check_offered(kind_of(served), target, verb, cluster)
    except ApiError as error:
        return error.code
    return 200


@pytest.mark.parametrize(
    ("served", "verb", "path", "code"),
    [
        (PODS, "list", "/api/v1/pods", 200),
        (PODS, "create", "/api/v1/pods", 405),
        (PODS, "deletecollection", "/api/v1/pods", 405),
        (PODS, "get", "/api/v1/pods/web", 404),
        (PODS, "watch", "/api/v1/watch/pods/web", 200),
        (PODS, "get", f"{NS}/pods/web", 200),
        (PODS, "get", f"{NS}/pods/web/status", 200),
        (PODS, "patch", f"{NS}/pods/web/status", 200),
        (PODS, "delete", f"{NS}/pods/web/status", 405),
        (PODS, "create", f"{NS}/pods/web/status", 405),
        (PODS, "get", f"{NS}/pods/web/status/more", 404),
        (PODS, "get", f"{NS}/pods/web/log", 404),
        (CONFIGMAPS, "get", f"{NS}/configmaps/a/status", 404),
        (NODES, "get", f"{NS}/nodes/n1", 404),
        (NODES, "get", "/api/v1/nodes/n1", 200),
        (READ_ONLY, "create", f"{NS}/configmaps", 405),
        (READ_ONLY, "get", f"{NS}/configmaps/a", 200),
    ],
)
def test_a_type_offers_what_it_offers(served: Type, verb: str, path: str, code: int) -> None:
    assert offered(served, verb, path) == code


@pytest.mark.parametrize(
    ("verb", "path", "code"),
    [
        ("list", "/api/v1/pods", 200),
        ("watch", "/api/v1/pods", 200),
        ("list", f"{NS}/pods", 400),
        ("get", f"{NS}/pods/web", 400),
        ("create", f"{NS}/pods", 400),
    ],
)
def test_all_clusters_can_only_be_listed_and_watched(verb: str, path: str, code: int) -> None:
    assert offered(PODS, verb, path, "*") == code
