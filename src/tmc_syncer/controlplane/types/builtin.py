"""The built-in types: recorded discovery joined with what the kinds' functions know.

`builtin_types` makes one `Type` for each recorded resource; `PHYSICAL` names all of them, `WORKSPACE` those that a workspace
host serves: everything a workload needs, without what belongs to machines. A kind that is served in two versions has one storage;
its other version is checked in the stored form.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

from tmc_syncer.controlplane.schema.documents import schema_of
from tmc_syncer.controlplane.server.errors import Cause
from tmc_syncer.controlplane.types.assigned.table import PREPARE
from tmc_syncer.controlplane.types.conversions import CONVERSIONS
from tmc_syncer.controlplane.types.crdrules import validate_definition
from tmc_syncer.controlplane.types.defaults.table import defaulted
from tmc_syncer.controlplane.types.fieldlabels import field_labels_of
from tmc_syncer.controlplane.types.recorded import recorded
from tmc_syncer.controlplane.types.registry import Conversion, Object, Subresource, Type
from tmc_syncer.controlplane.types.rules.events import validate_new_event
from tmc_syncer.controlplane.types.rules.table import VALIDATE
from tmc_syncer.controlplane.types.tables.columns import builtin_columns

__all__ = ["PHYSICAL", "WORKSPACE", "builtin_types"]

Validate = Callable[[Object, Object | None], list[Cause]]

WITH_GENERATION = frozenset(
    {
        "customresourcedefinitions.apiextensions.k8s.io",
        "cronjobs.batch",
        "daemonsets.apps",
        "deployments.apps",
        "endpointslices.discovery.k8s.io",
        "ingressclasses.networking.k8s.io",
        "ingresses.networking.k8s.io",
        "jobs.batch",
        "mutatingadmissionpolicies.admissionregistration.k8s.io",
        "mutatingadmissionpolicybindings.admissionregistration.k8s.io",
        "mutatingwebhookconfigurations.admissionregistration.k8s.io",
        "networkpolicies.networking.k8s.io",
        "poddisruptionbudgets.policy",
        "pods",
        "podtemplates",
        "priorityclasses.scheduling.k8s.io",
        "replicasets.apps",
        "replicationcontrollers",
        "statefulsets.apps",
        "validatingadmissionpolicies.admissionregistration.k8s.io",
        "validatingadmissionpolicybindings.admissionregistration.k8s.io",
        "validatingwebhookconfigurations.admissionregistration.k8s.io",
    }
)
"""Resources whose ``metadata.generation`` is kept; no document of a server says so."""

STORED_AS = {"events.events.k8s.io": "events"}
"""Resources that are kept in the collection of another group."""

OF_MACHINES = frozenset(
    {
        "csidrivers.storage.k8s.io",
        "csinodes.storage.k8s.io",
        "csistoragecapacities.storage.k8s.io",
        "ipaddresses.networking.k8s.io",
        "nodes",
        "servicecidrs.networking.k8s.io",
        "volumeattachments.storage.k8s.io",
    }
)
"""What a workspace host has no use for."""


@cache
def builtin_types() -> tuple[Type, ...]:
    """All built-in types, in the order in which a server lists them."""
    found = []
    for api_version, resources in recorded("discovery")["resources"].items():
        found += [_made(api_version, resource) for resource in resources]
    return tuple(found)


def _made(api_version: str, entry: dict[str, Any]) -> Type:
    group, _, version = api_version.rpartition("/")
    resource, kind = entry["resource"], entry["responseKind"]["kind"]
    name = f"{resource}.{group}" if group else resource
    namespaced = entry["scope"] == "Namespaced"
    key = f"{api_version}/{kind}"
    details = tuple(_subresource(part) for part in entry.get("subresources") or ())
    subresources = tuple(part.name for part in details)
    conversion = CONVERSIONS.get(key)
    return Type(
        group=group,
        version=version,
        resource=resource,
        kind=kind,
        singular=entry["singularResource"],
        list_kind=f"{kind}List",
        namespaced=namespaced,
        verbs=tuple(entry["verbs"]),
        columns=builtin_columns(api_version, resource, kind),
        short_names=tuple(entry.get("shortNames") or ()),
        categories=tuple(entry.get("categories") or ()),
        subresources=subresources,
        has_generation=name in WITH_GENERATION,
        has_status="status" in subresources,
        graceful=name == "pods",
        default=partial(defaulted, api_version, kind),
        prepare=PREPARE.get(key, _unprepared),
        validate=_validation(key, conversion),
        field_labels=field_labels_of(api_version, kind, namespaced=namespaced),
        storage=STORED_AS.get(name, name),
        conversion=conversion,
        keeps_status_on_create=name == "nodes",
        subresource_details=details,
        schema_source=partial(schema_of, group, version, kind),
    )


def _unprepared(obj: Object, old: Object | None, context: Any) -> Object:
    del old, context
    return obj


def _subresource(entry: dict[str, Any]) -> Subresource:
    kind = entry["responseKind"]
    return Subresource(
        entry["subresource"], kind["kind"], tuple(entry["verbs"]), kind["group"], kind["version"]
    )


def _valid(obj: Object, old: Object | None) -> list[Cause]:
    del obj, old
    return []


def _validation(key: str, conversion: Conversion | None) -> Validate:
    if conversion is None:
        if key == "apiextensions.k8s.io/v1/CustomResourceDefinition":
            return validate_definition
        return VALIDATE.get(key, _valid)
    of_stored = {
        "events.k8s.io/v1/Event": validate_new_event,
        "autoscaling/v1/HorizontalPodAutoscaler": VALIDATE["autoscaling/v2/HorizontalPodAutoscaler"],
    }[key]

    def validate(obj: Object, old: Object | None) -> list[Cause]:
        return of_stored(conversion.to_stored(obj), None if old is None else conversion.to_stored(old))

    return validate


PHYSICAL = frozenset(made.name for made in builtin_types())
"""What a physical cluster serves: everything."""

WORKSPACE = PHYSICAL - OF_MACHINES
"""What a workspace host serves."""
