"""What haris recomputes, a file for each family of protocols."""

from haris.papers.computations import (
    decoy_bb84,
    discrete_cv,
    entangled_pairs,
    gaussian_cv,
    limits,
    mdi,
    mode_pairing,
    passive_cv,
    phase,
    random_numbers,
    relay_cv,
    satellite,
    twin_field,
    two_downlinks,
)

COMPUTATIONS = (
    *decoy_bb84.COMPUTATIONS,
    *twin_field.COMPUTATIONS,
    *limits.COMPUTATIONS,
    *mdi.COMPUTATIONS,
    *mode_pairing.COMPUTATIONS,
    *entangled_pairs.COMPUTATIONS,
    *gaussian_cv.COMPUTATIONS,
    *discrete_cv.COMPUTATIONS,
    *passive_cv.COMPUTATIONS,
    *phase.COMPUTATIONS,
    *relay_cv.COMPUTATIONS,
    *random_numbers.COMPUTATIONS,
    *satellite.COMPUTATIONS,
    *two_downlinks.COMPUTATIONS,
)
"""The first that covers a row computes it."""
