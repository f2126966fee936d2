"""The keys of very many passes: those of pass_key on arrays, for plans.

A pass is summed at few moments (Gauss and Legendre's) in place of its slots, and passes whose sky is so bright that
reconciliation would disclose all that was sifted are not summed at all. Against `pass_key`, secret bits are within
0.5 % wherever a key is more than a hundredth of what was sifted; the tests hold it to that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haris.nouns.counts import KEY_BASIS
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.source import Source
from haris.quantum.orbit.elements import DAY_S, Elements
from haris.quantum.orbit.many_passes import ManyPasses
from haris.quantum.orbit.propagation import MOST_AGE_S, inertial_states
from haris.quantum.orbit.station import WGS84_RADIUS_M
from haris.quantum.orbit.sun import ASTRONOMICAL_UNIT_M, sun_position_m
from haris.quantum.orbit.time_scales import EARTH_ROTATION_RAD_PER_S, sidereal_angle_rad
from haris.quantum.security.bounds import key_length
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.space.pass_key import LEAST_ELEVATION_DEG, counts_of, matched_rates
from haris.quantum.space.pass_link import PassLink

Floats = NDArray[np.float64]
NODES = 6
"""Moments of a panel."""
PANEL_S = 900.0
"""A pass that lasts longer is summed in several panels."""
_AT_ONCE = 2000
"""Panels whose arrays stay in the cache."""
_SECANTS, _INSIDE_S = 3, 1.0
_NEARLY_ROUND = 0.02
_PARALLAX_RAD = WGS84_RADIUS_M / ASTRONOMICAL_UNIT_M
"""Of the Sun on the horizon."""
_MARGIN = 1.2
"""Of the transmittance at the highest point, for the best of the pass."""


@dataclass(frozen=True, slots=True)
class ManyKeys:
    """What passes give, arrays of shape (n,) in the order of passes.

    sifted_bits, qber, secret_bits: as of PassKey. sifted_bits and qber are not a number where the sky is too bright for
    any key (secret_bits is 0).
    """

    passes: ManyPasses
    sifted_bits: Floats
    qber: Floats
    secret_bits: NDArray[np.int64]


def many_keys(passes: ManyPasses, link: PassLink, most_age_s: float = MOST_AGE_S) -> ManyKeys:
    """Expected key of every pass, one block each, by the bound of the link's security. Raises as inertial_states."""
    sifted, qber = np.full(len(passes), np.nan), np.full(len(passes), np.nan)
    secret = np.zeros(len(passes), dtype=np.int64)
    alive = np.flatnonzero(~_hopeless(passes, link))
    alive = alive[np.argsort(passes.satellite[alive], kind="stable")]
    borders = np.searchsorted(passes.satellite[alive], np.arange(len(passes.satellites) + 1))
    for satellite, first, last in zip(passes.satellites, borders[:-1], borders[1:], strict=True):
        of = alive[first:last]
        if not of.size:
            continue
        matched = _matched_clicks(satellite, passes.taken(of), link, most_age_s)
        n_pulses = link.source.clock_hz * float(np.max(passes.set_s[of] - passes.rise_s[of]))  # no bound reads it
        counts = counts_of(link.source, link.protocol.p_key_basis, n_pulses, matched)
        sifted[of], qber[of] = counts.clicks.sum(axis=(-2, -1)), counts.qber[:, KEY_BASIS]
        secret[of] = key_length(counts, link.security).length_bits
    return ManyKeys(passes, sifted, qber, secret)


