"""Length-prefixed frames on a byte stream: four octets of length, big-endian, then the body."""

from __future__ import annotations

from haris.nouns.errors import PeerError

HEADER_OCTETS = 4
MAX_FRAME_OCTETS = 1 << 28


def frame(body: bytes) -> bytes:
    """The body behind its length."""
    return len(body).to_bytes(HEADER_OCTETS, "big") + body


def body_length(header: bytes, at_most: int = MAX_FRAME_OCTETS) -> int:
    """Length of the body that a header announces. Raises PeerError above at_most."""
    length = int.from_bytes(header, "big")
    if length > at_most:
        raise PeerError(f"a frame of {length} octets was announced, at most {at_most} are taken")
    return length
