"""Degree distributions of the ordinary codes for continuous variables: ENSEMBLES, and the program that finds them.

    python tools/soft_ensembles.py 0.5

Density evolution over the Gaussian channel with a Gaussian for every message (Chung, Richardson, Urbanke, IEEE Trans.
Inf. Theory 47, 657 (2001)): for checks of one mean degree, the shares of the bits' degrees that let the most bits in
are a linear program; the noisiest channel at which the rate is still reached is found by bisection. Below a rate of 0.6
such codes fall short of what this promises.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

_spec = importlib.util.spec_from_file_location("ldpc_codes", Path(__file__).with_name("ldpc_codes.py"))
assert _spec is not None
assert _spec.loader is not None
_codes = importlib.util.module_from_spec(_spec)
sys.modules.setdefault("ldpc_codes", _codes)
_spec.loader.exec_module(_codes)
Ensemble = _codes.Ensemble

DEGREES = np.array([2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 18, 20, 25, 30, 40, 50, 60])
Floats = NDArray[np.float64]


def _table() -> tuple[Floats, Floats]:
    """1 - E tanh(u / 2) for u of mean m and variance 2 m, by Gauss-Hermite quadrature; on a grid of m."""
    means = np.concatenate([[0.0], np.geomspace(1e-5, 400, 4000)])
    nodes, weights = np.polynomial.hermite_e.hermegauss(127)
    u = means[:, None] + np.sqrt(2 * means)[:, None] * nodes
    return means, 1.0 - np.tanh(u / 2) @ weights / weights.sum()


_MEANS, _PHI = _table()


def phi(mean: Floats) -> Floats:
    """Of a mean; falls from 1 to 0."""
    result: Floats = np.interp(mean, _MEANS, _PHI)
    return result


def mean_of(value: Floats) -> Floats:
    """The inverse of phi."""
    result: Floats = np.interp(-value, -_PHI, _MEANS)
    return result


def best_shares(sigma: float, check_degree: float, steps: int = 400) -> tuple[float, Floats]:
    """The greatest rate at that noise and mean degree of checks, and the shares of edges by degree of their bit."""
    low, part = divmod(check_degree, 1)
    edges = {low: low * (1 - part), low + 1: (low + 1) * part}
    rho = {d: share / sum(edges.values()) for d, share in edges.items() if share}
    own = 2.0 / sigma**2
    r = np.linspace(1e-6, 1.0, steps) * phi(np.array(own))
    told = sum(share * mean_of(1.0 - (1.0 - r) ** (d - 1)) for d, share in rho.items())
    heard = phi(own + (DEGREES[None, :] - 1) * np.asarray(told)[:, None])
    most_pairs = np.exp(0.5 / sigma**2) / sum(share * (d - 1) for d, share in rho.items())
    bounds = [(0.0, min(1.0, most_pairs)), *[(0.0, 1.0)] * (len(DEGREES) - 1)]
    found = linprog(-1.0 / DEGREES, heard, 0.9995 * r, np.ones((1, len(DEGREES))), [1.0], bounds)
    if not found.success:
        return -1.0, np.zeros(len(DEGREES))
    return 1.0 - sum(share / d for d, share in rho.items()) / -found.fun, found.x


def search(rate: float, check_degree: float) -> tuple[float, Floats]:
    """The greatest noise at which that rate is reached, and the shares of edges."""
    low, high = 0.3, 4.0
    shares = np.zeros(len(DEGREES))
    while high - low > 1e-4:
        sigma = (low + high) / 2
        reached, found = best_shares(sigma, check_degree)
        if reached >= rate:
            low, shares = sigma, found
        else:
            high = sigma
    return low, shares


def main(rate: float) -> None:
    """Print the best distribution for a few degrees of checks."""
    best = (0.0, 0.0, np.zeros(len(DEGREES)))
    for check_degree in np.arange(2.5, 60.0, 0.5):
        sigma, shares = search(rate, float(check_degree))
        best = max(best, (sigma, float(check_degree), shares), key=lambda each: each[0])
        if sigma < 0.995 * best[0] and check_degree > best[1] + 1:
            break
    sigma, check_degree, shares = best
    nodes = shares / DEGREES / (shares / DEGREES).sum()
    named = {int(d): round(float(share), 4) for d, share in zip(DEGREES, nodes, strict=True) if share > 5e-4}
    efficiency = rate / (0.5 * np.log2(1 + 1 / sigma**2))
    print(f"rate {rate:g}: sigma {sigma:.4f}, beta {efficiency:.4f}, checks of {check_degree:g}: {named}", flush=True)


FOUND: dict[str, tuple[float, dict[int, float]]] = {
    "rate_0.60": (0.8292, {2: 0.4463, 3: 0.2986, 7: 0.1731, 8: 0.0027, 18: 0.0271, 20: 0.0311, 60: 0.0211}),
    "rate_0.65": (0.7732, {2: 0.4308, 3: 0.3099, 7: 0.1668, 8: 0.0075, 18: 0.0545, 20: 0.0057, 60: 0.0247}),
    "rate_0.70": (0.7203, {2: 0.415, 3: 0.3238, 7: 0.133, 8: 0.0445, 18: 0.0324, 20: 0.0262, 60: 0.0251}),
    "rate_0.75": (0.6693, {2: 0.3989, 3: 0.3385, 7: 0.0996, 8: 0.0815, 20: 0.0575, 60: 0.024}),
    "rate_0.80": (0.6190, {2: 0.3819, 3: 0.3555, 7: 0.0565, 8: 0.1269, 20: 0.042, 25: 0.0147, 60: 0.0225}),
    "rate_0.85": (0.5678, {2: 0.3623, 3: 0.373, 7: 0.0402, 8: 0.1354, 15: 0.0025, 18: 0.0529, 60: 0.0338}),
    "rate_0.90": (0.5123, {2: 0.3419, 3: 0.3972, 8: 0.1528, 9: 0.0318, 20: 0.0355, 25: 0.0133, 50: 0.0274}),
    "rate_0.95": (0.4421, {2: 0.3259, 3: 0.4441, 12: 0.2301}),
    "rate_0.98": (0.3842, {2: 0.2968, 3: 0.4704, 12: 0.2328}),
}
"""The greatest standard deviation of the noise by this evolution, and the shares of the bits by degree."""


def _ensemble(name: str) -> Ensemble:
    """Columns enough for rows of at least 60 circulants' room, and 512 000 bits in all."""
    rate = float(name.removeprefix("rate_"))
    columns = 400 if rate < 0.78 else 800 if rate < 0.96 else 1000
    return Ensemble(0.0, columns, round((1.0 - rate) * columns), 512_000 // columns, FOUND[name][1])


ENSEMBLES = {name: _ensemble(name) for name in FOUND}

if __name__ == "__main__":
    for asked in sys.argv[1:]:
        main(float(asked))
