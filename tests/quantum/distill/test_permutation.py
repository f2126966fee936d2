"""Public permutations: bijections that part neighbours."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from haris.quantum.distill.permutation import Permutation


@given(n_bits=st.integers(2, 5000), number=st.integers(0, 31), seed=st.binary(min_size=32, max_size=32))
def test_permutations_are_permutations(n_bits, number, seed):
    order, every = Permutation.of(n_bits, seed, number), np.arange(n_bits)
    assert np.array_equal(np.sort(order.indices()), every)
    assert np.array_equal(order.index(every), order.indices())
    assert np.array_equal(order.position(order.index(every)), every)
    assert number or np.array_equal(order.indices(), every)


def test_permutations_part_neighbours():
    # Pairs that share a block of 64 should share one in the next pass as often as chance has it: 63 / (n - 1).
    # 40 seeds of 15 616 neighbouring pairs each, 0.98 expected a seed: 39 in all, and 80 is beyond 1e-8 (Poisson).
    n_bits, together = 1_000_000, 0
    for seed in range(40):
        position = Permutation.of(n_bits, bytes([seed]) * 32, 1).position(np.arange(n_bits))
        together += np.count_nonzero(position[0::64] >> 6 == position[1::64] >> 6)
    assert 8 <= together <= 80
