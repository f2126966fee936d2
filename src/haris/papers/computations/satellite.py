"""Satellites: a pass and its key, and turbulence."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

import numpy as np

from haris.nouns.times import NS_PER_S, read_time
from haris.papers import satquma
from haris.papers.computation import Computation, Ours, at_km
from haris.papers.row import Row
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.free_space.path import FreeSpacePath
from haris.quantum.optics.free_space.turbulence import (
    Turbulence,
    fried_parameter_m,
    isoplanatic_angle_rad,
    rytov_variance,
)
from haris.quantum.optics.source import Source
from haris.quantum.orbit.elements import DAY_S
from haris.quantum.orbit.passes import Pass, passes
from haris.quantum.orbit.propagation import MOST_AGE_S
from haris.quantum.orbit.station import Station
from haris.quantum.orbit.tle import read_tle
from haris.quantum.security.key_length import Security
from haris.quantum.space.channel import SpaceChannel
from haris.quantum.space.optimised import named
from haris.quantum.space.pass_key import PassKey, pass_key
from haris.quantum.space.pass_link import PassLink, PassProtocol


def _micius(row: Row, quantity: str) -> Ours | float | None:
    """The pass by public elements, and its key by the printed budget."""
    if quantity in ("sifted_bits", "qber_avg", "final_key_bits"):
        key = _key(row)
        value = {"sifted_bits": key.sifted_bits, "qber_avg": key.qber, "final_key_bits": float(key.secret_bits)}
        why = (
            f"Assumed: visibility of {row.positive('assumed_visibility_m') / 1e3:g} km, light of half a Moon in "
            f"{row.positive('assumed_view_rad') * 1e6:g} urad and {row.positive('assumed_filter_m') * 1e9:g} nm, "
            "a divergence that gives the printed 22 dB of diffraction, a block of fixed length with f_ec 1.2."
        )
        return Ours(value[quantity], why)
    flown = _pass(row, 10.0)
    times = np.linspace(flown.rise_s, flown.set_s, 20001)
    seen = flown.sight_at(times)
    why = "SGP4 from elements of space-track.org of the day before"
    if quantity == "pass_s":
        return Ours(float(np.count_nonzero(seen.range_m < 1.2e6) * (times[1] - times[0])), f"inside 1200 km; {why}")
    if quantity == "min_range_km":
        return Ours(flown.min_range_m / 1e3, why)
    if quantity == "max_elevation_deg":
        return Ours(flown.max_elevation_deg, why)
    if quantity == "range_rate_km_per_s":
        return Ours(float(np.abs(seen.range_rate_m_per_s).max()) / 1e3, f"above 10 degrees; {why}")
    return None


@lru_cache(maxsize=8)
def _found(lines: tuple[str, ...], place: tuple[float, float, float], night: str, least_deg: float) -> Pass:
    start_s = read_time("night", night) / NS_PER_S
    return passes(read_tle("\n".join(lines)), Station("station", *place), start_s, start_s + DAY_S / 2.0, least_deg)[0]


def _pass(row: Row, least_deg: float) -> Pass:
    place = tuple(row.number(name) for name in ("latitude_deg", "longitude_deg", "height_m"))
    return _found(tuple(row["elements"]), (place[0], place[1], place[2]), row["night"], least_deg)


def _micius_loss(row: Row, quantity: str) -> Ours | float | None:
    """Loss at a range after the highest point, detectors apart, and the parts that the paper prints."""
    name, km = at_km(quantity)
    if km is None or name not in ("loss_db", "diffraction_db", "pointing_db", "air_db"):
        return None
    flown = _pass(row, 10.0)
    seen = flown.sight_at(np.linspace(flown.culmination_s, flown.set_s, 2001))
    elevation = np.interp(1e3 * km, seen.range_m, seen.elevation_deg)
    channel = _downlink(row, "fitted_visibility_m")
    parts = {name: -10.0 * np.log10(share) for name, share in channel.parts(1e3 * km, elevation).items()}
    why = f"At {elevation:.1f} degrees."
    return Ours(float(sum(parts.values()) if name == "loss_db" else parts[name.removesuffix("_db")]), why)


def _level_path(row: Row, quantity: str) -> Ours | None:
    """Loss of a path on the ground, detectors apart; of two photons twice that."""
    if quantity not in ("loss_db", "loss_db_two_photons"):
        return None
    aperture = row.positive("tx_aperture_m" if "tx_aperture_m" in row.values else "assumed_tx_aperture_m")
    path = FreeSpacePath(
        length_m=1e3 * row.positive("length_km"),
        wavelength_m=row.positive("assumed_wavelength_nm") * 1e-9,
        waist_m=row.positive("assumed_waist_over_aperture") * aperture,
        receiver_m=row.positive("rx_aperture_m"),
        visibility_m=row.positive("assumed_visibility_m"),
        optics_db=row.positive("assumed_optics_db"),
        cn2=row.positive("assumed_cn2"),
    )
    parts = {name: -10.0 * np.log10(share) for name, share in path.parts().items()}
    why = "A photon: " + ", ".join(f"{name} {db:.1f} dB" for name, db in parts.items() if db > 0.05)
    return Ours(float(sum(parts.values())) * (2.0 if quantity.endswith("two_photons") else 1.0), why)


def _key(row: Row) -> PassKey:
    clock_hz, window_s = row.positive("clock_hz"), row.positive("time_window_s")
    channel = replace(
        _downlink(row, "assumed_visibility_m"),
        view_rad=row.positive("assumed_view_rad"),
        filter_m=row.positive("assumed_filter_m"),
        night_radiance=row.positive("assumed_night_radiance"),
    )
    detector = Detector(
        row.probability("det_efficiency"),
        row.positive("dark_counts_hz_max") * window_s,
        jitter_s=row.positive("jitter_s"),
        gate_s=window_s,
    )
    security = Security(epsilon_secrecy=row.positive("eps"), f_ec=row.positive("assumed_f_ec"))
    source = Source(clock_hz, tuple(row["mu"]), tuple(row["p_mu"]))
    link = PassLink(source, channel, detector, PassProtocol(0.5), security)
    return pass_key(_pass(row, row.number("assumed_least_elevation_deg")), link, MOST_AGE_S)


def _downlink(row: Row, visibility: str) -> SpaceChannel:
    """visibility: name of its value."""
    return SpaceChannel(
        wavelength_m=row.positive("wavelength_nm") * 1e-9,
        divergence_rad=row.positive("fitted_divergence_urad") * 1e-6,
        receiver_m=row.positive("rx_aperture_m"),
        pointing_jitter_rad=row.positive("tracking_urad") * 1e-6,
        optics_db=float(-10.0 * np.log10(row.probability("ground_optics_efficiency"))),
        visibility_m=row.positive(visibility),
        misalignment=1.0 / row.positive("polarization_contrast"),
    )


def _itu(row: Row, quantity: str) -> float | None:
    if quantity != "value_np2":
        return None
    of = Turbulence(
        row.positive("vrms_m_s"),
        row.positive("c0_m_m23"),
        row.positive("path_bottom_m"),
        row.positive("path_top_m"),
    )
    return float(rytov_variance(of, row.positive("wavelength_nm") * 1e-9, row.number("elevation_deg")))


def _hufnagel_valley(row: Row, quantity: str) -> float | None:
    of, wavelength_m = Turbulence(bottom_m=1e-3), row.positive("wavelength_nm") * 1e-9
    if quantity == "r0_cm":
        return 100.0 * float(fried_parameter_m(of, wavelength_m))
    return 1e6 * float(isoplanatic_angle_rad(of, wavelength_m)) if quantity == "theta0_urad" else None


def _optimum(row: Row, quantity: str) -> Ours | None:
    """Settings that give most key, by the counts and the bound of the program that is compared with."""
    found = re.fullmatch(r"bits_at_(\d+)_deg", quantity)
    if found is None:
        return None
    best = satquma.best(row, float(found[1]))
    told = ", ".join(f"{name} {value:.4g}" for name, value in named(best.settings).items())
    return Ours(float(int(best.bits)), f"ours: {told}")


COMPUTATIONS = (
    Computation(("satquma2_optimum",), _optimum),
    Computation(("liao2017_micius_link_loss",), _micius_loss),
    Computation(("liao2017_micius_pass_*",), _micius),
    Computation(("level_path_loss",), _level_path),
    Computation(("itu_p1622_*",), _itu),
    Computation(("hv57_*",), _hufnagel_valley),
)
