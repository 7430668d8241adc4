from __future__ import annotations

import pytest

from tests.unit.kube.types import CONFIG_MAPS, DEPLOYMENTS, NAMESPACES
from tmc_syncer.api.resources import GVR, ResourceInfo
from tmc_syncer.kube import paths
from tmc_syncer.kube.errors import PathError
from tmc_syncer.kube.paths import Paths


@pytest.mark.parametrize("prefix", ["", "/clusters/root:team-a", "/clusters/*"])
def test_paths_are_those_of_the_api_below_the_prefix(prefix: str) -> None:
    p = Paths(prefix)
    assert p.collection(CONFIG_MAPS) == f"{prefix}/api/v1/configmaps"
    assert p.collection(CONFIG_MAPS, "a") == f"{prefix}/api/v1/namespaces/a/configmaps"
    assert p.collection(DEPLOYMENTS, "a") == f"{prefix}/apis/apps/v1/namespaces/a/deployments"
    assert p.item(DEPLOYMENTS, "a", "web") == f"{prefix}/apis/apps/v1/namespaces/a/deployments/web"
    assert p.item(DEPLOYMENTS, "a", "web", "status").endswith("/deployments/web/status")
    assert p.item(NAMESPACES, "", "a") == f"{prefix}/api/v1/namespaces/a"
    assert p.home(NAMESPACES, "") == f"{prefix}/api/v1/namespaces"
    assert p.home(CONFIG_MAPS, "a") == f"{prefix}/api/v1/namespaces/a/configmaps"


def test_the_same_type_twice_gives_the_same_path() -> None:
    p = Paths("/x/")
    assert p.collection(CONFIG_MAPS) == p.collection(CONFIG_MAPS) == "/x/api/v1/configmaps"


def test_a_write_never_addresses_a_collection() -> None:
    p = Paths("")
    with pytest.raises(PathError):
        p.item(CONFIG_MAPS, "a", "")
    with pytest.raises(PathError, match="needs a namespace"):
        p.item(CONFIG_MAPS, "", "web")
    with pytest.raises(PathError, match="needs a namespace"):
        p.home(CONFIG_MAPS, "")


@pytest.mark.parametrize(
    ("namespace", "name"), [("../kube-system", "a"), ("a", "../../x"), ("a", "b/status")]
)
def test_a_name_cannot_lead_to_another_object(namespace: str, name: str) -> None:
    with pytest.raises(PathError):
        Paths("").item(CONFIG_MAPS, namespace, name)


def test_a_namespace_for_a_type_without_namespaces_is_refused() -> None:
    with pytest.raises(PathError, match="has no namespaces"):
        Paths("").item(NAMESPACES, "a", "b")


def test_types_with_odd_names_are_refused() -> None:
    with pytest.raises(PathError):
        Paths("").collection(ResourceInfo(GVR("a/b", "v1", "x"), "X", namespaced=False))
    with pytest.raises(PathError):
        Paths("").collection(ResourceInfo(GVR("", "v1", "x/y"), "X", namespaced=False))
    with pytest.raises(PathError):
        Paths("").collection(ResourceInfo(GVR("", "", "x"), "X", namespaced=False))


def test_the_number_of_paths_kept_ready_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "MAX_BASES", 1)
    p = Paths("")
    assert p.collection(CONFIG_MAPS) == "/api/v1/configmaps"
    assert p.collection(DEPLOYMENTS) == "/apis/apps/v1/deployments"
    assert len(p._bases) == 1
