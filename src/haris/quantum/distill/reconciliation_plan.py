"""Which ways there are to reconcile a block of quadratures, by its signal to noise ratio.

Eight dimensions need a code whose rate lies just below what a value tells; slices, values that tell a bit or more.
There are codes of rates up to 0.2 and from 0.6 on, so that between 0.2 and some 0.6 bits a value both fall short: the
code of rate 0.2 leaves the rest unused, slices tell most of their bits in full and come to some 0.8 of what there is.
Whoever asks takes what gives the most key, which may be nothing.
"""

from __future__ import annotations

import math

from haris.quantum.distill.continuous import Scheme
from haris.quantum.distill.slices import Slicing, plan
from haris.quantum.distill.soft_code import codes

MARGIN = 1.015
"""What a value must tell over a code's least_information, for frames to be lost seldom: of 4 without it, one or two."""
MOST_RATE = 0.3
"""Of a code in eight dimensions: above it, the eight-dimensional channel falls short of the Gaussian one."""
GOOD = 0.9
"""Share of what a value tells: where a code in eight dimensions reaches it, slices fall short of it."""
MOST_SNR = 1e4
"""Slices are five bits at most: they have no more to give."""
_GRID = 0.01


def candidates(snr: float) -> tuple[Scheme, ...]:
    """Schemes that decode at that signal to noise ratio of a value, the best code in eight dimensions first."""
    snr = math.exp(_GRID * math.floor(math.log(min(snr, MOST_SNR)) / _GRID))  # few different ones, so that plans repeat
    informed = 0.5 * math.log2(1.0 + snr)
    low = [code for code in codes() if code.rate <= MOST_RATE and MARGIN * code.least_information <= informed]
    found: list[Scheme] = [max(low, key=lambda code: code.rate)] if low else []
    if low and max(code.rate for code in low) >= GOOD * informed:
        return tuple(found)
    slicing = plan(snr)
    if slicing.efficiency(snr) > 0.0:
        found.append(slicing)
    return tuple(found)


def told_bits(scheme: Scheme) -> float:
    """Bits that are told of each value, without hashes."""
    return scheme.leaked_bits_per_value if isinstance(scheme, Slicing) else 1.0 - scheme.rate


def alphabet_bits(scheme: Scheme) -> int:
    """Bits that each value is turned into."""
    return len(scheme.codes) if isinstance(scheme, Slicing) else 1


def words(scheme: Scheme) -> str:
    """For people."""
    if not isinstance(scheme, Slicing):
        return f"8 dimensions, rate {scheme.rate:.2g}"
    rates = ", ".join("told" if code is None else f"{code.rate:.2g}" for code in scheme.codes)
    return f"slices of {scheme.step:.2g} deviations, rates {rates}"
