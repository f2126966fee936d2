"""Passes of the program SatQuMA: its orbit, its counts, and the optimum that its own optimiser prints for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from haris.nouns.counts import by_intensity
from haris.papers.row import Row
from haris.quantum.optics.detector import Detector
from haris.quantum.security.key_length import Security
from haris.quantum.space.optimum import Chosen, Course, Receiver, optimum
from haris.quantum.space.slot_counts import Settings

Floats = NDArray[np.float64]
RADIUS_M, MASS_KG, GRAVITY = 6371e3, 5.9724e24, 6.67430e-11
START = Settings((0.7, 0.15, 0.0), (0.75, 0.2, 0.05), 0.85)


@dataclass(frozen=True, slots=True)
class OneErrorRate(Receiver):
    """A receiver whose slots have one error rate for all intensities, and after-pulses by a factor.

    misalignment: QBER_I there. detector: its p_dark is P_ec of each detector, p_afterpulse P_ap; it loses nothing.
    """

    def counts(self, course: Course, settings: Settings) -> tuple[Floats, Floats]:
        """Right and wrong bits in each slot, were all bases equal, (..., t, k)."""
        mu, p = by_intensity(settings.intensities)[..., None, :], by_intensity(settings.p_intensities)[..., None, :]
        dark, after = self.detector.p_dark, self.detector.p_afterpulse
        lost = np.exp(-mu * course.transmittance[:, None])
        clicks = (1.0 + after) * (1.0 - (1.0 - 2.0 * dark) * lost)
        wrong = dark + 0.5 * after * clicks + self.misalignment * (1.0 - lost)
        rate = (p * wrong).sum(axis=-1) / (p * clicks).sum(axis=-1)
        n = course.n_gates[:, None] * p * clicks
        return n * (1.0 - rate[..., None]), n * rate[..., None]


def receiver(row: Row) -> OneErrorRate:
    """As its input has it."""
    detector = Detector(1.0, row.probability("p_extraneous"), p_afterpulse=row.probability("p_afterpulse"))
    security = Security("sidhu2022", row.positive("eps_s"), row.positive("eps_c"), row.positive("f_ec"))
    return OneErrorRate(row.positive("clock_hz"), row.probability("qber_intrinsic"), detector, security)


def course(row: Row, max_elevation_deg: float) -> Course:
    """A pass of a circular orbit over a sphere, second by second about its highest point, above least_elevation_deg.

    The row holds transmittance at some elevations; between them its logarithm is interpolated.
    """
    r, top = RADIUS_M + row.positive("height_m"), np.radians(max_elevation_deg)
    aside = (RADIUS_M * np.cos(top) ** 2 + np.sin(top) * np.sqrt(r**2 - (RADIUS_M * np.cos(top)) ** 2)) / r
    turned = np.sqrt(GRAVITY * MASS_KG / r**3) * np.arange(-600.0, 601.0)
    up = r * aside * np.cos(turned) - RADIUS_M
    across = r * np.hypot(np.sqrt(1.0 - min(aside, 1.0) ** 2) * np.cos(turned), np.sin(turned))
    elevation = np.degrees(np.arctan2(up, across))
    seen = elevation[elevation >= row.positive("least_elevation_deg")]
    log = CubicSpline(row["elevation_deg"], np.log(row["transmittance"]))
    eta = np.exp(log(seen))
    return Course(np.full(eta.shape, row.positive("clock_hz")), eta, np.zeros_like(eta))


def best(row: Row, max_elevation_deg: float) -> Chosen:
    """Our optimum of that pass."""
    return optimum([course(row, max_elevation_deg)], receiver(row), START)
