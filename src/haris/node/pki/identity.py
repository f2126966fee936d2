"""Who is at the other end of a verified TLS connection: one field of its certificate, and nothing else that it says."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Literal

from cryptography import x509
from cryptography.x509.oid import NameOID

from haris.nouns.errors import ParameterError, Unauthorised
from haris.nouns.ids import require_name

Field = Literal["common-name", "uri-san", "serial"]


@dataclass(frozen=True, slots=True)
class IdentityTable:
    """[identity] Which field of a certificate is the ID of its holder.

    saes, kmes: of applications, and of key managers. `common-name`: the subject's. `uri-san`: the URI of the subject's
    alternative names. `serial`: the certificate's number; it is unique within one issuer only, so [kme] authority must
    hold one authority, which issues all certificates itself. uri: whether the ID is the `whole` URI or its
    `last-part`, what follows the last / (or : where there is no /). serial: whether the number is written in `hex`
    (lower case, without leading zeros) or in `decimal`.
    """

    saes: Field = "common-name"
    kmes: Field = "common-name"
    uri: Literal["whole", "last-part"] = "whole"
    serial: Literal["hex", "decimal"] = "hex"


def identity(certificate: x509.Certificate, field: Field, table: IdentityTable) -> str:
    """The ID that a verified certificate gives its holder.

    Unauthorised when the field is missing, stands there several times, is blank, longer than 64 characters, or not
    made of those that an ID may have.
    """
    values, title = _values(certificate, field, table), _TITLES[field]
    if len(values) != 1:
        raise Unauthorised(f"the certificate shall have one {title}, which is the caller's ID; it has {len(values)}")
    try:
        return require_name(f"the certificate's {title}", values[0])
    except ParameterError as error:
        raise Unauthorised(str(error)) from None


def identity_of(der: bytes | None, field: Field, table: IdentityTable) -> str:
    """As identity, of a certificate in DER. Unauthorised when there is none, or it cannot be read."""
    if der is None:
        raise Unauthorised("a client certificate is needed")
    try:
        certificate = x509.load_der_x509_certificate(der)
    except ValueError:
        raise Unauthorised("the certificate cannot be read") from None
    return identity(certificate, field, table)


def verified_chain(connection: ssl.SSLObject | ssl.SSLSocket) -> tuple[bytes, ...]:
    """The certificates by which the other end was verified, DER, its own first; only that if Python tells no more."""
    own = connection.getpeercert(binary_form=True)
    inner = getattr(connection, "_sslobj", None)  # public from Python 3.13 on, there since 3.10
    tell = getattr(inner, "get_verified_chain", None)
    chain = tell() if tell is not None and own is not None else None
    if not chain:
        return () if own is None else (own,)
    return tuple(ssl.PEM_cert_to_DER_cert(certificate.public_bytes()) for certificate in chain)


_TITLES = {"common-name": "Subject CN", "uri-san": "URI among its alternative names", "serial": "serial number"}


def _values(certificate: x509.Certificate, field: Field, table: IdentityTable) -> list[str]:
    try:
        if field == "common-name":
            return [str(a.value) for a in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        if field == "serial":
            number = certificate.serial_number
            return [f"{number:x}" if table.serial == "hex" else str(number)] if number > 0 else []
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    except ValueError:
        raise Unauthorised("the client certificate cannot be read") from None
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    return [uri if table.uri == "whole" else _last_part(uri) for uri in uris]


def _last_part(uri: str) -> str:
    return uri.rpartition("/" if "/" in uri else ":")[2]
