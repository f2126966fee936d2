"""Bounds over a sweep of settings: the same as one setting after another; and the length before it is rounded."""

import numpy as np
import pytest

from haris.nouns.counts import DecoyCounts
from haris.nouns.errors import ParameterError
from haris.quantum.security.bounds import PROOFS, key_length
from haris.quantum.security.key_length import Security, unrounded_bits, whole_bits


def candidates(k):
    """Counts of some settings over one channel, one after another."""
    rng = np.random.default_rng(5)
    for _ in range(12):
        mu = (rng.uniform(0.4, 0.9), rng.uniform(0.05, 0.3), 1e-3)[:k]
        p = rng.dirichlet((5.0, 3.0, 2.0)[:k])
        bases = np.array([0.8, 0.2])[:, None] ** 2
        clicks = 1e9 * bases * p * -np.expm1(-1e-3 * np.array(mu))
        yield DecoyCounts(1e9, mu, tuple(p.tolist()), clicks, 0.01 * clicks)


ONLY_ONE_DECOY, ONLY_TWO_DECOYS = {"rusca2018"}, {"lim2014", "sidhu2022"}


@pytest.mark.parametrize(
    ("bound", "k"),
    [(bound, 2) for bound in PROOFS if bound not in ONLY_TWO_DECOYS]
    + [(bound, 3) for bound in PROOFS if bound not in ONLY_ONE_DECOY],
)
def test_a_sweep_over_settings_is_one_setting_after_another(bound, k):
    security = Security(bound, f_ec=1.16)
    each = list(candidates(k))
    many = DecoyCounts(
        1e9,
        tuple(np.array([one.intensities for one in each]).T),
        tuple(np.array([one.p_intensities for one in each]).T),
        np.array([one.clicks for one in each]),
        np.array([one.errors for one in each]),
    )
    key = key_length(many, security)
    assert key.length_bits.tolist() == [int(key_length(one, security).length_bits) for one in each]
    assert key.length_bits.max() > 0
    np.testing.assert_array_equal(whole_bits(unrounded_bits(key)), key.length_bits)


def test_one_bad_setting_of_a_sweep_is_refused():
    half = np.array([0.5, 0.5])
    counts = np.ones((2, 2, 2))
    with pytest.raises(ParameterError, match="sum to 1"):
        DecoyCounts(1e9, (0.5, 0.1), (half, np.array([0.5, 0.4])), counts, counts)
