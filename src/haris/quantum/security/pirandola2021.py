"""Composable security: Pirandola, Phys. Rev. Research 3, 043014 (2021)."""

from __future__ import annotations

import numpy as np

from haris.nouns.keys import Proof
from haris.quantum.security.channel_confidence import worst_holevo
from haris.quantum.security.gaussian_block import TAILS, GaussianBlock, channel_terms
from haris.quantum.security.key_length import KeyLength, Security, term, whole_bits
from haris.quantum.security.leverrier2010 import ESTIMATION_ASSUMPTIONS
from haris.quantum.security.lodewyck2007 import GAUSSIAN_ASSUMPTIONS, LODEWYCK

PIRANDOLA = "Pirandola, Phys. Rev. Research 3, 043014 (2021)"

PROOF = Proof(
    f"{PIRANDOLA}, composable key rate, with the whole interval of the transmittance",
    attacks="collective",
    finite=True,
    assumptions=(
        *ESTIMATION_ASSUMPTIONS,
        "a block is reconciled whole, and is lost with probability frame_error_rate",
        *GAUSSIAN_ASSUMPTIONS,
    ),
)


def allowed_deviations(security: Security, tails: int = TAILS) -> float:
    """Standard deviations by which any estimate may be off: w = sqrt(2 ln(1/eps_pe)).

    A normal tail beyond w is less than eps_pe / 2, so that up to four stay within 2 eps_pe; tails changes nothing.
    """
    assert tails <= 4
    return float(np.sqrt(2.0 * np.log(2.0 / security.epsilon_testing)))


def pirandola2021(block: GaussianBlock, security: Security) -> KeyLength:
    """Mean length of a block's key: p_ec (n (beta I_AB - chi) - sqrt(n) Delta_aep + Theta), lost blocks counted as 0.

    With d = 2^(bits of a symbol), and n of them, or of groups of symbols whose bits are made together: Delta_aep =
    4 log2(2 sqrt(d) + 1) sqrt(log2(18 / (p_ec^2 eps_s^4))) and Theta =
    log2(p_ec (1 - eps_s^2 / 3)) + 2 log2(sqrt(2) eps_h). epsilon_secrecy = 2 eps_pe + eps_s + eps_h, in shares of a
    quarter, a quarter and half. Estimates may be off by sqrt(2 ln(1/eps_pe)) standard deviations. Departures from the
    paper: see channel_confidence; and the verification of the key is paid here, where the paper has it in beta. Never
    raises on a block without key.
    """
    n, p_ec = block.n_key, 1.0 - block.frame_error_rate
    eps_s = security.epsilon_testing
    deviations = allowed_deviations(security)
    eve = worst_holevo(block, deviations)
    secret = block.secret_per_symbol(block.reconciled, eve)
    groups = n / block.symbols_per_group
    aep = 4.0 * np.log2(2.0 ** (1.0 + block.symbols_per_group * block.bits_per_symbol / 2.0) + 1.0)
    smoothing = aep * np.sqrt(groups * (np.log2(18.0 / p_ec**2) - 4.0 * np.log2(eps_s)))
    amplification = -np.log2(p_ec * (1.0 - eps_s**2 / 3.0)) - 2.0 * np.log2(
        np.sqrt(2.0) * security.epsilon_amplification
    )
    correctness = np.log2(2.0 / security.epsilon_correctness)
    length = p_ec * (n * secret - smoothing - amplification - correctness)
    terms = (
        *channel_terms(block, LODEWYCK),
        term(
            "deviations", deviations, "", "standard deviations of each estimate that are allowed for", f"{PIRANDOLA}, w"
        ),
        term("worst_holevo", eve, "bits", "Eve's, a symbol, over all channels within them", f"{PIRANDOLA}, worst case"),
        term("secret", secret, "bits", "beta information - worst_holevo, a symbol", f"{PIRANDOLA}, R_pe"),
        term("symbols", n, "", "not disclosed", "counted"),
        term("decoded", p_ec, "", "probability that they are decoded", f"{PIRANDOLA}, p_ec"),
        term("smoothing", smoothing, "bits", "cost of a smooth entropy", f"{PIRANDOLA}, sqrt(n) Delta_aep"),
        term("amplification", amplification, "bits", "cost of hashing", f"{PIRANDOLA}, -Theta"),
        term("correctness", correctness, "bits", "cost of epsilon_correctness", "log2(2/eps_cor)"),
    )
    return KeyLength(whole_bits(length), terms, PROOF)
