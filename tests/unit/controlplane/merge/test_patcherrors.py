from __future__ import annotations

from tmc_syncer.controlplane.merge.patcherrors import go_type, malformed, unforeseen, unprocessable
from tmc_syncer.controlplane.server.errors import ApiError


def test_each_error_has_the_servers_status():
    errors = [malformed("m"), unprocessable("p"), unforeseen("u")]
    assert [(error.code, error.reason) for error in errors] == [(400, "BadRequest"), (422, "Invalid"), (500, "")]
    assert all(isinstance(error, ApiError) for error in errors)
    assert [error.problem for error in errors] == ["m", "p", "u"]


def test_clients_are_not_told_why_a_patch_does_not_fit():
    answer = unprocessable("testing value /x failed").to_object()
    assert answer["message"] == "the server rejected our request due to an error in our request"
    assert answer["details"] == {}


def test_types_have_gos_names():
    assert [go_type(value) for value in ({}, [], "", True, 1, 1.5, None)] == [
        "map[string]interface {}",
        "[]interface {}",
        "string",
        "bool",
        "int64",
        "float64",
        "%!s(<nil>)",
    ]
