"""How much faster than real time the emulator lights a fibre."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter

from haris.bench.contest import Conditions, Contest, Figures
from haris.quantum.emulate.sampled import emulate
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.source import Source
from haris.quantum.protocols.bb84 import DecoyBB84

N_PULSES = 4 * 10**9

SOURCE = Source(clock_hz=1e9, intensities=(0.5, 0.1, 0.0002), p_intensities=(0.7, 0.2, 0.1))
FIBRE = Fibre(length_m=100e3, loss_db_per_km=0.2, misalignment=0.01)
DETECTOR = Detector(
    efficiency=0.5,
    p_dark=1e-8,
    dead_time_s=100e-9,
    p_afterpulse=0.01,
    afterpulse_time_s=1e-6,
    jitter_s=50e-12,
    gate_s=500e-12,
)
"""Every effect of the model is on: none may be bought off for speed."""


def contests(conditions: Conditions) -> Iterator[Contest]:
    """One contest, without a peer."""
    n_pulses = conditions.size(N_PULSES)
    protocol = DecoyBB84(p_key_basis=0.9, block_pulses=n_pulses)

    def ours() -> Figures:
        began = perf_counter()
        _, detections = emulate(SOURCE, FIBRE, DETECTOR, protocol, n_pulses, conditions.seed)
        seconds = perf_counter() - began
        return {
            "light s/s": n_pulses / SOURCE.clock_hz / seconds,
            "Mclick/s": detections.time_ps.size / seconds / 1e6,
        }

    yield Contest("1 GHz, 100 km, 0.2 dB/km", ours)
