"""What the tests of authentication and authorization share: a clock that stands, objects in lists, and short ways to write RBAC."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tmc_syncer.controlplane.auth.authority import Authority
from tmc_syncer.controlplane.auth.rules import GROUP

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
ISSUER = "https://kubernetes.default.svc"


class StandingClock:
    """A clock that moves only when it is told to."""

    def __init__(self, now: datetime = NOW) -> None:
        self.time = now

    def now(self) -> datetime:
        return self.time

    def advance(self, **delta: float) -> None:
        self.time += timedelta(**delta)

    def monotonic(self) -> float:
        raise NotImplementedError

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError


class Objects:
    """The objects of some logical clusters, as a store would give them."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self.lists = 0

    def put(self, resource: str, *items: dict[str, Any], cluster: str = "c") -> None:
        """Create objects, or replace those of the same name."""
        held = self.held.setdefault((cluster, resource), [])
        for item in items:
            held[:] = [each for each in held if _key(each) != _key(item)]
            held.append(item)

    def remove(self, resource: str, name: str, namespace: str = "", cluster: str = "c") -> None:
        held = self.held[cluster, resource]
        held[:] = [each for each in held if _key(each) != (namespace, name)]

    def list(self, cluster: str, group: str, resource: str, namespace: str) -> list[dict[str, Any]]:
        assert group == GROUP
        self.lists += 1
        held = self.held.get((cluster, resource), [])
        return [item for item in held if not namespace or item["metadata"].get("namespace") == namespace]

    def get(self, cluster: str, resource: str, namespace: str, name: str) -> dict[str, Any] | None:
        held = self.held.get((cluster, resource), [])
        return next((item for item in held if _key(item) == (namespace, name)), None)


def _key(item: dict[str, Any]) -> tuple[str, str]:
    return item["metadata"].get("namespace", ""), item["metadata"]["name"]


def rule(verbs: str, groups: str = "", resources: str = "", names: str = "") -> dict[str, Any]:
    """A rule from words: ``rule("get list", "apps", "deployments")``; the core group is ``''``."""
    found: dict[str, Any] = {"verbs": verbs.split()}
    if resources:
        found |= {
            "apiGroups": [group.strip("'") for group in groups.split() or [""]],
            "resources": resources.split(),
        }
    if names:
        found["resourceNames"] = names.split()
    return found


def on_paths(verbs: str, paths: str) -> dict[str, Any]:
    """A rule about paths."""
    return {"verbs": verbs.split(), "nonResourceURLs": paths.split()}


def role(name: str, *rules: dict[str, Any], namespace: str = "", **more: Any) -> dict[str, Any]:
    """A Role (in a namespace) or ClusterRole."""
    return {"metadata": _metadata(name, namespace), "rules": list(rules), **more}


def binding(
    name: str, to: str, *subjects: dict[str, str], namespace: str = "", kind: str = "ClusterRole"
) -> dict[str, Any]:
    """A RoleBinding (in a namespace) or ClusterRoleBinding to the role `to`."""
    reference = {"apiGroup": GROUP, "kind": kind, "name": to}
    return {"metadata": _metadata(name, namespace), "roleRef": reference, "subjects": list(subjects)}


def user(name: str) -> dict[str, str]:
    """The subject of a user."""
    return {"kind": "User", "apiGroup": GROUP, "name": name}


def group(name: str) -> dict[str, str]:
    """The subject of a group."""
    return {"kind": "Group", "apiGroup": GROUP, "name": name}


def account(name: str, namespace: str = "") -> dict[str, str]:
    """The subject of a service account."""
    return {"kind": "ServiceAccount", "name": name, **({"namespace": namespace} if namespace else {})}


def thing(name: str, namespace: str = "", uid: str = "", **more: Any) -> dict[str, Any]:
    """Any object with a uid."""
    return {"metadata": {**_metadata(name, namespace), "uid": uid or f"uid-{name}"}, **more}


def odd_certificate(
    authority: Authority,
    attributes: Sequence[tuple[x509.ObjectIdentifier, str]],
    extensions: Sequence[x509.ExtensionType] = (),
) -> x509.Certificate:
    """A certificate that the authority has issued, with any subject and any extensions."""
    subject = x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(authority.certificate.subject)
        .public_key(ec.generate_private_key(ec.SECP256R1()).public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(authority._key, hashes.SHA256())


def _metadata(name: str, namespace: str) -> dict[str, Any]:
    return {"name": name, **({"namespace": namespace} if namespace else {})}


def counted() -> Any:
    """A source of ids: id-1, id-2, …"""
    numbers = iter(range(1, 10**9))
    return lambda: f"id-{next(numbers)}"
