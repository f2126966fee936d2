"""Decoys of which one is rare: each count by its own Chernoff bound, as Zhang, Zhao, Razavi, Ma, PRA 95, 012333 (2017).

The live bound moves every count by the same Hoeffding deviation, that of all clicks. Where a decoy is sent once in
hundreds of pulses, as T12 does, that swamps it. With two decoys, errors of the signal bound those of single photons,
too, for the rare decoy has few. All else is as in variable_length.
"""

from __future__ import annotations

from dataclasses import replace

from numpy.typing import ArrayLike

from haris.nouns.counts import DecoyCounts
from haris.quantum.security import lim2014, rusca2018
from haris.quantum.security.decoys import Photons, scale_each
from haris.quantum.security.key_length import KeyLength, Security
from haris.quantum.security.variable_length import PROOF as LIVE_PROOF
from haris.quantum.security.variable_length import TUPKARY, length_by

ZHANG = "Zhang, Zhao, Razavi, Ma, PRA 95, 012333 (2017)"

PROOF = replace(
    LIVE_PROOF,
    theorem=f"decoy counts by Chernoff's bound as {ZHANG}; length of {TUPKARY}; fits T12 (Lucamarini et al., Opt. "
    "Express 21, 24550 (2013)), whose decoys are rare",
)


def zhang2017(counts: DecoyCounts, security: Security, leaked_bits: ArrayLike) -> KeyLength:
    """Secret bits of one block: variable_length's, with Chernoff in place of Hoeffding. For plans alone."""
    n_bounds = lim2014.EVENTS + 1 if len(counts.intensities) == 3 else rusca2018.EVENTS
    return length_by(photons, n_bounds, f"{ZHANG}, one-sided Chernoff", counts, security, leaked_bits, PROOF)


def photons(counts: DecoyCounts, epsilon: float) -> Photons:
    """Photons by one or two decoys, each of the bounds failing with probability epsilon.

    e^mu m_mu / p_mu, m errors, is a power series in mu whose coefficients are not negative: its slope between any two
    intensities is at least the first of them. With two decoys the smaller of two slopes is taken: one bound more.
    """
    if len(counts.intensities) == 2:
        return rusca2018.one_decoy(counts, epsilon, rusca2018.binomial_vacuum, scale_each)
    return lim2014.two_decoys(counts, epsilon, scale_each, slopes=((1, 2), (0, 2)))
