"""The test bed keeps its promises: what the other tests of this folder take for granted is shown here once."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import uuid
from typing import Any

import pytest

from tmc_syncer.testing.assets import find_assets
from tmc_syncer.testing.cluster import ControlPlane, PhysicalCluster
from tmc_syncer.testing.errors import ApiError, AssetsMissing, KubectlFailed, NotInTime, TestBedError
from tmc_syncer.testing.polling import eventually, steady


def namespace_in(cluster: ControlPlane) -> str:
    name = f"bed-{uuid.uuid4().hex[:8]}"
    cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


def deployment(namespace: str, replicas: int = 2) -> dict[str, Any]:
    labels = {"app": "web"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "web", "image": "example.com/web"}]},
            },
        },
    }


def config_map(namespace: str, name: str, **data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": data,
    }


def running_pod(cluster: PhysicalCluster, namespace: str) -> str:
    cluster.apply(deployment(namespace))

    def found() -> str:
        pods = cluster.list_objects("Pod", namespace)
        names = [pod["metadata"]["name"] for pod in pods if pod["status"].get("phase") == "Running"]
        return names[0] if len(names) == 2 else ""

    return eventually(found, message="two running Pods")


def test_a_deployment_gets_running_pods_and_reports_them(downstream: PhysicalCluster) -> None:
    namespace = namespace_in(downstream)
    running_pod(downstream, namespace)
    seen = eventually(
        lambda: (downstream.get("Deployment", "web", namespace) or {})["status"].get("readyReplicas")
    )
    assert seen == 2


def test_logs_exec_and_port_forward_reach_a_pod(downstream: PhysicalCluster) -> None:
    namespace = namespace_in(downstream)
    pod = running_pod(downstream, namespace)
    line = uuid.uuid4().hex
    downstream.write_log(line)
    assert line in downstream.kubectl("logs", pod, "-n", namespace, "--tail=5").stdout.splitlines()
    # kwok passes data but not the end of standard input on: the command ends by itself.
    done = downstream.kubectl("exec", "-i", pod, "-n", namespace, "--", "head", "-c", "4", input="over")
    assert done.stdout == "over"
    with downstream.kubectl_popen("port-forward", f"pod/{pod}", ":8080", "-n", namespace) as forward:
        try:
            assert forward.stdout is not None
            port = re.search(r"127\.0\.0\.1:(\d+)", forward.stdout.readline())
            assert port is not None
            with socket.create_connection(("127.0.0.1", int(port[1])), timeout=10) as connection:
                connection.sendall(b"echo?")
                assert connection.recv(100) == b"echo?"
        finally:
            forward.kill()


def test_followed_logs_show_lines_as_they_are_written(downstream: PhysicalCluster) -> None:
    namespace = namespace_in(downstream)
    pod = running_pod(downstream, namespace)
    with downstream.kubectl_popen("logs", "--follow", "--tail=1", pod, "-n", namespace) as follow:
        try:
            assert follow.stdout is not None
            follow.stdout.readline()
            line = uuid.uuid4().hex
            downstream.write_log(line)
            assert follow.stdout.readline().strip() == line
        finally:
            follow.kill()


def test_a_deleted_namespace_ends_with_what_is_in_it(upstream: ControlPlane) -> None:
    namespace = namespace_in(upstream)
    upstream.apply(config_map(namespace, "one"))
    upstream.delete("Namespace", namespace)
    eventually(lambda: upstream.get("Namespace", namespace) is None)


def test_a_control_plane_runs_no_workload_controllers(upstream: ControlPlane) -> None:
    namespace = namespace_in(upstream)
    upstream.apply(deployment(namespace))
    # The garbage collector and the account controller do work: the account of the namespace appears.
    eventually(lambda: upstream.get("ServiceAccount", "default", namespace))
    steady(lambda: not upstream.list_objects("ReplicaSet", namespace), 2)
    assert not (upstream.get("Deployment", "web", namespace) or {})["status"]


def test_the_audit_log_tells_users_apart(upstream: ControlPlane) -> None:
    namespace = namespace_in(upstream)
    upstream.add_user("audited", ("system:masters",))
    mark = upstream.audit_mark()
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    assert upstream.request("POST", path, config_map(namespace, "mine"), user="audited")[0] == 201
    assert upstream.request("POST", path, config_map(namespace, "other"))[0] == 201
    events = eventually(lambda: upstream.audit("audited", since=mark))
    assert [(event["verb"], event["objectRef"]["resource"]) for event in events] == [("create", "configmaps")]
    assert upstream.audit("audited", since=upstream.audit_mark()) == []


def test_a_user_has_the_rights_that_it_was_given_and_no_others(upstream: ControlPlane) -> None:
    namespace = namespace_in(upstream)
    upstream.add_user("reader", ("readers",))
    # A Role of its own: nobody here aggregates the rules of `view`, `edit` and `admin`.
    upstream.apply_yaml(f"""
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: readers, namespace: {namespace}}}
rules: [{{apiGroups: [""], resources: [configmaps], verbs: [get, list]}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: readers, namespace: {namespace}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: readers}}
subjects: [{{kind: Group, name: readers, apiGroup: rbac.authorization.k8s.io}}]
""")
    listing = ("get", "configmaps", "-n", namespace)
    eventually(lambda: upstream.kubectl(*listing, user="reader", check=False).returncode == 0, 10)
    with pytest.raises(ApiError, match="403 Forbidden"):
        upstream.create(config_map(namespace, "no"), user="reader")
    with pytest.raises(KubectlFailed, match="Forbidden"):
        upstream.kubectl("get", "nodes", user="reader")


def test_an_expired_certificate_is_refused(upstream: ControlPlane) -> None:
    upstream.add_user("late", ("system:masters",))
    valid = upstream.kubeconfig_with_certificate("late")
    expired = upstream.kubeconfig_with_certificate("late", expired=True)
    assert upstream.kubectl("get", "ns", f"--kubeconfig={valid}").returncode == 0
    refused = upstream.kubectl("get", "ns", f"--kubeconfig={expired}", check=False)
    assert refused.returncode != 0
    assert "logged in" in refused.stderr or "Unauthorized" in refused.stderr


def test_a_token_of_a_user_added_while_the_server_runs_is_not_given_out(upstream: ControlPlane) -> None:
    upstream.add_user("too-late")
    with pytest.raises(TestBedError, match="client certificate"):
        upstream.token("too-late")
    assert upstream.token("admin")


def test_a_stopped_or_killed_server_keeps_its_data_and_its_address(fresh_upstream: ControlPlane) -> None:
    url = fresh_upstream.url
    fresh_upstream.apply(config_map("default", "kept", value="1"))
    fresh_upstream.apiserver.stop()
    with pytest.raises(ConnectionRefusedError):
        fresh_upstream.request("GET", "/version")
    fresh_upstream.apiserver.start()
    assert fresh_upstream.url == url
    assert (fresh_upstream.get("ConfigMap", "kept") or {})["data"] == {"value": "1"}
    fresh_upstream.etcd.kill()
    fresh_upstream.etcd.start()
    assert eventually(
        lambda: fresh_upstream.get("ConfigMap", "kept"),
        ignoring=(ApiError, OSError, http.client.HTTPException),
    )


def test_a_paused_server_does_not_answer_and_goes_on_later(fresh_upstream: ControlPlane) -> None:
    fresh_upstream.apiserver.pause()
    with socket.create_connection(("127.0.0.1", fresh_upstream.apiserver.port), timeout=1) as connection:
        connection.settimeout(1)
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        with pytest.raises(TimeoutError):
            connection.recv(1)
    fresh_upstream.apiserver.resume()
    assert fresh_upstream.request("GET", "/version")[0] == 200


def test_a_restored_snapshot_brings_the_old_state_and_old_versions_back(
    fresh_downstream: PhysicalCluster,
) -> None:
    before = fresh_downstream.apply(config_map("default", "thing", value="old"))
    snapshot = fresh_downstream.snapshot()
    for number in range(20):
        fresh_downstream.apply(config_map("default", "thing", value=f"new {number}"))
    later = fresh_downstream.apply(config_map("default", "thing", value="newest"))
    fresh_downstream.apply(config_map("default", "lost"))
    fresh_downstream.restore(snapshot)
    assert fresh_downstream.get("ConfigMap", "thing") == before
    assert fresh_downstream.get("ConfigMap", "lost") is None
    again = fresh_downstream.apply(config_map("default", "again"))
    assert int(again["metadata"]["resourceVersion"]) < int(later["metadata"]["resourceVersion"])
    running_pod(fresh_downstream, namespace_in(fresh_downstream))


def test_stop_can_be_called_again_and_start_continues(fresh_upstream: ControlPlane) -> None:
    fresh_upstream.apply(config_map("default", "kept"))
    fresh_upstream.stop()
    fresh_upstream.stop()
    with contextlib.closing(socket.socket()) as probe:
        assert probe.connect_ex(("127.0.0.1", fresh_upstream.apiserver.port)) != 0
    fresh_upstream.start()
    fresh_upstream.start()
    assert fresh_upstream.get("ConfigMap", "kept")


def test_missing_programs_are_named_with_what_to_do(tmp_path: Any) -> None:
    with pytest.raises(AssetsMissing, match="make testbed"):
        find_assets(environment={}, start=tmp_path)
    with pytest.raises(AssetsMissing, match="etcd is not in"):
        find_assets(environment={"TMC_ASSETS": str(tmp_path)})


def test_waiting_ends_at_its_deadline_with_the_last_answer() -> None:
    with pytest.raises(NotInTime, match=r"never within 0.2 s; the last answer was \[\]"):
        eventually(list, 0.2, message="never")
