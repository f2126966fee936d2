"""The one-time pad: perfect secrecy for as many octets as were ever shared (Shannon 1949)."""

from __future__ import annotations

from haris.nouns.errors import ParameterError


def xor(octets: bytes, pad: bytes) -> bytes:
    """Octets under a pad of the same length, or out of it. ParameterError for another length."""
    if len(octets) != len(pad):
        raise ParameterError(f"a one-time pad is as long as its message: {len(pad)} octets for {len(octets)}")
    return (int.from_bytes(octets) ^ int.from_bytes(pad)).to_bytes(len(octets))
