"""Neighbours as witnesses: each holds the newest word of the other's chain, so that a store that goes back is noticed.

A site gives each other key manager a word every few seconds: a number, a nonce, and the nonce of the word before. It
draws the next word only once the answer to this one is durable here. So an honest word is the very one that was seen
last (its answer was lost), or the next. Any other shows that one of the two continues from an older copy of itself: a
file put back, a snapshot of the machine, a second machine started from a copy.

A word is judged only when it comes with the challenge that the witness gave last, so that a word that the network has
kept back, and brings after newer ones, is not taken for an old store.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from haris.nouns.errors import ParameterError

NONCE_OCTETS = 16


@dataclass(frozen=True, slots=True)
class Word:
    """One link of a chain. number: from 1. nonce: 16 octets, drawn for it. previous: the nonce of the word before."""

    number: int
    nonce: bytes
    previous: bytes

    def __post_init__(self) -> None:
        if not 0 <= self.number < 1 << 62 or len(self.nonce) != NONCE_OCTETS or len(self.previous) != NONCE_OCTETS:
            raise ParameterError(f"a word has a number below 2^62 and two nonces of {NONCE_OCTETS} octets")

    def follow(self, nonce: bytes) -> Word:
        """The next word."""
        return Word(self.number + 1, nonce, self.nonce)


NO_WORD = Word(0, bytes(NONCE_OCTETS), bytes(NONCE_OCTETS))
"""Before the first."""


class Verdict(StrEnum):
    """What a word shows. AGAIN: nothing, since it came without the newest challenge."""

    NEXT = "next"
    REPEATED = "repeated"
    SENDER_WENT_BACK = "sender-went-back"
    WITNESS_WENT_BACK = "witness-went-back"
    AGAIN = "again"


def judge(seen: Word, word: Word) -> Verdict:
    """What a word shows to a witness who has seen `seen` last."""
    if word == seen:
        return Verdict.REPEATED
    if word.number > seen.number + 1:
        return Verdict.WITNESS_WENT_BACK
    if word.number == seen.number + 1 and word.previous == seen.nonce:
        return Verdict.NEXT
    return Verdict.SENDER_WENT_BACK
