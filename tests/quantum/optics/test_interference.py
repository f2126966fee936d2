"""Clicks behind the beam splitter against integration over the phase, and phase noise against its sampling."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haris.nouns.errors import ParameterError
from haris.quantum.optics.interference import (
    HARMONICS,
    coherence,
    lone_clicks,
    phase_variance,
    slice_average,
)
from haris.quantum.optics.sending_source import SendingSource
from haris.quantum.optics.station import Station

SOURCE = SendingSource(1e9, 0.45, (0.3, 0.1), 0.7, 0.27, (0.1, 0.7, 0.2))


def integrated(a, b, p_dark, visibility, phases):
    """Threshold detectors that see (a + b)/2 +- visibility sqrt(ab) cos(phi), averaged over equally likely phases."""
    swing = visibility * np.sqrt(a * b) * np.cos(phases)
    bright, dim = (1.0 - (1.0 - p_dark) * np.exp(-((a + b) / 2.0 + side * swing)) for side in (1.0, -1.0))
    return np.mean(bright * (1.0 - dim)), np.mean(dim * (1.0 - bright))


@given(st.floats(0, 2), st.floats(0, 2), st.floats(0, 0.1), st.floats(0, 1), st.floats(0.01, np.pi))
def test_lone_clicks_are_those_of_threshold_detectors(a, b, p_dark, visibility, width):
    steps = (np.arange(4096) + 0.5) / 4096 - 0.5
    found = lone_clicks(a, b, p_dark, visibility, slice_average(width))
    assert found == pytest.approx(integrated(a, b, p_dark, visibility, steps * width), rel=1e-6, abs=1e-12)
    found = lone_clicks(a, b, p_dark, visibility, np.zeros(HARMONICS))
    assert found == pytest.approx(integrated(a, b, p_dark, visibility, steps * 2 * np.pi), rel=1e-9, abs=1e-12)


def test_a_photon_through_a_thousand_kilometres_is_not_lost_in_rounding():
    right, wrong = lone_clicks(1e-12, 1e-12, 1e-16, 0.94, np.ones(HARMONICS))
    assert right == pytest.approx(0.97 * 2e-12 + 1e-16, rel=1e-6)
    assert wrong == pytest.approx(0.03 * 2e-12 + 1e-16, rel=1e-6)


def test_phase_noise_is_that_of_sampled_lasers_and_fibres():
    source = SendingSource(1e9, 0.45, (0.3, 0.1), 0.7, 0.27, (0.1, 0.7, 0.2), 300.0, 200.0)
    station = Station(0.6, 1e-9, reference_interval_s=2e-4, reference_photons=20.0, phase_drift_rad_per_s=2e3)
    rng = np.random.default_rng(7)
    n = 400_000
    age_s = rng.uniform(0.0, 2e-4, n)
    phase = 2 * np.pi * rng.normal(0.0, 300.0, n) * age_s + rng.normal(0.0, 2e3, n) * age_s
    phase += rng.normal(0.0, np.sqrt(2 * np.pi * 200.0 * age_s)) + rng.normal(0.0, np.sqrt(1 / 20), n)
    for k in (1, 2, 5):
        spread = np.std(np.cos(k * phase)) / np.sqrt(n)
        assert np.mean(np.cos(k * phase)) == pytest.approx(coherence(source, station)[k - 1], abs=5 * spread)
    assert phase_variance(SOURCE, Station(0.6, 0.0), [0.0, 1.0]).tolist() == [0.0, 0.0]
    assert coherence(SOURCE, Station(0.6, 0.0)) == pytest.approx(np.ones(HARMONICS))


def test_the_estimate_of_a_phase_by_n_photons_varies_by_1_over_n():
    # Counts n cos^2(phi/2) and n sin^2(phi/2) at one setting of the reference, in quadrature at the other:
    # the maximum-likelihood phase of n photons in all, near 0.3 rad.
    rng, n, phi = np.random.default_rng(3), 4000, 0.3
    cosine = 2 * rng.binomial(n // 2, (1 + np.cos(phi)) / 2, 20_000) / (n // 2) - 1
    sine = 2 * rng.binomial(n // 2, (1 + np.sin(phi)) / 2, 20_000) / (n // 2) - 1
    step = 0.5 * (np.sin(phi) * -(cosine - np.cos(phi)) / np.sin(phi) ** 2)
    step += 0.5 * (np.cos(phi) * (sine - np.sin(phi)) / np.cos(phi) ** 2)
    assert np.var(step) == pytest.approx(1 / n, rel=0.05)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"decoy_intensities": (0.1, 0.3)}, "decoy_intensities must be y > x > 0"),
        ({"decoy_intensities": (0.3,)}, "decoy_intensities must be y > x > 0"),
        ({"p_decoys": (0.5, 0.5)}, "p_decoys must be 3 numbers"),
        ({"p_decoys": (0.5, 0.5, 0.5)}, "p_decoys must be positive and sum to 1"),
        ({"p_send": 1.0}, "p_send must lie strictly between 0 and 1"),
        ({"signal_intensity": 0.0}, "signal_intensity must be finite and above 0"),
        ({"linewidth_hz": -1.0}, "linewidth_hz must be finite and at least 0"),
    ],
)
def test_a_source_that_cannot_be_is_refused(change, message):
    values = {name: getattr(SOURCE, name) for name in SendingSource.__slots__}
    with pytest.raises(ParameterError, match=message):
        SendingSource(**{**values, **change})


def test_a_station_that_cannot_be_is_refused():
    with pytest.raises(ParameterError, match="reference_photons must be above 0"):
        Station(0.5, 0.0, reference_photons=0.0)


def test_window_kinds_are_those_of_drawn_windows():
    rng, n = np.random.default_rng(11), 1_000_000
    ends = []
    for _ in range(2):
        signal, send = rng.random(n) < SOURCE.p_signal, rng.random(n) < SOURCE.p_send
        ends.append((signal, send, rng.choice(3, n, p=SOURCE.p_decoys)))
    (signal_a, send_a, decoy_a), (signal_b, send_b, decoy_b) = ends
    either = ~(signal_a & signal_b)  # a signal window of both makes key, and is no decoy

    def kind(signal, send, decoy, which):
        return (~signal & (decoy == which)) | ((signal & ~send) if which == 2 else False)

    drawn = [
        np.mean(either & kind(signal_a, send_a, decoy_a, a) & kind(signal_b, send_b, decoy_b, b))
        for a, b in ((2, 2), (2, 1), (1, 2), (2, 0), (0, 2))
    ]
    assert drawn == pytest.approx(SOURCE.p_decoy_kinds, rel=0.03)
    both = signal_a & signal_b
    drawn = [np.mean(both & (send_a == a) & (send_b == b)) for a, b in ((0, 0), (1, 0), (0, 1), (1, 1))]
    assert drawn == pytest.approx(SOURCE.p_signal_kinds, rel=0.03)
