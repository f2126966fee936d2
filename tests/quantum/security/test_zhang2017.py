"""Decoys by Chernoff bounds: exact binomial tails, sampled blocks whose photon numbers are known, and T12."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import beta

from haris.nouns.counts import DecoyCounts
from haris.quantum.link import Link
from haris.quantum.security.decoys import scale, scale_each
from haris.quantum.security.zhang2017 import photons

EXAMPLE = Path(__file__).parents[3] / "examples" / "links" / "t12_50km.toml"


def test_bounds_lie_beyond_exact_binomial_ones_and_near_them():
    rng = np.random.default_rng(1)
    for _ in range(600):
        counted, epsilon = int(10 ** rng.uniform(0, 7)), 10 ** rng.uniform(-25, -1)
        total = counted * int(10 ** rng.uniform(1, 4))
        p = (0.999, 0.001)
        counts = DecoyCounts(1.0, (0.5, 0.1), p, np.full((2, 2), counted), np.zeros((2, 2), dtype=np.int64))
        found = scale_each(np.array([[total, counted]]), counts, epsilon)
        unit = np.exp(0.1) / p[1]
        upper = total * beta.ppf(1 - epsilon, counted + 1, total - counted) if epsilon > 1e-15 else None
        lower = total * beta.ppf(epsilon, counted, total - counted + 1)
        assert found.lower[0, 1] / unit <= lower * (1 + 1e-9)
        if upper is not None:
            assert upper * (1 - 1e-9) <= found.upper[0, 1] / unit
        assert found.upper[0, 1] / unit - counted < 1.6 * np.sqrt(2 * counted * np.log(1 / epsilon)) + 3 * np.log(
            1 / epsilon
        )


@pytest.mark.parametrize("intensities", [(0.5, 0.1, 0.0), (0.425, 0.044, 0.001), (0.5, 0.15)])
def test_photon_numbers_of_sampled_blocks_lie_within(intensities):
    # Each of at most 15 bounds fails with probability 1e-6: in 200 blocks a false alarm in 300 runs; the seed is fixed.
    rng = np.random.default_rng(2)
    tight = []
    for _ in range(200):
        p = tuple(rng.dirichlet(np.full(len(intensities), 1.0)) * 0.99 + 0.01 / len(intensities))
        eta, wrong, dark = 10 ** rng.uniform(-3, -1), rng.uniform(0, 0.1), 10 ** rng.uniform(-7, -4)
        n = np.arange(8)
        factorial = np.cumprod(np.append(1.0, n[1:]))
        poisson = np.exp(-np.array(intensities))[:, None] * np.array(intensities)[:, None] ** n / factorial
        light = 1 - (1 - eta) ** n
        chance = np.stack([wrong * light + dark, (1 - wrong) * light + dark])  # wrong, right
        sampled = rng.poisson(3e8 * np.array(p)[:, None] * poisson * chance[:, None, None], (2, 2, len(p), 8))
        wrongs, rights = sampled[0], sampled[1]
        counts = DecoyCounts(1e9, intensities, p, (wrongs + rights).sum(axis=-1), wrongs.sum(axis=-1))
        found = photons(counts, 1e-6)
        clicks = (wrongs + rights).sum(axis=1)
        assert found.key_single_lower <= clicks[0, 1]
        assert found.test_single_lower <= clicks[1, 1]
        assert found.test_errors_upper >= wrongs[1, :, 1].sum()
        tight.append(found.key_single_lower / clicks[0, 1])
    assert np.median(tight) > 0.6


def test_t12_gives_key_that_the_live_bound_does_not():
    link = Link.read(EXAMPLE)
    rate = link.rate([35e3, 50e3, 65e3, 80e3])
    published = np.array([2.20e6, 1.09e6, 0.40e6, 0.12e6])  # against collective attacks; as Islam et al. 2017 list them
    assert np.all(rate.secret_bits_per_s < published)
    assert np.all(rate.secret_bits_per_s > published / 2.1)
    assert rate.key.proof.attacks == "coherent"
    live = dataclasses.replace(link, security=dataclasses.replace(link.security, bound="variable-length"))
    assert live.rate().key.length_bits == 0
    errors = np.array([[1000.0, 3.0, 1.0]])
    counts = live.expected_counts()
    assert scale_each(errors, counts, 1e-10).upper[0, 2] < scale(errors, counts, 1e-10).upper[0, 2] / 2
