"""Certificates: what is in them, and how long they last."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.unit.controlplane.auth.stage import NOW
from tmc_syncer.controlplane.auth.authority import LIFETIMES, USER_UID, Authority, new_key, private_pem


def texts(name: x509.Name, oid: x509.ObjectIdentifier) -> list[str]:
    return [str(each.value) for each in name.get_attributes_for_oid(oid)]


def test_an_authority_signs_and_does_nothing_else() -> None:
    authority = Authority.create("one", NOW)
    certificate = authority.certificate
    certificate.verify_directly_issued_by(certificate)
    assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.key_cert_sign, usage.digital_signature) == (True, True)
    assert certificate.not_valid_before_utc < NOW
    assert certificate.not_valid_after_utc == NOW + LIFETIMES["ca"]


def test_a_renewed_authority_has_issued_what_the_old_one_has() -> None:
    old = Authority.create("one", NOW)
    client = old.client("ann", (), NOW).certificate
    new = old.renewed(NOW + timedelta(days=3000))
    client.verify_directly_issued_by(new.certificate)
    assert new.certificate.not_valid_after_utc == NOW + timedelta(days=3000) + LIFETIMES["ca"]
    assert new.key_pem == old.key_pem


def test_a_certificate_and_a_foreign_key_are_no_authority() -> None:
    with pytest.raises(ValueError, match="not of the CA key"):
        Authority(Authority.create("one", NOW).certificate, new_key())


def test_a_client_certificate_carries_user_groups_and_uid() -> None:
    pair = Authority.create("one", NOW).client("ann", ("a", "b"), NOW, uid="7")
    subject = pair.certificate.subject
    assert texts(subject, NameOID.COMMON_NAME) == ["ann"]
    assert texts(subject, NameOID.ORGANIZATION_NAME) == ["a", "b"]
    assert texts(subject, USER_UID) == ["7"]
    purposes = pair.certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    key = serialization.load_pem_private_key(pair.key_pem, None)
    assert key.public_key() == pair.certificate.public_key()


def test_a_certificate_of_the_past_was_good_once() -> None:
    pair = Authority.create("one", NOW).client("ann", (), NOW, lifetime=timedelta(hours=-1))
    assert pair.certificate.not_valid_before_utc < pair.certificate.not_valid_after_utc < NOW


def test_a_server_certificate_is_for_names_and_addresses() -> None:
    pair = Authority.create("one", NOW).server(("localhost", "127.0.0.1", "::1"), NOW)
    names = pair.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    purposes = pair.certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_private_keys_are_kept_as_pem() -> None:
    key = new_key()
    loaded = serialization.load_pem_private_key(private_pem(key), None)
    assert loaded.public_key() == key.public_key()
