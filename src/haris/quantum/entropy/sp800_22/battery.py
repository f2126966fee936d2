"""The fifteen tests as NIST's program runs them, in its order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError
from haris.quantum.entropy.sp800_22 import random_excursions, random_excursions_variant
from haris.quantum.entropy.sp800_22.approximate_entropy import approximate_entropy
from haris.quantum.entropy.sp800_22.block_frequency import block_frequency
from haris.quantum.entropy.sp800_22.cumulative_sums import cumulative_sums
from haris.quantum.entropy.sp800_22.frequency import frequency
from haris.quantum.entropy.sp800_22.linear_complexity import linear_complexity
from haris.quantum.entropy.sp800_22.longest_run import longest_run
from haris.quantum.entropy.sp800_22.matrix_rank import matrix_rank
from haris.quantum.entropy.sp800_22.non_overlapping_template import (
    TEMPLATE_BITS,
    aperiodic_templates,
    non_overlapping_template,
)
from haris.quantum.entropy.sp800_22.overlapping_template import overlapping_template
from haris.quantum.entropy.sp800_22.runs import runs
from haris.quantum.entropy.sp800_22.serial import serial
from haris.quantum.entropy.sp800_22.spectral import spectral
from haris.quantum.entropy.sp800_22.universal import universal

LEAST_SEQUENCE_BITS = 1_000_000
"""What overlapping templates, linear complexity and random excursions ask for."""
MOST_SEQUENCE_BITS = 400_000_000

Bits = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Test:
    """A test, with the P-values that it gives: variants, one empty name where there is but one."""

    name: str
    run: Callable[[Bits], float | NDArray[np.float64]]
    variants: tuple[str, ...] = ("",)


TESTS = (
    Test("Frequency", frequency),
    Test("Block frequency", block_frequency),
    Test("Cumulative sums", cumulative_sums, ("forward", "backward")),
    Test("Runs", runs),
    Test("Longest run of ones", longest_run),
    Test("Binary matrix rank", matrix_rank),
    Test("Discrete Fourier transform", spectral),
    Test(
        "Non-overlapping template",
        non_overlapping_template,
        tuple(f"{template:0{TEMPLATE_BITS}b}" for template in aperiodic_templates()),
    ),
    Test("Overlapping template", overlapping_template),
    Test("Universal", universal),
    Test("Approximate entropy", approximate_entropy),
    Test(
        "Random excursions",
        random_excursions.random_excursions,
        tuple(f"x = {state:+d}" for state in random_excursions.STATES),
    ),
    Test(
        "Random excursions variant",
        random_excursions_variant.random_excursions_variant,
        tuple(f"x = {state:+d}" for state in random_excursions_variant.STATES),
    ),
    Test("Serial", serial, ("first difference", "second difference")),
    Test("Linear complexity", linear_complexity),
)
ROWS = tuple((test.name, variant) for test in TESTS for variant in test.variants)
"""188 of them: what p_values gives, by test and variant."""


def p_values(bits: Bits) -> NDArray[np.float64]:
    """P-value of each of ROWS for one sequence, shape (188,); NaN of excursions where the walk has too few cycles.

    bits: 0 or 1, shape (n,), 1e6 <= n <= 4e8. Raises ParameterError on another length.
    """
    if not LEAST_SEQUENCE_BITS <= len(bits) <= MOST_SEQUENCE_BITS:
        raise ParameterError(f"a sequence must have 1e6 to 4e8 bits, got {len(bits)}")
    return np.concatenate([np.atleast_1d(test.run(bits)) for test in TESTS])
