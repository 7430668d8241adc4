"""Secrets (write-only text, types, immutability) and Services (addresses, ports, what cannot change)."""

from __future__ import annotations

import ipaddress
from base64 import b64encode
from typing import Any

import pytest

from tests.contract.objects import at, secret, service
from tests.contract.servers import Server
from tests.contract.wire import JsonObject, cause, like


def encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


# Secrets


@pytest.fixture
def secrets(namespace: str) -> str:
    return at("secrets", namespace)


def test_a_secret_is_opaque_by_default(server: Server, secrets: str) -> None:
    created = server.post(secrets, secret("a", data={"k": encoded("v")})).ok(201)
    assert (created["type"], created["data"]) == ("Opaque", {"k": encoded("v")})


def test_text_is_stored_as_data_and_never_shown(server: Server, secrets: str) -> None:
    created = server.post(secrets, secret("a", data={"k": encoded("v")}, stringData={"t": "text"})).ok(201)
    assert created["data"] == {"k": encoded("v"), "t": encoded("text")}
    assert "stringData" not in created


def test_text_wins_over_data_of_the_same_key(server: Server, secrets: str) -> None:
    created = server.post(secrets, secret("a", data={"k": encoded("v")}, stringData={"k": "text"})).ok(201)
    assert created["data"] == {"k": encoded("text")}


def test_text_can_be_patched_in(server: Server, secrets: str) -> None:
    server.post(secrets, secret("a", stringData={"one": "1"})).ok(201)
    changed = server.patch(f"{secrets}/a", "merge", {"stringData": {"two": "2"}}).ok()
    assert changed["data"] == {"one": encoded("1"), "two": encoded("2")}


def test_text_can_be_applied(server: Server, secrets: str) -> None:
    applied = server.apply(f"{secrets}/a", secret("a", stringData={"t": "text"}), "m").ok(201)
    assert applied["data"] == {"t": encoded("text")}
    assert "stringData" not in applied


def test_data_has_to_be_base64(server: Server, secrets: str) -> None:
    answer = server.post(secrets, secret("a", data={"k": "not base64!"}))
    assert (answer.status, answer.body["reason"]) == (400, "BadRequest")
    assert "illegal base64 data" in answer.body["message"]


def test_the_type_of_a_secret_cannot_change(server: Server, secrets: str) -> None:
    server.post(secrets, secret("a")).ok(201)
    message = 'Invalid value: "example.com/other": field is immutable'
    server.patch(f"{secrets}/a", "merge", {"type": "example.com/other"}).refused(
        422,
        "Invalid",
        f'Secret "a" is invalid: type: {message}',
        {"name": "a", "kind": "Secret", "causes": [cause("FieldValueInvalid", message, "type")]},
    )


def test_an_immutable_secret_cannot_change(server: Server, secrets: str) -> None:
    server.post(secrets, secret("a", stringData={"k": "v"}, immutable=True)).ok(201)
    message = "Forbidden: field is immutable when `immutable` is set"
    server.patch(f"{secrets}/a", "merge", {"stringData": {"k": "w"}}).refused(
        422,
        "Invalid",
        f'Secret "a" is invalid: data: {message}',
        {"name": "a", "kind": "Secret", "causes": [cause("FieldValueForbidden", message, "data")]},
    )


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("kubernetes.io/dockerconfigjson", "data[.dockerconfigjson]"),
        ("kubernetes.io/tls", "data[tls.crt]"),
        ("kubernetes.io/ssh-auth", "data[ssh-privatekey]"),
        ("kubernetes.io/basic-auth", "data[username]"),
    ],
)
def test_a_typed_secret_needs_its_keys(server: Server, secrets: str, kind: str, field: str) -> None:
    answer = server.post(secrets, secret("a", type=kind))
    assert answer.status == 422
    assert field in {item["field"] for item in answer.body["details"]["causes"]}


def test_registry_credentials_have_to_be_json(server: Server, secrets: str) -> None:
    kind = "kubernetes.io/dockerconfigjson"
    answer = server.post(secrets, secret("a", type=kind, stringData={".dockerconfigjson": "nothing"}))
    assert answer.status == 422
    (found,) = answer.body["details"]["causes"]
    assert found["field"] == "data[.dockerconfigjson]"
    # What is secret is not repeated.
    assert found["message"] == like('Invalid value: "<secret contents redacted>": .*')
    assert "nothing" not in answer.body["message"]


# Services


@pytest.fixture
def services(namespace: str) -> str:
    return at("services", namespace)


workloads = pytest.mark.needs("workloads")


def ports(obj: JsonObject) -> list[JsonObject]:
    found: list[JsonObject] = obj["spec"]["ports"]
    return found


@workloads
def test_a_service_gets_an_address_and_defaults(server: Server, services: str) -> None:
    spec = server.post(services, service("a")).ok(201)["spec"]
    assert ipaddress.ip_address(spec["clusterIP"]) in ipaddress.ip_network("10.96.0.0/16")
    assert spec == {
        "clusterIP": spec["clusterIP"],
        "clusterIPs": [spec["clusterIP"]],
        "type": "ClusterIP",
        "sessionAffinity": "None",
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        "internalTrafficPolicy": "Cluster",
        "selector": {"app": "a"},
        "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 80}],
    }


@workloads
def test_addresses_are_not_given_twice(server: Server, services: str) -> None:
    addresses = [server.post(services, service(f"s{n}")).ok(201)["spec"]["clusterIP"] for n in range(5)]
    assert len(set(addresses)) == 5
    answer = server.post(services, service("again", {"clusterIP": addresses[0]}))
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    assert "provided IP is already allocated" in answer.body["message"]


