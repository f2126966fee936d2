"""The LZ78Y Prediction Estimate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from haris.kernels.predictors import predict_lz78y
from haris.quantum.entropy.assessment.estimate import Estimate
from haris.quantum.entropy.assessment.prediction import prediction

FIRST = 17
"""Samples before the first prediction."""


def lz78y(symbols: NDArray[np.uint8], n_symbols: int) -> Estimate:
    """Min-entropy a symbol against a predictor by a dictionary of strings of 1 to 16 symbols. SP 800-90B, 6.3.10.

    symbols: uint8, shape (n,), below n_symbols. None where they are too few to predict twice.
    """
    correct, longest_run = predict_lz78y(symbols, n_symbols)
    return prediction(correct, longest_run, len(symbols) - FIRST, n_symbols)
