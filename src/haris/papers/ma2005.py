"""Recomputes Ma, Qi, Zhao, Lo, PRA 72, 012326 (2005) on the hardware of Gobby, Yuan, Shields (2004)."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.ma2005 import rate_per_pulse, vacuum_weak

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GobbySystem:
    """Fibre, receiver and reconciliation of the paper's Table I and section V."""

    loss_db_per_km: float = 0.21
    eta_bob: float = 0.045
    y0: float = 1.7e-6
    e_detector: float = 0.033
    f_ec: float = 1.22

    def transmittance(self, distance_m: ArrayLike) -> Array:
        """Probability that a photon sent is detected."""
        return np.asarray(
            self.eta_bob * 10.0 ** (-self.loss_db_per_km * np.asarray(distance_m, dtype=np.float64) / 1e4)
        )

    def gain(self, intensity: float, distance_m: ArrayLike) -> Array:
        """Q = Y0 + 1 - exp(-eta mu): the paper's form, which passes 1 for a large Y0."""
        return np.asarray(self.y0 - np.expm1(-self.transmittance(distance_m) * intensity))

    def qber(self, intensity: float, distance_m: ArrayLike) -> Array:
        """E, with an empty pulse erring half the time."""
        light = -np.expm1(-self.transmittance(distance_m) * intensity)
        return np.asarray((self.y0 / 2.0 + self.e_detector * light) / self.gain(intensity, distance_m))


def infinite_decoys(system: GobbySystem, mu: float, distance_m: ArrayLike) -> Array:
    """Rate per pulse with Y1 and e1 known exactly."""
    eta = system.transmittance(distance_m)
    y1 = system.y0 + eta
    e1 = (system.y0 / 2.0 + system.e_detector * eta) / y1
    q, e = system.gain(mu, distance_m), system.qber(mu, distance_m)
    return rate_per_pulse(q, e, y1 * mu * exp(-mu), e1, system.f_ec)


def vacuum_weak_rate(system: GobbySystem, mu: float, nu: float, distance_m: ArrayLike) -> Array:
    """Rate per pulse with Y1 and e1 bounded from vacuum and one weak decoy nu."""
    gains = system.gain(mu, distance_m), system.gain(nu, distance_m)
    qbers = system.qber(mu, distance_m), system.qber(nu, distance_m)
    y1, e1 = vacuum_weak(gains, qbers, mu, nu, system.y0)
    return rate_per_pulse(gains[0], qbers[0], y1 * mu * exp(-mu), e1, system.f_ec)


def optimal_intensity(system: GobbySystem) -> float:
    """Best signal intensity for small transmittance: (1 - mu) exp(-mu) = f h(e_d) / (1 - h(e_d)), Eq. (12)."""
    h = float(binary_entropy(system.e_detector))
    return float(brentq(lambda mu: (1.0 - mu) * exp(-mu) - system.f_ec * h / (1.0 - h), 0.0, 1.0, xtol=1e-14))
