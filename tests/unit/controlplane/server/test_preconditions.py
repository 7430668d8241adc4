from __future__ import annotations

from typing import Any

import pytest

from tests.unit.controlplane.server.kinds_for_tests import CONFIGMAPS, DEPLOYMENTS, LEASES, NODES, Objects
from tmc_syncer.controlplane.server.errors import ApiError
from tmc_syncer.controlplane.server.options import DeleteOptions
from tmc_syncer.controlplane.server.preconditions import (
    check_delete,
    check_name,
    check_namespace,
    check_put,
    version_given,
)
from tmc_syncer.controlplane.storage.records import Record

OBJECTS = Objects()
RECORD = Record("c/shop/web", 7, b"", "the-uid")


def refusal(function: Any, *arguments: Any) -> tuple[int, str]:
    with pytest.raises(ApiError) as refused:
        function(*arguments)
    return refused.value.code, refused.value.message


def test_a_version_is_a_number_of_64_bits() -> None:
    assert [version_given(text) for text in (None, "", "0", "7", str(2**64 - 1))] == [
        None,
        None,
        0,
        7,
        2**64 - 1,
    ]
    for text in ("abc", "-1", "1.5", str(2**64), "9" * 30, "٣"):
        assert refusal(version_given, text) == (500, f'strconv.ParseUint: parsing "{text}": invalid syntax')


def test_an_object_must_be_the_one_of_the_path() -> None:
    call = OBJECTS.call(CONFIGMAPS, "web")
    check_name(call, {"metadata": {"name": "web"}})
    check_name(call, {"metadata": {"name": "web", "namespace": "shop"}})
    assert refusal(check_name, call, {"metadata": {}}) == (
        400,
        "the name of the object (web based on URL) was undeterminable: name must be provided",
    )
    assert refusal(check_name, call, {"metadata": {"name": "b"}}) == (
        400,
        "the name of the object (b) does not match the name on the URL (web)",
    )
    assert refusal(check_name, call, {"metadata": {"name": "web", "namespace": "x"}}) == (
        400,
        "the namespace of the provided object does not match the namespace sent on the request",
    )
    assert refusal(check_namespace, OBJECTS.call(NODES, "n1"), {"namespace": "x"})[0] == 400


def test_a_put_may_demand_the_uid() -> None:
    call = OBJECTS.call(DEPLOYMENTS, "web")
    check_put(call, {"uid": "the-uid"}, RECORD)
    assert refusal(check_put, call, {"uid": "other"}, RECORD) == (
        409,
        (
            'Operation cannot be fulfilled on deployments.apps "web": StorageError: invalid object, Code: 4, Key: '
            "/registry/apps/deployments/shop/web, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in "
            "precondition: other, UID in object meta: the-uid"
        ),
    )


def test_a_put_may_demand_the_version() -> None:
    call = OBJECTS.call(CONFIGMAPS, "web")
    for metadata in ({}, {"resourceVersion": "0"}, {"resourceVersion": "7"}):
        check_put(call, metadata, RECORD)
    assert refusal(check_put, call, {"resourceVersion": "6"}, RECORD)[0] == 409
    assert refusal(check_put, call, {"resourceVersion": "x"}, RECORD)[0] == 500


def test_some_types_must_be_put_with_a_version() -> None:
    call = OBJECTS.call(LEASES, "web")
    check_put(call, {"resourceVersion": "7"}, RECORD)
    assert refusal(check_put, call, {}, RECORD) == (
        422,
        (
            'leases.coordination.k8s.io "web" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for '
            "an update"
        ),
    )


def test_a_delete_may_demand_uid_and_version() -> None:
    call = OBJECTS.call(CONFIGMAPS, "web")
    for options in (DeleteOptions(), DeleteOptions(uid="the-uid", resource_version="7")):
        check_delete(call, RECORD, options)
    assert refusal(check_delete, call, RECORD, DeleteOptions(uid="other")) == (
        409,
        (
            'Operation cannot be fulfilled on ConfigMap "web": the UID in the precondition (other) does not match the UID in '
            "record (the-uid). The object might have been deleted and then recreated"
        ),
    )
    assert refusal(check_delete, call, RECORD, DeleteOptions(resource_version="1")) == (
        409,
        (
            'Operation cannot be fulfilled on ConfigMap "web": the ResourceVersion in the precondition (1) does not match '
            "the ResourceVersion in record (7). The object might have been modified"
        ),
    )
