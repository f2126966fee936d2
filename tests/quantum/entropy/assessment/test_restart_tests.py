"""Restart tests."""

import numpy as np
import pytest

from haris.nouns.errors import ParameterError
from haris.quantum.entropy.assessment.restart import ALPHA, assess_restarts, highest_count


def test_the_highest_count_is_that_of_a_simulation():
    """A tail of 1 % among 20 000 draws: its level is known to 0.07 % (one sigma)."""
    for h, p in ((1.0, [0.5, 0.5]), (2.5, [2**-2.5] * 5 + [1 - 5 * 2**-2.5]), (4.0, [1 / 16] * 16)):
        most = np.random.default_rng(8).multinomial(1000, p, 20_000).max(axis=1)
        cutoff = highest_count(h, 1000, 0.01)
        assert (most > cutoff).mean() < 0.01 + 0.003
        assert (most > cutoff - 1).mean() > 0.01 - 0.003


def test_the_highest_count_of_a_coin_is_its_binomial_tail():
    from scipy.stats import binom

    cutoff = highest_count(1.0, 1000, ALPHA)
    assert 2 * binom.sf(cutoff, 1000, 0.5) <= ALPHA < 2 * binom.sf(cutoff - 1, 1000, 0.5)


def test_a_good_source_keeps_its_worth_and_one_that_starts_alike_loses_it():
    matrix = np.random.default_rng(9).integers(0, 16, (1000, 1000), np.uint8)
    least = {"min_entropy_of": lambda samples: 3.5}
    good = assess_restarts(matrix, 4, 3.0, **least)
    assert (good.passed, good.min_entropy, good.h_rows) == (True, 3.0, 3.5)
    assert assess_restarts(matrix, 4, 3.8, **least).min_entropy == 3.5
    matrix[:, 17] = 5
    alike = assess_restarts(matrix, 4, 3.0, **least)
    assert (alike.passed, alike.min_entropy, alike.x_max) == (False, 0.0, 1000)


def test_half_of_the_first_estimate_is_not_enough():
    matrix = np.random.default_rng(10).integers(0, 16, (1000, 1000), np.uint8)
    assert not assess_restarts(matrix, 4, 3.0, lambda samples: 1.49).passed


@pytest.mark.parametrize(("shape", "h"), [((1000, 999), 1.0), ((1000, 1000), 0.0), ((1000, 1000), 1.1)])
def test_other_shapes_and_estimates_are_refused(shape, h):
    with pytest.raises(ParameterError):
        assess_restarts(np.zeros(shape, np.uint8), 1, h)
