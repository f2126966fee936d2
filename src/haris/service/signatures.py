"""Who is at the other end: ML-DSA-65 signatures (FIPS 204) over the TLS exporter.

The pre-shared key proves no identity: every relay that carried it knows it. A relay between the ends has two TLS
connections, whose exporters differ (RFC 8446, section 7.5), so a signature made for one is worthless on the other.
Each certificate is issued by the authority itself: the chain has one link. Each signature covers the role, both
names, the session and the epoch, so that none serves in another place.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey, MLDSA65PublicKey
from cryptography.hazmat.primitives.serialization import Encoding

from haris.nouns.errors import ParameterError, PeerError
from haris.service.tls_psk import Role

EXPORTER_LABEL = "EXPERIMENTAL haris tunnel signature"  # RFC 5705 leaves names that begin so to private use
EXPORTER_OCTETS = 48
_CONTEXT = b"haris tunnel 1"  # FIPS 204 context: no signature made elsewhere verifies here


@dataclass(frozen=True, slots=True)
class Credentials:
    """What one end needs to show who it is and to know the other.

    certificate, key: ours, ML-DSA-65. authority: the only issuer that we trust. peer_name: the common name that the
    peer's certificate must bear. Raises ParameterError when key and certificate differ or are not ML-DSA-65.
    """

    certificate: x509.Certificate
    key: MLDSA65PrivateKey = field(repr=False)
    authority: x509.Certificate
    peer_name: str

    def __post_init__(self) -> None:
        public = self.certificate.public_key()
        if not isinstance(public, MLDSA65PublicKey) or not isinstance(self.key, MLDSA65PrivateKey):
            raise ParameterError("the signature certificate and its key must be ML-DSA-65")
        if public.public_bytes_raw() != self.key.public_key().public_bytes_raw():
            raise ParameterError("the signature certificate and its private key do not belong together")
        if not isinstance(self.authority.public_key(), MLDSA65PublicKey):
            raise ParameterError("the signature authority must be ML-DSA-65")

    @property
    def name(self) -> str:
        """Our own name, as the peer will see it."""
        return common_name(self.certificate)


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a signature is made for. session: 32 octets, epoch: its number, exporter: of the TLS connection."""

    session: bytes
    epoch: int
    exporter: bytes = field(repr=False)

    def statement(self, role: Role, name: str, peer_name: str) -> bytes:
        """The octets that the end `name` in `role` signs for `peer_name`: every part is preceded by its length."""
        parts = (role.encode(), name.encode(), peer_name.encode(), self.session, self.exporter)
        return self.epoch.to_bytes(4, "big") + b"".join(len(p).to_bytes(2, "big") + p for p in parts)


def sign(credentials: Credentials, role: Role, occasion: Occasion) -> tuple[bytes, bytes]:
    """Our certificate (DER) and our signature for this occasion."""
    statement = occasion.statement(role, credentials.name, credentials.peer_name)
    return credentials.certificate.public_bytes(Encoding.DER), credentials.key.sign(statement, _CONTEXT)


def verify(
    credentials: Credentials, peer_role: Role, occasion: Occasion, der: bytes, signature: bytes, now_ns: int
) -> None:
    """Return if the peer is who it must be; now_ns: wall clock, nanoseconds since 1970.

    Raises PeerError on a certificate that the authority did not issue, that is out of date, that may not sign or
    bears another name, and on a signature that is not its own for this occasion.
    """
    try:
        certificate = x509.load_der_x509_certificate(der)
        public = certificate.public_key()
        name = common_name(certificate)
    except (ValueError, ParameterError):
        raise PeerError("the peer's certificate cannot be read") from None
    if not isinstance(public, MLDSA65PublicKey):
        raise PeerError("the peer's certificate is not ML-DSA-65")
    _require_issued(certificate, credentials.authority, now_ns)
    if name != credentials.peer_name:
        raise PeerError(f"the peer is {name!r}, expected {credentials.peer_name!r}")
    try:
        public.verify(signature, occasion.statement(peer_role, name, credentials.name), _CONTEXT)
    except InvalidSignature:
        raise PeerError(f"the signature of {name!r} is not for this connection") from None


def common_name(certificate: x509.Certificate) -> str:
    """The one common name of a certificate's subject. Raises ParameterError when there is not exactly one."""
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    if len(names) != 1:
        raise ParameterError(f"a certificate with {len(names)} common names")
    return str(names[0].value)


def _require_issued(certificate: x509.Certificate, authority: x509.Certificate, now_ns: int) -> None:
    try:
        certificate.verify_directly_issued_by(authority)
    except (InvalidSignature, ValueError, TypeError):
        raise PeerError("the peer's certificate was not issued by our signature authority") from None
    now = datetime.fromtimestamp(now_ns / 1e9, UTC)
    for held in (certificate, authority):
        if not held.not_valid_before_utc <= now <= held.not_valid_after_utc:
            raise PeerError(f"the certificate of {common_name(held)!r} is not valid at this time")
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        raise PeerError("the peer's certificate does not say what it may be used for") from None
    if not usage.digital_signature or usage.key_cert_sign:
        raise PeerError("the peer's certificate may not sign for a tunnel's end")
