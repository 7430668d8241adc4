"""What a container finds around itself: its environment variables and the files of its ConfigMap, Secret and downward volumes.

Both are read from the API when they are asked for. `missing` names the first ConfigMap or Secret that is needed and not there: a kubelet
does not start the container before it is. Other volumes are empty directories. Secret values go to the simulated container and
nowhere else. Pure: objects are found by a function.
"""

from __future__ import annotations

import base64
import binascii
import posixpath
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["Find", "Missing", "environment_of", "files_of", "missing_environment", "missing_volume"]

Object = dict[str, Any]
Find = Callable[[str, str, str], Object | None]
"""Resource, namespace, name."""

CONFIG_MAPS, SECRETS = "configmaps", "secrets"


@dataclass(frozen=True, slots=True)
class Missing:
    """What is missing: for a volume (its name), or for the environment."""

    resource: str
    name: str
    volume: str = ""
    key: str = ""

    @property
    def words(self) -> str:
        """As a kubelet says it."""
        kind = "configmap" if self.resource == CONFIG_MAPS else "secret"
        if self.key:
            return f"couldn't find key {self.key} in {'ConfigMap' if kind == 'configmap' else 'Secret'} {self.name}"
        return f'{kind} "{self.name}" not found'


def _data(obj: Object) -> dict[str, bytes]:
    """The entries of a ConfigMap or Secret."""
    plain = {} if obj.get("kind") == "Secret" else obj.get("data") or {}
    found = {name: str(value).encode() for name, value in plain.items()}
    coded = obj.get("data") if obj.get("kind") == "Secret" else obj.get("binaryData")
    for name, value in (coded or {}).items():
        try:
            found[name] = base64.b64decode(value)
        except (binascii.Error, ValueError):
            found[name] = b""
    return found


# Environment


def _field(pod: Object, container: Object, source: Object) -> str:
    metadata, spec, status = pod["metadata"], pod["spec"], pod.get("status") or {}
    path = source.get("fieldPath", "")
    plain = {
        "metadata.name": metadata["name"],
        "metadata.namespace": metadata.get("namespace", ""),
        "metadata.uid": metadata["uid"],
        "spec.nodeName": spec.get("nodeName", ""),
        "spec.serviceAccountName": spec.get("serviceAccountName", "default"),
        "status.hostIP": status.get("hostIP", ""),
        "status.podIP": status.get("podIP", ""),
        "status.podIPs": ",".join(entry["ip"] for entry in status.get("podIPs") or ()),
        "status.hostIPs": ",".join(entry["ip"] for entry in status.get("hostIPs") or ()),
    }
    if path in plain:
        return str(plain[path])
    for field in ("labels", "annotations"):
        prefix = f"metadata.{field}["
        values = metadata.get(field) or {}
        if path.startswith(prefix):
            return str(values.get(path[len(prefix) :].strip("]'\""), ""))
        if path == f"metadata.{field}":
            return "\n".join(f'{name}="{value}"' for name, value in sorted(values.items()))
    del container
    return ""


def _references(container: Object) -> Iterator[tuple[str, str, str, bool]]:
    """Resource, name, key and whether it may be missing, of everything that the environment is read from."""
    for source in container.get("envFrom") or ():
        for field, resource in (("configMapRef", CONFIG_MAPS), ("secretRef", SECRETS)):
            if field in source:
                yield resource, source[field].get("name", ""), "", bool(source[field].get("optional"))
    for variable in container.get("env") or ():
        source = variable.get("valueFrom") or {}
        for field, resource in (("configMapKeyRef", CONFIG_MAPS), ("secretKeyRef", SECRETS)):
            if field in source:
                wanted = source[field]
                optional = bool(wanted.get("optional"))
                yield resource, wanted.get("name", ""), wanted.get("key", ""), optional


def missing_environment(pod: Object, container: Object, find: Find) -> Missing | None:
    """What a container's environment needs and is not there."""
    namespace = pod["metadata"]["namespace"]
    for resource, name, key, optional in _references(container):
        found = find(resource, namespace, name)
        if not optional and found is None:
            return Missing(resource, name)
        if not optional and key and found is not None and key not in _data(found):
            return Missing(resource, name, key=key)
    return None


