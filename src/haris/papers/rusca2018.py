"""Recomputes Rusca et al., APL 112, 171104 (2018): one decoy, and a detector with dead time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from haris.nouns.counts import DecoyCounts
from haris.papers.lim2014 import signed_length
from haris.papers.optimum import Array, Settings, last_with_key, maximum
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.key_length import KeyLength, Security
from haris.quantum.security.rusca2018 import rusca2018


@dataclass(frozen=True, slots=True)
class RuscaSystem:
    """The paper's transmitter and receiver. p_error: probability that a photon ends in the wrong detector."""

    eta_det: float = 0.5
    p_dark: float = 1e-8
    p_error: float = 0.01
    clock_hz: float = 1e9
    dead_time_s: float = 1e-7


@dataclass(frozen=True, slots=True)
class RuscaSettings:
    """Two intensities, the probability of the first, of the Z basis, and the sifted size n_z of a block."""

    mu1: float
    mu2: float
    p_mu1: float
    p_z: float
    n_z: float


def expected_counts(system: RuscaSystem, settings: RuscaSettings, loss_db: float) -> tuple[DecoyCounts, float]:
    """Expected counts of a block with n_z sifted Z clicks, and the share of pulses that find the detector live."""
    k = np.array([settings.mu1, settings.mu2])
    p = np.array([settings.p_mu1, 1.0 - settings.p_mu1])
    dark_only = np.exp(-k * system.eta_det * 10.0 ** (-loss_db / 10.0))
    clicks = p * (1.0 - (1.0 - system.p_dark) * dark_only)
    errors = p * (system.p_error * (1.0 - dark_only) + system.p_dark / 2.0 * dark_only)
    bases = np.array([[settings.p_z**2], [(1.0 - settings.p_z) ** 2]])
    live = 1.0 / (1.0 + system.clock_hz * system.dead_time_s * float((bases * clicks).sum()))
    n_pulses = settings.n_z / (live * float((bases[0] * clicks).sum()))
    scale = n_pulses * live * bases
    counts = DecoyCounts(n_pulses, (settings.mu1, settings.mu2), (p[0], p[1]), scale * clicks, scale * errors)
    return counts, live


def key_length(counts: DecoyCounts, security: Security) -> KeyLength:
    """The paper's length, with lambda_EC = f n_Z h(qber)."""
    n_z = counts.clicks[..., 0, :].sum(axis=-1)
    return rusca2018(counts, security, security.f_ec * n_z * binary_entropy(counts.qber[..., 0]))


STARTS: tuple[Settings, ...] = ((0.5, 0.15, 0.6, 0.9), (0.4, 0.15, 0.3, 0.7))
"""Intensities mu1 and mu2, the probability of mu1, and p_z."""


@dataclass(frozen=True, slots=True)
class RuscaSearch:
    """What is held fixed: the system, the block, the security; and the two intensities if they are given."""

    system: RuscaSystem
    n_z: float
    security: Security
    intensities: tuple[float, float] | None = None

    def key(self, settings: Settings | Array, loss_db: float) -> tuple[KeyLength, DecoyCounts] | None:
        """Key and counts of a block; None for settings that are none."""
        *chosen, p_mu1, p_z = (float(a) for a in settings)
        mu1, mu2 = self.intensities or chosen
        if min(p_mu1, 1.0 - p_mu1, p_z, 1.0 - p_z, mu2, mu1 - mu2) <= 1e-6:
            return None
        counts, _ = expected_counts(self.system, RuscaSettings(mu1, mu2, p_mu1, p_z, self.n_z), loss_db)
        return key_length(counts, self.security), counts

    def rate(self, settings: Settings | Array, loss_db: float) -> float:
        """Secret bits a pulse, below 0 where there is no key; -1 for settings that are none."""
        found = self.key(settings, loss_db)
        return -1.0 if found is None else signed_length(found[0]) / found[1].n_pulses

    def best(self, loss_db: float, starts: tuple[Settings, ...] = STARTS) -> tuple[float, Settings]:
        """The best rate, below 0 where there is no key, and its settings."""
        free = starts if self.intensities is None else tuple(start[2:] for start in starts)
        return maximum(lambda x: self.rate(x, loss_db), free)

    def reach_db(self) -> float:
        """Loss at which the best key per sifted bit is 0, to 0.01 dB; the intensities must be free."""

        def gain(settings: Array, loss_db: float) -> float:
            found = self.key(settings, loss_db)
            return -1.0 if found is None else signed_length(found[0]) / self.n_z

        return last_with_key(gain, STARTS, 40.0, 8.0, 0.01)
