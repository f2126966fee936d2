"""Twin-field experiments by sending or not sending: the best settings for a fibre and a detector like theirs."""

from __future__ import annotations

from functools import lru_cache
from math import sqrt

import numpy as np

from haris.papers.computation import Computation, Ours
from haris.papers.row import Row
from haris.quantum.families.family import Parts
from haris.quantum.families.optimum import optimum
from haris.quantum.families.sns_tf import FAMILY
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.sending_source import SendingSource
from haris.quantum.optics.station import Station
from haris.quantum.protocols.sns import SendingOrNot
from haris.quantum.security.key_length import Security
from haris.quantum.security.sns_aopp import EVENTS

_WORDS = (
    "Four intensities at the best settings, odd parity pairing, phase errors of pairs by total spin. The experiment's "
    "own settings and counts are not in the row."
)
_THEIR_SETTINGS = (
    "The experiment's own intensities and probabilities, odd parity pairing, phase errors of pairs by total spin; the "
    "station's insertion loss is left out."
)
_REACH = "The farthest distance at which the best settings give key; the experiment may not have looked farther."

_FARTHEST_KM = 1500.0


def _twin_field(row: Row, quantity: str) -> Ours | None:
    """A rate at the row's distance, or a reach; asymptotic where the protocol or the quantity says so."""
    if quantity in ("finite_reach_km", "asym_reach_km"):
        return Ours(_reach_km(_parts(row, finite=quantity.startswith("finite"))), _REACH)
    if quantity not in ("rate_per_pulse", "rate_bps", "finite_rate_bps"):
        return None
    parts = _parts(row, finite=not str(row.values.get("protocol", "")).endswith("asymptotic"))
    at_m = row.number("distance_km", least=0.0) * 1e3
    own = "p_send" in row.values
    per_pulse = float(FAMILY.rate(parts, np.array(at_m)).secret_bits_per_pulse) if own else _best(parts, at_m)
    per_unit = 1.0 if quantity == "rate_per_pulse" else parts.source.clock_hz
    return Ours(per_pulse * per_unit, _THEIR_SETTINGS if own else _WORDS)


def _parts(row: Row, finite: bool) -> Parts:
    """The experiment as a link. Each statistical bound fails with probability assumed_xi, as such papers have it."""
    noise_hz = row.number(_stated(row, "system_noise_hz", "assumed_noise_hz"), 0.02, least=0.0)
    window_s = row.positive(_stated(row, "fitted_window_s", "assumed_window_s"), 1e-9)
    block = row.positive(_stated(row, "fitted_n_windows", "assumed_n_windows"), 1e13)
    efficiency = row.probability(_stated(row, "det_efficiency", "assumed_det_efficiency"))
    return Parts(
        _source(row),
        Fibre(1.0, _db_per_km(row), 0.0, row.number("assumed_misalignment", least=0.0, most=0.5)),
        Station(efficiency, min(noise_hz * window_s, 1.0)),
        SendingOrNot(
            int(block) if finite else 10**18, row.number("assumed_phase_slice_rad", 0.4, least=0.01, most=3.14)
        ),
        Security(
            "aopp" if finite else "aopp-asymptotic",
            16.0 * sqrt(EVENTS * row.positive("assumed_xi", 1e-10)),
            1e-10,
            row.number("f_ec", 1.16, least=1.0),
        ),
    )


def _source(row: Row) -> SendingSource:
    """With the row's own settings, or with any from which a search may start."""
    strong, empty = row.probability("assumed_p_strong", 0.05), row.probability("assumed_p_empty", 0.05)
    return SendingSource(
        row.positive(_stated(row, "clock_hz", "assumed_windows_hz"), 3.5e8),
        row.positive("mu_signal", 0.5),
        (row.positive("mu_strong", 0.3), row.positive("mu_weak", 0.05)),
        row.probability("p_signal", 0.9),
        row.probability("p_send", 0.28),
        (strong, 1.0 - strong - empty, empty),
    )


def _db_per_km(row: Row) -> float:
    if "loss_db" in row.values:
        return row.positive("loss_db") / row.positive("distance_km")
    return row.number(
        _stated(row, "fibre_db_per_km_max", "fibre_db_per_km_est", "assumed_db_per_km"), 0.157, least=1e-3
    )


def _stated(row: Row, *names: str) -> str:
    """The first of the names that the row has; the last where it has none."""
    return next((name for name in names if name in row.values), names[-1])


@lru_cache
def _best(parts: Parts, at_m: float) -> float:
    """Nearer distances are searched too: near its end, key is found only from settings that gave some on the way."""
    return float(optimum(FAMILY, parts, at_m * np.linspace(0.7, 1.0, 9)).secret_bits_per_pulse[-1])


def _reach_km(parts: Parts) -> float:
    km = np.arange(0.0, _FARTHEST_KM, 5.0)
    alive = optimum(FAMILY, parts, km * 1e3).secret_bits_per_pulse > 0.0
    return float(km[alive].max(initial=0.0))


COMPUTATIONS = (
    Computation(("SNS_AOPP_*", "liu2023_tf_*", "liu2023qf_tf_*", "zhou2023_tf_*", "pittaluga2021_tf_*"), _twin_field),
)
