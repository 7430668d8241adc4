"""Upstream objects as hypothesis makes them: metadata as a server keeps it, content of any shape."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.unit.transformation.samples import TYPES
from tmc_syncer.transformation.domains import belongs_to_user
from tmc_syncer.transformation.secrets import SECRETS

FREE = [info for kind, info in sorted(TYPES.items()) if info.gvr.resource != SECRETS.resource]
"""Types that are refused for no value of theirs."""

text = st.text(max_size=8)
scalars = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | text | st.sampled_from(["None", "SingleStack"])
)
names = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
keys = st.sampled_from(
    [
        "app",
        "a/b",
        "kcp.io/managed",
        "workload.kcp.io/source-uid",
        "state.workload.kcp.io/x",
        "kcp.io",
        "n.kcp.io.x/y",
    ]
)
entries = st.dictionaries(keys | text, text, max_size=4)

# Names that the tables look at, so that rules meet values of every shape.
fields = st.sampled_from(
    [
        "affinity",
        "clusterIP",
        "containers",
        "creationTimestamp",
        "ipFamilies",
        "ipFamilyPolicy",
        "labels",
        "manualSelector",
        "matchExpressions",
        "matchLabels",
        "metadata",
        "name",
        "namespaceSelector",
        "namespaces",
        "nodePort",
        "podAffinity",
        "ports",
        "selector",
        "spec",
        "template",
        "tolerations",
        "volumes",
        "requiredDuringSchedulingIgnoredDuringExecution",
    ]
)
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(fields | text, inner, max_size=4),
    max_leaves=20,
)
references = st.lists(
    st.fixed_dictionaries(
        {"apiVersion": st.just("apps/v1"), "kind": st.just("Deployment"), "name": names, "uid": names},
        optional={"controller": st.booleans()},
    ),
    max_size=2,
)


@st.composite
def objects(draw: st.DrawFn) -> dict[str, Any]:
    """An upstream object of some type."""
    info = draw(st.sampled_from(FREE))
    metadata: dict[str, Any] = {
        "name": draw(names | st.just("default")),
        "uid": draw(names),
        "generation": draw(st.integers(0, 9)),
        "resourceVersion": "7",
    }
    if info.namespaced:
        metadata["namespace"] = "shop"
    for name, strategy in (("labels", entries), ("annotations", entries), ("ownerReferences", references)):
        value = draw(st.none() | strategy)
        if value is not None:
            metadata[name] = value
    content = draw(
        st.dictionaries(st.sampled_from(["spec", "status", "data", "rules", "subjects", "webhooks"]), trees)
    )
    return {"apiVersion": info.gvr.api_version, "kind": info.kind, "metadata": metadata, **content}


def users(values: dict[str, str] | None) -> dict[str, str]:
    """The entries that are the user's."""
    return {name: value for name, value in (values or {}).items() if belongs_to_user(name)}
