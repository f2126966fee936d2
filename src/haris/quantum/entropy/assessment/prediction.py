"""The bound that the four prediction estimates share."""

from __future__ import annotations

import math

from haris.quantum.entropy.assessment.estimate import Estimate, upper_bound

LOG_ALPHA = math.log(0.99)


def prediction(correct: int, longest_run: int, n: int, n_symbols: int) -> Estimate:
    """Min-entropy a symbol from the right ones of n predictions, and their longest run.

    SP 800-90B, 6.3.7, steps 5 to 8.
    n_symbols: size of the alphabet; a guess is right with probability 1 / n_symbols at least. None where n < 2.
    p_local is among the figures where it can change the result.
    """
    if n < 2:
        return Estimate(None, {"correct": correct, "n": max(n, 0)})
    run = longest_run + 1
    p_global = correct / n
    bound = upper_bound(p_global, n) if correct else 1.0 - 0.01 ** (1.0 / n)
    figures = {"correct": correct, "r": run, "n": n, "p_global": p_global, "p_global_bound": bound}
    p = max(1.0 / n_symbols, bound)
    if p < 1.0 and log_p_no_run(p, run, n) > LOG_ALPHA:
        p = figures["p_local"] = _solved(p, run, n)
    return Estimate(-math.log2(p), figures)


def log_p_no_run(p: float, run: int, n: int) -> float:
    """ln of the probability that no run of so many right predictions is among n. Feller 1968, XIII.7, (7.11).

    x = 1 + y is the root of 1 - x + q p^r x^(r + 1), found in y, so that few digits are lost.
    """
    q = 1.0 - p
    scale = q * math.exp(run * math.log(p))
    y, before = 0.0, -1.0
    for _ in range(200):
        if y - before <= 2e-16 * y:
            break
        y, before = scale * math.exp((run + 1) * math.log1p(y)), y
    return math.log((q - p * y) / ((1.0 - run * y) * q)) - (n + 1) * math.log1p(y)


def _solved(low: float, run: int, n: int) -> float:
    """The p above low at which a run so long is absent with probability 0.99."""
    high = 1.0
    while True:
        p = (low + high) / 2
        if not low < p < high:
            return high
        if log_p_no_run(p, run, n) > LOG_ALPHA:
            low = p
        else:
            high = p
