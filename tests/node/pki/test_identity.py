"""Who is who by each field of a certificate, and what no field may be."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from haris.node.pki.identity import IdentityTable, identity, identity_of
from haris.nouns.errors import Unauthorised

KEY = ec.generate_private_key(ec.SECP256R1())
TABLE = IdentityTable()


def certificate(names=(), uris=(), serial=0x1A2B, dns=()):
    now = datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name) for name in names])
    builder = x509.CertificateBuilder(subject, subject, KEY.public_key(), serial, now, now + timedelta(days=1))
    others = [*map(x509.UniformResourceIdentifier, uris), *map(x509.DNSName, dns)]
    if others:
        builder = builder.add_extension(x509.SubjectAlternativeName(others), critical=False)
    return builder.sign(KEY, hashes.SHA256())


def test_each_field_names_its_holder_and_no_other_field_does():
    holder = certificate(["alice"], ["urn:qkd:sae:bob"], dns=["carol.example"])
    assert identity(holder, "common-name", TABLE) == "alice"
    assert identity(holder, "uri-san", TABLE) == "urn:qkd:sae:bob"
    assert identity(holder, "uri-san", IdentityTable(uri="last-part")) == "bob"
    assert identity(holder, "serial", TABLE) == "1a2b"
    assert identity(holder, "serial", IdentityTable(serial="decimal")) == "6699"
    path = certificate(uris=["https://example.org/saes/alice"])
    assert identity(path, "uri-san", IdentityTable(uri="last-part")) == "alice"


@pytest.mark.parametrize(
    ("field", "names", "uris"),
    [
        ("common-name", [], ["urn:a"]),
        ("common-name", ["a", "b"], []),
        ("common-name", [" "], []),
        ("common-name", ["a/b"], []),
        ("common-name", ["a b"], []),
        ("common-name", ["é"], []),
        ("common-name", ["alice\n"], []),
        ("uri-san", ["alice"], []),
        ("uri-san", ["alice"], ["urn:a", "urn:b"]),
        ("uri-san", ["alice"], ["urn:a", "urn:a"]),
        ("uri-san", ["alice"], ["https://example.org/a"]),
        ("uri-san", ["alice"], ["urn:" + 61 * "a"]),
    ],
)
def test_none_several_blank_and_too_long_are_refused_alike(field, names, uris):
    with pytest.raises(Unauthorised):
        identity(certificate(names, uris), field, TABLE)


def test_the_last_part_of_a_uri_may_not_be_blank():
    with pytest.raises(Unauthorised):
        identity(certificate(uris=["https://example.org/"]), "uri-san", IdentityTable(uri="last-part"))


def test_other_names_of_a_certificate_are_no_uri():
    with pytest.raises(Unauthorised, match="it has 0"):
        identity(certificate(["alice"], dns=["alice"]), "uri-san", TABLE)


def test_a_connection_without_a_certificate_has_no_name():
    with pytest.raises(Unauthorised, match="cannot be read"):
        identity_of(b"\x30\x00", "common-name", TABLE)
    with pytest.raises(Unauthorised):
        identity_of(None, "common-name", TABLE)
