"""Which Secrets travel and in what shape; and that nothing that is said about them holds a value."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.unit.transformation.samples import TYPES, check_golden, context, golden_cases, sample
from tmc_syncer.api.objects import Meta
from tmc_syncer.transformation.context import ExclusionError
from tmc_syncer.transformation.secrets import Secrets, masked

SECRETS = Secrets()
CONTEXT = context(TYPES["Secret"])
PASSWORD = "hunter2"


@pytest.mark.parametrize("case", golden_cases("secrets"))
def test_golden(case: str) -> None:
    check_golden(case)


def encoded(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return base64.b64encode(text.encode()).decode()


def registry_secret(config: Any, *, legacy: bool = False) -> dict[str, Any]:
    kind, key = ("dockercfg", ".dockercfg") if legacy else ("dockerconfigjson", ".dockerconfigjson")
    return sample("Secret", type=f"kubernetes.io/{kind}", data={key: config, "other": "stays"})


def credentials(copy: dict[str, Any]) -> Any:
    (key,) = copy["data"].keys() - {"other"}
    return json.loads(base64.b64decode(copy["data"][key]))


def test_it_looks_at_secrets_of_the_core_group_only() -> None:
    assert SECRETS.applies(TYPES["Secret"].gvr, Meta())
    assert not SECRETS.applies(TYPES["ConfigMap"].gvr, Meta())
    assert not SECRETS.applies(TYPES["Secret"].gvr._replace(group="example.com"), Meta())


@pytest.mark.parametrize("kind", ["Opaque", "kubernetes.io/tls", None, ["odd"]])
def test_other_secrets_travel_as_they_are(kind: object) -> None:
    secret = sample("Secret", type=kind, data={"a": "Yg=="})
    assert SECRETS.down(dict(secret), CONTEXT) == secret


def test_the_way_up_changes_nothing() -> None:
    secret = sample("Secret", type="Opaque", data={"a": "Yg=="})
    assert SECRETS.up(dict(secret), CONTEXT) == secret


@pytest.mark.parametrize(
    "config",
    [
        {"auths": {"r": {"username": "u", "password": "p", "auth": "a", "email": "e"}}},
        {"auths": {"r": {"identitytoken": "i", "registrytoken": "r"}, "s": {}}},
        {"auths": {"r": {"auth": None}}},
        {"auths": {}},
        {"auths": None},
        {},
        {"auths": {"r": {"auth": "a"}}, "credHelpers": {"gcr.io": "gcloud"}},
    ],
)
def test_tidy_credentials_travel_unchanged_to_the_byte(config: Any) -> None:
    secret = registry_secret(encoded(config))
    assert SECRETS.down(json.loads(json.dumps(secret)), CONTEXT) == secret


def test_unknown_fields_of_an_entry_go_and_the_rest_stays() -> None:
    config = {"auths": {"r": {"auth": "a", "extra": {"deep": 1}}, "s": {"email": "e"}}, "credsStore": "x"}
    copy = SECRETS.down(registry_secret(encoded(config)), CONTEXT)
    assert credentials(copy) == {"auths": {"r": {"auth": "a"}, "s": {"email": "e"}}, "credsStore": "x"}
    assert copy["data"]["other"] == "stays"


def test_the_legacy_form_has_no_outer_level() -> None:
    config = {"r": {"username": "u", "helper": "h"}, "auths": {"password": "p"}}
    copy = SECRETS.down(registry_secret(encoded(config), legacy=True), CONTEXT)
    assert credentials(copy) == {"r": {"username": "u"}, "auths": {"password": "p"}}


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        ["odd"],
        "",
        f"not base64 {PASSWORD}",
        "YQ",
        "YQ==YQ==",
        "ünicode",
        encoded(PASSWORD),
        encoded(f'{{"auths": "{PASSWORD}'),
        encoded([PASSWORD]),
        encoded("[" * 100_000),
        encoded({"auths": PASSWORD, PASSWORD: 1}),
        encoded({"auths": {PASSWORD: PASSWORD}, PASSWORD: PASSWORD}),
        encoded({"auths": {"r": {"password": 7, "auth": PASSWORD}}, "r": {"password": [PASSWORD]}}),
        base64.b64encode(b'{"auths": "\xff\xfe"}').decode(),
        encoded({"r": {}}).replace("=", "") + "!",
        "\n" + encoded({"auths": {}}),
    ],
)
def test_broken_credentials_are_refused_until_mended_without_a_word_about_them(
    value: Any, legacy: bool
) -> None:
    with pytest.raises(ExclusionError) as caught:
        SECRETS.down(registry_secret(value, legacy=legacy), CONTEXT)
    error = caught.value
    assert error.terminal
    assert error.reason == "InvalidDockerConfig"
    assert PASSWORD not in str(error)
    assert error.__cause__ is None
    assert error.__suppress_context__


@pytest.mark.parametrize("data", [None, {}, "odd"])
def test_a_registry_secret_without_its_key_is_refused(data: object) -> None:
    with pytest.raises(ExclusionError):
        SECRETS.down(sample("Secret", type="kubernetes.io/dockerconfigjson", data=data), CONTEXT)


def test_string_data_is_folded_as_the_server_does() -> None:
    secret = sample("Secret", type="Opaque", data={"a": "Yg==", "b": "Yg=="}, stringData={"b": "ü", "c": "x"})
    copy = SECRETS.down(secret, CONTEXT)
    assert copy["data"] == {"a": "Yg==", "b": encoded("ü"), "c": encoded("x")}
    assert "stringData" not in copy


@pytest.mark.parametrize("texts", [None, "odd", {}])
def test_no_string_data_adds_nothing(texts: object) -> None:
    copy = SECRETS.down(sample("Secret", type="Opaque", stringData=texts), CONTEXT)
    assert "data" not in copy
    assert "stringData" not in copy


def test_a_masked_secret_shows_names_and_no_values() -> None:
    noted = f'{{"data": "{PASSWORD}"}}'
    secret = sample(
        "Secret",
        metadata={"annotations": {"note": "x", "kubectl.kubernetes.io/last-applied-configuration": noted}},
        data={"a": PASSWORD},
        stringData=PASSWORD,
    )
    shown = masked(secret)
    assert shown["data"] == {"a": "***"}
    assert shown["stringData"] == "***"
    assert PASSWORD not in json.dumps(shown)
    assert shown["metadata"]["annotations"]["note"] == "x"
    assert secret["data"] == {"a": PASSWORD}
    assert masked({"kind": "Secret"}) == {"kind": "Secret"}
