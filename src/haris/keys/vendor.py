"""Keys of a maker's boxes: what is believed of them, and how two ends find out that theirs are the same.

Each of two boxes gives its site keys by name (a key_ID, a place in a key stream, a file's name). Alice's site draws,
names what it drew, and Bob's draws the same. A key's name is used once: drawn is spent, whatever becomes of the block.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from haris.crypto.wegman_carter import forgery_probability
from haris.keys.quarantine import Lie, SourceLied
from haris.nouns.checks import require_positive
from haris.nouns.errors import PeerError
from haris.nouns.keys import FinalKey, Origin, Pedigree, Proof

BALANCE_SIGMAS = 8.0
"""How far the number of ones of a batch may lie from one half: an honest batch fails with a probability below 2e-15."""


@dataclass(frozen=True, slots=True)
class SourceKey:
    """One key as a box gave it."""

    name: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Statement:
    """What a source's maker states of its keys. who: the box in words. epsilon: of each key, None: nothing stated."""

    who: str
    epsilon: float | None = None


def examine(keys: Sequence[SourceKey], key_bits: int, at_most: int) -> None:
    """Raise SourceLied unless the keys of one answer can be what was asked for.

    At most at_most of them, each of key_bits, no name and no key twice, none that repeats itself, ones and zeros in
    balance. It finds a box that is broken, not one that is malicious: no test of its output could.
    """
    if len(keys) > at_most:
        raise SourceLied(Lie.TOO_MANY, f"{len(keys)} keys for {at_most}")
    for key in keys:
        if 8 * len(key.secret) != key_bits:
            raise SourceLied(Lie.WRONG_SIZE, f"key {key.name} has {8 * len(key.secret)} bits, not {key_bits}")
        if repeats_itself(key.secret):
            raise SourceLied(Lie.NOT_RANDOM, f"key {key.name} repeats itself")
    if len({key.name for key in keys}) < len(keys):
        raise SourceLied(Lie.REPEATED_NAME, "one answer names a key twice")
    if len({key.secret for key in keys}) < len(keys):
        raise SourceLied(Lie.NOT_RANDOM, "one answer holds the same key under two names")
    if not in_balance(b"".join(key.secret for key in keys)):
        raise SourceLied(Lie.NOT_RANDOM, f"of {len(keys)} keys, ones and zeros are far from balance")


def repeats_itself(secret: bytes) -> bool:
    """Whether a shorter string repeated makes the secret, as all zeros do; 2^-128 for a random key of 256 bits."""
    return len(secret) > 1 and secret in (secret + secret)[1:-1]


def in_balance(octets: bytes) -> bool:
    """Whether the ones of octets lie within BALANCE_SIGMAS of one half."""
    n_bits = 8 * len(octets)
    ones = int(np.unpackbits(np.frombuffer(octets, np.uint8)).sum())
    return bool(abs(ones - n_bits / 2) <= BALANCE_SIGMAS * n_bits**0.5 / 2)


def among(names: Sequence[str], keys: Sequence[SourceKey]) -> dict[str, SourceKey]:
    """The keys of one answer by their names.

    Raises SourceLied when there is none, too many, a name twice, or a key among them that was not named.
    """
    by_name = {key.name: key for key in keys}
    if len(keys) > len(names):
        raise SourceLied(Lie.TOO_MANY, f"{len(keys)} keys for {len(names)}")
    if not by_name or not set(by_name) <= set(names):
        others = "others" if keys else "none"
        raise SourceLied(Lie.OTHER_KEYS, f"{len(names)} keys were named, the answer holds {others}")
    if len(by_name) < len(keys):
        raise SourceLied(Lie.REPEATED_NAME, "one answer names a key twice")
    return by_name


def compared(block: bytes, keys: Sequence[SourceKey]) -> bytes:
    """What the tag of an offer covers: the block's name, and each key behind its name.

    The tag is a polynomial hash that is chosen and covered by fresh pad: it tells nothing about the keys, and the
    boxes, which cannot know the pad, cannot choose keys for it. Different keys pass with comparison_error at most.
    """
    parts = [b"haris vendor keys", block]
    for key in keys:
        for octets in (key.name.encode(), key.secret):
            parts += [len(octets).to_bytes(4, "big"), octets]
    return b"".join(parts)


def comparison_error(block: bytes, keys: Sequence[SourceKey]) -> float:
    """Greatest probability that two ends with different keys take them for the same (forgery_probability)."""
    return forgery_probability(len(compared(block, keys)))


def covered(block: bytes, offer: bytes, answer: bytes) -> bytes:
    """What the tags of a block of vendor's keys cover: the messages that made it, as they crossed the channel."""
    parts = [b"haris vendor 1", block]
    for octets in (offer, answer):
        parts += [len(octets).to_bytes(8, "big"), octets]
    return b"".join(parts)


def final_key(block: bytes, keys: Sequence[SourceKey], statement: Statement) -> FinalKey:
    """The block that the keys make, one behind the other.

    Bob's answer tells whether the ends agree and no bit more; a block where they do not is thrown away.
    """
    secret = b"".join(key.secret for key in keys)
    bits = np.unpackbits(np.frombuffer(secret, np.uint8))
    return FinalKey(block, bits, _pedigree(statement, len(keys), comparison_error(block, keys)))


def _pedigree(statement: Statement, n_keys: int, error: float) -> Pedigree:
    """The maker's claim, named as such: by the union bound over the block's keys, with the comparison's error."""
    return Pedigree(
        epsilon=None if statement.epsilon is None else n_keys * statement.epsilon + error,
        origin=Origin.VENDOR,
        proof=Proof(
            theorem="as stated by the maker",
            attacks="as stated by the maker",
            finite=False,
            assumptions=(f"{statement.who}: both boxes and their ways to the key managers are as their maker says",),
        ),
        epsilon_reason=f"the maker of {statement.who} states none" if statement.epsilon is None else "",
    )


def name_digest(name: str) -> bytes:
    """Sixteen octets that stand for a key's name in the store's memory of names."""
    return hashlib.sha256(b"haris source key" + name.encode()).digest()[:16]


class Allowance:
    """How many keys may be drawn now: a bucket that fills at keys_per_s and holds what burst_s bring, at least one."""

    def __init__(self, keys_per_s: float, burst_s: float = 1.0) -> None:
        require_positive("max_keys_per_s", keys_per_s)
        self._rate, self._most = keys_per_s, max(1.0, keys_per_s * burst_s)
        self._held, self._at_s = self._most, 0.0

    def left(self, now_s: float) -> int:
        """Keys that may be drawn at now_s (any clock that does not go back)."""
        self._held = min(self._most, self._held + self._rate * max(0.0, now_s - self._at_s))
        self._at_s = now_s
        return int(self._held)

    def draw(self, n_keys: int) -> None:
        """So many were drawn."""
        self._held -= n_keys


def require_new(names: Sequence[str], known: Sequence[str]) -> None:
    """Raise PeerError when an offer names keys that were drawn before: it was replayed, or the peer has lost count."""
    if known:
        raise PeerError(f"{len(known)} of {len(names)} keys on offer were drawn before")
