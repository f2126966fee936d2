"""Who is at the other end: ML-DSA-65 signatures (FIPS 204) over the TLS exporter.

The pre-shared key proves no identity: every relay that carried it knows it. A relay between the ends has two TLS
connections, whose exporters differ (RFC 8446, section 7.5), so a signature made for one is worthless on the other.
Each signature covers the role, both names, the session and the epoch, so that none serves in another place.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from haris.crypto import signing
from haris.crypto.signing import Credentials
from haris.service.tls_psk import Role

EXPORTER_LABEL = "EXPERIMENTAL haris tunnel signature"  # RFC 5705 leaves names that begin so to private use
EXPORTER_OCTETS = 48
_CONTEXT = b"haris tunnel 1"  # FIPS 204 context: no signature made elsewhere verifies here


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a signature is made for. session: 32 octets, epoch: its number, exporter: of the TLS connection."""

    session: bytes
    epoch: int
    exporter: bytes = field(repr=False)

    def statement(self, role: Role, name: str, peer_name: str) -> bytes:
        """The octets that the end `name` in `role` signs for `peer_name`: every part is preceded by its length."""
        parts = (role.encode(), name.encode(), peer_name.encode(), self.session, self.exporter)
        return self.epoch.to_bytes(4, "big") + signing.statement(*parts)


def sign(credentials: Credentials, role: Role, occasion: Occasion) -> tuple[bytes, bytes]:
    """Our certificate (DER) and our signature for this occasion."""
    return signing.sign(credentials, occasion.statement(role, credentials.name, credentials.peer_name), _CONTEXT)


def verify(
    credentials: Credentials, peer_role: Role, occasion: Occasion, der: bytes, signature: bytes, now_ns: int
) -> None:
    """Return if the peer is who it must be; now_ns: wall clock, nanoseconds since 1970.

    Raises PeerError on a certificate that may not sign as the peer, and on a signature that is not its own for this
    occasion.
    """
    certificate = signing.read_signer(credentials, der, now_ns)
    statement = occasion.statement(peer_role, credentials.peer_name, credentials.name)
    signing.verify(certificate, statement, signature, _CONTEXT)
