from __future__ import annotations

import json

from tests.unit.controlplane.server.kinds_for_tests import CONFIGMAPS, CONVERTED
from tmc_syncer.controlplane.server import encoding
from tmc_syncer.controlplane.storage.records import Record

OBJ: dict[str, object] = {
    "apiVersion": "v1",
    "data": {"a": "ä"},
    "kind": "ConfigMap",
    "metadata": {"name": "a", "resourceVersion": "7"},
}


def record_of(obj: dict[str, object]) -> Record:
    return Record("c/shop/a", 7, encoding.body_of(obj))


def test_an_object_is_its_envelope_and_its_body() -> None:
    whole = encoding.envelope("ConfigMap", "v1") + encoding.body_of(OBJ)
    assert json.loads(whole) == OBJ
    assert whole.startswith(b'{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a"')


def test_an_object_is_read_back() -> None:
    record = record_of(OBJ)
    assert encoding.object_of(record, "ConfigMap", "v1") == OBJ
    assert encoding.view(record, CONFIGMAPS) == OBJ
    assert encoding.viewed_body(record, CONFIGMAPS) is record.body
    assert json.loads(encoding.metadata_of(record)) == OBJ["metadata"]


def test_an_object_that_is_kept_in_another_form_is_converted() -> None:
    record = record_of(OBJ)
    assert encoding.view(record, CONVERTED)["dataB"] == {"a": "ä"}
    assert b'"dataB":' in encoding.viewed_body(record, CONVERTED)


def test_a_body_gets_another_version() -> None:
    assert json.loads(b"{" + encoding.restamped(record_of(OBJ).body, 9)) == {
        "metadata": {"name": "a", "resourceVersion": "9"},
        "data": {"a": "ä"},
    }
