"""Distributed phases: differential phase shift in packets of three pulses, and its round-robin form."""

from __future__ import annotations

from math import log10

import numpy as np

from haris.papers.computation import Computation, Ours
from haris.papers.row import Row
from haris.quantum.families import dps
from haris.quantum.families.family import Parts
from haris.quantum.families.optimum import optimum
from haris.quantum.optics.delay_interferometer import DelayInterferometer
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.pulse_train import PulseTrain
from haris.quantum.protocols.dps import Dps
from haris.quantum.security.key_length import Security
from haris.quantum.security.packet_leakage import packet_leakage


def _key(row: Row, quantity: str) -> Ours | None:
    """Secret bits of the best settings at one distance, by the printed theorem."""
    if quantity != "final_key_bits":
        return None
    clock_hz, qber = row.positive("assumed_clock_hz"), row.number("fitted_qber", least=0.0, most=0.5)
    efficiency, epsilon = row.probability("assumed_efficiency"), row.positive("assumed_epsilon")
    distance_m = 1e3 * row.number("distance_km", least=0.0)
    parts = Parts(
        PulseTrain(clock_hz, 1e-3),
        Fibre(distance_m, row.number("assumed_fibre_db_per_km", least=0.0)),
        DelayInterferometer(efficiency, 0.0, 1.0 - 2.0 * qber),
        Dps(0.8, max(3, int(3600.0 * row.positive("duration_h") * clock_hz))),
        Security("mizutani2023", epsilon, epsilon, row.number("assumed_f_ec", least=1.0)),
    )
    why = (
        f"A fit: an error rate of {qber:.3g} was chosen to come near. Assumed: a clock of {clock_hz:g} Hz, detectors "
        f"of efficiency {efficiency:g} without dark counts, f_ec and epsilons. Intensity and p_key are the best."
    )
    return Ours(float(optimum(dps.FAMILY, parts, np.array([distance_m])).key.length_bits[0]), why)


def _exponent(row: Row, quantity: str) -> Ours | None:
    """How the best rate without noise and without end falls with the transmittance, near 1e-3."""
    if quantity != "exponent" or row.number("packet_pulses") != 3.0:
        return None
    parts = Parts(
        PulseTrain(1e9, 1e-3),
        Fibre(0.0, 1.0),
        DelayInterferometer(1.0, 0.0),
        Dps(0.999, 10**19),
        Security("asymptotic", f_ec=1.0),
    )
    near, far = optimum(dps.FAMILY, parts, np.array([29e3, 31e3])).secret_bits_per_pulse
    return Ours(log10(near / far) / 0.2, "the tightened bound, without noise, between 29 dB and 31 dB")


def _leakage(row: Row, quantity: str) -> float | None:
    return float(packet_leakage(3, 1)[1]) if quantity == "value" else None


COMPUTATIONS = (
    Computation(("dps_three_pulses_finite",), _key),
    Computation(("dps_scaling",), _exponent),
    Computation(("rrdps_leakage_L3*",), _leakage),
)
