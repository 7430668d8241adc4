"""Texts and whether kube-openapi's strfmt takes them for the format."""

from __future__ import annotations

import pytest

from tmc_syncer.controlplane.merge.formats import FORMATS, normalized

TAKEN = {
    "bsonobjectid": ["507f1f77bcf86cd799439011"],
    "byte": ["YQ==", "YWI="],
    "cidr": ["1.2.3.4/8", "::/0"],
    "creditcard": ["4111111111111111", "4111 1111 1111 1111", "5555555555554444"],
    "date": ["2020-01-01"],
    "datetime": ["2020-01-01T00:00:00Z", "2020-01-01t00:00:00.5z", "2020-01-01T23:59:59+01:00"],
    "duration": ["1h", "1.5h", "22 ns", "3 days", "1h2m", "-1s", "0", "1 min", "in 12 d"],
    "email": ["a@b.c", "A <a@b.c>"],
    "hexcolor": ["#FFF", "fff", "#ffffff"],
    "hostname": ["host", "host.name", "h-ost", "ü.example", "a=b", "1h"],
    "ipv4": ["1.2.3.4", "01.2.3.4", "::ffff:1.2.3.4"],
    "ipv6": ["::1", "fe80::1"],
    "isbn": ["0321751043", "978-0321751041"],
    "isbn10": ["0-321-75104-3", "097522980X"],
    "isbn13": ["978-0321751041"],
    "k8slongname": ["a.b", "a-b.c"],
    "k8sshortname": ["a-b", "a1"],
    "mac": ["00:11:22:33:44:55", "0011.2233.4455", "00-11-22-33-44-55", "001122334455", "00:11:22:33:44:55:66:77"],
    "password": ["", "anything"],
    "rgbcolor": ["rgb(1,2,3)", "rgb( 1 , 20 , 255 )"],
    "ssn": ["123-45-6789", "123 45 6789"],
    "uri": ["http://x", "/x", "mailto:a"],
    "uuid": ["123e4567-e89b-12d3-a456-426614174000", "123E4567E89B12D3A456426614174000"],
    "uuid3": ["123e4567-e89b-32d3-a456-426614174000"],
    "uuid4": ["123e4567-e89b-42d3-a456-426614174000"],
    "uuid5": ["123e4567-e89b-52d3-8456-426614174000"],
}
REFUSED = {
    "bsonobjectid": ["507f", "xyz"],
    "byte": ["", "!", "YQ"],
    "cidr": ["1.2.3.4", "10.0.0.1/33", "x/8"],
    "creditcard": ["4111111111111112", "1234"],
    "date": ["2020-13-01", "2020-02-30", "2020-1-1", "x"],
    "datetime": ["2020-01-01T00:00:00", "2020-01-01T24:00:00Z", "2020-01-01", "x"],
    "duration": ["5", "x", "5 lightyears", ""],
    "email": ["a", ""],
    "hexcolor": ["#ffff", "g"],
    "hostname": ["-bad", "a_b", "a.b.", "1.2.3.4", "a" * 64, "a." * 130 + "com", "2020-01-01", ""],
    "ipv4": ["1.2.3", "::1", "x"],
    "ipv6": ["1.2.3.4", "fe80::1%eth0", "x"],
    "isbn": ["1"],
    "isbn10": ["0321751044", "x"],
    "isbn13": ["9780321751042", "x"],
    "k8slongname": ["A", "a..b", "a" * 254],
    "k8sshortname": ["a.b", "-a", "a" * 64],
    "mac": ["00:11:22:33:44", "x"],
    "rgbcolor": ["rgb(256,2,3)", "rgb(1,2)"],
    "ssn": ["123456789", "x"],
    "uri": ["x", "http://a b", ""],
    "uuid": ["123e4567", ""],
    "uuid3": ["123e4567-e89b-42d3-a456-426614174000"],
    "uuid4": ["123e4567-e89b-42d3-c456-426614174000"],
    "uuid5": ["123e4567-e89b-52d3-c456-426614174000"],
}


def test_every_format_is_tried():
    assert set(TAKEN) == set(FORMATS) == set(REFUSED) | {"password"}


@pytest.mark.parametrize("name", sorted(TAKEN))
def test_a_text_of_the_format_is_taken_and_another_refused(name):
    assert [text for text in TAKEN[name] if not FORMATS[name](text)] == []
    assert [text for text in REFUSED.get(name, ()) if FORMATS[name](text)] == []


def test_dashes_in_names_do_not_matter():
    assert normalized("date-time") == "datetime"
