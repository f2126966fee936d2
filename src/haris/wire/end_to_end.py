"""Messages of the end-to-end layer beside relay: two key managers agree on a secret by ML-KEM-1024, signed (ML-DSA-65).

They go between the two ends directly. Every message names its session and both ends; signature covers the message
without itself, and in the reply the offer too.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from haris.nouns.errors import PeerError
from haris.nouns.ids import require_name
from haris.wire.message_pack import MessagePack, Tagged

VERB = "end_to_end"
KEM_OCTETS = 1568
"""Of an ML-KEM-1024 encapsulation key, and of a ciphertext (FIPS 203, table 3)."""
SIGNATURE_OCTETS = 3309
"""Of an ML-DSA-65 signature (FIPS 204, table 2)."""

Name = Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
KemOctets = Annotated[bytes, msgspec.Meta(min_length=KEM_OCTETS, max_length=KEM_OCTETS)]
Certificate = Annotated[bytes, msgspec.Meta(min_length=1, max_length=16384)]
Signature = Annotated[bytes, msgspec.Meta(min_length=SIGNATURE_OCTETS, max_length=SIGNATURE_OCTETS)]


class SessionOffer(Tagged, frozen=True, kw_only=True):
    """The owner of the keys offers a fresh encapsulation key.

    session: drawn at random. owner, far_end: sites. public_key: ML-KEM-1024. certificate: DER.
    """

    session: Name
    owner: str
    far_end: str
    public_key: KemOctets
    certificate: Certificate
    signature: Signature | None = None

    def __post_init__(self) -> None:
        require_name("owner", self.owner)
        require_name("far_end", self.far_end)

    def signed_octets(self) -> bytes:
        """What the signature covers."""
        return encode(msgspec.structs.replace(self, signature=None))


class SessionReply(Tagged, frozen=True, kw_only=True):
    """The far end's encapsulation to the offered key; all else as in SessionOffer."""

    session: Name
    owner: str
    far_end: str
    ciphertext: KemOctets
    certificate: Certificate
    signature: Signature | None = None

    def __post_init__(self) -> None:
        require_name("owner", self.owner)
        require_name("far_end", self.far_end)

    def signed_octets(self) -> bytes:
        """What the signature covers beside the offer."""
        return encode(msgspec.structs.replace(self, signature=None))


Message = SessionOffer | SessionReply

_codec: MessagePack[Message] = MessagePack(Message, "the end-to-end layer")
encode = _codec.encode


def decode(octets: bytes) -> Message:
    """The message in octets. Raises PeerError for anything else, and for another spelling of the same message."""
    message = _codec.decode(octets)
    if encode(message) != octets:
        raise PeerError("a message of the end-to-end layer is spelt in another way than ours")
    return message
