"""A finite key of the six-state protocol: the theorem of variable_length, with both other bases as its test basis.

Why both test: Alice's test bases X and Y are complementary to her key basis Z alike, and a turn about Z makes the one
of the other. Let a fair coin, which everybody may know, name X or Y for every round of matched bases. For any given
coins the uncertainty relation of the theorem holds for the bits of Z against those of the named bases, each overlap
being 1/2, and the coins tell nothing of the key. Where both ends took X, or both Y, the coin is what they took: each is
as likely, for both bases are drawn alike. So the rounds that tested are a random sample of all rounds of matched bases,
measured as the coins say, and their errors bound those that the key's rounds would have had: X and Y count together.

It is BB84's entropy, 1 - h of the phase error rate. What the third basis could give besides (lo2001: correlations of
bit and phase errors) is not taken: we know of no theorem for finite blocks, all attacks, decoys and any number of
photons at Bob's end. Nothing here leans on photons being squashed to qubits, as the asymptotic rate does.
"""

from __future__ import annotations

from dataclasses import replace

from numpy.typing import ArrayLike

from haris.nouns.counts import DecoyCounts
from haris.quantum.security import variable_length
from haris.quantum.security.key_length import KeyLength, Security
from haris.quantum.security.variable_length import TUPKARY

PROOF = replace(
    variable_length.PROOF,
    theorem=f"variable-length decoy BB84, {TUPKARY}, arXiv:2408.17349, two of three bases testing together",
    assumptions=(
        "the two test bases drawn alike at each end, and each complementary to the key basis",
        *variable_length.PROOF.assumptions,
    ),
)


def secret_key_length(counts: DecoyCounts, security: Security, leaked_bits: ArrayLike) -> KeyLength:
    """Secret bits extractable from one block: variable_length.secret_key_length, which see for arguments and errors.

    counts: of the key basis, and of both test bases together where both ends took the same one.
    """
    return replace(variable_length.secret_key_length(counts, security, leaked_bits), proof=PROOF)
