"""How two sites agree on the first pad of a span: ML-KEM-1024 (FIPS 203), signed with ML-DSA-65 (FIPS 204).

They go over the span's channel before its first greeting (wire/span.py).
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from haris.wire.end_to_end import Certificate, KemOctets, Signature
from haris.wire.message_pack import Tagged

Octets16 = Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
Octets32 = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
Count = Annotated[int, msgspec.Meta(ge=0, lt=1 << 62)]

UNSIGNED = bytes(3309)
"""In the place of the signature, where it is not yet there."""


class BootstrapOffer(Tagged, frozen=True, kw_only=True):
    """The caller offers an encapsulation key of this moment.

    site: the sender. link: digest of what both ends must agree on of the span. tails: ends of the sender's ledgers.
    certificate: DER. signature: over the message with UNSIGNED in its place.
    """

    span: str
    site: str
    nonce: Octets16
    link: Octets16
    tails: dict[str, Count]
    public_key: KemOctets
    certificate: Certificate
    signature: Signature = UNSIGNED


class BootstrapReply(Tagged, frozen=True, kw_only=True):
    """The listener encapsulates to it. signature: over the offer and this, as there."""

    span: str
    site: str
    nonce: Octets16
    link: Octets16
    tails: dict[str, Count]
    ciphertext: KemOctets
    certificate: Certificate
    signature: Signature = UNSIGNED


class BootstrapProof(Tagged, frozen=True):
    """The sender holds the secret; from the listener it also says: my pad is stored."""

    word: Octets32


def signed_octets(message: BootstrapOffer | BootstrapReply) -> bytes:
    """What a signature covers."""
    return msgspec.msgpack.encode(msgspec.structs.replace(message, signature=UNSIGNED))
