"""The pedigree of what is made of several keys."""

from __future__ import annotations

from collections.abc import Sequence

from haris.nouns.keys import Origin, Pedigree, Proof

_DOUBT = (Origin.MEASURED, Origin.VENDOR, Origin.EMULATED)
"""Origins from the best to the one that taints all that it touches."""


def join_pedigrees(pedigrees: Sequence[Pedigree]) -> Pedigree:
    """The pedigree of a key that is secret only if all its parts are: epsilons add (the union bound).

    Origin: the worst. Hops: the most. Proof: all of theirs. Give each block's pedigree once: slices of one block
    share one epsilon.
    """
    known = [pedigree.epsilon for pedigree in pedigrees if pedigree.epsilon is not None]
    return _merged(pedigrees, sum(known) if len(known) == len(pedigrees) else None)


def worse_pedigree(one: Pedigree, other: Pedigree) -> Pedigree:
    """What may be said of one key of which two things are said: the worse of each."""
    epsilons = (one.epsilon, other.epsilon)
    known = [epsilon for epsilon in epsilons if epsilon is not None]
    return _merged((one, other), max(known) if len(known) == len(epsilons) else None)


def _merged(pedigrees: Sequence[Pedigree], epsilon: float | None) -> Pedigree:
    reasons = dict.fromkeys(pedigree.epsilon_reason for pedigree in pedigrees if pedigree.epsilon_reason)
    return Pedigree(
        epsilon=epsilon,
        origin=max((pedigree.origin for pedigree in pedigrees), key=_DOUBT.index),
        proof=_joined_proof([pedigree.proof for pedigree in pedigrees]),
        hops=max(pedigree.hops for pedigree in pedigrees),
        epsilon_reason="; ".join(reasons) if epsilon is None else "",
    )


def _joined_proof(proofs: Sequence[Proof]) -> Proof:
    distinct = list(dict.fromkeys(proofs))
    if len(distinct) == 1:
        return distinct[0]
    return Proof(
        theorem=" + ".join(dict.fromkeys(proof.theorem for proof in distinct)),
        attacks=" + ".join(dict.fromkeys(proof.attacks for proof in distinct)),
        finite=all(proof.finite for proof in distinct),
        assumptions=tuple(dict.fromkeys(assumption for proof in distinct for assumption in proof.assumptions)),
    )
