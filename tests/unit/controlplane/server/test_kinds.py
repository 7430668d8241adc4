from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.unit.controlplane.server.kinds_for_tests import (
    CONFIGMAPS,
    CONVERTED,
    NODES,
    PODS,
    WIDGETS,
    kind_of,
    type_of,
)
from tmc_syncer.controlplane.server import kinds as module
from tmc_syncer.controlplane.server.kinds import Kinds
from tmc_syncer.controlplane.types.registry import Registry, Type


def test_a_kind_knows_its_names_and_what_stands_before_its_objects() -> None:
    widget = kind_of(WIDGETS)
    assert (widget.collection, widget.version) == ("widgets.example.com", "example.com/v1")
    assert widget.envelope == b'{"kind":"Widget","apiVersion":"example.com/v1",'
    assert widget.item_envelope == widget.envelope
    assert widget.list_envelope == b'{"kind":"WidgetList","apiVersion":"example.com/v1",'
    assert kind_of(CONFIGMAPS).item_envelope == b"{"


def test_types_may_share_a_collection() -> None:
    assert kind_of(CONVERTED).collection == kind_of(CONFIGMAPS).collection == "configmaps"


def test_keys_and_prefixes_are_by_cluster_and_namespace() -> None:
    pods, nodes = kind_of(PODS), kind_of(NODES)
    assert pods.key("c", "shop", "web") == "c/shop/web"
    assert nodes.key("c", "", "n1") == "c/n1"
    assert [pods.prefix(*scope) for scope in (("*", ""), ("c", ""), ("c", "shop"))] == ["", "c/", "c/shop/"]


def test_field_selectors_know_the_names_of_every_type() -> None:
    assert kind_of(PODS).field_names == {"metadata.name", "metadata.namespace", "spec.nodeName"}
    assert kind_of(CONFIGMAPS).field_names == {"metadata.name", "metadata.namespace"}
    assert kind_of(NODES).field_names == {"metadata.name"}


def test_rules_are_those_of_the_type_of_custom_types_or_of_all() -> None:
    assert kind_of(PODS).rules.returns_deleted
    assert not kind_of(WIDGETS).rules.unconditional
    assert kind_of(CONFIGMAPS).rules == module.Rules()


class Types:
    def __init__(self, types: Sequence[Type]) -> None:
        self.types = types

    def find(self, cluster: str, group: str, version: str, resource: str) -> Type | None:
        wanted = (group, version, resource)
        return next(
            (made for made in self.types if (made.group, made.version, made.resource) == wanted), None
        )

    def all(self, cluster: str) -> Sequence[Type]:
        return self.types


def test_a_kind_is_made_once_until_its_type_changes() -> None:
    types = Types([PODS])
    kinds = Kinds(types)
    first = kinds.find("c", "", "v1", "pods")
    assert first is kinds.find("c", "", "v1", "pods")
    assert first is kinds.preferred("c", "pods")
    types.types = [type_of("pods", "Pod")]
    assert kinds.find("c", "", "v1", "pods") is not first
    assert kinds.find("c", "", "v1", "nodes") is None


def test_the_preferred_version_is_the_first_and_may_go() -> None:
    types = Types([PODS, type_of("jobs", "Job", "batch", version="v2"), type_of("jobs", "Job", "batch")])
    kinds = Kinds(types)
    for _ in range(2):
        found = kinds.preferred("c", "jobs.batch")
        assert found is not None
        assert found.version == "batch/v2"
    types.types = types.types[2:]
    found = kinds.preferred("c", "jobs.batch")
    assert found is not None
    assert found.version == "batch/v1"
    assert kinds.preferred("c", "pods") is None


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_KINDS", 2)
    types = [type_of(f"things{number}", "Thing") for number in range(5)]
    kinds = Kinds(Types(types))
    assert [kinds.of(served).resource for served in types] == [served.resource for served in types]
    assert len(kinds._known) <= 2


def test_the_real_registry_fits() -> None:
    found = Kinds(Registry([PODS])).find("c", "", "v1", "pods")
    assert found is not None
    assert found.served is PODS
