"""Expected clicks and errors of decoy-state BB84 slot by slot, for one setting or many at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haris.nouns.counts import Setting, by_intensity
from haris.quantum.emulate.clicks import Arrivals, aligned_rates
from haris.quantum.optics.detector import Detector

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Settings:
    """What the two ends of a pass may choose: each a number, or an array (...) of candidates.

    intensities, p_intensities: k of each, as of Source. p_key_basis: at each end.
    """

    intensities: tuple[Setting, ...]
    p_intensities: tuple[Setting, ...]
    p_key_basis: Setting


def slot_arrivals(
    mu: Floats, p: Floats, detector: Detector, misalignment: float, transmittance: Floats, background: Floats
) -> Arrivals:
    """What of intensities mu with probabilities p, (..., k), reaches the detectors in each slot, classes (..., t, k).

    transmittance, background: (t,), detectors apart. The sky's photons join the signal's at both detectors alike.
    """
    eta = np.asarray(transmittance, dtype=np.float64) * detector.gated_efficiency
    split = np.array([[1.0 - misalignment, misalignment], [0.5, 0.5]])
    sky = np.asarray(background, dtype=np.float64) * detector.efficiency / 2.0
    light = mu[..., None, :, None, None] * split
    # Settings and slots lie together in memory, for all that follows is twice as fast then.
    shape = (*mu.shape[:-1], eta.size, mu.shape[-1])
    mean_photons, of = np.empty((*shape, 2, 2), order="F"), np.empty(shape, order="F")
    np.multiply(eta[:, None, None, None], light, out=mean_photons)
    mean_photons += sky[:, None, None, None]
    of[...] = p[..., None, :]
    return Arrivals(tuple(range(mu.shape[-1])), of, mean_photons)


def slot_counts(
    settings: Settings,
    detector: Detector,
    clock_hz: float,
    misalignment: float,
    n_gates: Floats,
    transmittance: Floats,
    background: Floats,
) -> tuple[Floats, Floats]:
    """Right and wrong bits expected in each slot, were all bases equal, (..., t, k); of double clicks half each.

    n_gates, transmittance, background: (t,), detectors apart. The model of a receiver's clicks is that of fibres
    (emulate.clicks).
    """
    mu, p = by_intensity(settings.intensities), by_intensity(settings.p_intensities)
    key = np.asarray(settings.p_key_basis, dtype=np.float64)[..., None]
    arrived = slot_arrivals(mu, p, detector, misalignment, transmittance, background)
    rates = n_gates[:, None, None] * aligned_rates(arrived, detector, clock_hz, key**2 + (1.0 - key) ** 2)
    half = 0.5 * rates[..., 2]
    return rates[..., 0] + half, rates[..., 1] + half


def by_basis(settings: Settings, right: Floats, wrong: Floats) -> tuple[Floats, Floats]:
    """Sifted clicks, and errors among them, (..., 2, k), of right and wrong bits (..., k) as of slot_counts."""
    key = np.asarray(settings.p_key_basis, dtype=np.float64)
    bases = np.stack([key**2, (1.0 - key) ** 2], axis=-1)[..., None]
    errors = bases * wrong[..., None, :]
    return errors + bases * right[..., None, :], errors
