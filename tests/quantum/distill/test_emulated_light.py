"""From emulated light to a shared key, with dead time, dark counts, after-pulses, jitter and a gate."""

from math import sqrt

import numpy as np
import pytest
from distill_pair import drive, pair

from haris.nouns.blocks import AbortReason, Distilled
from haris.nouns.counts import KEY_BASIS, TEST_BASIS
from haris.quantum.emulate.sampled import emulate
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.source import Source
from haris.quantum.protocols.bb84 import Agreement, DecoyBB84

SOURCE = Source(clock_hz=1e9, intensities=(0.5, 0.1), p_intensities=(0.8, 0.2))
FIBRE = Fibre(length_m=20e3, loss_db_per_km=0.2, misalignment=0.01)
DETECTOR = Detector(
    efficiency=0.25,
    p_dark=1e-7,
    dead_time_s=25e-9,
    p_afterpulse=0.01,
    afterpulse_time_s=50e-9,
    jitter_s=50e-12,
    gate_s=400e-12,
)
PROTOCOL = DecoyBB84(p_key_basis=0.9, block_pulses=2_000_000)
AGREEMENT = Agreement(
    protocol=PROTOCOL,
    clock_hz=SOURCE.clock_hz,
    intensities=SOURCE.intensities,
    p_intensities=SOURCE.p_intensities,
    dead_time_s=DETECTOR.dead_time_s,
    gate_s=DETECTOR.gate_s,
)


def block(eve_fraction=0.0, start=0):
    light = emulate(SOURCE, FIBRE, DETECTOR, PROTOCOL, PROTOCOL.block_pulses, 17, eve_fraction, start)
    a, b = pair(*light, AGREEMENT)
    drive(a, b)
    return light, a, b


def test_both_ends_make_the_same_key():
    (_, detections), a, b = block()
    assert isinstance(a.result, Distilled)
    assert np.array_equal(a.result.bits, b.result.bits)
    assert len(a.result.bits) > 5_000
    # The light's hold-off is the agreed one: sifting drops no click but for the basis.
    clicks, p = a.result.counts.clicks.sum(), 0.9**2 + 0.1**2
    gates = len(np.unique(detections.time_ps // 1000))
    assert clicks == pytest.approx(gates * p, abs=5 * sqrt(gates * p * (1 - p)))  # fails by chance below 6e-7
    # 1 % of misalignment, 1 % of after-pulses that err half the time, and some dark counts.
    assert 0.01 < a.result.counts.qber[KEY_BASIS] < 0.03


@pytest.mark.parametrize("eve_fraction", [0.6, 1.0])
def test_eve_makes_both_ends_give_up_before_they_reconcile(eve_fraction):
    _, a, b = block(eve_fraction)
    for end in (a, b):
        assert end.result.reason is AbortReason.QBER
        assert end.result.counts.qber[TEST_BASIS] > PROTOCOL.qber_abort
        assert end.transcript.leaked_bits == 0


def test_blocks_of_one_link_differ():
    keys = [block(start=n * PROTOCOL.block_pulses)[1].result.bits for n in range(2)]
    shorter = min(map(len, keys))
    assert np.mean(keys[0][:shorter] != keys[1][:shorter]) == pytest.approx(0.5, abs=0.05)
