"""Phase errors of coherent one way against explicit attacks on Alice's four states."""

import numpy as np
import pytest
import qkd
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from haris.nouns.errors import ParameterError
from haris.nouns.pulse_pairs import PulsePairCounts, PulsePairs
from haris.quantum.security import cow
from haris.quantum.security.cow import pair_phase_errors
from haris.quantum.security.kato import events_above
from haris.quantum.security.key_length import Security

KINDS = ((0, 1), (1, 0), (1, 1), (0, 0))
"""Early and late pulse of the late pair, the early pair, both, none."""


def states(contrast):
    """Alice's four states as vectors of four dimensions: their scalar products are all that Eve can use."""
    overlap = np.exp(-contrast / 2)
    gram = [[overlap ** (abs(a - c) + abs(b - d)) for c, d in KINDS] for a, b in KINDS]
    return np.real(sqrtm(np.array(gram)))


def attacked(contrast, kraus):
    """What is seen at the bright and the dark port by what was sent, (4, 2), and phase errors a pair with one pulse.

    kraus: operators from the four dimensions to a photon early, late or none, (n, 3, 4).
    """
    sent = states(contrast)
    ports = np.array([[1.0, 1.0, 0.0], [1.0, -1.0, 0.0]]) / np.sqrt(2)
    at = np.einsum("px,nxi,ki->knp", ports, kraus, sent)
    total = np.einsum("px,nxi,ki->knp", ports, kraus, np.array([sent[0] + sent[1], sent[0] - sent[1]]) / 2)
    # Half of the norm of Alice's virtual qubit in |+> and |->, which the sum and the difference of the pairs go with.
    return (np.abs(at) ** 2).sum(axis=1), (np.abs(total[0, :, 1]) ** 2 + np.abs(total[1, :, 0]) ** 2).sum()


def bound_of(contrast, seen):
    both, empty = (seen[kind][[0, 0, 1]] for kind in (2, 3))
    return float(pair_phase_errors(contrast, (seen[0, 0] + seen[1, 0]) / 2, both, empty))


def isometry(rng, operators, near):
    columns = near * (rng.normal(size=(3 * operators, 4)) + 1j * rng.normal(size=(3 * operators, 4)))
    columns[[2 + 3 * (row % operators) for row in range(4)], range(4)] += 1.0
    return np.linalg.qr(columns)[0].reshape(operators, 3, 4)


def test_no_attack_has_more_phase_errors():
    rng = np.random.default_rng(1)
    share = []
    for _ in range(1500):
        contrast = 10 ** rng.uniform(-4, 0.5)
        seen, phases = attacked(contrast, isometry(rng, rng.integers(2, 5), 10 ** rng.uniform(-3, 0.5)))
        share.append(phases / bound_of(contrast, seen))
    assert 0.9 < max(share) <= 1.0 + 1e-12


@pytest.mark.parametrize("contrast", [0.01, 0.1, 0.5])
def test_attacks_without_errors_leave_no_key(contrast):
    # Eve tells the four states without error or fails, and sends what was sent, or nothing: no test pair shows her.
    sent = states(contrast)
    dual = np.linalg.inv(sent)  # rows orthogonal to all states but one
    told = 1.0 / np.linalg.eigvalsh(dual.T @ dual)[-1]
    photons = np.array([[0.0, 1, 0], [1, 0, 0], [np.sqrt(0.5), np.sqrt(0.5), 0], [0, 0, 1]])
    kraus = np.sqrt(told) * np.array([np.outer(photon, row) for photon, row in zip(photons, dual.T, strict=True)])
    seen, phases = attacked(contrast, kraus)
    assert seen[2] == pytest.approx([told, 0.0], abs=1e-12)
    assert seen[3] == pytest.approx([0.0, 0.0], abs=1e-12)
    clicks = seen[0].sum()
    assert phases == pytest.approx(clicks / 2)  # Eve knows every bit
    assert bound_of(contrast, seen) >= clicks / 2


