"""The MultiMMC Prediction Estimate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from haris.kernels.predictors import predict_mmc
from haris.quantum.entropy.assessment.estimate import Estimate
from haris.quantum.entropy.assessment.prediction import prediction

FIRST = 2
"""Samples before the first prediction."""


def multi_mmc(symbols: NDArray[np.uint8], n_symbols: int) -> Estimate:
    """Min-entropy a symbol against a predictor by Markov models of 1 to 16 symbols. SP 800-90B, 6.3.9.

    symbols: uint8, shape (n,), below n_symbols. None where they are too few to predict twice.
    """
    correct, longest_run = predict_mmc(symbols, n_symbols)
    return prediction(correct, longest_run, len(symbols) - FIRST, n_symbols)
