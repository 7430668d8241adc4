"""What a server refuses of a CustomResourceDefinition, with its causes.

There is one form of objects for all versions (conversion ``None``: only the apiVersion differs); a webhook may be named and is
never called. Errors that all versions share are reported under the older path of the field, as the server does, which keeps
such a definition in the old form. Source: ``apiextensions-apiserver/pkg/apis/apiextensions/validation``. Pure.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.controlplane.server.errors import Cause
from tmc_syncer.controlplane.types import causes
from tmc_syncer.controlplane.types.crds import established
from tmc_syncer.controlplane.types.crdschemas import check_schema
from tmc_syncer.controlplane.types.formats import dns1035_label, dns1123_subdomain

__all__ = ["validate_definition"]

Object = dict[str, Any]

SCOPES = ("Cluster", "Namespaced")
STRATEGIES = ("None", "Webhook")
COLUMN_TYPES = "boolean,date,integer,number,string"
COLUMN_FORMATS = "byte,date,date-time,double,float,int32,int64,password"
MAX_WARNING = 256
NO_PRESERVING = (
    "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
)


def validate_definition(obj: Object, old: Object | None) -> list[Cause]:
    """A CustomResourceDefinition."""
    spec, status = obj["spec"], obj["status"]
    if old is not None and spec == old["spec"]:
        return []
    names = spec["names"]
    found: list[Cause] = []
    if obj["metadata"].get("name") != f"{names.get('plural', '')}.{spec.get('group', '')}":
        words = 'must be spec.names.plural+"."+spec.group'
        found.append(causes.invalid("metadata.name", obj["metadata"].get("name", ""), words))
    found += _check_group(spec) + _check_names(names) + _check_versions(spec) + _check_conversion(spec)
    found += _check_stored(spec, status)
    if spec.get("preserveUnknownFields"):
        found.append(causes.invalid("spec.preserveUnknownFields", True, NO_PRESERVING))
    if old is not None and established(old):
        before = old["spec"]
        for path, new, was in (
            ("scope", spec.get("scope"), before.get("scope")),
            ("names.kind", names.get("kind"), before["names"].get("kind")),
            ("group", spec.get("group"), before.get("group")),
            ("names.plural", names.get("plural"), before["names"].get("plural")),
        ):
            if new != was:
                found.append(causes.invalid(f"spec.{path}", new, causes.IMMUTABLE))
        found = [cause for cause in found if cause.field != "metadata.name"]
    return found


def _check_group(spec: Object) -> list[Cause]:
    group, scope = spec.get("group", ""), spec.get("scope", "")
    found: list[Cause] = []
    if not group:
        found.append(causes.required("spec.group"))
    elif wrong := dns1123_subdomain(group):
        found.append(causes.invalid("spec.group", group, ",".join(wrong)))
    elif "." not in group:
        found.append(causes.invalid("spec.group", group, "should be a domain with at least one dot"))
    if not scope:
        found.append(causes.required("spec.scope"))
    elif scope not in SCOPES:
        found.append(causes.not_supported("spec.scope", scope, SCOPES))
    return found


def _check_names(names: Object) -> list[Cause]:
    found: list[Cause] = []
    for field in ("plural", "singular", "kind", "listKind"):
        value, path = names.get(field, ""), f"spec.names.{field}"
        mixed = field in ("kind", "listKind")
        if not value:
            found.append(causes.required(path))
        elif wrong := dns1035_label(value.lower() if mixed else value):
            prefix = "may have mixed case, but should otherwise match: " if mixed else ""
            found.append(causes.invalid(path, value, prefix + ",".join(wrong)))
    for field in ("shortNames", "categories"):
        for number, value in enumerate(names.get(field) or ()):
            if wrong := dns1035_label(value):
                found.append(causes.invalid(f"spec.names.{field}[{number}]", value, ",".join(wrong)))
    if names.get("kind") and names.get("kind") == names.get("listKind"):
        words = "kind and listKind may not be the same"
        found.append(causes.invalid("spec.names.listKind", names["listKind"], words))
    return found


def _common(versions: list[Object], field: str) -> bool:
    """Whether all versions say the same: the server then looks at it once, and names it by its older path."""
    return bool(versions) and all(version.get(field) == versions[0].get(field) for version in versions)


def _check_versions(spec: Object) -> list[Cause]:
    versions: list[Object] = spec.get("versions") or []
    found: list[Cause] = []
    for number, version in enumerate(versions):
        path, name = f"spec.versions[{number}]", version.get("name", "")
        if wrong := dns1035_label(name):
            found.append(causes.invalid(f"{path}.name", name, ",".join(wrong)))
            if number == 0:
                found.append(causes.invalid("spec.version", name, ",".join(wrong)))
        found += _check_warning(path, version)
        if not (version.get("schema") or {}).get("openAPIV3Schema"):
            found.append(causes.required(f"{path}.schema.openAPIV3Schema"))
    for field, older, check in (
        ("schema", "spec.validation", _check_version_schema),
        ("subresources", "spec.subresources", _check_subresources),
        ("additionalPrinterColumns", "spec.additionalPrinterColumns", _check_columns),
    ):
        if _common(versions, field):
            found += check(older, versions[0])
            continue
        for number, version in enumerate(versions):
            found += check(f"spec.versions[{number}].{field}", version)
    names = [version.get("name") for version in versions]
    if len(set(names)) < len(names):
        words = "must contain unique version names"
        found.append(causes.invalid("spec.versions", _shown_versions(versions), words))
    if sum(bool(version.get("storage")) for version in versions) != 1:
        words = "must have exactly one version marked as storage version"
        found.append(causes.invalid("spec.versions", _shown_versions(versions), words))
    return found


def _shown_versions(versions: list[Object]) -> list[Object]:
    """Versions as Go prints its internal type, as far as they are the plain ones that people get wrong."""
    return [
        {
            "Name": version.get("name", ""),
            "Served": version.get("served", False),
            "Storage": version.get("storage", False),
            "Deprecated": version.get("deprecated", False),
            "DeprecationWarning": version.get("deprecationWarning"),
            "Schema": None,
            "Subresources": None,
            "AdditionalPrinterColumns": None,
            "SelectableFields": None,
        }
        for version in versions
    ]


def _check_warning(path: str, version: Object) -> list[Cause]:
    warning, where = version.get("deprecationWarning"), f"{path}.deprecationWarning"
    if warning is None:
        return []
    if not version.get("deprecated"):
        return [causes.invalid(where, warning, "can only be set for deprecated versions")]
    if not warning:
        return [causes.invalid(where, warning, "must not be an empty string")]
    if len(warning) > MAX_WARNING:
        return [causes.invalid(where, warning, f"must be <= {MAX_WARNING} characters long")]
    return []


def _check_version_schema(path: str, version: Object) -> list[Cause]:
    schema = (version.get("schema") or {}).get("openAPIV3Schema")
    return check_schema(f"{path}.openAPIV3Schema", schema) if schema else []


def _check_subresources(path: str, version: Object) -> list[Cause]:
    scale = (version.get("subresources") or {}).get("scale")
    found: list[Cause] = []
    for field, root in (
        ("specReplicasPath", ".spec."),
        ("statusReplicasPath", ".status."),
        ("labelSelectorPath", ""),
    ):
        value, where = (scale or {}).get(field), f"{path}.scale.{field}"
        if scale is None or (field == "labelSelectorPath" and not value):
            continue
        if not value:
            found.append(causes.required(where))
        elif not value.startswith("."):
            found.append(causes.invalid(where, value, "must be a simple json path starting with ."))
        elif root and not value.startswith(root):
            found.append(causes.invalid(where, value, f"should be a json path under {root[:-1]}"))
        elif not root and not value.startswith((".spec.", ".status.")):
            found.append(causes.invalid(where, value, "should be a json path under either .spec or .status"))
    return found


def _check_columns(path: str, version: Object) -> list[Cause]:
    found: list[Cause] = []
    for number, column in enumerate(version.get("additionalPrinterColumns") or ()):
        where = f"{path}[{number}]"
        if not column.get("name"):
            found.append(causes.required(f"{where}.name"))
        kind, form, target = (column.get(field, "") for field in ("type", "format", "jsonPath"))
        if not kind:
            found.append(causes.required(f"{where}.type", f"must be one of {COLUMN_TYPES}"))
        elif kind not in COLUMN_TYPES.split(","):
            found.append(causes.invalid(f"{where}.type", kind, f"must be one of {COLUMN_TYPES}"))
        if form and form not in COLUMN_FORMATS.split(","):
            found.append(causes.invalid(f"{where}.format", form, f"must be one of {COLUMN_FORMATS}"))
        if not target:
            found.append(causes.required(f"{where}.JSONPath"))
        elif not target.startswith("."):
            found.append(
                causes.invalid(f"{where}.JSONPath", target, "must be a simple json path starting with .")
            )
    return found


def _check_conversion(spec: Object) -> list[Cause]:
    conversion = spec.get("conversion") or {}
    strategy, webhook = conversion.get("strategy", ""), conversion.get("webhook")
    if not strategy:
        return [causes.required("spec.conversion.strategy")]
    if strategy not in STRATEGIES:
        return [causes.not_supported("spec.conversion.strategy", strategy, STRATEGIES)]
    if strategy == "None":
        if webhook is None:
            return []
        words = "should not be set when strategy is not set to Webhook"
        return [causes.forbidden("spec.conversion.webhook", words)]
    found: list[Cause] = []
    if not (webhook or {}).get("clientConfig"):
        words = "required when strategy is set to Webhook"
        found.append(causes.required("spec.conversion.webhookClientConfig", words))
    if not (webhook or {}).get("conversionReviewVersions"):
        found.append(causes.required("spec.conversion.conversionReviewVersions"))
    return found


def _check_stored(spec: Object, status: Object) -> list[Cause]:
    stored, path = status.get("storedVersions") or [], "status.storedVersions"
    if not stored:
        return [causes.invalid(path, None, "must have at least one stored version")]
    versions = [version.get("name") for version in spec.get("versions") or ()]
    found = [
        causes.invalid(f"{path}[{number}]", name, "must appear in spec.versions")
        for number, name in enumerate(stored)
        if name not in versions
    ]
    kept = [version.get("name") for version in spec.get("versions") or () if version.get("storage")]
    if kept and kept[-1] not in stored:
        found.append(causes.invalid(path, stored, f"must have the storage version {kept[-1]}"))
    return found
