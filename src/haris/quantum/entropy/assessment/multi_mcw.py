"""The Multi Most Common in Window Prediction Estimate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from haris.kernels.predictors import predict_mcw
from haris.quantum.entropy.assessment.estimate import Estimate
from haris.quantum.entropy.assessment.prediction import prediction

FIRST = 63
"""Samples before the first prediction."""


def multi_mcw(symbols: NDArray[np.uint8], n_symbols: int) -> Estimate:
    """Min-entropy a symbol against a predictor by the commonest of four windows. SP 800-90B, 6.3.7.

    symbols: uint8, shape (n,), below n_symbols. None where they are too few to predict twice.
    """
    correct, longest_run = predict_mcw(symbols, n_symbols)
    return prediction(correct, longest_run, len(symbols) - FIRST, n_symbols)
