"""The light of a pass beside its key: clouds, fading, outage, and the budget at its highest point."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from haris.quantum.optics.free_space.fading import Fading
from haris.quantum.optics.free_space.turbulence import fried_parameter_m, isoplanatic_angle_rad
from haris.quantum.optics.slot_path import SlotPath
from haris.quantum.optics.source import Source
from haris.quantum.orbit.point_ahead import point_ahead_rad
from haris.quantum.orbit.propagation import inertial_states, states
from haris.quantum.orbit.station import LIGHT_M_PER_S, doppler_shift_hz
from haris.quantum.orbit.sun import is_sunlit
from haris.quantum.space.block_key import MOST_QBER
from haris.quantum.space.pass_key import PassKey, Slots, counts_through
from haris.quantum.space.pass_link import PassLink, block_key

Floats = NDArray[np.float64]
MARGIN_P = 0.01
"""A fading margin is missed this share of the time."""
GRID = np.logspace(-18.0, 0.0, 1801)
"""Of transmittances, on which the least one is sought."""
LEVELS = 8
"""Of scintillation, and as many of a beam that moves, in each slot of a key under fading."""


@dataclass(frozen=True, slots=True)
class PassLight:
    """What the light of a pass meets.

    clear_probability: as of the function. sunlit: share of the pass in which the Sun
    shines on the satellite. outage: share of the pass in which the light has faded below what gives a key at all.
    faded_bits: secret bits where the light fades about the mean that the key was computed with.
    highest: of the slot nearest to the highest point.
    """

    clear_probability: float
    sunlit: float
    outage: float
    faded_bits: int
    highest: Budget


@dataclass(frozen=True, slots=True)
class Budget:
    """One slot's light: losses in decibels by name, and what else an engineer asks for, at unix_s.

    fading_margin_db: by which the light falls below its mean 1 % of the time. scintillation_index: variance over the
    mean squared, at the receiver's aperture. background_photons: in a gate, at the detectors.
    doppler_hz: how much higher the light arrives than it was sent. point_ahead_rad: of a beam that goes up.
    isoplanatic_rad: within it, what comes down tells of the air that goes up meets.
    """

    unix_s: float
    range_m: float
    elevation_deg: float
    losses_db: dict[str, float]
    beam_radius_m: float
    fading_margin_db: float
    scintillation_index: float
    fried_m: float
    isoplanatic_rad: float
    background_photons: float
    doppler_hz: float
    point_ahead_rad: float


def clear_probability(slots: Slots, link: PassLink) -> float:
    """Share of the light that no cloud stops, on average over days: each slot counts by its light.

    Of two stations both must be clear, and the clouds of one tell nothing of the other's.
    """
    if slots.unix_s.size == 0:
        return 0.0
    light, clear = slots.whole, link.channel.p_clear(slots.sight.elevation_deg)
    if slots.other is not None:
        clear = clear * link.channel.p_clear(slots.other.sight.elevation_deg)
    return min(float(np.sum(light / max(float(light.sum()), np.finfo(float).tiny) * clear)), 1.0)


def pass_light(of: PassKey, link: PassLink, most_age_s: float) -> PassLight | None:
    """The light of a pass; None of one without a slot above the horizon. Raises as states does."""
    slots, channel = of.slots, link.channel
    if slots.unix_s.size == 0:
        return None
    fading = channel.fading(slots.sight.range_m, slots.sight.elevation_deg)
    lit = is_sunlit(inertial_states([of.flown.satellite], slots.unix_s, most_age_s).position_m, slots.unix_s)
    return PassLight(
        clear_probability=clear_probability(slots, link),
        sunlit=float(np.mean(lit)),
        outage=float(
            np.mean(fading.p_below(least_transmittance(slots, link) / np.maximum(slots.transmittance, 1e-300)))
        ),
        faded_bits=_faded_bits(slots, link, fading),
        highest=_budget(of, link, most_age_s, fading),
    )


def least_transmittance(slots: Slots, link: PassLink) -> Floats:
    """Transmittance at which noise lifts the error rate of the key basis to MOST_QBER, by slot; inf where any does.

    Of sources with intensities, the error rate of signal pulses.
    """
    if isinstance(link.source, Source):
        signal = replace(link.source, intensities=link.source.intensities[:1], p_intensities=(1.0,))
        parts = replace(link.parts(SlotPath(GRID, link.channel.misalignment), link.detector), source=signal)
    else:
        parts = link.parts(SlotPath(GRID, link.channel.misalignment), link.detector)
    skies, sky = np.unique(slots.background, return_inverse=True)
    least = np.full(slots.unix_s.shape, np.inf)
    for i, photons in enumerate(skies):
        errors = link.varying.counts(replace(parts, detector=link.detector.lit(float(photons))), 1.0).key_qber
        bright = np.flatnonzero(errors <= MOST_QBER)
        if bright.size:
            first = max(int(bright[0]), 1)
            ends = slice(first - 1, first + 1)
            log = np.interp(-MOST_QBER, -errors[ends], np.log(GRID[ends]))
            least[sky == i] = np.exp(log)
    return least


def _faded_bits(slots: Slots, link: PassLink, fading: Fading) -> int:
    """The key's length with counts averaged over levels of fading: each lasts longer than any dead time."""
    faded = slots.transmittance[:, None] * fading.levels(LEVELS)
    sky = np.broadcast_to(slots.background[:, None], faded.shape)
    slot_s = slots.duration_s / faded.shape[-1]
    counts = counts_through(link, slot_s, np.minimum(faded, 1.0).ravel(), sky.ravel())
    return int(block_key(link, counts).length_bits)


def _budget(of: PassKey, link: PassLink, most_age_s: float, fading: Fading) -> Budget:
    slots, channel = of.slots, link.channel
    at = int(np.argmax(slots.sight.elevation_deg))
    away, elevation = float(slots.sight.range_m[at]), float(slots.sight.elevation_deg[at])
    here = fading.part(slice(at, at + 1))
    seen = states([of.flown.satellite], slots.unix_s[at : at + 1], most_age_s)
    frequency_hz = LIGHT_M_PER_S / channel.wavelength_m
    return Budget(
        unix_s=float(slots.unix_s[at]),
        range_m=away,
        elevation_deg=elevation,
        losses_db={
            name: float(-10.0 * np.log10(np.maximum(part, 1e-300)))
            for name, part in channel.parts(away, elevation).items()
        },
        beam_radius_m=float(channel.beam_radius_m(away, elevation)),
        fading_margin_db=float(here.margin_db(MARGIN_P)[0]),
        scintillation_index=float(np.expm1(here.log_variance[0])),
        fried_m=float(fried_parameter_m(channel.turbulence, channel.wavelength_m, elevation)),
        isoplanatic_rad=float(isoplanatic_angle_rad(channel.turbulence, channel.wavelength_m, elevation)),
        background_photons=float(slots.background[at]),
        doppler_hz=float(doppler_shift_hz(slots.sight.range_rate_m_per_s[at], frequency_hz)),
        point_ahead_rad=float(point_ahead_rad(of.flown.station, seen)[0, 0]),
    )
