"""Field paths are read as people and servers write them, and compare with field sets."""

from __future__ import annotations

import pytest

from tmc_syncer.api.errors import UsageError
from tmc_syncer.api.fieldpath import ANY_ITEM, covers, parse_field_path


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        (".spec.replicas", ("f:spec", "f:replicas")),
        (".data.app.properties", ("f:data", "f:app.properties")),
        (".binaryData.x.y", ("f:binaryData", "f:x.y")),
        (".metadata.labels.app.kubernetes.io/name", ("f:metadata", "f:labels", "f:app.kubernetes.io/name")),
        ('.metadata.annotations["a.b/c.d"]', ("f:metadata", "f:annotations", "f:a.b/c.d")),
        (".spec.template.metadata.labels.a.b", ("f:spec", "f:template", "f:metadata", "f:labels", "f:a.b")),
        (".spec.selector.matchLabels.a/b", ("f:spec", "f:selector", "f:matchLabels", "f:a/b")),
        (".spec.nodeSelector.a/b", ("f:spec", "f:nodeSelector", "f:a/b")),
        (".metadata.labels", ("f:metadata", "f:labels")),
        (".spec.labels.a.b", ("f:spec", "f:labels", "f:a", "f:b")),
        ('.c[name="web"].image', ("f:c", 'k:{"name":"web"}', "f:image")),
        (".c[name=web].image", ("f:c", 'k:{"name":"web"}', "f:image")),
        (".ports[containerPort=80,protocol=TCP]", ("f:ports", 'k:{"containerPort":80,"protocol":"TCP"}')),
        (
            '.ports[protocol="TCP",containerPort=80]',
            ("f:ports", 'k:{"containerPort":80,"protocol":"TCP"}'),
        ),
        (".list[on=true]", ("f:list", 'k:{"on":true}')),
        (".list[size=1.5]", ("f:list", 'k:{"size":"1.5"}')),
        (".c[*].image", ("f:c", ANY_ITEM, "f:image")),
        ('.metadata.finalizers[="a/b"]', ("f:metadata", "f:finalizers", 'v:"a/b"')),
        (".set[=5]", ("f:set", "v:5")),
        ('.data["with \\"quotes\\""]', ("f:data", 'f:with "quotes"')),
    ],
)
def test_a_path_becomes_steps_of_a_field_set(text: str, steps: tuple[str, ...]) -> None:
    assert parse_field_path(text) == steps


@pytest.mark.parametrize(
    "text",
    [
        "", "spec", ".", "..spec", ".spec.", ".spec[", ".spec[0]", ".spec[]", '.spec["a]', '.a["\\q"]', '.a[b="\\q"]',
        '.a[="\\q"]', ".a b", ".a[b=]", "." + "a" * 2000,
    ],
)  # fmt: skip
def test_what_is_no_path_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match="is not a field path") as caught:
        parse_field_path(text)
    assert ".spec.replicas" in caught.value.hint


def test_the_refusal_shows_where_the_path_stops_being_one() -> None:
    with pytest.raises(UsageError, match=r"from '\.\?x' on"):
        parse_field_path(".spec.?x")


@pytest.mark.parametrize(
    ("rule", "path", "answer"),
    [
        (".spec", ".spec.replicas", True),
        (".spec.replicas", ".spec.replicas", True),
        (".spec.replicas", ".spec", False),
        (".spec.replicas", ".spec.template", False),
        (".c[*].image", '.c[name="web"].image', True),
        (".c[*].image", '.c[name="web"].env', False),
        (".c[*]", ".c.d", False),
        (".c[name=web]", '.c[name="db"].image', False),
    ],
)
def test_a_rule_covers_its_field_and_all_below_it(rule: str, path: str, answer: bool) -> None:
    assert covers(parse_field_path(rule), parse_field_path(path)) is answer
