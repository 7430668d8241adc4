from __future__ import annotations

import pytest

from tmc_syncer.controlplane.server import wording


@pytest.mark.parametrize(
    ("faults", "good", "bad"),
    [
        (
            wording.dns_subdomain_faults,
            ["a", "a.b-c", "1a", "a" * 253],
            ["", "A", "a_b", "-a", "a-", "a..b", "a/b"],
        ),
        (wording.dns_label_faults, ["a", "1", "a-b", "a" * 63], ["", "a.b", "A", "-a", "a\n"]),
        (wording.path_segment_faults, ["A_b:c", "system:x", "a"], [".", "..", "a/b", "a%b"]),
        (
            wording.label_key_faults,
            ["a", "A_b.c", "example.com/a", "a" * 63],
            ["", "/a", "a/", "A/b", "a b", "-a", "a/b/c", "a" * 64],
        ),
        (wording.label_value_faults, ["", "a", "A_b.c-d", "a" * 63], ["-a", "a ", "a/b", "a" * 64, "ä"]),
        (
            wording.finalizer_faults,
            ["example.com/a", "kubernetes", "orphan", "foregroundDeletion"],
            ["nope", "a b", "/x", ""],
        ),
    ],
)
def test_names_have_no_faults_when_they_are_good(faults: object, good: list[str], bad: list[str]) -> None:
    assert callable(faults)
    assert [name for name in good if faults(name)] == []
    assert [name for name in bad if not faults(name)] == []


def test_what_is_too_long_is_said_before_what_is_wrong() -> None:
    assert wording.dns_label_faults("A" * 64)[0] == "must be no more than 63 bytes"
    assert len(wording.dns_label_faults("A" * 64)) == 2
    assert wording.label_key_faults("a" * 64) == ("name part must be no more than 63 bytes",)


def test_the_words_are_those_of_kube_apiserver() -> None:
    assert wording.dns_subdomain_faults("B_x") == (
        (
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
            "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
            r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
        ),
    )
    assert wording.finalizer_faults("nope") == (
        "name is neither a standard finalizer name nor is it fully qualified",
    )
    assert wording.label_key_faults("/a") == ("prefix part must be non-empty",)
    assert wording.path_segment_faults("a/b%") == ("may not contain '/'", "may not contain '%'")
    assert wording.path_segment_faults("..") == ("may not be '..'",)
