"""Continuous variables with Gaussian modulation: Lodewyck 2007 and experiments whose keys follow its bound."""

from __future__ import annotations

import numpy as np

from haris.papers.computation import Computation, Ours, at_km
from haris.papers.row import Row, is_number
from haris.quantum.security.channel_confidence import worst_holevo
from haris.quantum.security.gaussian_block import GaussianBlock
from haris.quantum.security.gaussian_channel import GaussianChannel
from haris.quantum.security.holevo import holevo
from haris.quantum.security.key_length import Security
from haris.quantum.security.leverrier2010 import leverrier2010


def channel_of(row: Row, noise: str | None = None) -> GaussianChannel:
    """The row's channel with its receiver, which is trusted. noise: the key of its excess noise, if not the mean."""
    noise = noise or ("xi_output_snu" if "xi_output_snu" in row.values else "xi_input_snu")
    if "transmittance" in row.values:
        t = row.probability("transmittance")
    else:
        t = 10.0 ** (-row.number("loss_db", least=0.0) / 10.0)
    excess = row.number(noise, least=0.0) * (1.0 if "output" in noise else t)
    return GaussianChannel(
        row.positive("va_snu"),
        np.asarray(t),
        np.asarray(excess),
        "heterodyne" in str(row.values.get("protocol", "")),
        row.number("det_efficiency", least=1e-6, most=1.0),
        row.number("vel_snu", least=0.0),
        True,
    )


def _bits_per_symbol(row: Row, worst: bool = False) -> float:
    """beta I_AB - chi_BE, both with the worst noise that the row states where worst."""
    channel = channel_of(row, "xi_worst_input_snu" if worst else None)
    return float(row.probability("beta") * channel.mutual_information - holevo(channel))


def symbols_per_s(row: Row) -> float:
    """Of frames that were decoded."""
    keys = ("effective_rate_hz", "symbol_rate_hz", "clock_hz")
    clock = next((key for key in keys if key in row.values), keys[0])  # the first is told as lacking
    return (
        row.positive(clock) * (1.0 - row.probability("reference_overhead", 0.0)) * (1.0 - row.probability("fer", 0.0))
    )


def _gaussian(row: Row, quantity: str) -> float | None:
    stem, _, unit = quantity.partition("_")
    channel = channel_of(row)
    if stem in ("iab", "chibe"):
        bits = float(channel.mutual_information if stem == "iab" else holevo(channel))
        return bits if unit == "bit_per_symbol" else bits * symbols_per_s(row)
    if stem == "ratio":
        return _bits_per_symbol(row, "worst" in unit) * symbols_per_s(row) / row.positive("published_rate_bps")
    if quantity.endswith("bps"):
        return _bits_per_symbol(row) * symbols_per_s(row)
    if quantity == "worstcase_bit_per_symbol":
        return _bits_per_symbol(row, worst=True)
    return _bits_per_symbol(row) if quantity.endswith("bit_per_symbol") else None


def ceiling(row: Row, quantity: str) -> Ours | float | None:
    """What is published lies below: it pays for discrete modulation, for finite blocks, or for lost frames."""
    ours = _gaussian(row, quantity)
    if ours is None or not any(word in quantity for word in ("finite", "composable", "rate")):
        return ours
    return Ours(ours, "Asymptotic, Gaussian modulation: what was published pays for a finite block besides.")


_QOSST = (
    "Efficiency 0.5, electronic noise 0.1 SNU and 0.2 dB/km are assumed; a modulation of 1.243 SNU is a fit to the "
    "asymptotic rate at 0 km, and tells the others."
)


def _qosst(row: Row, quantity: str) -> Ours | None:
    """Finite: the worst channel that all symbols of a frame allow, without Delta(n), which comes nearest."""
    if quantity not in ("asym_rate_bps", "finite_rate_bps"):
        return None
    eta = row.number("assumed_det_efficiency", 0.5, least=1e-6, most=1.0)
    t = 10.0 ** (-row.number("assumed_fibre_db_per_km", 0.2, least=0.0) * row.number("distance_km", least=0.0) / 10.0)
    channel = GaussianChannel(
        row.positive("fitted_va_snu", 1.243),
        np.asarray(t),
        np.asarray(2.0 * row.number("xi_bob_snu", least=0.0) / eta),
        True,
        eta,
        row.number("assumed_vel_snu", 0.1, least=0.0),
        True,
    )
    frame = row.positive("frame_symbols")
    block = GaussianBlock(channel, frame, frame, row.probability("beta"), 0.0, 1)
    if quantity == "asym_rate_bps":
        eve, words = holevo(channel), _QOSST
    else:
        eve, words = (
            worst_holevo(block, 6.5),
            f"{_QOSST} Of the finite size only the worst channel within 6.5 deviations.",
        )
    secret = float(block.secret_per_symbol(block.reconciled, eve))
    return Ours(max(secret, 0.0) * row.positive("symbol_rate_hz"), words)


_JOUGUET = (
    "leverrier2010 with a modulation of 3 SNU, blocks of 1e9 and half of the symbols disclosed, all assumed, and the "
    "middle of the stated noise."
)


def _numbers(row: Row, key: str) -> list[float]:
    values = row.values.get(key)
    if not isinstance(values, list) or not values or not all(is_number(v) and v >= 0 for v in values):
        raise row.error(f"{key} must be a list of numbers of at least 0, got {values!r}", *([key] if values else []))
    return values


def _jouguet(row: Row, quantity: str) -> Ours | None:
    stem, km = at_km(quantity)
    distances_km, losses_db, noises = (
        _numbers(row, key) for key in ("distances_km", "losses_db", "xi_input_snu_range")
    )
    if stem != "rate_bps" or km not in distances_km[: len(losses_db)]:
        return None
    t = np.asarray(10.0 ** (-losses_db[distances_km.index(km)] / 10.0))
    channel = GaussianChannel(
        row.positive("assumed_va_snu", 3.0),
        t,
        np.asarray(t * sum(noises) / len(noises)),
        False,
        row.number("det_efficiency", least=1e-6, most=1.0),
        row.number("vel_snu", least=0.0),
        True,
    )
    half = row.positive("assumed_block", 1e9) / 2.0
    eps = row.positive("eps")
    block = GaussianBlock(channel, half, half, row.probability("beta"), 0.0, 1)
    key = leverrier2010(block, Security("leverrier2010", eps, eps))
    return Ours(float(key.length_bits) / (2.0 * half) * row.positive("clock_hz"), _JOUGUET)


COMPUTATIONS = (
    Computation(("jouguet2013*", "gmcs_homodyne_finite", "1210.6216"), _jouguet),
    Computation(("qosst*", "gmcs_rf_heterodyne_LLO", "2404.18637"), _qosst),
    Computation(("lodewyck2007*", "gmcs_homodyne_trusted*"), _gaussian, side="at least"),
    Computation(("jain2022*", "hajomer2024_100km", "gmcs_heterodyne_trusted*"), ceiling, "at least"),
)
