"""Secrets on real servers: which travel, which are kept back and why, and that no value is ever told to anybody.

One namespace with a Secret of each fate: synced, kept back, malformed, and refused by either server, by rules of
administrators whose messages quote the value. Then everything that the agent says at DEBUG is searched for each value.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from tests.real.samples import Manifest, manifest
from tests.real.scene import Scene
from tmc_syncer.testing.cluster import ControlPlane
from tmc_syncer.testing.polling import eventually

VALUES: dict[str, str] = {}
"""Each value that is in a Secret, by a name for it."""

REFUSAL = "the rule quotes "


def value(name: str) -> str:
    return VALUES.setdefault(name, f"{name}.{secrets.token_hex(12)}")


def secret(namespace: str, name: str, kind: str = "Opaque", **texts: str) -> Manifest:
    data = {key.replace("_", "."): base64.b64encode(text.encode()).decode() for key, text in texts.items()}
    return manifest("v1", "Secret", namespace, name, type=kind, data=data or encoded(name))


def encoded(name: str) -> dict[str, str]:
    return {"password": base64.b64encode(value(name).encode()).decode()}


def docker(auth: object) -> str:
    return json.dumps({"auths": {"registry.example.com": auth}})


def quoting_rule(cluster: ControlPlane, side: str, reason: str) -> list[Manifest]:
    """Refuse Secrets with the label ``refused-<side>: <reason>``, and quote what is in them."""
    name = f"quotes-{side}-{reason.lower()}"
    rules = [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["secrets"], "operations": ["*"]}]
    rules[0]["operations"] = ["CREATE", "UPDATE"]
    quoted = "object.data.map(key, object.data[key]).join(' ')"
    label = f"refused-{side}"
    chosen = (
        f"has(object.metadata.labels) && '{label}' in object.metadata.labels"
        f" && object.metadata.labels['{label}'] == '{reason}'"
        # Upstream only the agent is refused: somebody has to be able to create it.
        + (" && request.userInfo.username.startsWith('agent-')" if side == "upstream" else "")
    )
    policy = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": rules},
        "matchConditions": [{"name": "chosen", "expression": chosen}],
        "validations": [
            {"expression": "false", "reason": reason, "messageExpression": f"'{REFUSAL}' + {quoted}"}
        ],
    }
    api = "admissionregistration.k8s.io/v1"
    made = [
        {"apiVersion": api, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name}, "spec": policy},
        {
            "apiVersion": api,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {"policyName": name, "validationActions": ["Deny"]},
        },
    ]
    for each in made:
        cluster.apply(each)
    return made


def wait_in_force(cluster: ControlPlane, namespace: str, side: str, reason: str, user: str) -> None:
    """Wait until the rule refuses, and see that it quotes."""

    # Changing nothing: the agent may only patch upstream, anybody may ask to create downstream.
    path, body = f"/api/v1/namespaces/{namespace}/secrets", secret(namespace, "opaque")
    body["metadata"]["labels"] = {f"refused-{side}": reason}
    method, content_type = "POST", "application/json"
    if side == "upstream":
        path, method, content_type = f"{path}/opaque", "PATCH", "application/merge-patch+json"
    else:
        body["metadata"]["name"] = "probe"

    def refuses() -> bool:
        _, answer = cluster.request(method, f"{path}?dryRun=All", body, content_type, user=user)
        return REFUSAL in str(answer) and encoded("opaque")["password"] in str(answer)

    eventually(refuses, 60, message=f"the {side} rule refuses and quotes")


REASONS = ("Invalid", "Forbidden")


@pytest.fixture(scope="module")
def told(scene: Scene) -> Iterator[tuple[Scene, str]]:
    """The namespace with all the Secrets, after the agent has dealt with each."""
    namespace = scene.namespace()
    scene.upstream.create(secret(namespace, "opaque"))
    scene.wait_copy("Secret", namespace, "opaque")
    place = scene.downstream_namespace(namespace)
    assert place is not None
    rules = [(c, r) for side, c in sides(scene) for reason in REASONS for r in quoting_rule(c, side, reason)]
    for side, cluster in sides(scene):
        for reason in REASONS:
            where = namespace if side == "upstream" else place
            user = scene.agent.user if side == "upstream" else "admin"
            wait_in_force(cluster, where, side, reason, user)
    for made in every_fate(namespace):
        scene.upstream.create(made)
    yield scene, namespace
    scene.upstream.delete("Namespace", namespace)
    for cluster, rule in rules:
        cluster.delete(rule["kind"], rule["metadata"]["name"])


def sides(scene: Scene) -> tuple[tuple[str, ControlPlane], tuple[str, ControlPlane]]:
    return ("upstream", scene.upstream), ("downstream", scene.downstream)


def every_fate(namespace: str) -> Iterator[Manifest]:
    yield secret(namespace, "changing")
    entry = {"username": "me", "password": value("docker"), "extra": value("docker-extra")}
    for name, auth in (("docker", entry), ("docker-invalid", value("docker-invalid"))):
        yield secret(namespace, name, "kubernetes.io/dockerconfigjson", _dockerconfigjson=docker(auth))
    token = secret(namespace, "token", "kubernetes.io/service-account-token", token=value("token"))
    token["metadata"]["annotations"]["kubernetes.io/service-account.name"] = "default"
    yield token
    yield secret(namespace, "bootstrap", "bootstrap.kubernetes.io/token", token_id=value("bootstrap"))
    for side in ("upstream", "downstream"):
        for reason in REASONS:
            made = secret(namespace, f"refused-{side}-{reason.lower()}")
            made["metadata"]["labels"][f"refused-{side}"] = reason
            yield made


def line_of(scene: Scene, namespace: str, name: str) -> dict[str, Any]:
    lines = scene.agent.statusz(f"?gvr=secrets&name={namespace}/{name}")["objects"]
    assert len(lines) == 1, lines
    return dict(lines[0])


FATES = {
    "token": ("excluded", "ServiceAccountToken"),
    "bootstrap": ("excluded", "BootstrapToken"),
    "docker-invalid": ("failed", "InvalidDockerConfig"),
    "refused-downstream-invalid": ("failed", "Invalid"),
    "refused-downstream-forbidden": ("failed", "Forbidden"),
    "refused-upstream-invalid": ("failed", "Invalid"),
    "refused-upstream-forbidden": ("failed", "Forbidden"),
}


@pytest.mark.parametrize("name", FATES)
def test_a_secret_that_does_not_travel_says_why(told: tuple[Scene, str], name: str) -> None:
    scene, namespace = told

    def is_said() -> bool:
        line = line_of(scene, namespace, name)
        return (line["state"], line.get("reason")) == FATES[name]

    eventually(is_said, message=f"{name} is {FATES[name]}")
    line = line_of(scene, namespace, name)
    assert line.get("message")
    if line["state"] == "failed":
        assert line["code"]
    if line.get("code") == "TMC-101":
        failures = [
            each for each in scene.agent.log() if each.get("event") == "failed" and each.get("name") == name
        ]
        assert failures
        assert min(each["retry_in"] for each in failures) > 60, "only a change of the Secret helps"
    assert scene.copy("Secret", namespace, name) is None


def test_registry_credentials_travel_with_the_known_fields_only_and_a_mended_secret_goes_down(
    told: tuple[Scene, str],
) -> None:
    scene, namespace = told
    data = scene.wait_copy("Secret", namespace, "docker")["data"][".dockerconfigjson"]
    known = {"username": "me", "password": value("docker")}
    assert json.loads(base64.b64decode(data))["auths"]["registry.example.com"] == known

    text = base64.b64encode(docker({"auth": "YTpi"}).encode()).decode()
    mended = secret(namespace, "mended", "kubernetes.io/dockerconfigjson", _dockerconfigjson=docker("x"))
    scene.upstream.create(mended)
    eventually(lambda: line_of(scene, namespace, "mended").get("reason") == "InvalidDockerConfig")
    scene.upstream.patch("Secret", "mended", namespace, {"data": {".dockerconfigjson": text}})
    scene.wait_copy("Secret", namespace, "mended")


def test_no_value_of_a_secret_is_told_anywhere_at_debug_whatever_happens_to_it(
    told: tuple[Scene, str],
) -> None:
    scene, namespace = told
    place = scene.downstream_namespace(namespace)
    # A 422 of an update: others made the copy immutable. And a conflict: others changed a value first.
    scene.wait_copy("Secret", namespace, "changing")
    scene.downstream.patch("Secret", "changing", place, {"data": encoded("edited")})
    eventually(lambda: (scene.copy("Secret", namespace, "changing") or {})["data"] == encoded("changing"))
    scene.downstream.patch("Secret", "changing", place, {"immutable": True})
    scene.upstream.patch("Secret", "changing", namespace, {"data": encoded("later")})
    eventually(lambda: line_of(scene, namespace, "changing").get("reason") == "Invalid")
    for name, fate in FATES.items():
        eventually(partial(has_reason, scene, namespace, name, fate[1]))

    def reported() -> bool:
        target = scene.upstream.get("SyncTarget", scene.agent.target)
        assert target is not None
        worst = {each["name"] for each in target["status"].get("worstObjects", [])}
        return "docker-invalid" in worst or len(worst) >= 10

    eventually(reported, message="the SyncTarget names them")
    for place_, text in said(scene):
        assert REFUSAL not in text, f"the rule's text is in {place_}"
        for name, each in VALUES.items():
            for needle in (each, each[8:], *in_base64(each)):
                assert needle not in text, f"the value of {name} is in {place_}"


def has_reason(scene: Scene, namespace: str, name: str, reason: str) -> bool:
    return bool(line_of(scene, namespace, name).get("reason") == reason)


def said(scene: Scene) -> Iterator[tuple[str, str]]:
    """Everything that the agent tells, by where."""
    reads: dict[str, Callable[[], bytes]] = {
        path: partial(scene.agent.read, path)
        for path in ("/statusz", "/statusz?gvr=secrets", "/metrics", "/readyz", "/healthz")
    }
    for path, read in reads.items():
        yield path, read().decode()
    yield "the log", scene.agent.log_path.read_text()
    yield "the SyncTarget", json.dumps(scene.upstream.get("SyncTarget", scene.agent.target))


def in_base64(text: str) -> list[str]:
    """What is the same in any base64 that contains the text, for each of the three ways it may be aligned."""
    padded = (base64.b64encode(b" " * shift + text.encode()).decode() for shift in range(3))
    return [each[4:-4] for each in padded]
