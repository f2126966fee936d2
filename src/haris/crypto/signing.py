"""Who signed: ML-DSA-65 (FIPS 204) under certificates of one authority.

A signer shows its certificate and the authorities between it and the one that both trust. A statement is made of parts,
each preceded by its length, and a context tells what it is signed for, so that no signature serves in another place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey, MLDSA65PublicKey
from cryptography.hazmat.primitives.serialization import Encoding

from haris.nouns.errors import ParameterError, PeerError

MAX_CHAIN = 4
"""Certificates that a signer may show."""

E = TypeVar("E", bound=x509.ExtensionType)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What one end needs to show who it is and to know the other.

    certificate, key: ours, ML-DSA-65. authority: the only one that we trust. peer_name: the common name that the
    peer's certificate must bear. chain: the authorities between ours and the trusted one, ours first.
    Raises ParameterError when key and certificate differ or are not ML-DSA-65.
    """

    certificate: x509.Certificate
    key: MLDSA65PrivateKey = field(repr=False)
    authority: x509.Certificate
    peer_name: str
    chain: tuple[x509.Certificate, ...] = ()

    def __post_init__(self) -> None:
        public = self.certificate.public_key()
        if not isinstance(public, MLDSA65PublicKey) or not isinstance(self.key, MLDSA65PrivateKey):
            raise ParameterError("the signature certificate and its key must be ML-DSA-65")
        if public.public_bytes_raw() != self.key.public_key().public_bytes_raw():
            raise ParameterError("the signature certificate and its private key do not belong together")
        if not isinstance(self.authority.public_key(), MLDSA65PublicKey):
            raise ParameterError("the signature authority must be ML-DSA-65")

    @property
    def shown(self) -> bytes:
        """Our certificate and its chain, DER, one after the other."""
        return b"".join(each.public_bytes(Encoding.DER) for each in (self.certificate, *self.chain))

    @property
    def name(self) -> str:
        """Our own name, as the peer will see it."""
        return common_name(self.certificate)


def statement(*parts: bytes) -> bytes:
    """Octets to sign that no other parts give: every part is preceded by its length in two octets."""
    return b"".join(len(part).to_bytes(2, "big") + part for part in parts)


def sign(credentials: Credentials, octets: bytes, context: bytes) -> tuple[bytes, bytes]:
    """Our certificate with its chain, DER, and our signature. context: what it is signed for, up to 255 octets."""
    return credentials.shown, credentials.key.sign(octets, context)


def read_signer(credentials: Credentials, der: bytes, now_ns: int) -> x509.Certificate:
    """The peer's certificate, if it may sign as peer_name; now_ns: wall clock, nanoseconds since 1970.

    der: the certificate, and those of the authorities between it and ours, one after the other. Raises PeerError on one
    that does not lead to our authority, that is out of date, that may not sign or bears another name.
    """
    try:
        chain = [x509.load_der_x509_certificate(each) for each in _split(der)]
        certificate = chain[0]
        public = certificate.public_key()
        name = common_name(certificate)
    except (ValueError, ParameterError):
        raise PeerError("the peer's certificate cannot be read") from None
    if not isinstance(public, MLDSA65PublicKey):
        raise PeerError("the peer's certificate is not ML-DSA-65")
    _require_issued((*chain, credentials.authority), now_ns)
    if name != credentials.peer_name:
        raise PeerError(f"the peer is {name!r}, expected {credentials.peer_name!r}")
    return certificate


def verify(certificate: x509.Certificate, octets: bytes, signature: bytes, context: bytes) -> None:
    """Return if the holder of a certificate that read_signer gave has signed octets for context; else PeerError."""
    public = certificate.public_key()
    assert isinstance(public, MLDSA65PublicKey)
    try:
        public.verify(signature, octets, context)
    except InvalidSignature:
        raise PeerError(f"the signature of {common_name(certificate)!r} is not for this connection") from None


def common_name(certificate: x509.Certificate) -> str:
    """The one common name of a certificate's subject. Raises ParameterError when there is not exactly one."""
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    if len(names) != 1:
        raise ParameterError(f"a certificate with {len(names)} common names")
    return str(names[0].value)


def _split(der: bytes) -> list[bytes]:
    """DER values, one after the other, of lengths that take two octets. ValueError for anything else."""
    parts: list[bytes] = []
    while der:
        if der[:2] != b"\x30\x82" or len(der) < 4:
            raise ValueError("no certificate")
        end = 4 + int.from_bytes(der[2:4], "big")
        if end > len(der) or len(parts) == MAX_CHAIN:
            raise ValueError("a certificate that is cut off, or too many")
        parts.append(der[:end])
        der = der[end:]
    if not parts:
        raise ValueError("no certificate")
    return parts


def _require_issued(chain: Sequence[x509.Certificate], now_ns: int) -> None:
    """Each by the next, all valid now, the first one a signer and the others authorities. PeerError otherwise."""
    now = datetime.fromtimestamp(now_ns / 1e9, UTC)
    for held, issuer in pairwise(chain):
        try:
            held.verify_directly_issued_by(issuer)
        except (InvalidSignature, ValueError, TypeError):
            raise PeerError("the peer's certificate was not issued by our signature authority") from None
    for held in chain:
        if not held.not_valid_before_utc <= now <= held.not_valid_after_utc:
            raise PeerError(f"the certificate of {common_name(held)!r} is not valid at this time")
    for below, authority in enumerate(chain[1:-1]):
        _require_authority(authority, below)
    usage = _extension(chain[0], x509.KeyUsage)
    if not usage.digital_signature or usage.key_cert_sign:
        raise PeerError("the peer's certificate may not sign for an end")


def _require_authority(certificate: x509.Certificate, below: int) -> None:
    """An authority between, with so many others below it (RFC 5280, 6.1.4 (k) to (n))."""
    constraints = _extension(certificate, x509.BasicConstraints)
    short = constraints.path_length is not None and constraints.path_length < below
    if not constraints.ca or short or not _extension(certificate, x509.KeyUsage).key_cert_sign:
        raise PeerError(f"{common_name(certificate)!r} may not issue the peer's certificate")


def _extension(certificate: x509.Certificate, kind: type[E]) -> E:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except (x509.ExtensionNotFound, ValueError):
        raise PeerError("the peer's certificate does not say what it may be used for") from None
