"""What the disclosed symbols of a block say of the channel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from haris.nouns.errors import ParameterError
from haris.nouns.symbols import Symbols
from haris.quantum.security.gaussian_channel import GaussianChannel


def estimated_channel(alice: Symbols, bob: Symbols, known: GaussianChannel) -> GaussianChannel:
    """The channel by maximum likelihood: Bob's value is t times Alice's, and noise.

    alice, bob: the same disclosed symbols. known: modulation, trusted noise of preparation and calibrated receiver; its
    transmittance and noise are not used. A transmittance above 1 and a noise below the receiver's own are cut to what
    can be.
    Raises ParameterError on halves that differ in shape, or without a symbol.
    Source: Leverrier, Grosshans, Grangier, PRA 81, 062343 (2010), estimators of t and sigma^2.
    """
    x, y = (symbols.values.astype(np.float64) for symbols in (alice, bob))
    if x.shape != y.shape or x.shape[1] != known.values_per_symbol:
        raise ParameterError(
            f"disclosed values must be {known.values_per_symbol} a symbol, got {x.shape} and {y.shape}"
        )
    power = float((x * x).sum())
    if not power > 0.0:
        raise ParameterError("a channel cannot be estimated without a disclosed symbol")
    t = max(float((x * y).sum()) / power, 0.0)
    noise = float(((y - t * x) ** 2).mean())
    transmittance = min(t * t / known.gain, 1.0)
    arriving = (noise - 1.0 - known.electronic_noise_snu) / known.gain
    excess = np.maximum(arriving - transmittance * known.trusted_preparation_snu, 0.0)
    return replace(known, transmittance=np.asarray(transmittance), noise_snu=np.asarray(excess))
