"""Continuous variables with discrete modulation: square constellations by Denys, Brown and Leverrier 2021."""

from __future__ import annotations

from dataclasses import replace

from haris.papers.computation import Computation, Ours
from haris.papers.computations.gaussian_cv import ceiling, channel_of, symbols_per_s
from haris.papers.optimum import maximum
from haris.papers.row import Row
from haris.quantum.emulate.expected_constellation import constellation_of
from haris.quantum.optics.constellation_laser import STATES, ConstellationLaser
from haris.quantum.security.constellation_moments import constellation_moments
from haris.quantum.security.denys2021 import as_correlated
from haris.quantum.security.holevo import holevo

_SHAPE = (
    "Denys, Brown, Leverrier (2021) with the Maxwell-Boltzmann shape that gives most ({:.2f}): theirs is not known."
)
_FINITE = "Asymptotic with the same shape: what was published pays for a finite block besides."


def _shaped(row: Row, quantity: str) -> Ours | float | None:
    """Of a square constellation the asymptotic rate of its best shape; else the ceiling of Gaussian modulation."""
    asymptotic, finite, per_s = "asym_bit_per_symbol", "finite_bit_per_symbol", "rate_bps"
    if quantity not in (asymptotic, finite, per_s) or row.number("qam") not in STATES:
        return ceiling(row, quantity)
    value, shape = _best(row)
    words = _SHAPE.format(shape) if quantity == asymptotic else _FINITE
    return Ours(value * symbols_per_s(row) if quantity == per_s else value, words)


def _best(row: Row) -> tuple[float, float]:
    """Bits a symbol of the best shape, and that shape."""
    channel, beta = channel_of(row), row.probability("beta")
    laser = ConstellationLaser(1.0, channel.modulation_variance_snu, int(row.number("qam")), "maxwell-boltzmann")

    def bits(shape: float) -> float:
        constellation = constellation_of(replace(laser, shape=shape))
        informed = channel.values_per_symbol * constellation.information(channel.snr)
        return float(beta * informed - holevo(as_correlated(channel, constellation_moments(constellation))))

    value, (shape,) = maximum(lambda x: bits(min(max(float(x[0]), 0.0), 4.0)), [(0.3,), (0.9,)])
    return value, shape


COMPUTATIONS = (Computation(("shaped_qam_heterodyne*",), _shaped, "at least"),)
