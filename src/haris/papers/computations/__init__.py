"""What haris recomputes, a file for each family of protocols."""

from haris.papers.computations import decoy_bb84, limits

COMPUTATIONS = (*decoy_bb84.COMPUTATIONS, *limits.COMPUTATIONS)
"""The first that covers a row computes it."""
