"""What the disclosed symbols of a block say of the channel, and of whether both ends are calibrated as they claim."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from haris.nouns.blocks import AbortReason
from haris.nouns.errors import ParameterError
from haris.nouns.quadrature_counts import QuadratureSums
from haris.nouns.symbols import Symbols
from haris.quantum.distill.engine import Abandon
from haris.quantum.protocols.quadratures import QuadratureAgreement
from haris.quantum.security.gaussian_channel import GaussianChannel

DEVIATIONS = 7.0
"""By how many standard deviations a sample may differ from what is claimed: it happens to one honest block in 1e11."""
_AT_ONCE = 1 << 18


def quadrature_sums(alice: NDArray[np.float32], bob: NDArray[np.float32]) -> QuadratureSums:
    """Sums over the same symbols of both ends, float32 of shape (n, 1) or (n, 2).

    Raises ParameterError on halves that differ in shape, without a symbol, or not finite.
    """
    if alice.shape != bob.shape or alice.ndim != 2:
        raise ParameterError(f"disclosed values must be of one shape, got {alice.shape} and {bob.shape}")
    if not alice.size:
        raise ParameterError("a channel cannot be estimated without a disclosed symbol")
    v = alice.shape[1]
    sums = np.zeros(3 * v + 2)
    for first in range(0, len(alice), _AT_ONCE):
        x, y = (values[first : first + _AT_ONCE].astype(np.float64) for values in (alice, bob))
        xx = x * x
        sums[:v] += xx.sum(axis=0)
        sums[v : 2 * v] += (x * y).sum(axis=0)
        sums[2 * v : 3 * v] += (y * y).sum(axis=0)
        sums[-2] += (xx * xx).sum()
        sums[-1] += (y[:, 0] * y[:, 1]).sum() if v == 2 else 0.0
    return QuadratureSums.of_numbers(len(alice), tuple(map(float, sums)))


def channel_of_sums(sums: QuadratureSums, known: GaussianChannel) -> GaussianChannel:
    """The channel by maximum likelihood: Bob's value is t times Alice's, and noise.

    known: modulation, trusted noise of preparation and calibrated receiver; its transmittance and noise are not used. A
    transmittance above 1 and a noise below the receiver's own are cut to what can be.
    Raises ParameterError on another number of quadratures.
    Source: Leverrier, Grosshans, Grangier, PRA 81, 062343 (2010), estimators of t and sigma^2.
    """
    if len(sums.xx) != known.values_per_symbol:
        raise ParameterError(f"disclosed values must be {known.values_per_symbol} a symbol, got {len(sums.xx)}")
    transmittance = min(max(sums.amplitude, 0.0) ** 2 / known.gain, 1.0)
    arriving = (sums.noise - 1.0 - known.electronic_noise_snu) / known.gain
    excess = np.maximum(arriving - transmittance * known.trusted_preparation_snu, 0.0)
    return replace(known, transmittance=np.asarray(transmittance), noise_snu=np.asarray(excess))


def estimated_channel(alice: Symbols, bob: Symbols, known: GaussianChannel) -> GaussianChannel:
    """The same of disclosed symbols. Raises as quadrature_sums does."""
    return channel_of_sums(quadrature_sums(alice.values, bob.values), known)


def require_calibrated(sums: QuadratureSums, agreement: QuadratureAgreement) -> None:
    """Raise Abandon where a sample contradicts what the bounds take for granted, by more than DEVIATIONS.

    That Alice's modulation is Gaussian and of the stated variance; that Bob's values have no less noise, and are no
    greater, than his calibrated receiver makes them; that the channel treats both quadratures alike, and does not mix
    them. A sample that is small contradicts little.
    """
    n, stated = sums.n_values, agreement.alice_variance_snu
    found = sums.alice_variance
    width = DEVIATIONS * math.sqrt(2.0 / n)
    _require(abs(found / stated - 1.0) <= width, f"Alice's values vary by {found:.6g}, stated is {stated:.6g}")
    peak = sums.x_fourth / n / found**2
    _require(
        abs(peak - 3.0) <= DEVIATIONS * math.sqrt(24.0 / n),
        f"Alice's values are not Gaussian: their fourth moment is {peak:.4g} times the square of the second, not 3",
    )
    noise, least = sums.noise, agreement.least_noise_snu
    _require(
        noise >= least * (1.0 - width),
        f"Bob's noise is {noise:.6g} shot-noise units, his receiver alone makes {least:.6g}: the unit is wrong",
    )
    spread = DEVIATIONS * math.sqrt(noise / (n * found))
    most = math.sqrt(agreement.greatest_gain)
    _require(
        sums.amplitude <= most + spread,
        f"Bob's values are {sums.amplitude:.6g} times Alice's, his receiver behind no loss makes {most:.6g}",
    )
    if len(sums.xx) == 2:
        _require_alike(sums, noise, found)


def _require_alike(sums: QuadratureSums, noise: float, alice_variance: float) -> None:
    n = sums.n_symbols
    t = [xy / xx for xy, xx in zip(sums.xy, sums.xx, strict=True)]
    each = [(yy - at * xy) / n for yy, at, xy in zip(sums.yy, t, sums.xy, strict=True)]
    _require(
        abs(t[0] - t[1]) <= DEVIATIONS * math.sqrt(2.0 * noise / (n * alice_variance))
        and abs(each[0] - each[1]) <= DEVIATIONS * noise * math.sqrt(4.0 / n),
        f"the quadratures differ: amplitudes {t[0]:.6g} and {t[1]:.6g}, noise {each[0]:.6g} and {each[1]:.6g}",
    )
    crossed = sums.y_cross / math.sqrt(sums.yy[0] * sums.yy[1])
    _require(abs(crossed) <= DEVIATIONS / math.sqrt(n), f"Bob's quadratures are correlated by {crossed:.4g}")


def _require(holds: bool, detail: str) -> None:
    if not holds:
        raise Abandon(AbortReason.CALIBRATION, detail)
