"""A vacuum source that is calibrated from its own emulated recordings."""

import numpy as np
import pytest

from haris.nouns.errors import ParameterError
from haris.nouns.raw_samples import RawSamples
from haris.quantum.entropy.vacuum import VACUUM, VacuumFluctuations
from haris.quantum.entropy.vacuum_calibration import calibrate

N = 3_000_000
LIT = VacuumFluctuations(10, 0.6, 1e9, 0.1, 0.03, N, 0.02, autocorrelation=(0.25, -0.05))
DARK = VacuumFluctuations(10, 0.6, 1e9, 0.03, 0.0, N, 0.02)


def recorded(parameters, n=N, seed=1):
    return VACUUM.emulate(parameters, n, seed).samples


def test_what_was_emulated_is_found():
    """Five standard errors."""
    found = calibrate(recorded(LIT), recorded(DARK, seed=2), 0.6)
    assert found.signal_rms_v == pytest.approx(0.1, rel=5e-3)
    assert found.dark_rms_v == pytest.approx(0.03, rel=5e-3)
    assert found.offset_v == pytest.approx(0.02, abs=5 * 0.1 * np.sqrt(1.4 / N))
    assert len(found.autocorrelation) == 2
    assert found.autocorrelation == pytest.approx((0.25, -0.05), abs=5e-3)
    assert found.dark_autocorrelation == pytest.approx((0.0, 0.0), abs=5e-3)
    assert (found.adc_bits, found.clock_hz, found.calibration_samples) == (10, 1e9, N)


def test_it_is_worth_no_more_than_what_is_known_exactly():
    known = VacuumFluctuations(10, 0.8, 1e9, 0.1, 0.03, 10**15, 0.02)
    exact = VACUUM.randomness(known, 400, 2.0**-101, None).min_entropy_per_sample
    for seed in range(4):
        on, off = (VacuumFluctuations(10, 0.8, 1e9, rms, 0.0, N, 0.02) for rms in (0.1, 0.03))
        found = calibrate(recorded(on, seed=seed), recorded(off, seed=50 + seed), 0.8)
        assert found.autocorrelation == ()
        bits = VACUUM.randomness(found, 400, 2.0**-101, None).min_entropy_per_sample
        assert exact - 0.1 < bits < exact


def test_lags_are_those_of_all_samples_together():
    samples = recorded(LIT, 2**20 + 77)
    values = samples.values.astype(float) - samples.values.mean()
    found = calibrate(samples, recorded(DARK), 0.6).autocorrelation
    for lag, value in enumerate(found, 1):
        wanted = np.sum(values[lag:] * values[:-lag]) / (len(values) - lag) / values.var()
        assert value == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize(
    ("name", "on", "off"),
    [
        ("on", recorded(LIT, 1000), recorded(DARK, 200_000)),
        ("off", recorded(LIT, 200_000), recorded(DARK, 1000)),
        ("off", recorded(LIT, 200_000), RawSamples(np.zeros(200_000, np.uint8), 8, 1e9)),
        ("off", recorded(LIT, 200_000), RawSamples(recorded(DARK, 200_000).values, 10, 2e9)),
        ("off", recorded(LIT, 200_000), RawSamples(np.full(200_000, 512, np.uint16), 10, 1e9)),
        ("on", RawSamples(np.zeros(200_000, np.uint16), 10, 1e9), recorded(DARK, 200_000)),
        ("dark_rms_v", recorded(DARK, 200_000), recorded(LIT, 200_000)),
    ],
)
def test_what_is_no_calibration_is_refused_by_name(name, on, off):
    with pytest.raises(ParameterError, match=f"^{name} must"):
        calibrate(on, off, 0.6)
