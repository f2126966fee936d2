"""Mode pairing, or asynchronous measurement-device-independent QKD: heralded windows are paired afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import pi

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError
from haris.nouns.mode_pair_counts import ModePairCounts
from haris.nouns.mode_windows import ModeWindows
from haris.quantum.distill.mode_tally import tally
from haris.quantum.emulate.mode_pairs import expected_counts
from haris.quantum.emulate.sampled_modes import emulate_modes
from haris.quantum.families.family import Family, Knob, Parts, Rate, of
from haris.quantum.optics.pairing_source import PairingSource
from haris.quantum.optics.station import Station
from haris.quantum.protocols.mode_pairing import ModePairing
from haris.quantum.security.limits import plob
from haris.quantum.security.mode_pairing import PROOFS, key_length

NAME = "mode-pairing"


def _parts(parts: Parts) -> tuple[PairingSource, Station, ModePairing]:
    return (
        of(NAME, "source", parts.source, PairingSource),
        of(NAME, "detector", parts.detector, Station),
        of(NAME, "protocol", parts.protocol, ModePairing),
    )


def _check(parts: Parts) -> None:
    _parts(parts)


def _rate(parts: Parts, at_m: NDArray[np.float64]) -> Rate:
    """Each distance is one block of expected counts, with f_ec n h(qber) bits disclosed."""
    source, station, protocol = _parts(parts)
    counts = expected_counts(source, parts.channel, station, protocol, protocol.block_pulses, at_m)
    key = key_length(counts, parts.security)
    per_pulse = np.asarray(key.length_bits / protocol.block_pulses)
    return Rate(
        distance_m=at_m,
        secret_bits_per_pulse=per_pulse,
        secret_bits_per_s=np.asarray(per_pulse * source.clock_hz),
        qber=counts.qber,
        plob_per_pulse=plob(parts.channel.transmittance(at_m)),
        key=key,
    )


def measured_counts(parts: Parts, alice: ModeWindows, bob: ModeWindows) -> ModePairCounts:
    """Counts of a block from both ends' halves. Raises PeerError when they hold different announcements."""
    source, _, protocol = _parts(parts)
    found = tally(alice, bob, protocol)
    mu, nu = source.intensities
    p_mu, p_nu, p_none = source.p_intensities
    return ModePairCounts(
        n_pulses=alice.n_pulses,
        intensities=(mu, nu),
        p_intensities=(p_mu, p_nu, p_none),
        p_slice=protocol.p_in_slices,
        z=found.z,
        key_errors=found.key_errors,
        lone=found.lone,
        slice_clicks=found.slice_clicks,
        slice_errors=found.slice_errors,
    )


def _emulate(parts: Parts, n_pulses: int, seed: int | bytes, eve_fraction: float) -> tuple[ModeWindows, ModeWindows]:
    source, station, protocol = _parts(parts)
    return emulate_modes(source, parts.channel, station, protocol, n_pulses, seed, eve_fraction)


_KNOBS = (
    Knob("intensity mu", 0.05, 1.0),
    Knob("intensity nu", 0.003, 0.3, logarithmic=True),
    Knob("p of mu", 0.02, 0.7),
    Knob("p of nu", 0.01, 0.7, logarithmic=True),
    Knob("longest interval, pulses", 10.0, 1e7, logarithmic=True),
    Knob("phase slice", pi / 32.0, pi / 2.0),
)


def _settings(parts: Parts) -> dict[str, float]:
    source, _, protocol = _parts(parts)
    most, width = float(protocol.max_interval_pulses), protocol.phase_slice_rad
    values = (*source.intensities, *source.p_intensities[:2], most, width)
    return dict(zip((knob.name for knob in _KNOBS), values, strict=True))


def _turned(parts: Parts, settings: Mapping[str, float]) -> Parts:
    source, _, protocol = _parts(parts)
    mu, nu, p_mu, p_nu, most, width = (settings[knob.name] for knob in _KNOBS)
    p = (p_mu, p_nu, 1.0 - p_mu - p_nu)
    if min(p) <= 0.0:
        raise ParameterError(f"p_intensities must be above 0, got {p}")
    return Parts(
        replace(source, intensities=(mu, nu), p_intensities=p),
        parts.channel,
        parts.detector,
        replace(protocol, max_interval_pulses=round(most), phase_slice_rad=width),
        parts.security,
    )


FAMILY = Family(
    name=NAME,
    title="mode pairing (asynchronous measurement-device-independent), two decoys, no phase locking",
    source=PairingSource,
    detector=Station,
    protocol=ModePairing,
    bounds=PROOFS,
    check=_check,
    rate=_rate,
    emulate=_emulate,
    ignores=("detector.reference_interval_s", "detector.reference_photons"),
    knobs=_KNOBS,
    settings=_settings,
    turned=_turned,
)
