"""What haris recomputes, a file for each family of protocols."""

from haris.papers.computations import decoy_bb84, gaussian_cv, limits, mdi

COMPUTATIONS = (
    *decoy_bb84.COMPUTATIONS,
    *gaussian_cv.COMPUTATIONS,
    *mdi.COMPUTATIONS,
    *limits.COMPUTATIONS,
)
"""The first that covers a row computes it."""
