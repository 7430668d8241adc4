from __future__ import annotations

import pytest

from tmc_syncer.controlplane.server.errors import ApiError
from tmc_syncer.controlplane.server.media import Answer, body_type, negotiate

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
PARTIAL = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"


@pytest.mark.parametrize(
    ("accept", "answer"),
    [
        ("", Answer()),
        ("*/*", Answer()),
        ("application/*", Answer()),
        ("application/json", Answer()),
        ("Application/JSON", Answer()),
        ("application/json; charset=utf-8", Answer()),
        ("application/yaml", Answer(yaml=True)),
        ("application/vnd.kubernetes.protobuf,application/json", Answer()),
        (f"{TABLE},application/json", Answer(shape="Table")),
        (PARTIAL, Answer(shape="PartialObjectMetadata")),
        ("application/json;as=Table;v=v1beta1;g=meta.k8s.io", Answer(shape="Table", version="v1beta1")),
        (f"application/json;as=Table;v=v2;g=meta.k8s.io,{TABLE}", Answer(shape="Table")),
        ("application/json;q=0.1,application/yaml;q=0.9", Answer(yaml=True)),
        ("application/json;q=x,application/yaml", Answer(yaml=True)),
        ("text/html,application/json", Answer()),
    ],
)
def test_an_accept_header_asks_for_an_answer(accept: str, answer: Answer) -> None:
    assert negotiate(accept) == answer


def test_the_content_type_is_that_of_the_answer() -> None:
    assert (Answer().content_type, Answer(yaml=True).content_type) == ("application/json", "application/yaml")


@pytest.mark.parametrize(
    ("accept", "streaming", "message"),
    [
        (
            "text/plain",
            False,
            (
                "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, "
                "application/vnd.kubernetes.protobuf"
            ),
        ),
        (
            "text/plain",
            True,
            (
                "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, "
                "application/vnd.kubernetes.protobuf, application/json;stream=watch, "
                "application/vnd.kubernetes.protobuf;stream=watch"
            ),
        ),
        (
            "application/json;as=Foo;v=v1;g=meta.k8s.io",
            False,
            (
                "only the following media types are accepted: application/json, application/yaml, "
                "application/vnd.kubernetes.protobuf"
            ),
        ),
        (
            "application/json;as=Table;v=v1;g=other",
            False,
            (
                "only the following media types are accepted: application/json, application/yaml, "
                "application/vnd.kubernetes.protobuf"
            ),
        ),
        (
            "application/yaml",
            True,
            (
                "only the following media types are accepted: application/json;stream=watch, "
                "application/vnd.kubernetes.protobuf;stream=watch"
            ),
        ),
        (
            "application/vnd.kubernetes.protobuf",
            False,
            (
                "only the following media types are accepted: application/json, application/yaml, "
                "application/vnd.kubernetes.protobuf"
            ),
        ),
    ],
)
def test_what_cannot_be_given_is_refused(accept: str, streaming: bool, message: str) -> None:
    with pytest.raises(ApiError) as refused:
        negotiate(accept, streaming=streaming)
    assert (refused.value.code, refused.value.reason, refused.value.message) == (
        406,
        "NotAcceptable",
        message,
    )


def test_a_watch_takes_the_streaming_form_of_json() -> None:
    assert negotiate("application/json;stream=watch", streaming=True) == Answer()


def test_a_body_is_json_unless_it_says_otherwise() -> None:
    assert body_type("") == "application/json"
    assert body_type("application/json; charset=utf-8") == "application/json"
    assert body_type("application/vnd.kubernetes.protobuf") == "application/vnd.kubernetes.protobuf"
    with pytest.raises(ApiError) as refused:
        body_type("text/plain")
    assert refused.value.code == 415
