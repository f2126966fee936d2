"""Continuous variables: efficiency, frame error rate and speed together, both parties on one core.

Values are drawn at the signal to noise ratio at which the scheme has the efficiency that is stated; speed is that of
Alice, who decodes, in values. The published figures beside it were measured on graphics processors, not here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import sqrt
from time import perf_counter

import numpy as np

from haris.bench.contest import Conditions, Contest, Figures
from haris.kernels.ldpc import paths
from haris.nouns.blocks import FrameCounts, ReconciledBlock
from haris.nouns.quadratures import Quadratures
from haris.quantum.distill.continuous import FRAME_VALUES, Scheme, describe, recover
from haris.quantum.distill.slices import Slicing, plan
from haris.quantum.distill.soft_code import SoftCode, code_of_rate

N_FRAMES = 4
EFFICIENCY = 0.931
RATES = (0.02, 0.05, 0.1, 0.2)
SNRS = (1.5, 6.0, 12.0)

Reconciled = ReconciledBlock[FrameCounts]


def contests(conditions: Conditions) -> Iterator[Contest]:
    """Eight dimensions at each rate, then slices at each signal to noise ratio; every run has fresh values."""
    n_frames, rng = conditions.size(N_FRAMES), np.random.default_rng(conditions.seed)
    for rate in RATES:
        code = code_of_rate(rate)
        snr = 2.0 ** (2.0 * code.rate / EFFICIENCY) - 1.0
        yield Contest(f"8-D, rate {rate:g}", _ours(code, snr, n_frames, rng), instruction_set=paths()[-1])
    for snr in SNRS:
        yield Contest(f"slices, SNR {snr:g}", _ours(plan(snr), snr, n_frames, rng), instruction_set=paths()[-1])


def drawn(snr: float, n_values: int, rng: np.random.Generator) -> tuple[Quadratures, Quadratures]:
    """Alice's and Bob's values of a Gaussian channel, each of variance 1."""
    rho = sqrt(snr / (1.0 + snr))
    bob, noise = rng.standard_normal(n_values, np.float32), rng.standard_normal(n_values, np.float32)
    alice = np.float32(rho) * bob + np.float32(sqrt(1.0 - rho**2)) * noise
    return Quadratures(alice, snr), Quadratures(bob, snr)


def reconcile(
    alice: Quadratures, bob: Quadratures, scheme: Scheme, rng: np.random.Generator
) -> tuple[Reconciled, float]:
    """What both ends come to share, and the seconds that Alice took. Raises ArithmeticError where it differs."""
    teller, listener = describe(b"bench", bob, scheme, rng.bytes), recover(b"bench", alice)
    next(listener)
    message = next(teller)
    began = perf_counter()
    answer = listener.send(message)
    seconds = perf_counter() - began
    ours, theirs = _end(lambda: listener.send(None)), _end(lambda: teller.send(answer))
    if not np.array_equal(ours.bits, theirs.bits):
        raise ArithmeticError("the two ends differ")
    return ours, seconds


def _end(step: Callable[[], object]) -> Reconciled:
    try:
        step()
    except StopIteration as end:
        result: Reconciled = end.value
        return result
    raise AssertionError("the engine goes on")


def _ours(scheme: Scheme, snr: float, n_frames: int, rng: np.random.Generator) -> Callable[[], Figures]:
    def run() -> Figures:
        alice, bob = drawn(snr, n_frames * FRAME_VALUES, rng)
        shared, seconds = reconcile(alice, bob, scheme, rng)
        share = shared.counts.n_kept / n_frames
        beta = efficiency(scheme, snr)
        return {
            "beta": beta,
            "frame_error_rate": 1.0 - share,
            "frames": n_frames,
            "bits/value": beta * alice.mutual_information * share,
            "Mvalue/s": n_frames * FRAME_VALUES / seconds / 1e6,
        }

    return run


def efficiency(scheme: Scheme, snr: float) -> float:
    """beta of frames that are kept."""
    if isinstance(scheme, Slicing):
        return scheme.efficiency(snr)
    assert isinstance(scheme, SoftCode)
    return scheme.rate / (0.5 * float(np.log2(1.0 + snr)))
