"""`tmc crds` prints what would be installed, in the form that was asked for."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.unit.cli.conftest import Tmc
from tmc_syncer.api.manifests import crd_objects, crd_yaml


@pytest.mark.parametrize("words", [[], ["-o", "yaml"], ["-o", "table"]])
def test_by_default_the_yaml_with_its_comments_is_printed(tmc: Tmc, words: list[str]) -> None:
    assert tmc("crds", *words) == (0, crd_yaml(), "")
    assert list(yaml.safe_load_all(tmc("crds").out)) == crd_objects()


def test_json_is_a_list_and_names_are_those_of_kubectl(tmc: Tmc) -> None:
    assert json.loads(tmc("crds", "-o", "json").out)["items"] == crd_objects()
    assert tmc("crds", "-o", "name").out == (
        "customresourcedefinition.apiextensions.k8s.io/synctargets.workload.kcp.io\n"
    )


def test_a_server_is_named_only_to_install(tmc: Tmc) -> None:
    result = tmc("crds", "--kubeconfig", "hub.yaml")
    assert result.code == 2
    assert "Add --install." in result.err
