"""Min-entropy of sources of random numbers."""

from __future__ import annotations

import math

from haris.papers.computation import Computation, Ours
from haris.papers.row import Row
from haris.quantum.entropy.converter import Converter
from haris.quantum.entropy.vacuum import optimal_range_v


def _vacuum(row: Row, quantity: str) -> Ours | None:
    """Worst-case min-entropy of a sample at the row's range, in units of the signal's standard deviation."""
    if quantity != "hmin_bits":
        return None
    ratio = 10.0 ** (row.number("qcnr_db", least=-300.0, most=300.0) / 10.0)
    quantum, classical = math.sqrt(ratio / (1.0 + ratio)), math.sqrt(1.0 / (1.0 + ratio))
    bits, reach = (
        int(row.number("adc_bits", least=2, most=16)),
        row.number("k_sigma", least=0.0, most=100.0) * classical,
    )
    best = optimal_range_v(bits, quantum, reach)
    guess = Converter(bits, row.positive("optimal_range_sigma_m", best)).worst_guess(quantum, quantum, -reach, reach)
    return Ours(-math.log2(guess), f"both terms are equal at a range of {best:.4f}")


COMPUTATIONS = (Computation(("haw2015_*", "Hmin=-log2 max*"), _vacuum),)
