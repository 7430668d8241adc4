from __future__ import annotations

from aiohttp import web

from tests.unit.controlplane.server.kinds_for_tests import CONFIGMAPS, DEPLOYMENTS, PODS, kind_of
from tmc_syncer.controlplane.server.extensions import Extensions, Invocation


async def one(invocation: Invocation) -> web.StreamResponse:
    raise NotImplementedError


async def other(invocation: Invocation) -> web.StreamResponse:
    raise NotImplementedError


def test_handlers_are_found_by_type_and_subresource() -> None:
    extensions = Extensions()
    extensions.add("pods", "log", one)
    extensions.add("*", "scale", other)
    extensions.add("configmaps", "", one)
    assert extensions.find(kind_of(PODS), "log") is one
    assert extensions.find(kind_of(PODS), "exec") is None
    assert extensions.find(kind_of(PODS), "scale") is None, "pods have no scale"
    assert extensions.find(kind_of(DEPLOYMENTS), "scale") is other
    assert extensions.find(kind_of(CONFIGMAPS), "") is one
    assert extensions.find(kind_of(PODS), "") is None