def environment_of(pod: Object, container: Object, find: Find) -> dict[str, str]:
    """The environment variables of a container."""
    namespace = pod["metadata"]["namespace"]
    found = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "HOSTNAME": pod["spec"].get("hostname") or pod["metadata"]["name"],
        "KUBERNETES_SERVICE_HOST": "10.96.0.1",
        "KUBERNETES_SERVICE_PORT": "443",
    }
    for source in container.get("envFrom") or ():
        for field, resource in (("configMapRef", CONFIG_MAPS), ("secretRef", SECRETS)):
            obj = find(resource, namespace, source[field].get("name", "")) if field in source else None
            for name, value in _data(obj or {}).items():
                found[source.get("prefix", "") + name] = value.decode(errors="replace")
    for variable in container.get("env") or ():
        source = variable.get("valueFrom") or {}
        if "fieldRef" in source:
            found[variable["name"]] = _field(pod, container, source["fieldRef"])
        elif "configMapKeyRef" in source or "secretKeyRef" in source:
            field, resource = (
                ("configMapKeyRef", CONFIG_MAPS) if "configMapKeyRef" in source else ("secretKeyRef", SECRETS)
            )
            obj = find(resource, namespace, source[field].get("name", ""))
            entry = _data(obj or {}).get(source[field].get("key", ""))
            if entry is not None:
                found[variable["name"]] = entry.decode(errors="replace")
        elif not source:
            found[variable["name"]] = _substituted(variable.get("value", ""), found)
    return found


def _substituted(text: str, variables: dict[str, str]) -> str:
    """``$(NAME)`` of variables that are known, ``$$`` for a dollar."""
    made, at = "", 0
    while at < len(text):
        if text.startswith("$$", at):
            made += "$"
            at += 2
        elif (
            text.startswith("$(", at) and (end := text.find(")", at)) > 0 and text[at + 2 : end] in variables
        ):
            made += variables[text[at + 2 : end]]
            at = end + 1
        else:
            made += text[at]
            at += 1
    return made


# Volumes


def _sources(volume: Object) -> Iterator[tuple[str, Object]]:
    """The parts of a volume that have files: the kind, and what it says."""
    for part in [volume, *((volume.get("projected") or {}).get("sources") or ())]:
        for field in ("configMap", "secret", "downwardAPI", "serviceAccountToken"):
            if field in part:
                yield field, part[field]


def _source_name(kind: str, source: Object) -> str:
    return str(source.get("secretName") or source.get("name") or "") if kind != "downwardAPI" else ""


def missing_volume(pod: Object, find: Find) -> Missing | None:
    """What the pod's volumes need and is not there."""
    namespace = pod["metadata"]["namespace"]
    for volume in pod["spec"].get("volumes") or ():
        for kind, source in _sources(volume):
            resource = {"configMap": CONFIG_MAPS, "secret": SECRETS}.get(kind)
            name = _source_name(kind, source)
            if resource and not source.get("optional") and find(resource, namespace, name) is None:
                return Missing(resource, name, volume["name"])
    return None


def _volume_files(pod: Object, container: Object, volume: Object, find: Find) -> dict[str, bytes]:
    namespace = pod["metadata"]["namespace"]
    found: dict[str, bytes] = {}
    for kind, source in _sources(volume):
        if kind == "serviceAccountToken":
            found[source.get("path", "token")] = b"simulated"
        elif kind == "downwardAPI":
            for item in source.get("items") or ():
                found[item["path"]] = _field(pod, container, item.get("fieldRef") or {}).encode()
        else:
            resource = CONFIG_MAPS if kind == "configMap" else SECRETS
            data = _data(find(resource, namespace, _source_name(kind, source)) or {})
            items = source.get("items")
            if items is None:
                found |= data
            else:
                found |= {item["path"]: data[item["key"]] for item in items if item["key"] in data}
    return found


def files_of(pod: Object, container: Object, find: Find) -> dict[str, bytes]:
    """The mounted files of a container, by path."""
    volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes") or ()}
    found: dict[str, bytes] = {}
    for mount in container.get("volumeMounts") or ():
        volume = volumes.get(mount["name"])
        content = {} if volume is None else _volume_files(pod, container, volume, find)
        part = mount.get("subPath", "")
        for name, data in content.items():
            if not part:
                found[posixpath.join(mount["mountPath"], name)] = data
            elif name == part:
                found[mount["mountPath"]] = data
    return found
