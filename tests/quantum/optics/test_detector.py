import pytest

from haris.nouns.errors import ParameterError
from haris.quantum.optics.detector import Detector


@pytest.mark.parametrize(
    ("dead_time_s", "clock_hz", "gates"),
    [(0.0, 1e9, 0), (20e-9, 1e9, 20), (20.1e-9, 1e9, 21), (1e-6, 6.25e8, 625), (1e-12, 1e9, 1)],
)
def test_hold_off_is_rounded_up_to_whole_gates(dead_time_s, clock_hz, gates):
    assert Detector(0.2, 0.0, dead_time_s=dead_time_s).hold_off_gates(clock_hz) == gates


def test_release_has_its_mean_delay():
    assert Detector(0.2, 0.0).p_release(1e9) == 1.0
    # A geometric wait on 1, 2, ... of mean 1 + 9 gates comes 9 ns after the first live gate.
    assert Detector(0.2, 0.0, afterpulse_time_s=9e-9).p_release(1e9) == pytest.approx(0.1)


def test_a_gate_of_one_sigma_on_either_side_keeps_68_per_cent():
    assert Detector(0.5, 0.0, jitter_s=50e-12, gate_s=100e-12).gated_efficiency == pytest.approx(0.5 * 0.6826894921)


@pytest.mark.parametrize("change", [{"p_afterpulse": 1.1}, {"dead_time_s": -1.0}, {"gate_s": 0.0}])
def test_values_outside_their_range_are_refused(change):
    with pytest.raises(ParameterError):
        Detector(0.2, 0.0, **change)
