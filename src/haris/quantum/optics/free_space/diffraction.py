"""Diffraction: how wide a beam is, and how much of it an aperture sends and takes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.errors import ParameterError

Floats = NDArray[np.float64]


def beam_radius_m(range_m: ArrayLike, wavelength_m: float, waist_m: float) -> Floats:
    """Radius (1/e^2 of the irradiance) of a Gaussian beam range_m from a waist of radius waist_m; any shape.

    w(L) = w0 sqrt(1 + (lambda L / pi w0^2)^2). Source: Siegman, Lasers (1986), chapter 17.
    """
    ratio = wavelength_m * np.asarray(range_m, dtype=np.float64) / (np.pi * waist_m**2)
    return np.asarray(waist_m * np.sqrt(1.0 + ratio**2))


def divergent_radius_m(range_m: ArrayLike, divergence_rad: float, waist_m: float = 0.0) -> Floats:
    """Radius (1/e^2) of a beam of full angle divergence_rad, as it was measured and not as its aperture could.

    The far field theta L / 2, joined to the waist as a Gaussian beam's is. Telescopes of satellites diverge more than
    diffraction asks for: 10 urad of 300 mm lose 22 dB where 10 dB were possible (Liao et al., Nature 549, 43 (2017)).
    """
    return np.asarray(np.hypot(waist_m, divergence_rad / 2.0 * np.asarray(range_m, dtype=np.float64)))


def collected(radius_m: ArrayLike, aperture_m: float, obscuration: float = 0.0) -> Floats:
    """Share of a centred Gaussian beam that a round aperture takes; radius_m: of the beam, any shape.

    aperture_m: the diameter. obscuration: diameter of what stands in its middle over its own.
    exp(-2 b^2/w^2) - exp(-2 a^2/w^2). Raises ParameterError on an obscuration outside [0, 1).
    """
    require_obscuration(obscuration)
    outer = 0.5 * (aperture_m / np.asarray(radius_m, dtype=np.float64)) ** 2
    # Near exp(-x) = 1 the difference of two exponentials would lose its digits.
    return np.asarray(np.exp(-outer * obscuration**2) * -np.expm1(-outer * (1.0 - obscuration**2)))


def truncated_gain(truncation: ArrayLike, obscuration: float = 0.0) -> Floats:
    """On-axis far-field irradiance of a truncated Gaussian beam over that of its aperture lit evenly; any shape.

    truncation: radius of the aperture over the beam's (1/e^2). 2/alpha^2 (exp(-alpha^2) - exp(-gamma^2 alpha^2))^2,
    of all the laser's power, what the aperture and its obscuration stop included; at most 0.8145, at 1.12.
    Source: Klein, Degnan, Appl. Opt. 13, 2134 (1974).
    """
    require_obscuration(obscuration)
    square = np.asarray(truncation, dtype=np.float64) ** 2
    return np.asarray(2.0 / square * (np.exp(-square) - np.exp(-(obscuration**2) * square)) ** 2)


def lobe_radius_m(
    range_m: ArrayLike, wavelength_m: float, sender_m: float, truncation: float, obscuration: float = 0.0
) -> Floats:
    """Radius (1/e^2) of the Gaussian beam that is as bright on the axis, far away, as what leaves an aperture.

    Any shape of range_m. sender_m: diameter of the aperture. truncation: its radius over the beam's. obscuration: as of
    truncated_gain. Light that the aperture stops is no part of it: intensities are of pulses as they leave. Joined to
    the aperture's radius as a Gaussian beam's is to its waist. The lobe of an obscured aperture is narrower than this
    beam, and jitter costs more, by up to (1 + gamma^2)/(1 - gamma^2).
    """
    inner, outer = obscuration**2 * truncation**2, truncation**2
    passed = np.exp(-2.0 * inner) * -np.expm1(-2.0 * (outer - inner))
    gain = truncated_gain(truncation, obscuration) / passed
    area = np.pi * sender_m**2 / 4.0
    far = np.asarray(range_m, dtype=np.float64) * wavelength_m * np.sqrt(2.0 / (np.pi * area * gain))
    return np.asarray(np.hypot(sender_m / 2.0, far))


def require_obscuration(obscuration: float, name: str = "obscuration") -> None:
    """Raise ParameterError unless it leaves some of the aperture free."""
    if not 0.0 <= obscuration < 1.0:
        raise ParameterError(f"{name} must lie in [0, 1), got {obscuration}")


def require_divergence(divergence_rad: float, wavelength_m: float, waist_m: float) -> None:
    """Raise ParameterError on a full angle below that of diffraction from a waist of radius waist_m."""
    least_rad = 2.0 * wavelength_m / (np.pi * waist_m)
    if not divergence_rad >= least_rad * (1.0 - 1e-9):
        raise ParameterError(
            f"divergence_rad must be at least {least_rad:.3g}, diffraction's of waist_m, got {divergence_rad}"
        )
