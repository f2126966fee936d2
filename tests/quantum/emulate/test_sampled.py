"""Sampled detections: against a simulation of every pulse, their time tags, their repeatability, their cost."""

from dataclasses import replace
from time import process_time

import numpy as np
import pytest
from scipy import stats

from haris.nouns.errors import ParameterError
from haris.quantum.distill.sift import accept
from haris.quantum.emulate.expected import expected_counts
from haris.quantum.emulate.sampled import emulate
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.source import Source
from haris.quantum.protocols.bb84 import Agreement, DecoyBB84
from haris.quantum.protocols.preparation import settings_at

SOURCE = Source(clock_hz=1e9, intensities=(0.8, 0.3, 0.01), p_intensities=(0.5, 0.3, 0.2))
FIBRE = Fibre(length_m=10e3, loss_db_per_km=0.2, misalignment=0.1)
DETECTOR = Detector(efficiency=0.4, p_dark=0.01, dead_time_s=6e-9, p_afterpulse=0.4, afterpulse_time_s=4e-9)
PROTOCOL = DecoyBB84(p_key_basis=0.7, block_pulses=10**6)
LONG = Fibre(length_m=100e3, loss_db_per_km=0.2, misalignment=0.01)
FALSE_ALARM = 1e-6


def every_pulse(n, eve_fraction, rng):
    """Slow light: each photon of each pulse goes its way. Gate, kind and detectors (1, 2, 3) of every click.

    Kind: (matched bases, intensity, right / wrong / both), numbered.
    """
    eta = DETECTOR.efficiency * 10 ** (-FIBRE.loss_db_per_km * FIBRE.length_m / 1e4)
    basis, bob_basis, eve_basis = (rng.random(n) > z for z in (0.7, 0.7, 0.5))
    bit, intensity = rng.integers(0, 2, n), rng.choice(3, n, p=SOURCE.p_intensities)
    tapped = rng.random(n) < eve_fraction
    sent_basis = np.where(tapped, eve_basis, basis)
    sent_bit = np.where(tapped & (eve_basis != basis), rng.integers(0, 2, n), bit)
    photons = rng.binomial(rng.poisson(np.array(SOURCE.intensities)[intensity]), eta)
    p_one = np.where(bob_basis == sent_basis, np.where(sent_bit == 1, 0.9, 0.1), 0.5)
    in_one = rng.binomial(photons, p_one)
    fires = np.stack([photons - in_one, in_one], axis=1) > 0
    fires |= rng.random((n, 2)) < DETECTOR.p_dark
    blind_until, trapped, path = 0, None, []
    for gate in range(n):
        if gate < blind_until:
            continue
        fired = fires[gate].copy()
        if trapped is not None and rng.random() < 1 / (1 + 4):
            fired[trapped] = True
        if not fired.any():
            continue
        outcome = 2 if fired.all() else int(fired[1] != bit[gate])
        kind = 9 * (basis[gate] == bob_basis[gate]) + 3 * intensity[gate] + outcome
        path.append((gate, kind, fired[0] + 2 * fired[1]))
        blind_until = gate + 1 + 6
        trapped = None
        if rng.random() < 0.4:
            trapped = rng.choice(np.flatnonzero(fired))
    return np.array(path).T


