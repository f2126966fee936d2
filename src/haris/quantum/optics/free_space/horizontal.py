"""Turbulence along a path of the same air throughout: scintillation, coherence and wander of a Gaussian beam."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import hyp2f1

Floats = NDArray[np.float64]


def rytov_plane(cn2: float, wavelength_m: float, length_m: ArrayLike) -> Floats:
    """Variance of the logarithm of a plane wave's irradiance at a point, while it is weak; any shape of length_m.

    1.23 Cn^2 k^(7/6) L^(11/6). Source: Andrews, Phillips, Laser Beam Propagation through Random Media (2005),
    chapter 8.
    """
    k = 2.0 * np.pi / wavelength_m
    return np.asarray(1.23 * cn2 * k ** (7.0 / 6.0) * np.asarray(length_m, dtype=np.float64) ** (11.0 / 6.0))


def beam_share(diffraction: ArrayLike, curvature: ArrayLike) -> Floats:
    """Variance on the axis of a Gaussian beam over rytov_plane; any shapes. 1 of a plane wave, 0.4 of a spherical one.

    diffraction: Lambda = 2 L / (k w^2) of the radius w at the receiver. curvature: Theta = 1 + L/F there. Lambda of 0
    with Theta of 1 is a plane wave, with 0 a spherical one. Kolmogorov's spectrum, no inner or outer scale.
    3.86 {Re[i^(5/6) 2F1(-5/6, 11/6; 17/6; 1 - Theta + i Lambda)] - 11/16 Lambda^(5/6)}.
    Source: Andrews, Phillips (2005), chapter 8.
    """
    lam, theta = np.asarray(diffraction, dtype=np.float64), np.asarray(curvature, dtype=np.float64)
    turned = np.exp(1j * np.pi * 5.0 / 12.0) * hyp2f1(-5.0 / 6.0, 11.0 / 6.0, 17.0 / 6.0, 1.0 - theta + 1j * lam)
    return np.asarray(np.maximum(3.86 * (turned.real - 11.0 / 16.0 * lam ** (5.0 / 6.0)), 0.0))


def aperture_share(wavelength_m: float, length_m: ArrayLike, aperture_m: float) -> Floats:
    """Share of a spherical wave's variance that an aperture of diameter aperture_m is left with; any shape of length_m.

    [1 + 0.519 (k D^2 / 4 L)^0.719]^-1.538, within 1 % of the integral over Kolmogorov's spectrum while k D^2 / 4 L is
    0.03 to 300 (derived here: printed interpolations are off by a third and more). A plane wave is averaged more.
    """
    k, away = 2.0 * np.pi / wavelength_m, np.asarray(length_m, dtype=np.float64)
    with np.errstate(divide="ignore"):
        return np.asarray((1.0 + 0.519 * (k * aperture_m**2 / (4.0 * away)) ** 0.719) ** -1.538)


def coherence_radius_m(cn2: float, wavelength_m: float, length_m: ArrayLike) -> Floats:
    """Radius rho0 within which a spherical wave is coherent: its coherence is exp(-(rho/rho0)^(5/3)); any shape.

    [0.545 Cn^2 k^2 L]^(-3/5), infinite without turbulence. Source: Fante, Proc. IEEE 63, 1669 (1975).
    """
    k = 2.0 * np.pi / wavelength_m
    with np.errstate(divide="ignore"):
        return np.asarray((0.545 * cn2 * k**2 * np.asarray(length_m, dtype=np.float64)) ** -0.6)


def wander_m(cn2: float, length_m: ArrayLike, sent_radius_m: float, radius_m: ArrayLike) -> Floats:
    """Standard deviation along each of two axes of a beam's centre; any shapes.

    radius_m: in vacuum at the receiver; on its way the beam widens as a hyperbola. <r^2> = 4.57 Cn^2 int (L - z)^2
    w(z)^(-1/3) dz, both axes together; 1.52 Cn^2 L^3 W0^(-1/3) of a collimated beam. As the centre of a beam turns by
    the gradient of the index over it (Ehrenfest), 4 pi^2 0.033 int kappa^(-2/3) exp(-kappa^2 w^2/4) d kappa = 4.57
    w^(-1/3): derived here. Andrews and Phillips (2005), section 6.6, have 7.25 and 2.42, which is their share of
    the average w^2, and w^2 grows by twice <r^2>: taken for <r^2> itself, wander would be counted 1.6-fold.
    """
    nodes, weights = np.polynomial.legendre.leggauss(16)
    share, weight = (nodes + 1.0) / 2.0, weights / 2.0
    away, end = np.asarray(length_m, dtype=np.float64)[..., None], np.asarray(radius_m, dtype=np.float64)[..., None]
    widened = np.maximum(end**2 - sent_radius_m**2, 0.0)
    on_way = np.sqrt(sent_radius_m**2 + widened * share**2)
    square = 4.57 * cn2 * np.sum(weight * away**3 * (1.0 - share) ** 2 * on_way ** (-1.0 / 3.0), axis=-1)
    return np.asarray(np.sqrt(square / 2.0))
