"""The Lag Prediction Estimate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from haris.kernels.predictors import predict_lag
from haris.quantum.entropy.assessment.estimate import Estimate
from haris.quantum.entropy.assessment.prediction import prediction

FIRST = 1
"""Samples before the first prediction."""


def lag(symbols: NDArray[np.uint8], n_symbols: int) -> Estimate:
    """Min-entropy a symbol against a predictor by the symbol 1 to 128 samples before. SP 800-90B, 6.3.8.

    symbols: uint8, shape (n,), below n_symbols. None where they are too few to predict twice.
    """
    correct, longest_run = predict_lag(symbols, n_symbols)
    return prediction(correct, longest_run, len(symbols) - FIRST, n_symbols)
