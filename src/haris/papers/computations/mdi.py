"""Measurement-device-independent QKD: Lo, Curty, Qi 2012 on the model of Ma and Razavi 2012."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp

from scipy.optimize import brentq

from haris.papers.computation import Computation, Ours, at_km
from haris.papers.row import Row
from haris.quantum.emulate.bell_gains import diagonal, rectilinear, single_photons
from haris.quantum.security.lo2012 import rate_per_pair


@dataclass(frozen=True, slots=True)
class _System:
    """A station midway, and the same signal intensity mu from both ends."""

    mu: float
    efficiency: float
    p_dark: float
    misalignment: float
    f_ec: float
    loss_db_per_km: float

    def rate(self, distance_km: float) -> float:
        """Secret bits a pair of signals in the key basis, with decoys without end."""
        arm = self.efficiency * 10.0 ** (-self.loss_db_per_km * distance_km / 20.0)
        gain, wrong = rectilinear(self.mu * arm, self.mu * arm, self.p_dark, self.misalignment)
        yield_11, e11 = single_photons(arm, arm, self.p_dark, self.misalignment)
        single = yield_11 * (self.mu * exp(-self.mu)) ** 2
        return float(rate_per_pair(gain, wrong / gain, single, e11, self.f_ec))

    def reach_km(self) -> float:
        """Where the rate that falls with distance comes to 1e-15 a pair."""
        return float(brentq(lambda km: self.rate(km) - 1e-15, 0.0, 1000.0)) if self.rate(0.0) > 1e-15 else 0.0


def _lo(row: Row, quantity: str) -> Ours | None:
    system = _System(
        row.positive("fitted_mu"),
        row.probability("eta_det"),
        row.probability("assumed_p_dark"),
        row.number("e_d", least=0.0, most=0.5),
        row.number("f_ec", least=1.0),
        row.number("fibre_db_per_km", least=1e-3),
    )
    why = (
        f"signals of mu {system.mu:g} (fitted: theirs are not known), decoys without end, a station midway whose four "
        f"detectors have p_dark {system.p_dark:g} each (assumed: a background of two detectors)"
    )
    stem, km = at_km(quantity)
    if quantity == "max_distance_km":
        return Ours(system.reach_km(), why)
    if quantity == "tolerance_db_min":
        return Ours(
            system.loss_db_per_km * system.reach_km(), f"loss of the whole fibre at the end of the reach; {why}"
        )
    return Ours(system.rate(km), why) if stem == "rate_per_pulse_pair" and km is not None else None


def _limits(row: Row, quantity: str) -> float | None:
    """Limits without dark counts, of weak pulses: the model at a transmittance of 1e-4 and mu 1e-4."""
    arm, e_d, mu = 1e-4, 0.015, 1e-4
    yield_11, e11 = single_photons(arm, arm, 0.0, e_d)
    gain_z, wrong_z = rectilinear(mu * arm, mu * arm, 0.0, e_d)
    gain_x, wrong_x = diagonal(mu * arm, mu * arm, 0.0, e_d)
    known = {
        "y11_over_eta_a_eta_b": yield_11 / arm**2,
        "e11_over_e_d": e11 / e_d,
        "e_z_over_e_d": wrong_z / gain_z / e_d,
        "gain_x_over_gain_z": gain_x / gain_z,
        "e_x_minus_half_e_d": wrong_x / gain_x - e_d / 2.0,
    }
    return float(known[quantity]) if quantity in known else None


COMPUTATIONS = (Computation(("lo2012_mdi*",), _lo), Computation(("ma_razavi2012*",), _limits))
