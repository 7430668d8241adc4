"""Protobuf bodies are read as a real kube-apiserver reads them: every kind that it sends, and every body that kubectl sends.

First the way back: each object of the corpus is fetched in both forms; ours of the protobuf must be the JSON. Then the way there: kubectl
runs against the real server while we listen, and our JSON of its body is sent after it; the server must make the same of
both. With TMC_RECORD=1 kubectl's bodies are written down for the unit tests.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.real.types_world import PROTOBUF, Alone, Eavesdropper, Wire, alone
from tests.unit.controlplane.types import comparison, corpus
from tmc_syncer.controlplane.types.envelopes import decode_protobuf
from tmc_syncer.testing.assets import Assets

BODIES = Path(corpus.FOLDER) / "kubectl_bodies.json"
COMMANDS = """
create ns records
create deployment web --image=nginx:1.27 --replicas=2 --port=80
create configmap settings --from-literal=a=b --from-file=bytes=/BYTES
create secret generic password --from-literal=p=w
create secret docker-registry pull --docker-username=a --docker-password=b --docker-server=x.example
create job once --image=busybox -- echo hi
create cronjob often --image=busybox --schedule=*/5_*_*_*_* -- date
create sa bot
create role reader --verb=get,list --resource=pods,deployments.apps --resource-name=x
create rolebinding readers --role=reader --user=ann --serviceaccount=default:bot --group=g
create clusterrole nodes --verb=get --resource=nodes
create clusterrole whole --aggregation-rule=a=b
create clusterrolebinding nodes --clusterrole=nodes --user=ann
create priorityclass high --value=5 --description=x
create service clusterip one --tcp=80:8080
create service nodeport two --tcp=80:http
create service loadbalancer three --tcp=443:443
create service externalname four --external-name=example.com
create ingress web --rule=a.example/*=svc:80,tls=t
create quota few --hard=pods=5,cpu=1
create pdb web --selector=app=web --min-available=1
autoscale deployment standing --min=1 --max=5 --cpu=50%
create job now --from=cronjob/standing
"""
ANSWERED = """
create token default --duration=1h --audience=x
auth can-i get pods
auth can-i --list
auth whoami
"""
"""Commands that know no dry run."""


@pytest.fixture(scope="module")
def server(
    assets: Assets,
    tmp_path_factory: pytest.TempPathFactory,
    kept_processes: set[int],
    request: pytest.FixtureRequest,
) -> Iterator[Alone]:
    with alone(assets, tmp_path_factory.mktemp("protobuf") / "upstream", kept_processes, request) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def wire(server: Alone) -> Iterator[Wire]:
    found = Wire(server)
    yield found
    found.close()


def test_every_object_of_the_corpus_is_the_same_in_both_forms(server: Alone, wire: Wire) -> None:
    kinds, different = set(), []
    for case in corpus.cases():
        if case.kind == "CustomResourceDefinition":  # its schemas are read from JSON only
            continue
        namespace = comparison.namespace_of(case)
        server.request("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
        live: dict[str, Any] = {}

        def noted(method: str, path: str, body: Any = None) -> tuple[int, Any]:
            nonlocal live
            status, answer = server.request(method, path, body)
            if status in (200, 201):
                live = answer
            return status, answer

        comparison.run(case, noted)
        if not live:
            continue
        path = comparison.path_of(live, live["metadata"]["name"])
        real, sent = wire.get(path), wire.get(path, PROTOBUF)
        if sent.headers["content-type"] != PROTOBUF:
            continue
        kinds.add(case.kind)
        ours = decode_protobuf(sent.body)
        for claim in real.object["spec"].get("volumeClaimTemplates", ()) if case.kind == "StatefulSet" else ():
            del claim["apiVersion"], claim["kind"]  # which protobuf has no place for
        if ours != real.object:
            different.append((case.id, ours, real.object))
    assert different == []
    assert len(kinds) > 30


def test_kubectls_bodies_mean_the_same_as_our_json_of_them(server: Alone, wire: Wire, tmp_path: Path) -> None:
    prepare(server)
    (tmp_path / "BYTES").write_bytes(bytes(range(256)))
    listener, recorded = Eavesdropper(server), []
    with listener.listening():
        for line in [*COMMANDS.strip().splitlines(), *ANSWERED.strip().splitlines()]:
            words = [
                word.replace("_", " ").replace("/BYTES", str(tmp_path / "BYTES")) for word in line.split()
            ]
            flags = [f"--server={listener.url}"] + (["--dry-run=server"] if line in COMMANDS else [])
            before = len(listener.heard)
            server.kubectl(*words[:2], *flags, *words[2:], check=False)
            assert len(listener.heard) > before, f"kubectl {line} sent no protobuf"
            for path, body in listener.heard[before:]:
                recorded.append({"command": line, "path": path, **compared(wire, path, body)})
    assert len(recorded) >= len((COMMANDS + ANSWERED).strip().splitlines()) - 1
    if os.environ.get("TMC_RECORD"):
        lines = [json.dumps(entry) for entry in recorded]
        BODIES.write_text("[\n" + ",\n".join(lines) + "\n]\n")


def prepare(server: Alone) -> None:
    """What some commands look at first."""
    template: dict[str, Any] = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    once = {**template, "spec": {**template["spec"], "restartPolicy": "Never"}}
    objects = [
        ("apps/v1", "Deployment", {"selector": {"matchLabels": {"a": "b"}}, "template": template}),
        ("batch/v1", "CronJob", {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": once}}}),
        ("v1", "ServiceAccount", None),
    ]
    for api_version, kind, spec in objects:
        name = "default" if kind == "ServiceAccount" else "standing"
        obj: dict[str, Any] = {
            "apiVersion": api_version,
            "kind": kind,
            "metadata": {"name": name, "namespace": "default"},
        }
        status, answer = server.request(
            "POST", comparison.path_of(obj), {**obj, **({"spec": spec} if spec else {})}
        )
        assert status in (201, 409), answer


def compared(wire: Wire, path: str, body: bytes) -> dict[str, Any]:
    """The body with our JSON of it, after the server made the same of both."""
    ours = decode_protobuf(body)
    answers = []
    for content, media in ((body, PROTOBUF), (json.dumps(ours).encode(), "application/json")):
        reply = wire.send("POST", path, content, {"Content-Type": media, "Accept": "application/json"})
        answers.append((reply.status, without_drawn(reply.body)))
    assert answers[0] == answers[1], path
    assert answers[0][0] == 201, answers[0]
    return {"body": base64.b64encode(body).decode(), "json": ours}


def without_drawn(body: bytes) -> Any:
    """An answer without ids, times, addresses and tokens."""
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UID", body.decode())
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "NOW", text)
    text = re.sub(r"10\.96\.\d+\.\d+", "ADDRESS", text)
    text = re.sub(r'"nodePort":\d+', '"nodePort":0', text)
    return json.loads(re.sub(r'"token":"[^"]*"', '"token":""', text))
