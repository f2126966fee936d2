"""Entangled pairs from a satellite to two stations at once."""

from __future__ import annotations

import numpy as np

from haris.nouns.block_counts import joined
from haris.nouns.times import NS_PER_S, read_time
from haris.papers import yin2020
from haris.papers.computation import Computation, Ours
from haris.papers.row import Row
from haris.quantum.optics.pair_receivers import PairReceivers
from haris.quantum.optics.pair_source import PairSource
from haris.quantum.orbit.elements import DAY_S
from haris.quantum.orbit.propagation import MOST_AGE_S
from haris.quantum.orbit.shared_passes import shared_passes
from haris.quantum.orbit.station import Station
from haris.quantum.orbit.tle import read_tle
from haris.quantum.security.key_length import Security
from haris.quantum.space.block_key import MOST_QBER
from haris.quantum.space.channel import SpaceChannel
from haris.quantum.space.pass_key import pass_key
from haris.quantum.space.pass_link import PassLink, PassProtocol


def _two_downlinks(row: Row, quantity: str) -> Ours | None:
    """Pairs to two stations at once: the channel is that of Micius' single downlink, as its own row has it."""
    if quantity not in ("coincidences_hz", "key_bits"):
        return None
    hz, qber = _coincidences(row)
    if quantity == "coincidences_hz":
        return Ours(
            hz,
            "Nothing is fitted to it: divergence, tracking and optics are those of the decoy-state downlink of 2016, "
            "the air of high and dry places is assumed. Mean over two weeks' shared passes by night above the least "
            "elevation, on which it leans: above 13 degrees it would be 2.9, at 1.45 times the published rate; with a "
            "visibility of 15 or 40 km 1.5 or 3.2, and with the printed divergence of 10 urad 8.4.",
        )
    sifted = hz * row.positive("data_s") / 2.0
    bits = yin2020.finite_key_bits(sifted, qber, row.number("f_ec", least=1.0), row.positive("eps") ** 2)
    why = (
        f"Of {sifted:.0f} sifted bits at {qber:.2%} (the source's visibility is fitted to the printed 4.51 %), both "
        "bases made key, by the strict tail; that of `haris pass` is of one basis, and shorter."
    )
    return Ours(bits, why)


def _coincidences(row: Row) -> tuple[float, float]:
    """A second, and the error rate of all of them, over the shared passes by night."""
    a, b = (Station(name, *row[name]) for name in ("delingha", "nanshan"))
    window_s, night = row.positive("assumed_window_s"), read_time("night", row["assumed_night"]) / NS_PER_S
    channel = SpaceChannel(
        wavelength_m=row.positive("wavelength_nm") * 1e-9,
        divergence_rad=row.positive("assumed_divergence_urad") * 1e-6,
        receiver_m=row.positive("rx_aperture_m"),
        pointing_jitter_rad=row.positive("assumed_tracking_urad") * 1e-6,
        optics_db=float(-10.0 * np.log10(row.probability("assumed_ground_optics_efficiency"))),
        visibility_m=row.positive("assumed_visibility_m"),
        view_rad=row.positive("assumed_view_rad"),
        filter_m=row.positive("assumed_filter_m"),
    )
    visibility = row.probability("fitted_visibility")
    source = PairSource(1.0 / window_s, row.positive("pairs_hz") * window_s, visibility, modes=np.inf)
    efficiency, p_dark = row.probability("assumed_det_efficiency"), row.positive("assumed_dark_hz") * window_s
    receivers = PairReceivers(efficiency, efficiency, p_dark, p_dark)
    protocol = PassProtocol(0.5, 5.0, name="bbm92", stations=(a.name, b.name))
    link = PassLink(source, channel, receivers, protocol, Security(epsilon_secrecy=row.positive("eps")))
    stop_s, least_deg = night + row.positive("assumed_days") * DAY_S, row.number("assumed_least_elevation_deg")
    found = shared_passes(read_tle("\n".join(row["elements"])), (a, b), night, stop_s, least_deg, MOST_AGE_S)
    keys = [key for each in found if (key := pass_key(each, link, MOST_AGE_S)).qber <= MOST_QBER]
    counts = joined([key.counts for key in keys])
    return 2.0 * float(counts.sifted_bits) / sum(key.flown.duration_s for key in keys), float(counts.key_qber)


COMPUTATIONS = (Computation(("yin2020_micius_two_downlinks",), _two_downlinks),)
