"""Wegman–Carter authentication: a tag that no computing power forges, for 32 octets of pad."""

from __future__ import annotations

import hmac

from cryptography.hazmat.primitives.poly1305 import Poly1305

from haris.nouns.errors import ParameterError

PAD_OCTETS = 32
TAG_OCTETS = 16


def tag(octets: bytes, pad: bytes) -> bytes:
    """The 16-octet one-time tag of octets under a pad of 32 octets that must never serve again.

    Poly1305: the first half of the pad chooses a polynomial hash modulo 2^130 - 5, the second half covers it as a
    one-time pad. With a fresh uniform pad its security is information-theoretic; see forgery_probability.
    Raises ParameterError unless the pad has 32 octets.
    Source: Wegman, Carter, J. Comput. Syst. Sci. 22, 265 (1981); Bernstein, FSE 2005; RFC 8439, section 2.5.
    """
    if len(pad) != PAD_OCTETS:
        raise ParameterError(f"a one-time tag takes a pad of {PAD_OCTETS} octets, got {len(pad)}")
    return Poly1305.generate_tag(pad, octets)


class RunningTag:
    """The same tag over octets that come one after another: nothing of them is kept.

    Raises ParameterError unless the pad has 32 octets.
    """

    def __init__(self, pad: bytes) -> None:
        if len(pad) != PAD_OCTETS:
            raise ParameterError(f"a one-time tag takes a pad of {PAD_OCTETS} octets, got {len(pad)}")
        self._hash = Poly1305(pad)
        self.length_octets = 0

    def update(self, octets: bytes) -> None:
        """Cover these octets, too."""
        self._hash.update(octets)
        self.length_octets += len(octets)

    def tag(self) -> bytes:
        """The tag over all that came. Once only."""
        return self._hash.finalize()


def verify(octets: bytes, received: bytes, pad: bytes) -> bool:
    """Whether received is the tag of octets under pad, compared in constant time."""
    return hmac.compare_digest(tag(octets, pad), received)


def forgery_probability(length_octets: int) -> float:
    """Greatest probability that one forgery on messages of up to length_octets is accepted.

    8 ceil(L / 16) / 2^106: Bernstein, The Poly1305-AES message-authentication code, FSE 2005, Theorem 3.3, with the
    cipher replaced by a one-time pad.
    """
    return 8.0 * -(-length_octets // 16) / 2.0**106
