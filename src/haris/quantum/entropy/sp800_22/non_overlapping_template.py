"""Non-overlapping template matching test: how often given patterns come. SP 800-22, 2.7."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc

from haris.quantum.entropy.sp800_22.windows import windows

TEMPLATE_BITS = 9
N_BLOCKS = 8


def aperiodic_templates(template_bits: int = TEMPLATE_BITS) -> list[int]:
    """Patterns whose beginning is not their end, ascending, the first bit highest; 148 of 9 bits."""
    return [
        t for t in range(1 << template_bits) if not any(_returns(t, k, template_bits) for k in range(1, template_bits))
    ]


def non_overlapping_template(
    bits: NDArray[np.uint8], template_bits: int = TEMPLATE_BITS, n_blocks: int = N_BLOCKS
) -> NDArray[np.float64]:
    """P-value of each aperiodic template, shape (templates,). bits: 0 or 1, shape (n,).

    Such a template never overlaps itself, so that each place where it stands counts: one count of all tuples serves
    all templates.
    """
    block_bits = len(bits) // n_blocks
    tuples = windows(bits[: n_blocks * block_bits].reshape(n_blocks, block_bits), template_bits)
    found = np.array([np.bincount(block, minlength=1 << template_bits) for block in tuples])
    found = found[:, aperiodic_templates(template_bits)]
    p = 0.5**template_bits
    variance = block_bits * (p - (2 * template_bits - 1) * p**2)
    scores = ((found - (block_bits - template_bits + 1) * p) ** 2 / variance).sum(axis=0)
    return np.asarray(gammaincc(n_blocks / 2, scores / 2))


def _returns(template: int, k: int, template_bits: int) -> bool:
    return template >> (template_bits - k) == template & ((1 << k) - 1)
