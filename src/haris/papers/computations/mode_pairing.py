"""Mode-pairing experiments: the best settings for a fibre and a station like theirs."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from haris.papers.computation import Computation, Ours
from haris.papers.row import Row
from haris.quantum.families.family import Parts
from haris.quantum.families.mode_pairing import FAMILY
from haris.quantum.families.optimum import optimum
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.pairing_source import PairingSource
from haris.quantum.optics.station import Station
from haris.quantum.protocols.mode_pairing import ModePairing
from haris.quantum.security.key_length import Security

_WORDS = (
    "Two decoys at the best settings, finite key with a derivation of our own. Of the experiment the distance, and the "
    "loss by its ratio to the limit, are known; detectors, noise, phases and block are assumed."
)


def _mode_pairing(row: Row, quantity: str) -> Ours | None:
    if quantity != "rate_bps":
        return None
    parts = _parts(row)
    per_pulse = _best(parts, row.positive("distance_km") * 1e3)
    return Ours(per_pulse * parts.source.clock_hz, _WORDS)


def _parts(row: Row) -> Parts:
    """The experiment as a link, with any settings from which a search may start."""
    source = PairingSource(
        row.positive("assumed_clock_hz"),
        (0.45, 0.03),
        (0.28, 0.2, 0.52),
        row.number("assumed_frequency_difference_hz", least=0.0),
        row.number("assumed_linewidth_hz", least=0.0),
    )
    km = row.positive("distance_km")
    return Parts(
        source,
        Fibre(km * 1e3, row.positive("assumed_loss_db") / km, 0.0, row.number("assumed_misalignment", most=0.5)),
        Station(
            row.probability("assumed_det_efficiency"),
            row.probability("assumed_p_dark"),
            phase_drift_rad_per_s=row.number("assumed_drift_rad_per_s", least=0.0),
        ),
        ModePairing(int(row.positive("assumed_n_windows")), 100_000, 0.4),
        Security("mode-pairs", 1e-9, 1e-15, row.number("assumed_f_ec", least=1.0)),
    )


@lru_cache
def _best(parts: Parts, at_m: float) -> float:
    return float(optimum(FAMILY, parts, at_m * np.linspace(0.7, 1.0, 5)).secret_bits_per_pulse[-1])


COMPUTATIONS = (Computation(("amdi2023_*",), _mode_pairing),)
