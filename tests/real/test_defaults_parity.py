"""Defaults, assigned values and refusals of our types are those of a real kube-apiserver, object by object.

Each case of the corpus (tests/unit/controlplane/types/cases) is sent to the real server and through our types: the stored objects,
or the causes of the 422, must be the same. The answers of the real server are also what the unit tests are held against; with
TMC_RECORD=1 they are written down anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.real.types_world import Alone, alone
from tests.unit.controlplane.types import comparison, corpus
from tests.unit.controlplane.types.pipeline import Pipeline
from tmc_syncer.testing.assets import Assets

Results = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def server(
    assets: Assets,
    tmp_path_factory: pytest.TempPathFactory,
    kept_processes: set[int],
    request: pytest.FixtureRequest,
) -> Iterator[Alone]:
    with alone(assets, tmp_path_factory.mktemp("defaults") / "upstream", kept_processes, request) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def answers(server: Alone) -> Results:
    """What the real server answers to every step of every case."""
    found: Results = {}
    for case in corpus.cases():
        namespace = {"metadata": {"name": comparison.namespace_of(case)}}
        status, answer = server.request("POST", "/api/v1/namespaces", namespace)
        assert status in (201, 409), answer
        found[case.id] = comparison.run(case, server.request)
    if os.environ.get("TMC_RECORD"):
        lines = [f"{json.dumps(name)}: {json.dumps(results)}" for name, results in found.items()]
        corpus.RECORDED.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    return found


def test_our_types_answer_as_the_real_server(answers: Results) -> None:
    ours, different = Pipeline(), []
    for case in corpus.cases():
        results = comparison.run(case, ours.request)
        different += comparison.differences(case.id, answers[case.id], results)
    assert different == []


def test_the_recorded_answers_are_still_those_of_the_real_server(answers: Results) -> None:
    recorded = json.loads(corpus.RECORDED.read_text())
    assert recorded.keys() == answers.keys()
    different = [
        line for name in recorded for line in comparison.differences(name, answers[name], recorded[name])
    ]
    assert different == []


def test_the_corpus_is_not_trivial(answers: Results) -> None:
    results = [result for case in answers.values() for result in case]
    refused = [result for result in results if "causes" in result]
    assert len(results) > 600
    assert len(refused) > 200
    assert sum(len(result["causes"]) for result in refused) > 600
