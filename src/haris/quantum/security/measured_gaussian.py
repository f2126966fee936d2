"""The finite bounds of continuous variables for a block that was measured and reconciled.

A plan says of reconciliation what share beta of the mutual information it yields, and how many frames it loses. Here
both were counted. Of a symbol of the key

    shared = (H values - m lost - leaked) / n

takes the place of beta I_AB: n symbols in all frames, values of them all and of the lost frames, m bits that a value is
turned into, H the entropy of these bits (less the deviations that the bound allows for, where a sample says how many),
leaked bits told. Eve's knowledge, and the cost of a smooth entropy, are those of all n symbols.

So the bits of a lost frame are handed to Eve whole, and nothing is deducted for what was told of it. Which frames are
lost depends on the key, and she knows it. Be X all bits, w which frames are lost, and L less their bits the length of
the key. She guesses the kept bits at most 2^(lost bits) times as often as all, so that by the leftover hash lemma the
key's distance from an ideal one is at most the mean over w of sqrt(2^L p_guess(X | w)) / 2, which is at most
sqrt(2^L p_guess(X | W)) / 2: that of one hash to L bits when W is told, a bit for each frame. leaked includes it. What
counts is how many bits are lost, m a value and not H: which frames are lost depends on their bits, so that these need
not be as likely as bits of other frames.

Under collective attacks the symbols are independent and alike, so that the sample does not condition the others, and a
length that follows from it is as secret as one that was fixed. Eight dimensions make the bits of eight values together:
groups of symbols, not symbols, are independent then, and Pirandola's cost of smoothness is that of the groups. The one
of Leverrier et al. as printed, 7 times a root for a bit a value, is above what groups of eight bits need, (2 * 8 + 3)
/ sqrt(8) times the same root (Renner, PhD thesis, ETH Zurich (2005), Corollary 3.3.7).
"""

from __future__ import annotations

import math
from collections.abc import Callable

from haris.nouns.quadrature_counts import QuadratureCounts
from haris.quantum.security.gaussian_block import TAILS, GaussianBlock
from haris.quantum.security.gaussian_bounds import DEVIATIONS, gaussian_key_length
from haris.quantum.security.gaussian_channel import GaussianChannel
from haris.quantum.security.key_length import BlockLength, KeyLength, Security, term
from haris.quantum.security.leverrier2010 import LEVERRIER

_LEAST_BITS = 1e-12
"""A value that tells less has no efficiency to speak of."""


def measured_length(
    counts: QuadratureCounts,
    channel: GaussianChannel,
    security: Security,
    leaked_bits: int,
    key_length: Callable[[GaussianBlock, Security], KeyLength] = gaussian_key_length,
) -> BlockLength:
    """Secret bits of one measured block by security.bound, with the terms of that bound; 0 before reconciliation.

    channel: as the sample says. leaked_bits: told of the frames that are kept, and which frames these are.
    key_length: the family's, by security.bound.
    """
    tails = TAILS + (counts.entropy_deviation_bits > 0.0)
    entropy = max(
        counts.entropy_bits - DEVIATIONS[security.bound](security, tails) * counts.entropy_deviation_bits, 0.0
    )
    lost_bits = counts.bits_per_value * (counts.n_key_values - counts.n_kept_values)
    shared = (entropy * counts.n_key_values - lost_bits - leaked_bits) / counts.n_key_symbols
    informed = float(channel.mutual_information)
    block = GaussianBlock(
        channel=channel,
        n_key=counts.n_key_symbols,
        n_estimation=counts.sums.n_symbols,
        reconciliation_efficiency=shared / informed if informed > _LEAST_BITS else 0.0,
        frame_error_rate=0.0,
        bits_per_value=max(counts.bits_per_value, 1),
        shared_bits=shared,
        tails=tails,
        symbols_per_group=max(counts.values_per_group / channel.values_per_symbol, 1.0),
    )
    key = key_length(block, security)
    t_deviation, noise_deviation = _deviations(channel, counts.sums.n_values)
    terms = (
        *key.terms,
        term("transmittance_deviation", t_deviation, "", "standard deviation of that estimate", LEVERRIER),
        term("excess_noise_deviation", noise_deviation, "SNU", "standard deviation of that estimate", LEVERRIER),
        term("entropy", entropy, "bits", "of the bits of a value of Bob's, at least", "counted, of the sample"),
        term("shared", shared, "bits", "held by both ends and not told, a symbol", "counted"),
        term("beta", block.reconciliation_efficiency, "", "share of the information that these are", "counted"),
    )
    return BlockLength(int(key.length_bits), terms, key.proof)


def _deviations(channel: GaussianChannel, n_values: int) -> tuple[float, float]:
    """Standard deviations of transmittance and excess noise, from those of t and s^2 (channel_confidence)."""
    noise = float(channel.value_noise_snu)
    amplitude = 2.0 * math.sqrt(float(channel.transmittance) / channel.gain)
    of_t = math.sqrt(noise / (n_values * channel.modulation_variance_snu))
    return amplitude * of_t, noise * math.sqrt(2.0 / n_values) / channel.gain
