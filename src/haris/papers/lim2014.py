"""Recomputes Lim, Curty, Walenta, Xu, Zbinden, PRA 89, 022307 (2014): its own fibre, and its optimised rates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from haris.nouns.counts import DecoyCounts
from haris.papers.optimum import Array, Settings, last_with_key, maximum
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.key_length import KeyLength, Security
from haris.quantum.security.lim2014 import lim2014


@dataclass(frozen=True, slots=True)
class LimSystem:
    """Section IV's receiver and fibre. p_dark: of each detector. p_afterpulse: after-pulse probability."""

    eta_bob: float = 0.1
    p_dark: float = 6e-7
    p_afterpulse: float = 0.04
    e_mis: float = 0.005
    loss_db_per_km: float = 0.2

    def detection(self, intensity: ArrayLike, distance_m: float) -> Array:
        """D_k, detections per pulse of each intensity, after-pulses left out."""
        photons = self._photons(intensity, distance_m)
        return np.asarray(2.0 * self.p_dark * np.exp(-photons) - np.expm1(-photons))

    def errors(self, intensity: ArrayLike, distance_m: float) -> Array:
        """e_k, errors per pulse; as printed it has the transmittance of the channel where the system's belongs."""
        light = -np.expm1(-self._photons(intensity, distance_m))
        return np.asarray(
            self.p_dark + self.e_mis * light + self.p_afterpulse * self.detection(intensity, distance_m) / 2.0
        )

    def _photons(self, intensity: ArrayLike, distance_m: float) -> Array:
        eta = self.eta_bob * 10.0 ** (-self.loss_db_per_km * distance_m / 1e4)
        return np.asarray(eta * np.asarray(intensity, dtype=np.float64))


@dataclass(frozen=True, slots=True)
class LimSettings:
    """What Alice and Bob may choose: intensities, their probabilities, q_x of the key basis, sifted bits n_x."""

    intensities: tuple[float, float, float]
    p_intensities: tuple[float, float, float]
    q_x: float
    n_x: float


def expected_counts(system: LimSystem, settings: LimSettings, distance_m: float) -> DecoyCounts:
    """Expected counts of a block that holds n_x sifted key-basis clicks."""
    p = np.asarray(settings.p_intensities)
    clicks = p * system.detection(settings.intensities, distance_m) * (1.0 + system.p_afterpulse)
    errors = p * system.errors(settings.intensities, distance_m)
    bases = np.array([[settings.q_x**2], [(1.0 - settings.q_x) ** 2]])
    n_pulses = settings.n_x / float((bases[0] * clicks).sum())
    return DecoyCounts(
        n_pulses, settings.intensities, settings.p_intensities, n_pulses * bases * clicks, n_pulses * bases * errors
    )


def key_length(counts: DecoyCounts, security: Security) -> KeyLength:
    """The paper's length, with lambda_EC = f n_X h(e_obs)."""
    n_x = counts.clicks[..., 0, :].sum(axis=-1)
    leaked = security.f_ec * n_x * binary_entropy(counts.qber[..., 0])
    return lim2014(counts, security, leaked)


STARTS: tuple[Settings, ...] = ((0.5, 0.12, 0.6, 0.3, 0.9), (0.65, 0.3, 0.2, 0.55, 0.6), (0.5, 0.1, 0.05, 0.5, 0.5))
"""Intensities mu1 and mu2, their probabilities, and q_x."""


@dataclass(frozen=True, slots=True)
class LimSearch:
    """What Fig. 1 holds fixed: the system, the block, eps_sec = kappa times the length, the third intensity."""

    system: LimSystem
    n_x: float
    kappa: float = 1e-15
    eps_cor: float = 1e-15
    f_ec: float = 1.16
    mu3: float = 2e-4

    def rate(self, settings: Settings | Array, distance_m: float) -> float:
        """Secret bits a pulse, below 0 where there is no key; -1 for settings that are none."""
        return self._per_pulse_and_bit(settings, distance_m)[0]

    def best(self, distance_m: float, starts: Sequence[Settings] = STARTS) -> tuple[float, Settings]:
        """The best rate, below 0 where there is no key, and its settings."""
        return maximum(lambda x: self.rate(x, distance_m), starts)

    def curve(self, distances_m: Sequence[float]) -> list[float]:
        """The best rates at ascending distances; each search but the first may start where the last one ended."""
        rates, starts = [], STARTS
        for distance_m in distances_m:
            rate, settings = self.best(distance_m, starts)
            rates.append(max(rate, 0.0))
            starts = (settings, *STARTS)
        return rates

    def reach_m(self) -> float:
        """Distance at which the best key per sifted bit is 0, to 20 m."""
        return last_with_key(lambda x, at_m: self._per_pulse_and_bit(x, at_m)[1], STARTS, 1e5, 3e4, 20.0)

    def _per_pulse_and_bit(self, settings: Settings | Array, distance_m: float) -> tuple[float, float]:
        mu1, mu2, p1, p2, q_x = (float(a) for a in settings)
        if min(p1, p2, 1.0 - p1 - p2, q_x, 1.0 - q_x, mu2 - self.mu3, mu1 - mu2 - self.mu3) <= 1e-6:
            return -1.0, -1.0
        chosen = LimSettings((mu1, mu2, self.mu3), (p1, p2, 1.0 - p1 - p2), q_x, self.n_x)
        counts = expected_counts(self.system, chosen, distance_m)
        bits = self.n_x / 4.0
        for _ in range(3):  # eps_sec = kappa l depends on the length that it bounds
            epsilon = self.kappa * max(bits, self.n_x / 1e3)
            bits = signed_length(key_length(counts, Security("lim2014", epsilon, self.eps_cor, self.f_ec)))
        return bits / counts.n_pulses, bits / self.n_x


def signed_length(key: KeyLength) -> float:
    """Eq. (1) before it is cut at 0, so that an optimiser sees its way out of the dark."""
    gains, costs = ("vacuum", "single"), ("entropy", "leaked", "secrecy", "correctness")
    return float(sum(key.value(name) for name in gains) - sum(key.value(name) for name in costs))
