"""Finite size: Leverrier, Grosshans, Grangier, PRA 81, 062343 (2010)."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from haris.nouns.keys import Proof
from haris.quantum.security.channel_confidence import worst_holevo
from haris.quantum.security.gaussian_block import TAILS, GaussianBlock, channel_terms
from haris.quantum.security.key_length import KeyLength, Security, term, whole_bits
from haris.quantum.security.lodewyck2007 import GAUSSIAN_ASSUMPTIONS, LODEWYCK

LEVERRIER = "Leverrier et al., PRA 81, 062343 (2010)"

ESTIMATION_ASSUMPTIONS = (
    "a block of a fixed number of states",
    "noise of Bob's values that is normally distributed, and so are estimates of the channel",
    "where eight values are turned into bits together: all directions of the eight as likely, as of normal values",
)

PROOF = Proof(
    f"{LEVERRIER}, with the whole interval of the transmittance",
    attacks="collective",
    finite=True,
    assumptions=(*ESTIMATION_ASSUMPTIONS, *GAUSSIAN_ASSUMPTIONS),
)


def allowed_deviations(security: Security, tails: int = TAILS) -> float:
    """Standard deviations by which any estimate may be off: so many of them fail with epsilon_testing in all."""
    return -NormalDist().inv_cdf(security.epsilon_testing / tails)


def leverrier2010(block: GaussianBlock, security: Security) -> KeyLength:
    """Length of a block's key: n (beta I_AB - chi - Delta(n)), chi at its worst over the channel's confidence region.

    epsilon_secrecy is spent on estimation (a quarter), smoothing (a quarter) and privacy amplification (half). beta
    I_AB is at most the bits that values are turned into. Departures from the paper: beside its worst case of a least
    transmittance the greatest is tried too; n counts values, two a symbol of heterodyne detection; and the
    verification of the key is paid here, where the paper has it in beta. Never raises on a block without key.
    """
    deviations = allowed_deviations(security, block.tails)
    eve = worst_holevo(block, deviations)
    secret = block.secret_per_symbol(block.reconciled, eve)
    values = block.n_kept * block.channel.values_per_symbol
    alphabet = 2.0**block.bits_per_value
    smoothing = (2.0 * alphabet + 3.0) * np.sqrt(values * np.log2(2.0 / security.epsilon_testing))
    amplification = 2.0 * np.log2(1.0 / security.epsilon_amplification)
    correctness = np.log2(2.0 / security.epsilon_correctness)
    length = block.n_kept * secret - smoothing - amplification - correctness
    terms = (
        *channel_terms(block, LODEWYCK),
        term(
            "deviations", deviations, "", "standard deviations of each estimate that are allowed for", f"{LEVERRIER}, z"
        ),
        term("worst_holevo", eve, "bits", "Eve's, a symbol, over all channels within them", f"{LEVERRIER}, S^eps_PE"),
        term("secret", secret, "bits", "beta information - worst_holevo, a symbol", f"{LEVERRIER}, k"),
        term("symbols", block.n_kept, "", "that become key: not disclosed, and decoded", "counted"),
        term("smoothing", smoothing, "bits", "cost of a smooth entropy", f"{LEVERRIER}, Delta(n), first part"),
        term("amplification", amplification, "bits", "cost of hashing", f"{LEVERRIER}, Delta(n), second part"),
        term("correctness", correctness, "bits", "cost of epsilon_correctness", "log2(2/eps_cor)"),
    )
    return KeyLength(whole_bits(length), terms, PROOF)
