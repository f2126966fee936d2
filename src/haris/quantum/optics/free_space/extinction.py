"""Extinction: what clear air scatters and absorbs, by wavelength and visibility."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.errors import ParameterError

Floats = NDArray[np.float64]

_WAVELENGTHS_M = (785e-9, 850e-9, 1550e-9)
_VISIBILITIES_M = (np.inf, 50e3, 20e3, 10e3, 5e3)
_ZENITH = (
    (0.919, 0.878, 0.766, 0.625, 0.448),
    (0.928, 0.890, 0.787, 0.654, 0.484),
    (0.973, 0.955, 0.902, 0.826, 0.715),
)
"""Transmittance of the whole atmosphere, by wavelength and visibility (the first is clear air). Source: MODTRAN."""
LEAST_WAVELENGTH_M = 700e-9
MOST_WAVELENGTH_M = 1700e-9


def airmass(elevation_deg: ArrayLike) -> Floats:
    """Air along the line of sight over that to the zenith, any shape; 1 at 90 degrees and 38 at the horizon.

    Raises ParameterError below the horizon or above the zenith.
    Source: Kasten, Young, Appl. Opt. 28, 4735 (1989), Eq. (3); scaled by 1.0003 to be 1 at the zenith.
    """
    at = np.asarray(elevation_deg, dtype=np.float64)
    if not np.all((at >= 0.0) & (at <= 90.0)):
        raise ParameterError("elevation_deg must lie in [0, 90]")
    return np.asarray(_kasten_young(at) / _kasten_young(np.array(90.0)))


def zenith_transmittance(wavelength_m: float, visibility_m: float) -> float:
    """Of the whole atmosphere to the zenith, clouds apart; visibility_m: at the ground, infinite for clear air.

    Optical depths of the table, straight between visibilities in 1/visibility, and beyond its ends in proportion to it;
    between wavelengths a power of the wavelength. The lines of absorption in between (940 nm, 1380 nm) are not in it.
    Raises ParameterError on a visibility that is not above 0, or a wavelength outside 700 to 1700 nm.
    """
    _require_air(wavelength_m, visibility_m)
    inverse = 1.0 / np.array(_VISIBILITIES_M)
    thickest = max(1.0, _VISIBILITIES_M[-1] / visibility_m)
    depths = [float(np.interp(1.0 / visibility_m, inverse, -np.log(row))) * thickest for row in _ZENITH]
    logs = np.log(_WAVELENGTHS_M)
    i = 0 if wavelength_m <= _WAVELENGTHS_M[1] else 1
    power = np.log(depths[i + 1] / depths[i]) / (logs[i + 1] - logs[i])
    return float(np.exp(-depths[i] * (wavelength_m / _WAVELENGTHS_M[i]) ** power))


def transmittance(zenith: float, elevation_deg: ArrayLike) -> Floats:
    """Along a line of sight, any shape: the zenith's to the power of the airmass (Beer, Lambert)."""
    return np.asarray(zenith ** airmass(elevation_deg))


def horizontal_transmittance(wavelength_m: float, visibility_m: float, distance_m: ArrayLike) -> Floats:
    """Along a level path of distance_m (any shape), by the visibility of its air (contrast of 2 % at 550 nm).

    exp(-3.91 L/V (lambda/550 nm)^-q): q = 1.6 above 50 km, 1.3 above 6 km, as Kruse has it; then 0.16 V + 0.34,
    below 1 km V - 0.5, and 0 below 500 m (V in km), for fog weakens all wavelengths alike. No line of absorption is
    in it. Raises ParameterError as zenith_transmittance. Source: Kim, McArthur, Korevaar, Proc. SPIE 4214, 26 (2001).
    """
    _require_air(wavelength_m, visibility_m)
    km = visibility_m / 1e3
    fog = 0.16 * km + 0.34 if km > 1.0 else max(km - 0.5, 0.0)
    power = 1.6 if km > 50.0 else 1.3 if km > 6.0 else fog
    per_m = 3.91 / visibility_m * (wavelength_m / 550e-9) ** -power
    return np.asarray(np.exp(-per_m * np.asarray(distance_m, dtype=np.float64)))


def _require_air(wavelength_m: float, visibility_m: float) -> None:
    if not visibility_m > 0.0:
        raise ParameterError(f"visibility_m must be above 0: no light comes through {visibility_m:g} m")
    if not LEAST_WAVELENGTH_M <= wavelength_m <= MOST_WAVELENGTH_M:
        raise ParameterError(
            f"wavelength_m must lie in [{LEAST_WAVELENGTH_M:g}, {MOST_WAVELENGTH_M:g}], got {wavelength_m:g}"
        )


def _kasten_young(elevation_deg: Floats) -> Floats:
    angle = np.sin(np.radians(elevation_deg))
    return np.asarray(1.0 / (angle + 0.50572 * (elevation_deg + 6.07995) ** -1.6364))