@workloads
def test_an_address_is_free_again_when_its_service_is_gone(server: Server, services: str) -> None:
    address = server.post(services, service("a")).ok(201)["spec"]["clusterIP"]
    server.delete(f"{services}/a").ok()
    again = server.post(services, service("b", {"clusterIP": address})).ok(201)
    assert again["spec"]["clusterIP"] == address


@workloads
def test_the_address_of_a_service_cannot_change(server: Server, services: str) -> None:
    created = server.post(services, service("a")).ok(201)
    for change in ({"clusterIP": "10.96.255.254"}, {"clusterIP": "None"}):
        answer = server.patch(f"{services}/a", "merge", {"spec": change})
        assert (answer.status, answer.body["reason"]) == (422, "Invalid")
        assert any(item["field"].startswith("spec.clusterIP") for item in answer.body["details"]["causes"])
    assert server.get(f"{services}/a").ok() == created


@workloads
def test_a_replacement_without_the_address_keeps_it(server: Server, services: str) -> None:
    created = server.post(services, service("a")).ok(201)
    obj = service("a", {"selector": {"app": "b"}})
    obj["metadata"]["resourceVersion"] = created["metadata"]["resourceVersion"]
    replaced = server.put(f"{services}/a", obj).ok()
    assert replaced["spec"]["clusterIP"] == created["spec"]["clusterIP"]
    assert replaced["spec"]["selector"] == {"app": "b"}


@workloads
def test_an_address_outside_of_the_range_is_refused(server: Server, services: str) -> None:
    answer = server.post(services, service("a", {"clusterIP": "192.0.2.1"}))
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    (found,) = answer.body["details"]["causes"]
    assert found["field"] == "spec.clusterIPs"
    assert found["message"] == (
        'Invalid value: ["192.0.2.1"]: failed to allocate IP 192.0.2.1: the provided network does not match the current'
        " range"
    )


@workloads
def test_a_headless_service_has_no_address(server: Server, services: str) -> None:
    spec = server.post(services, service("a", {"clusterIP": "None"})).ok(201)["spec"]
    assert (spec["clusterIP"], spec["clusterIPs"]) == ("None", ["None"])


@workloads
def test_a_service_of_another_name_has_no_address(server: Server, services: str) -> None:
    obj = service("a", {"type": "ExternalName", "externalName": "db.example.com"})
    spec = server.post(services, obj).ok(201)["spec"]
    assert "clusterIP" not in spec
    assert spec["externalName"] == "db.example.com"


@workloads
def test_a_node_port_is_given_from_its_range_and_kept(server: Server, services: str) -> None:
    created = server.post(services, service("a", {"type": "NodePort"})).ok(201)
    number = ports(created)[0]["nodePort"]
    assert 30000 <= number <= 32767
    assert created["spec"]["externalTrafficPolicy"] == "Cluster"
    changed = server.patch(f"{services}/a", "merge", {"metadata": {"labels": {"x": "y"}}}).ok()
    assert ports(changed)[0]["nodePort"] == number
    taken = service("b", {"type": "NodePort", "ports": [{"port": 80, "nodePort": number}]})
    answer = server.post(services, taken)
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    (found,) = answer.body["details"]["causes"]
    assert found == cause(
        "FieldValueInvalid",
        f"Invalid value: {number}: provided port is already allocated",
        "spec.ports[0].nodePort",
    )


@workloads
def test_a_service_that_leaves_the_nodes_gives_its_port_up(server: Server, services: str) -> None:
    server.post(services, service("a", {"type": "NodePort"})).ok(201)
    changed = server.patch(f"{services}/a", "merge", {"spec": {"type": "ClusterIP"}}).ok()
    assert "nodePort" not in ports(changed)[0]
    assert "externalTrafficPolicy" not in changed["spec"]


@workloads
def test_a_load_balancer_waits_for_its_address(server: Server, services: str) -> None:
    created = server.post(services, service("a", {"type": "LoadBalancer"})).ok(201)
    assert created["status"] == {"loadBalancer": {}}
    assert created["spec"]["allocateLoadBalancerNodePorts"] is True
    ingress = {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}}
    changed = server.patch(f"{services}/a/status", "merge", ingress).ok()
    assert changed["status"]["loadBalancer"]["ingress"] == [{"ip": "192.0.2.7", "ipMode": "VIP"}]


@workloads
@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"ports": []}, "spec.ports"),
        ({"ports": [{"port": 0}]}, "spec.ports[0].port"),
        ({"ports": [{"port": 70000}]}, "spec.ports[0].port"),
        ({"ports": [{"port": 80}, {"port": 81}]}, "spec.ports[0].name"),
        ({"ports": [{"name": "a", "port": 80}, {"name": "a", "port": 81}]}, "spec.ports[1].name"),
        ({"ports": [{"port": 80, "protocol": "HTTP"}]}, "spec.ports[0].protocol"),
        ({"type": "Magic"}, "spec.type"),
        ({"sessionAffinity": "Sticky"}, "spec.sessionAffinity"),
        ({"type": "ExternalName"}, "spec.externalName"),
        ({"selector": {"x": "no spaces"}}, "spec.selector"),
    ],
)
def test_a_service_that_makes_no_sense_is_refused(
    server: Server, services: str, spec: Any, field: str
) -> None:
    answer = server.post(services, service("a", spec))
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    assert field in {item["field"] for item in answer.body["details"]["causes"]}