def clicks(pulses, detections):
    """The same of sampled detections."""
    gate, first, tags = np.unique(detections.time_ps // 1000, return_index=True, return_counts=True)
    sent = settings_at(pulses, gate, PROTOCOL.p_key_basis, SOURCE.p_intensities)
    bit = detections.channel[first] % 2
    outcome = np.where(tags == 2, 2, (bit != sent.bit).astype(int))
    matched = sent.basis == detections.channel[first] // 2
    return gate, 9 * matched + 3 * sent.intensity.astype(int) + outcome, np.where(tags == 2, 3, 1 + bit)


def path_counts(gate, kind, detectors):
    """Three tables of a path: intervals (7 gates to 30 and more), kinds, and detectors after detectors."""
    interval = np.minimum(np.diff(gate), 30) - 7
    chain = 9 * np.minimum(interval, 5) + 3 * (detectors[:-1] - 1) + detectors[1:] - 1
    return np.bincount(interval, minlength=24), np.bincount(kind, minlength=18), np.bincount(chain, minlength=54)


@pytest.mark.parametrize("eve_fraction", [0.0, 0.6])
def test_sample_paths_follow_a_simulation_of_every_pulse(eve_fraction):
    """Two-sample chi-square of three tables; false alarms 1e-6 each."""
    slow = path_counts(*every_pulse(1_000_000, eve_fraction, np.random.default_rng(5)))
    light = emulate(SOURCE, FIBRE, DETECTOR, PROTOCOL, 20_000_000, seed=6, eve_fraction=eve_fraction)
    fast = path_counts(*clicks(*light))
    for table in zip(slow, fast, strict=True):
        assert stats.chi2_contingency(np.stack(table)).pvalue > FALSE_ALARM


def test_eve_leaves_alices_settings_alone_and_errs_as_expected():
    honest, _ = emulate(SOURCE, LONG, Detector(0.5, 1e-7), PROTOCOL, 10**8, seed=1)
    pulses, detections = emulate(SOURCE, LONG, Detector(0.5, 1e-7), PROTOCOL, 10**8, seed=1, eve_fraction=1.0)
    assert pulses == honest
    _, kind, _ = clicks(pulses, detections)
    right, wrong, both = (np.count_nonzero((kind >= 9) & (kind % 3 == i)) for i in range(3))
    counts = expected_counts(SOURCE, LONG, Detector(0.5, 1e-7), PROTOCOL, 1e8, eve_fraction=1.0)
    n, p = right + wrong, counts.errors.sum() / counts.clicks.sum()
    assert both < 0.01 * n
    assert abs(wrong - n * p) < 5 * np.sqrt(n * p * (1 - p)) + both  # false alarms 6e-7
    assert p == pytest.approx(0.25, abs=0.01)


def test_photons_jitter_inside_the_gate_and_dark_counts_fill_it():
    """Kolmogorov–Smirnov, false alarms 1e-6 each; tags are whole picoseconds, so they are smeared first."""
    rng = np.random.default_rng(3)
    detector = Detector(0.5, 0.0, jitter_s=200e-12, gate_s=600e-12)
    for fibre, shape in (
        (LONG, stats.truncnorm(-1.5, 1.5, scale=200.0)),
        (replace(LONG, length_m=1e9), stats.uniform(-300.0, 600.0)),
    ):
        lit = replace(detector, p_dark=1e-3 if fibre is not LONG else 0.0)
        _, detections = emulate(SOURCE, fibre, lit, PROTOCOL, 2 * 10**7, seed=4)
        offset = detections.time_ps % 1000 - 500
        assert offset.min() >= -300
        assert offset.max() < 300
        assert stats.kstest(offset + rng.random(offset.size) - 0.5, shape.cdf).pvalue > FALSE_ALARM


@pytest.mark.parametrize("clock_hz", [1e9, 2.5e9, 3e8, 6.25e8, 1e9 / 7])
@pytest.mark.parametrize("share", [None, 0.5])
@pytest.mark.parametrize("dead_time_s", [0.0, 33.3e-9])
def test_the_sift_accepts_every_click(clock_hz, share, dead_time_s):
    """No tag leaves its gate, none lies in the dead time of another, also where a period is no whole number of ps."""
    source = replace(SOURCE, clock_hz=clock_hz)
    gate_s = None if share is None else share / clock_hz
    detector = replace(DETECTOR, dead_time_s=dead_time_s, jitter_s=500e-12, gate_s=gate_s)
    _, detections = emulate(source, FIBRE, detector, PROTOCOL, 10**6, seed=9)
    gate = np.unique(np.floor(detections.time_ps / (1e12 / clock_hz)))
    agreement = Agreement(PROTOCOL, clock_hz, source.intensities, source.p_intensities, dead_time_s, gate_s)
    accepted = accept(detections, agreement, bytes)
    assert gate.size > 5_000
    assert np.array_equal(accepted.pulse, gate)
    spread = np.diff(detections.time_ps)
    assert np.all((spread >= dead_time_s * 1e12) | (np.diff(detections.time_ps // (1e12 / clock_hz)) == 0))


def test_the_same_arguments_give_the_same_light():
    def light(**changes):
        arguments = {"n_pulses": 10**5, "seed": 7, "start": 0} | changes
        return emulate(SOURCE, FIBRE, DETECTOR, PROTOCOL, **arguments)

    (pulses, once), (_, again) = light(), light()
    assert np.array_equal(once.time_ps, again.time_ps)
    assert np.array_equal(once.channel, again.channel)
    for other in (light(seed=8), light(seed=b"octets"), light(start=10**5)):
        assert not np.array_equal(once.time_ps[:100], other[1].time_ps[:100])
    assert light(seed=b"octets")[0].key != pulses.key
    for seed in (-1, 2**256):
        with pytest.raises(ParameterError, match="seed"):
            light(seed=seed)


def test_gates_that_overlap_are_refused():
    with pytest.raises(ParameterError, match="overlap"):
        emulate(SOURCE, FIBRE, replace(DETECTOR, gate_s=2e-9), PROTOCOL, 1000, seed=1)


def test_light_is_faster_than_life():
    """1 GHz over 100 km with half-efficient detectors: a second of light in less than a second."""
    started = process_time()
    _, detections = emulate(SOURCE, LONG, Detector(0.5, 1e-7, 50e-9, 0.01, 0.0, 50e-12), PROTOCOL, 10**9, seed=1)
    elapsed_s = process_time() - started
    print(f"{1 / elapsed_s:.2f} s of light a second, {detections.time_ps.size / elapsed_s:.3g} tags a second")
    assert elapsed_s < 1.0


def test_a_trillion_empty_pulses_cost_nothing():
    dim = Detector(0.5, 1e-9)
    started = process_time()
    _, detections = emulate(
        replace(SOURCE, clock_hz=2.5e9), replace(LONG, fixed_loss_db=50.0), dim, PROTOCOL, 10**12, seed=1
    )
    assert process_time() - started < 1.0
    assert detections.time_ps.size > 1000
