"""Searches degree distributions for the codes of one-way reconciliation: the ENSEMBLES of tools/ldpc_codes.py.

    python tools/ldpc_ensembles.py --qber 0.01 --share 1.12 --seconds 300 --seed 1

Density evolution (Richardson, Urbanke, IEEE Trans. Inf. Theory 47, 599 (2001)) over a binary symmetric channel follows
the distribution of a message through an endless random graph: bits add what they hear, checks add phi(|v|), both as
convolutions on a grid. It tells how many iterations decoding takes, or that it stalls. The search changes the shares of
a few degrees at random and keeps what takes less. (A Gaussian for what checks tell, which makes the search a linear
program, is no guide here: of checks of 140 bits it promised 1.10 times Shannon's limit where 1.13 is needed.)
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, rfft

Density = NDArray[np.float64]

DEGREES = (2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20)
STEP, HALF = 1 / 8, 192  # messages from -24 to 24
PHI_STEP, PHIS = 0.002, 1 << 14
GREATEST_ITERATIONS = 120
REMAINING = 0.006  # share of the errors at which the rest is quick


def phi(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """-ln tanh(x / 2), its own inverse."""
    return -np.log(np.tanh(x / 2))


_PHI_OF = np.rint(phi(np.maximum(np.arange(HALF + 1) * STEP, STEP / 4)) / PHI_STEP).astype(int)
_SIZE_OF = np.minimum(np.rint(phi(np.maximum(np.arange(PHIS) * PHI_STEP, PHI_STEP / 4)) / STEP).astype(int), HALF)


def entropy(p: float) -> float:
    """h(p) in bits."""
    return -p * math.log2(p) - (1 - p) * math.log2(1 - p)


def channel_density(qber: float) -> Density:
    """Of the channel's own message, which is +-ln((1 - Q) / Q)."""
    density = np.zeros(2 * HALF + 1)
    low, part = divmod(math.log((1 - qber) / qber) / STEP, 1)
    for sign, p in ((1, 1 - qber), (-1, qber)):
        density[HALF + sign * int(low)] += p * (1 - part)
        density[HALF + sign * int(low + 1)] += p * part
    return density


def told_by_check(density: Density, degree: float) -> Density:
    """What a check of that degree tells a bit when the others tell it density."""
    plus, minus = density[HALF:].copy(), density[HALF::-1].copy()
    plus[0] = minus[0] = density[HALF] / 2
    total = irfft(rfft(np.bincount(_PHI_OF, plus + minus, PHIS)) ** (degree - 1))
    bias = irfft(rfft(np.bincount(_PHI_OF, plus - minus, PHIS)) ** (degree - 1))
    told = np.zeros(2 * HALF + 1)
    told[HALF:] += np.bincount(_SIZE_OF, np.maximum(total + bias, 0), HALF + 1)
    told[HALF::-1] += np.bincount(_SIZE_OF, np.maximum(total - bias, 0), HALF + 1)
    result: Density = told / told.sum()
    return result


def sum_of(first: Density, second: Density) -> Density:
    """Of two independent messages; what leaves the grid stays at its end."""
    size = 1 << (len(first) + len(second)).bit_length()
    whole = irfft(rfft(first, size) * rfft(second, size), size)[: 4 * HALF + 1]
    middle = whole[HALF:-HALF].copy()
    middle[0] += whole[:HALF].sum()
    middle[-1] += whole[-HALF:].sum()
    result: Density = np.maximum(middle, 0)
    return result


def iterations(qber: float, told_share: float, degrees: dict[int, float]) -> float:
    """Iterations until few errors remain, checks all of one degree; more than GREATEST_ITERATIONS where it stalls.

    told_share: checks for each bit. degrees: share of the bits by degree.
    """
    nodes = sum(degrees.values())
    mean_degree = sum(d * share for d, share in degrees.items()) / nodes
    channel = density = channel_density(qber)
    remaining = REMAINING * qber
    wrong = [qber]
    while len(wrong) <= GREATEST_ITERATIONS and (len(wrong) < 20 or wrong[-1] < 0.9999 * wrong[-4]):
        told = told_by_check(density, mean_degree / told_share)
        density, heard, reached = np.zeros_like(channel), channel, 1
        for degree, share in sorted(degrees.items()):
            for _ in range(reached, degree):
                heard = sum_of(heard, told)
            reached = degree
            density += share * degree * heard
        density /= density.sum()
        wrong.append(float(density[:HALF].sum() + density[HALF] / 2))
        if wrong[-1] < remaining:
            return len(wrong) - 1 + math.log(wrong[-1] / remaining)
    return GREATEST_ITERATIONS + math.log(wrong[-1] / remaining)


def search(qber: float, told_share: float, start: dict[int, float], pairs: float, seconds: float, seed: int) -> None:
    """Print ever better distributions. pairs: the greatest share of bits of degree 2."""
    rng = np.random.default_rng(seed)
    degrees = np.array(DEGREES)
    shares = np.array([start.get(d, 0.0) for d in DEGREES])
    best, ends = math.inf, time.monotonic() + seconds
    tried = shares
    while time.monotonic() < ends:
        mean_degree = float(tried @ degrees)
        if tried[0] <= pairs and mean_degree <= 200 * told_share:
            named = {int(d): float(s) for d, s in zip(degrees, tried, strict=True) if s > 1e-4}
            needed = iterations(qber, told_share, named)
            if needed < best:
                best, shares = needed, tried
                print(f"{needed:6.2f} iterations, mean degree {mean_degree:.2f}: {named}", flush=True)
        tried = shares.copy()
        for _ in range(rng.integers(1, 3)):
            giver, taker = rng.choice(len(DEGREES), 2, replace=False)
            moved = min(abs(rng.normal()) * 0.04, tried[giver])
            tried[giver] -= moved
            tried[taker] += moved


def main() -> None:
    """Go on from the ensemble of ldpc_codes.py for that error rate."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--qber", type=float, required=True)
    parser.add_argument("--share", type=float, default=1.12, help="bits told over Shannon's limit")
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    spec = importlib.util.spec_from_file_location("ldpc_codes", Path(__file__).with_name("ldpc_codes.py"))
    assert spec is not None
    assert spec.loader is not None
    codes = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(codes)
    ensemble = min(codes.ENSEMBLES.values(), key=lambda e: abs(e.qber - args.qber))
    told_share = args.share * entropy(args.qber)
    search(args.qber, told_share, ensemble.degrees, ensemble.degrees[2] * 1.05, args.seconds, args.seed)


if __name__ == "__main__":
    main()
