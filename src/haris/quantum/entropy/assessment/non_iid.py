"""The non-IID track: ten estimators, and the least of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haris.kernels.repeats import tuple_repeats
from haris.quantum.entropy.assessment.collision import collision
from haris.quantum.entropy.assessment.compression import compression
from haris.quantum.entropy.assessment.estimate import Estimate
from haris.quantum.entropy.assessment.lag import lag
from haris.quantum.entropy.assessment.longest_repeated_substring import longest_repeated_substring
from haris.quantum.entropy.assessment.lz78y import lz78y
from haris.quantum.entropy.assessment.markov import markov
from haris.quantum.entropy.assessment.most_common_value import most_common_value
from haris.quantum.entropy.assessment.multi_mcw import multi_mcw
from haris.quantum.entropy.assessment.multi_mmc import multi_mmc
from haris.quantum.entropy.assessment.samples import Samples
from haris.quantum.entropy.assessment.t_tuple import t_tuple


@dataclass(frozen=True, slots=True)
class Assessment:
    """min_entropy: bits a sample, the least of h_original and bits times h_bitstring (bits a bit; None: not assessed).

    literal: the estimates of the samples as they are, under the standard's names; bitstring: those of their bits, empty
    for samples of two values, which are assessed once.
    """

    min_entropy: float
    h_original: float
    h_bitstring: float | None
    literal: Mapping[str, Estimate]
    bitstring: Mapping[str, Estimate]


def assess_non_iid(samples: Samples) -> Assessment:
    """Min-entropy of samples that need not be independent. SP 800-90B, 3.1.3, 3.2 and 6.2, on all bits of all samples.

    The standard asks for a million samples (3.1.1); this computes from fewer, and leaves out what they do not allow.
    """
    literal = estimates(samples.symbols, len(samples.alphabet))
    h_original = least(literal, samples.bits)
    if len(samples.alphabet) == 2:
        return Assessment(h_original, h_original, None, literal, {})
    bitstring = estimates(samples.bitstring, 2)
    h_bitstring = least(bitstring, 1)
    return Assessment(min(h_original, samples.bits * h_bitstring), h_original, h_bitstring, literal, bitstring)


def estimates(symbols: NDArray[np.uint8], n_symbols: int) -> dict[str, Estimate]:
    """Each estimator's word on symbols below n_symbols, uint8, shape (n,). Three of the ten are for bits only."""
    found = {"Most Common Value Estimate": most_common_value(symbols)}
    if n_symbols == 2:
        found |= {
            "Collision Estimate": collision(symbols),
            "Markov Estimate": markov(symbols),
            "Compression Estimate": compression(symbols),
        }
    most, pairs = tuple_repeats(symbols, (n_symbols - 1).bit_length())
    return found | {
        "t-Tuple Estimate": t_tuple(most, len(symbols)),
        "LRS Estimate": longest_repeated_substring(most, pairs, len(symbols)),
        "MultiMCW Prediction Estimate": multi_mcw(symbols, n_symbols),
        "Lag Prediction Estimate": lag(symbols, n_symbols),
        "MultiMMC Prediction Estimate": multi_mmc(symbols, n_symbols),
        "LZ78Y Prediction Estimate": lz78y(symbols, n_symbols),
    }


def least(found: Mapping[str, Estimate], bits: int) -> float:
    """The least estimate, at most the bits of a symbol."""
    return min([float(bits), *(e.min_entropy for e in found.values() if e.min_entropy is not None)])
