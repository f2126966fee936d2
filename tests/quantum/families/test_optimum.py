"""Optimised settings against SciPy's differential evolution, and what must hold wherever the search stops."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import differential_evolution

from haris.nouns.errors import ParameterError
from haris.quantum.families import optimum
from haris.quantum.families.family import Family
from haris.quantum.link import Link
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.source import Source
from haris.quantum.protocols.bb84 import DecoyBB84
from haris.quantum.security.key_length import Security

METRO = Link(
    Source(1e9, (0.4, 0.13, 0.0), (0.2, 0.6, 0.2)),
    Fibre(25e3, 0.2, 3.0, 0.01),
    Detector(0.2, 1e-6),
    DecoyBB84(0.85, 4_000_000_000),
    Security("lim2014"),
)


@pytest.mark.parametrize("at_m", [25e3, 100e3])
def test_the_best_settings_are_as_good_as_those_of_differential_evolution(at_m):
    family, at = METRO.family, np.array([at_m])

    def lost(shares):
        values = {knob.name: knob.value(share) for knob, share in zip(family.knobs, shares, strict=True)}
        try:
            return -float(family.rate(family.turned(METRO, values), at).key.length_bits[0])
        except ParameterError:
            return 0.0

    theirs = -differential_evolution(lost, [(0.0, 1.0)] * len(family.knobs), seed=1, maxiter=40, tol=1e-7).fun
    ours = METRO.rate(np.linspace(0.0, 150e3, 31), optimise=True)
    found = float(ours.key.length_bits[np.flatnonzero(ours.distance_m == at_m)[0]])
    assert found >= 0.99 * theirs > 0.0


@given(
    intensities=st.sampled_from([(0.5, 0.1), (0.4, 0.13, 0.0), (0.6, 0.2, 1e-3)]),
    dead_time_s=st.sampled_from([0.0, 1e-5]),
    bound=st.sampled_from(["variable-length", "asymptotic"]),
    loss_db=st.floats(0.0, 10.0),
    n=st.integers(1, 50),
)
@settings(max_examples=6, deadline=None)
def test_no_distance_gets_less_than_a_farther_one_or_than_the_links_own_settings(
    intensities, dead_time_s, bound, loss_db, n
):
    p = (0.6, 0.4) if len(intensities) == 2 else (0.5, 0.3, 0.2)
    link = Link(
        Source(1e9, intensities, p),
        Fibre(25e3, 0.2, loss_db, 0.01),
        Detector(0.6, 1e-7, dead_time_s=dead_time_s),
        DecoyBB84(0.85, 10**9),
        Security(bound),
    )
    at_m = np.linspace(0.0, 250e3, n)
    best, own = link.rate(at_m, optimise=True), link.rate(at_m)
    assert np.all(np.diff(best.secret_bits_per_pulse) <= 0.0)
    assert np.all(best.secret_bits_per_pulse >= own.secret_bits_per_pulse)
    assert np.all(best.secret_bits_per_pulse <= best.plob_per_pulse)
    again = link.rate(at_m[::-1], optimise=True)
    assert np.array_equal(again.secret_bits_per_pulse, best.secret_bits_per_pulse[::-1])


def test_the_settings_that_are_told_give_the_rate_that_is_told():
    at_m = np.array([[10e3, 60e3], [100e3, 400e3]])
    best = METRO.rate(at_m, optimise=True)
    assert best.key.length_bits.shape == best.qber.shape == at_m.shape
    for place in np.ndindex(2, 2):
        values = {name: float(value[place]) for name, value in best.settings.items()}
        there = METRO.family.turned(METRO, values)
        lossy = replace(there, channel=replace(there.channel, fixed_loss_db=3.0 + values["added loss, dB"]))
        rate = METRO.family.rate(lossy, np.array([at_m[place]]))
        assert int(rate.key.length_bits[0]) == int(best.key.length_bits[place])
        for term, whole in zip(rate.key.terms, best.key.terms, strict=True):
            assert float(np.ravel(term.value)[0]) == pytest.approx(float(whole.value[place]), rel=1e-9)


def test_more_distances_than_the_search_takes_are_served_by_its_winners(monkeypatch):
    monkeypatch.setattr(optimum, "CHUNK", 64)
    best = METRO.rate(np.linspace(0.0, 120e3, 500), optimise=True)
    assert np.all(np.diff(best.secret_bits_per_pulse) <= 0.0)
    assert np.all(best.secret_bits_per_pulse[:400] > 0.0)


def test_a_family_without_settings_to_choose_says_so():
    family = METRO.family
    fixed = Family(*(getattr(family, name) for name in Family.__slots__[:8]))
    with pytest.raises(ParameterError, match="decoy-bb84 has no settings to choose"):
        optimum.optimum(fixed, METRO, np.zeros(3))
