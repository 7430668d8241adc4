"""What the answers of two servers are compared by: cases run against anything that answers requests, less what must differ.

`run` sends the steps of a case and returns one result for each: the code, and the object or the causes of the refusal.
Names, addresses and ports that a server draws are replaced by words, causes are sorted: Go goes through maps in any order.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

from tests.unit.controlplane.types.corpus import Case, changed, named

Object = dict[str, Any]
Request = Callable[[str, str, Object | None], tuple[int, Any]]

PLURALS = {
    "Endpoints": "endpoints",
    "Ingress": "ingresses",
    "IngressClass": "ingressclasses",
    "NetworkPolicy": "networkpolicies",
    "PriorityClass": "priorityclasses",
    "StorageClass": "storageclasses",
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
    "CSIStorageCapacity": "csistoragecapacities",
}

DROPPED_METADATA = ("uid", "resourceVersion", "creationTimestamp", "managedFields")
FIXED = {"10.96.5.5", "10.96.9.9", 30123, 30000, 30333}
TRIES = 5
"""Controllers write to some objects too; a write that came between theirs is tried again."""

NOW_STAMP = re.compile(r'"20[2-9]\d-\d\d-\d\dT\d\d:\d\d:\d\dZ"')
KEPT_STAMPS = ('"2024-', '"2023-')
UID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
ADDRESS = re.compile(r"10\.96\.\d+\.\d+")


def namespace_of(case: Case) -> str:
    """The namespace of a case, the same in each run."""
    return f"n{hashlib.sha256(case.id.encode()).hexdigest()[:10]}"


def path_of(obj: Object, name: str = "", subresource: str = "") -> str:
    kind, api_version = obj["kind"], obj["apiVersion"]
    plural = PLURALS.get(kind, f"{kind.lower()}s")
    root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    namespace = obj["metadata"].get("namespace")
    parts = [root, *(["namespaces", namespace] if namespace else []), plural, *([name] if name else [])]
    return "/".join([*parts, *([subresource] if subresource else [])])


def run(case: Case, request: Request) -> list[Object]:
    """The results of the steps of a case."""
    namespace = namespace_of(case)
    base = named(case.base, namespace)
    results: list[Object] = []
    live: Object = {}
    for step in case.steps:
        changes = named(step.changes, namespace)
        if step.verb == "create":
            wanted = changed(base, changes)
            code, answer = request("POST", path_of(base), wanted)
        else:
            subresource = "status" if step.verb == "status" else ""
            code, answer = _changed(live, changes, subresource, request)
        if code in (200, 201):
            live = answer
        results.append(result(code, answer, namespace))
    return results


def _changed(live: Object, changes: Object, subresource: str, request: Request) -> tuple[int, Any]:
    name = live["metadata"]["name"]
    code, answer = 409, None
    for _ in range(TRIES):
        _, found = request("GET", path_of(live, name), None)
        code, answer = request("PUT", path_of(live, name, subresource), changed(found, changes))
        if code != 409:
            break
    return code, answer


def result(code: int, answer: Any, namespace: str) -> Object:
    """One answer in a form that can be compared and kept."""
    if code not in (200, 201):
        answer = json.loads(UID.sub("UID", json.dumps(answer)))
        causes = (answer.get("details") or {}).get("causes") or []
        if causes:
            return plain({"code": code, "causes": sorted(causes, key=json.dumps)}, namespace)
        return plain({"code": code, "message": answer["message"]}, namespace)
    return plain({"object": comparable(answer)}, namespace)


def plain(value: Object, namespace: str) -> Object:
    made: Object = json.loads(json.dumps(value, sort_keys=True).replace(namespace, "NS"))
    return made


def comparable(obj: Object) -> Object:
    """An object without what a server draws."""
    uid = obj["metadata"].get("uid", "-")
    text = NOW_STAMP.sub(
        lambda match: match[0] if match[0].startswith(KEPT_STAMPS) else '"NOW"',
        json.dumps(obj).replace(uid, "UID"),
    )
    made: Object = json.loads(text)
    for field in DROPPED_METADATA:
        made["metadata"].pop(field, None)
    finalizers = [f for f in made["metadata"].get("finalizers", []) if not f.endswith("-protection")]
    made["metadata"].pop("finalizers", None)
    if finalizers:
        made["metadata"]["finalizers"] = finalizers
    if made["kind"] == "Service":
        made["spec"] = _without_drawn(made["spec"])
    if made["kind"] == "CustomResourceDefinition":
        # Conditions are set by a controller, some time after the answer.
        made["status"] = {"storedVersions": made["status"].get("storedVersions")}
    return made


def _without_drawn(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: "PORT"
            if key in ("nodePort", "healthCheckNodePort") and item and item not in FIXED
            else _without_drawn(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_without_drawn(item) for item in value]
    if isinstance(value, str) and value not in FIXED and ADDRESS.fullmatch(value):
        return "ADDRESS"
    return value


# What two servers may differ in


def differences(name: str, real: list[Object], ours: list[Object]) -> list[str]:
    """Where the results of a case differ, in words."""
    found = [] if len(real) == len(ours) else [f"{name}: {len(real)} results, ours are {len(ours)}"]
    for number, (one, other) in enumerate(zip(map(agreed, real), map(agreed, ours), strict=False)):
        if one != other and one.get("causes") != []:
            found.append(f"{name}, step {number}: real {json.dumps(one)}, ours {json.dumps(other)}")
    return found


INTERNAL = re.compile(r'(?<=Invalid value: ){.*"Spec":{.*}: (?=field is immutable$)')
"""A pod template as Go prints its internal type."""

METADATA = "metadata."


def agreed(result: Object) -> Object:
    """A result without what the types are not answerable for: causes about the object's own metadata, which the server
    checks, and the difference of Go's internal types at the end of a message."""
    if "causes" not in result:
        return result
    kept = [
        {**cause, "message": INTERNAL.sub("", cause["message"]).partition("\n")[0]}
        for cause in result["causes"]
        if not cause.get("field", "").startswith(METADATA) or is_of_kind(cause)
    ]
    unique = {json.dumps(cause, sort_keys=True): cause for cause in kept}
    return {"code": result["code"], "causes": [unique[text] for text in sorted(unique)]}


def is_of_kind(cause: Object) -> bool:
    """Whether a cause about metadata comes from a kind's own rules."""
    field, message = cause["field"], cause["message"]
    return field.startswith(
        ("metadata.taints", "metadata.annotations[kubernetes.io/service-account.name]")
    ) or (
        field == "metadata.name"
        and any(
            words in message
            for words in ("priority class", "52 characters", "DNS label:", "spec.names.plural")
        )
    )
