"""Entangled pairs: a satellite's, whose counts are printed, and sources on fibre, of which little is."""

from __future__ import annotations

import numpy as np

from haris.papers import yin2020
from haris.papers.computation import Computation, Ours
from haris.papers.row import Row
from haris.quantum.emulate.coincidences import pair_rates
from haris.quantum.optics.pair_source import PairSource
from haris.quantum.security.entropy import binary_entropy

_ASYMPTOTIC = "1 - (1 + f) h(QBER) of each sifted bit: the error rates of the two bases are not printed apart."
_FINITE = (
    "Each half of the sifted bits is key and bounds the phase errors of the other by the exact sampling tail at eps^2, "
    "the strict reading; at eps it gives {:.0f} bits. Which tail the authors took is not known to us."
)


def _yin(row: Row, quantity: str) -> Ours | None:
    sifted, qber = row.positive("assumed_sifted_bits"), row.number("qber", least=0.0, most=0.5)
    f_ec, data_s = row.number("f_ec", least=1.0), row.positive("data_s")
    if quantity == "asym_rate_bps":
        return Ours(yin2020.asymptotic_fraction(qber, f_ec) * sifted / data_s, _ASYMPTOTIC)
    epsilon = row.positive("eps")
    strict, loose = (yin2020.finite_key_bits(sifted, qber, f_ec, e) for e in (epsilon**2, epsilon))
    found = {"key_bits": strict, "finite_rate_bps": strict / data_s}
    return Ours(found[quantity], _FINITE.format(loose)) if quantity in found else None


def _fibre(row: Row, quantity: str) -> Ours | None:
    """Equal receivers, both bases alike and both made key, pairs that come independently."""
    if quantity != "rate_bps":
        return None
    window_s, position = row.positive("assumed_window_s"), row.probability("assumed_position")
    loss_db = row.number("assumed_fibre_db_per_km", least=0.0) * row.number("distance_km", least=0.0)
    efficiency, shares = row.probability("assumed_efficiency"), (position, 1.0 - position)
    eta_a, eta_b = (efficiency * 10.0 ** (-share * loss_db / 10.0) for share in shares)
    p_dark = min(row.number("assumed_dark_hz", least=0.0) * window_s, 1.0)
    source = PairSource(1.0 / window_s, row.positive("fitted_pairs_per_s") * window_s, modes=np.inf)
    gain, correlation = pair_rates(source, (eta_a, eta_b), (p_dark, p_dark))
    qber = float((gain - row.probability("assumed_visibility") * correlation) / (2.0 * gain))
    fraction = 1.0 - (1.0 + row.number("assumed_f_ec", least=1.0)) * float(binary_entropy(qber))
    sifted_hz = row.positive("assumed_channels") * 0.5 * float(gain) / window_s
    words = f"Asymptotic, at an error rate of {qber:.1%}; only distance and rate are known to us."
    return Ours(max(sifted_hz * fraction, 0.0), words)


COMPUTATIONS = (
    Computation(("yin2020_micius_1120km", "bbm92_finite"), _yin),
    Computation(("bbm92_*",), _fibre),
)
