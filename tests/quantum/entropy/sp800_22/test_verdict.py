"""The verdict over many sequences: what it lets through, and what it stops."""

import numpy as np
import pytest

from haris.nouns.errors import ParameterError
from haris.quantum.entropy.sp800_22.battery import ROWS, p_values
from haris.quantum.entropy.sp800_22.verdict import judge, n_hypotheses

SEED = 22


def uniform(n_sequences, seed=SEED):
    return np.random.default_rng(seed).random((n_sequences, len(ROWS)))


@pytest.mark.parametrize("n_sequences", [1, 20, 1000])
def test_ideal_p_values_pass(n_sequences):
    verdict = judge(uniform(n_sequences))
    assert verdict.passed
    assert verdict.threshold == pytest.approx(1e-3 / n_hypotheses(n_sequences))


def test_the_family_is_rejected_as_rarely_as_stated():
    # Allowed one half, Bonferroni keeps below 1 - exp(-1/2) = 0.39; 40 draws: beyond 0.6 or none at all once in 200.
    rejected = [not judge(uniform(60, seed), 0.5).passed for seed in range(40)]
    assert 0.0 < np.mean(rejected) < 0.6


@pytest.mark.parametrize(("share", "column"), [(0.06, 0), (0.0, 187)])
def test_one_test_that_fails_too_often_or_never_is_told(share, column):
    found = uniform(2000)
    found[:, column] = np.where(np.arange(2000) < share * 2000, 0.001, 0.01 + 0.99 * found[:, column])
    (row,) = judge(found).rejected
    assert (row.test, row.variant) == ROWS[column]
    assert row.n_failed == share * 2000


def test_p_values_that_crowd_are_told():
    found = uniform(1000)
    found[:, 5] = 0.2 + 0.5 * found[:, 5]
    (row,) = judge(found).rejected
    assert row.test == "Longest run of ones"
    assert row.uniformity < 1e-100


def test_a_row_that_never_applies_counts_as_a_hypothesis_and_passes():
    found = uniform(100)
    found[:, 160] = np.nan
    verdict = judge(found)
    assert verdict.passed
    assert verdict.rows[160].n_tested == 0
    assert verdict.n_hypotheses == 376


BAD = {
    "all zeros": lambda rng, n: np.zeros(n, np.uint8),
    "alternating": lambda rng, n: np.arange(n, dtype=np.uint8) % 2,
    "one per cent too many ones": lambda rng, n: (rng.random(n) < 0.505).astype(np.uint8),
    "a copied block": lambda rng, n: np.tile(rng.integers(0, 2, n // 8, dtype=np.uint8), 8),
    "sticky": lambda rng, n: (np.cumsum(rng.random(n) < 0.495) % 2).astype(np.uint8),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_bits_are_told_from_one_sequence(name):
    bits = BAD[name](np.random.default_rng(SEED), 1_000_000)
    assert not judge(p_values(bits)[None]).passed


def test_good_bits_pass():
    rng = np.random.default_rng(SEED)
    assert judge(np.array([p_values(rng.integers(0, 2, 1_000_000, np.uint8)) for _ in range(2)])).passed


@pytest.mark.parametrize("found", [np.zeros((0, 188)), np.zeros((3, 187)), np.zeros(188)])
def test_p_values_of_another_shape_are_refused(found):
    with pytest.raises(ParameterError, match="p_values"):
        judge(found)


@pytest.mark.parametrize("alpha", [0.0, 1.0, float("nan")])
def test_an_impossible_error_is_refused(alpha):
    with pytest.raises(ParameterError, match="false_rejection"):
        judge(uniform(3), alpha)