def _hopeless(passes: ManyPasses, link: PassLink) -> NDArray[np.bool_]:
    """Whether a pass cannot give a key: even at its best moment, f_ec h(qber) is at least 1.

    The error rate of the block is no less than that of its best moment, and no bound gives more than what was sifted
    less what was disclosed. Tried for nearly round orbits and passes of one panel alone.
    """
    round_one = np.array([each.eccentricity < _NEARLY_ROUND for each in passes.satellites], dtype=np.bool_)
    tried = np.flatnonzero(round_one[passes.satellite] & (passes.set_s - passes.rise_s < PANEL_S))
    hopeless = np.zeros(len(passes), dtype=np.bool_)
    for start in range(0, tried.size, 10 * _AT_ONCE):
        of = passes.taken(tried[start : start + 10 * _AT_ONCE])
        _, up = _places(of)
        ends = np.stack([of.rise_s, of.set_s], axis=1)
        sun = _sun_elevation_deg(of.culmination_s, ends, up).min(axis=1)
        best = np.minimum(_MARGIN * link.channel.transmittance(of.range_m, _shown(of.max_elevation_deg)), 1.0)
        rates = matched_rates(*_setting(link), best, link.channel.background_photons(sun, link.open_s)).sum(axis=1)
        wrong = rates[:, 1] + 0.5 * rates[:, 2]
        clicks = rates.sum(axis=1)
        error = np.minimum(np.divide(wrong, clicks, out=np.zeros_like(wrong), where=clicks > 0.0), 0.5)
        hopeless[tried[start : start + 10 * _AT_ONCE]] = link.security.f_ec * binary_entropy(error) >= 1.0
    return hopeless


def _matched_clicks(satellite: Elements, passes: ManyPasses, link: PassLink, most_age_s: float) -> Floats:
    """Sums of matched_rates over the pulses of each pass of one satellite, shape (n, k, 3)."""
    rise_s, set_s = _shown_span(satellite, passes, most_age_s)
    duration = set_s - rise_s
    panels = np.maximum(np.ceil(duration / PANEL_S), 1.0).astype(np.int64)
    firsts = np.cumsum(panels) - panels
    of = np.repeat(np.arange(len(passes)), panels)
    each = (duration / panels)[of]
    start = rise_s[of] + each * (np.arange(of.size) - firsts[of])
    # Light falls off from the highest point as 1/(1 + (t/w)^2): in t = w sinh(x) it is smooth.
    speed_m_per_s = 2.0 * np.pi * satellite.semi_major_axis_m / satellite.period_s
    width = (passes.range_m / speed_m_per_s)[of]
    low = np.arcsinh((start - passes.culmination_s[of]) / width)
    high = np.arcsinh((start + each - passes.culmination_s[of]) / width)
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    x = (low + high)[:, None] / 2.0 + (high - low)[:, None] / 2.0 * nodes
    times = passes.culmination_s[of][:, None] + width[:, None] * np.sinh(x)
    seconds = (high - low)[:, None] / 2.0 * weights * width[:, None] * np.cosh(x)
    sums = np.concatenate(
        [
            _panels(satellite, passes.taken(of[part]), times[part], seconds[part], link, most_age_s)
            for part in (slice(i, i + _AT_ONCE) for i in range(0, of.size, _AT_ONCE))
        ]
    )
    return np.asarray(link.source.clock_hz * np.add.reduceat(sums, firsts, axis=0))


def _shown_span(satellite: Elements, passes: ManyPasses, most_age_s: float) -> tuple[Floats, Floats]:
    """Start and end of each pass of one satellite, (n,), of what lies above the least elevation that the channel knows.

    An end that lies below is moved by the secant through it and a moment inside, anew from where that leads.
    """
    ends = np.stack([passes.rise_s, passes.set_s], axis=1)
    if passes.least_elevation_deg >= LEAST_ELEVATION_DEG:
        return ends[:, 0], ends[:, 1]
    top = passes.culmination_s[:, None]
    least, most = np.minimum(ends, top), np.maximum(ends, top)
    for _ in range(_SECANTS):
        inside = np.clip(ends + np.array([_INSIDE_S, -_INSIDE_S]), least, most)
        moments = np.concatenate([ends, inside], axis=1)
        _, elevation = _seen(satellite, passes, moments, most_age_s)
        at, then = elevation[:, :2], elevation[:, 2:]
        slope = np.divide(then - at, inside - ends, out=np.full_like(at, np.inf), where=inside != ends)
        ends = np.clip(ends + (LEAST_ELEVATION_DEG - at) / slope, least, most)
    return ends[:, 0], ends[:, 1]


