"""Min-entropy after a conditioning component."""

from __future__ import annotations

import math

from haris.nouns.errors import ParameterError

NON_VETTED_FACTOR = 0.999


def vetted_output_entropy(n_in: int, n_out: int, n_inner: int, h_in: float) -> float:
    """Bits of min-entropy in the n_out bits of a vetted component. SP 800-90B, 3.1.5.1.2, Output_Entropy.

    n_in: bits that go in, with min-entropy h_in; n_inner: the component's narrowest inner width (nw).
    Raises ParameterError unless the widths are positive and 0 < h_in <= n_in.
    Computed by logarithms, so that 2^n_in need not fit a float.
    """
    if min(n_in, n_out, n_inner) < 1:
        raise ParameterError(f"n_in, n_out and n_inner must be positive, got {n_in}, {n_out} and {n_inner}")
    if not 0.0 < h_in <= n_in:
        raise ParameterError(f"h_in must lie in (0, {n_in}], got {h_in}")
    n = min(n_out, n_inner)
    log2_rest = math.log2(-math.expm1(-h_in * math.log(2)))
    log2_inputs = n_in + math.log1p(-(2.0**-n_in)) / math.log(2)
    log2_low = log2_rest - log2_inputs
    log2_psi = _log2_sum(n_in - n + log2_low, -h_in)
    log2_spread = (1.0 + math.log2(n) + (n_in - n) + math.log2(math.log(2))) / 2
    log2_omega = _log2_sum(n_in - n, log2_spread) + log2_low
    return max(0.0, min(float(n_out), -max(log2_psi, log2_omega)))


def non_vetted_output_entropy(n_in: int, n_out: int, n_inner: int, h_in: float, h_output_per_bit: float) -> float:
    """Bits of min-entropy in the n_out bits of any other component. SP 800-90B, 3.1.5.2.

    h_output_per_bit: the assessed min-entropy of a bit of its output (at least a million samples of it).
    Raises ParameterError as vetted_output_entropy, and unless 0 <= h_output_per_bit <= 1.
    """
    if not 0.0 <= h_output_per_bit <= 1.0:
        raise ParameterError(f"h_output_per_bit must lie in [0, 1], got {h_output_per_bit}")
    whole = vetted_output_entropy(n_in, n_out, n_inner, h_in)
    return min(whole, NON_VETTED_FACTOR * n_out, h_output_per_bit * n_out)


def _log2_sum(a: float, b: float) -> float:
    """log2(2^a + 2^b)."""
    return max(a, b) + math.log1p(2.0 ** -abs(a - b)) / math.log(2)