def test_an_honest_channel_has_few_phase_errors_for_little_light():
    # Loss eta, no noise: about sqrt(mu / (2 eta)) of the clicks, so that light and key go with eta and its square.
    for eta in (1e-1, 1e-3):
        contrast = 1e-3 * eta
        seen = np.array([[0.5, 0.5], [0.5, 0.5], [2.0, 0.0], [0.0, 0.0]]) * eta * contrast
        assert bound_of(contrast, seen) / seen[0].sum() == pytest.approx(np.sqrt(contrast / 2 / eta), rel=0.05)


def counts_of(p_click, sent=1e12):
    pairs = np.array([sent, sent, sent])
    kept, errors, monitored = p_click
    return PulsePairCounts(pairs, np.array(sent * kept), np.array(sent * kept * errors), sent * np.array(monitored))


@settings(deadline=None, max_examples=500)
@given(st.floats(1e-6, 0.2), st.floats(0, 0.1), st.floats(0.01, 0.99), st.floats(1e-6, 1), st.floats(1, 2))
def test_length_agrees_with_qkd_for_the_same_phase_error(kept, errors, data_share, eta, f_ec):
    contrast = kept * 0.01
    seen = (1 - data_share) / 2 * eta * contrast
    counts = counts_of((kept, errors, [[seen / 2, seen / 2], [2 * seen, 0.0], [0.0, 0.0]]))
    leaked = f_ec * counts.kept * cow.binary_entropy(errors)
    key = cow.asymptotic(counts, contrast, data_share, 0.0, leaked)
    phase = float(key.value("phase_error"))
    theirs = max(0.0, qkd._core.cow_rate(kept, errors, phase, f_ec))
    assert int(key.length_bits) == pytest.approx(theirs * 1e12, rel=1e-9, abs=2)


@pytest.mark.parametrize("contrast", [1e-6, 1e-3, 0.1])
def test_detectors_that_see_nothing_leave_no_key(contrast):
    blind = counts_of((0.1, 0.0, np.zeros((3, 2))))
    assert cow.asymptotic(blind, contrast, 0.5, 0.0, 0.0).length_bits == 0
    assert cow.finite(blind, blind, contrast, 0.5, 0.0, Security("kato"), 0.0).length_bits == 0


def test_the_bound_is_chosen_before_anything_is_counted(monkeypatch):
    guesses = []

    def watched(probabilities, n, predicted, epsilon):
        guesses.append(float(predicted))
        return events_above(probabilities, n, predicted, epsilon)

    monkeypatch.setattr(cow, "events_above", watched)
    contrast, share = 1e-4, 0.9
    seen = (1 - share) / 2 * 0.1 * contrast
    predicted = counts_of((1e-5, 0.01, [[seen / 2, seen / 2], [2 * seen, seen / 50], [0.0, 0.0]]))
    for darker in (1.0, 2.0, 3.0):
        counted = counts_of((1e-5, 0.01, [[seen / 2, seen / 2], [2 * seen, darker * seen / 50], [0.0, 0.0]]))
        cow.finite(counted, predicted, contrast, share, 0.0, Security("kato"), 0.0)
    assert len(set(guesses)) == 1


def test_counts_that_cannot_be_are_refused():
    with pytest.raises(ParameterError, match="among the pairs kept"):
        counts_of((0.1, 1.5, np.zeros((3, 2))))
    with pytest.raises(ParameterError, match="more clicks than pairs"):
        counts_of((0.1, 0.5, np.full((3, 2), 2.0)))
    with pytest.raises(ParameterError, match="3 by 2"):
        counts_of((0.1, 0.5, np.zeros(3)))
    with pytest.raises(ParameterError, match="one length"):
        PulsePairs(1, np.zeros(1, np.int64), np.zeros(2, np.uint8))


@given(st.floats(-5, 1), st.floats(1, 10), *[st.floats(-8, -0.31)] * 3, *[st.floats(-12, -1)] * 2, st.floats(0.5, 1.5))
def test_a_weaker_extinction_never_helps(contrast, worse, bright, two, dark, none, none_dark, share):
    both = np.array([10**two, 10**two, 10 ** min(dark, two)])
    empty = np.array([10**none, 10**none, 10**none_dark])
    clicks = 2 * share * 10**bright
    rates = [
        min(float(pair_phase_errors(c, 10**bright, both, empty)) / clicks, 0.5)
        for c in 10**contrast * np.array([1, worse])
    ]
    assert rates[1] >= rates[0] - 1e-9