def _panels(
    satellite: Elements, passes: ManyPasses, times: Floats, seconds: Floats, link: PassLink, most_age_s: float
) -> Floats:
    """Sums of matched_rates times seconds over the moments (p, q) of each panel, shape (p, k, 3)."""
    range_m, elevation = _seen(satellite, passes, times, most_age_s)
    transmittance = link.channel.transmittance(range_m, _shown(elevation))
    _, up = _places(passes)
    sun = _sun_elevation_deg(times[:, NODES // 2], times, up)
    background = link.channel.background_photons(sun, link.open_s)
    rates = matched_rates(*_setting(link), transmittance.ravel(), background.ravel())
    lit = np.where(elevation >= LEAST_ELEVATION_DEG, seconds, 0.0)
    return np.asarray(np.einsum("pq,pqki->pki", lit, rates.reshape(*times.shape, *rates.shape[1:])))


def _seen(satellite: Elements, passes: ManyPasses, times: Floats, most_age_s: float) -> tuple[Floats, Floats]:
    """Range and elevation of one satellite at moments (p, q) of its passes, (p, q) each."""
    there = inertial_states([satellite], times.ravel(), most_age_s).position_m[0].reshape(*times.shape, 3)
    place, up = _places(passes)
    middle = times[:, times.shape[1] // 2]
    x, y = _turned(there[..., 0], there[..., 1], _angle(middle, times))
    x, y, z = x - place[:, 0, None], y - place[:, 1, None], there[..., 2] - place[:, 2, None]
    range_m = np.sqrt(x * x + y * y + z * z)
    sine = (x * up[:, 0, None] + y * up[:, 1, None] + z * up[:, 2, None]) / range_m
    return range_m, np.degrees(np.arcsin(np.clip(sine, -1.0, 1.0)))


def _places(passes: ManyPasses) -> tuple[Floats, Floats]:
    """Where the station of each pass stands, and its vertical, (n, 3) each, in the frame that turns with the Earth."""
    place = np.array([each.position_m for each in passes.stations]).reshape(-1, 3)
    up = np.array([each.axes[2] for each in passes.stations]).reshape(-1, 3)
    return place[passes.station], up[passes.station]


def _angle(moment: Floats, times: Floats) -> Floats:
    """How far the Earth has turned at times (p, q) near a moment (p,)."""
    return np.asarray(sidereal_angle_rad(moment)[:, None] + EARTH_ROTATION_RAD_PER_S * (times - moment[:, None]))


def _turned(x: Floats, y: Floats, angle: Floats) -> tuple[Floats, Floats]:
    cos, sin = np.cos(angle), np.sin(angle)
    return cos * x + sin * y, cos * y - sin * x


def _sun_elevation_deg(moment: Floats, times: Floats, up: Floats) -> Floats:
    """At times (p, q) minutes from a moment (p,), the Sun going on straight from where it stands then.

    Twilight grows by a factor of e in a degree: a hundredth of a degree is a hundredth of the noise.
    """
    sun = sun_position_m(moment) / ASTRONOMICAL_UNIT_M
    way = sun_position_m(moment + DAY_S) / ASTRONOMICAL_UNIT_M - sun
    share = (times - moment[:, None]) / DAY_S
    x, y, z = (sun[:, i, None] + share * way[:, i, None] for i in range(3))
    x, y = _turned(x, y, _angle(moment, times))
    sine = x * up[:, 0, None] + y * up[:, 1, None] + z * up[:, 2, None]
    sine /= np.sqrt(np.einsum("pi,pi->p", sun, sun))[:, None]
    sine -= _PARALLAX_RAD * (1.0 - sine * sine)
    return np.asarray(np.degrees(np.arcsin(np.clip(sine, -1.0, 1.0))))


def _shown(elevation_deg: Floats) -> Floats:
    """Elevations that the channel knows."""
    return np.maximum(elevation_deg, LEAST_ELEVATION_DEG)


def _setting(link: PassLink) -> tuple[Source, Detector, float, float]:
    return link.source, link.detector, link.protocol.p_key_basis, link.channel.misalignment
