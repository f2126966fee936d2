"""Recomputes Rusca et al., APL 112, 171104 (2018): one decoy, and a detector with dead time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from haris.nouns.counts import DecoyCounts
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
