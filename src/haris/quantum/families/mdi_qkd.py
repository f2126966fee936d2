"""Measurement-device-independent QKD over a fibre with a Bell-state measurement station on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.announcements import Announcements
from haris.nouns.counts import KEY_BASIS
from haris.nouns.errors import ParameterError
from haris.nouns.pair_counts import PairCounts
from haris.quantum.distill.mdi_block import mdi_alice, mdi_bob
from haris.quantum.distill.transcript import Sender
from haris.quantum.emulate.expected_announcements import expected_pair_counts, expected_single_photons
from haris.quantum.emulate.sampled_announcements import announcement_probabilities, emulate_announcements
from haris.quantum.families.family import Family, Knob, Live, Parts, Rate, fibre_of, of
from haris.quantum.optics.bell_station import BellStation
from haris.quantum.optics.source import Source
from haris.quantum.protocols.mdi_qkd import MdiQkd
from haris.quantum.protocols.station import StationAgreement
from haris.quantum.security import curty2014, lo2012
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.key_length import BlockLength, KeyLength
from haris.quantum.security.limits import plob
from haris.quantum.security.pair_decoys import require_pair_decoys
from haris.wire.distillation import LIMITS
from haris.wire.recording import BlockHeader, Octets, read_announcements

NAME = "mdi-qkd"
ROOM = 0.99
"""Of a message, that may be expected to be filled: light varies from block to block."""


def mdi_parts(parts: Parts) -> tuple[Source, BellStation, MdiQkd]:
    """Source of either end, station and protocol. Raises ParameterError on a link of another family."""
    return (
        of(NAME, "source", parts.source, Source),
        of(NAME, "detector", parts.detector, BellStation),
        of(NAME, "protocol", parts.protocol, MdiQkd),
    )


def pair_counts(parts: Parts, at_m: NDArray[np.float64]) -> PairCounts:
    """Expected announcements of one block at each distance."""
    source, station, protocol = mdi_parts(parts)
    return expected_pair_counts(source, fibre_of(NAME, parts), station, protocol, protocol.block_pulses, at_m)


def _check(parts: Parts) -> None:
    source, _, _ = mdi_parts(parts)
    require_pair_decoys(source.intensities)


def _rate(parts: Parts, at_m: NDArray[np.float64]) -> Rate:
    """Each distance is one block of expected counts, with f_ec n h(qber) bits disclosed."""
    counts = pair_counts(parts, at_m)
    key = _key_length(parts, at_m, counts)
    per_pulse = np.asarray(key.length_bits / counts.n_pulses)
    return Rate(
        distance_m=at_m,
        secret_bits_per_pulse=per_pulse,
        secret_bits_per_s=np.asarray(per_pulse * parts.source.clock_hz),
        qber=counts.signal_qber[..., KEY_BASIS],
        plob_per_pulse=plob(parts.channel.transmittance(at_m)),
        key=key,
    )


def _key_length(parts: Parts, at_m: NDArray[np.float64], counts: PairCounts) -> KeyLength:
    _, station, protocol = mdi_parts(parts)
    sifted = counts.clicks[..., KEY_BASIS, 0, 0]
    leaked = parts.security.f_ec * sifted * binary_entropy(counts.signal_qber[..., KEY_BASIS])
    if parts.security.bound == "curty2014":
        return curty2014.secret_key_length(counts, parts.security, leaked)
    single_yield, phase_error = expected_single_photons(fibre_of(NAME, parts), station, at_m)
    return lo2012.asymptotic(counts, protocol.p_key_basis, single_yield, phase_error, leaked)


def agreement(parts: Parts) -> StationAgreement:
    """What both engines agree on; reconciliation begins with the error rate that the model expects.

    Raises ParameterError on blocks of which either end would have to tell more than one message holds.
    """
    source, _, protocol = mdi_parts(parts)
    most = ROOM * LIMITS.message_octets / _octets_told(parts)
    if most < 1.0:
        raise ParameterError(
            f"block_pulses must be at most {most * protocol.block_pulses:.3g} here for live keys, got "
            f"{protocol.block_pulses}: what an end tells of the announced pulses is one message of at most "
            f"{LIMITS.message_octets} octets"
        )
    qber = float(pair_counts(parts, np.asarray(parts.channel.length_m)).signal_qber[KEY_BASIS])
    return StationAgreement(protocol.block_pulses, source.intensities, source.p_intensities, min(qber, 0.25))


def _octets_told(parts: Parts) -> float:
    """Expected octets that an end declares of a block: three bits an announced pulse, and its bit if not secret."""
    source, station, protocol = mdi_parts(parts)
    p = announcement_probabilities(source, fibre_of(NAME, parts), station, protocol, 0.0).sum(axis=(0, 2, 5, 7))
    secret = min(p[KEY_BASIS, 0].sum(), p[:, :, KEY_BASIS, 0].sum())
    return float(protocol.block_pulses * (4.0 * p.sum() - secret) / 8.0) + 1.0


def _expected(parts: Parts, n_pulses: float | None, distance_m: ArrayLike | None) -> PairCounts:
    source, station, protocol = mdi_parts(parts)
    n = protocol.block_pulses if n_pulses is None else n_pulses
    return expected_pair_counts(source, fibre_of(NAME, parts), station, protocol, n, distance_m)


def _length(parts: Parts, counts: PairCounts, leaked_bits: int) -> BlockLength:
    key = curty2014.secret_key_length(counts, parts.security, leaked_bits)
    return BlockLength(int(key.length_bits), key.terms, key.proof)


def _read(role: Sender, header: BlockHeader, octets: Octets, agreed: StationAgreement) -> Announcements:
    return read_announcements(header, octets, len(agreed.intensities))


def _emulate(
    parts: Parts, n_pulses: int, seed: int | bytes, eve_fraction: float
) -> tuple[Announcements, Announcements]:
    source, station, protocol = mdi_parts(parts)
    return emulate_announcements(source, fibre_of(NAME, parts), station, protocol, n_pulses, seed, eve_fraction)


_KNOBS = (
    Knob("intensity 1", 0.05, 1.0),
    Knob("intensity 2", 0.005, 0.5, logarithmic=True),
    Knob("p of intensity 1", 0.02, 0.98),
    Knob("p of intensity 2", 0.01, 0.97),
    Knob("p of the key basis", 0.05, 0.999),
)


def _settings(parts: Parts) -> dict[str, float]:
    source, _, protocol = mdi_parts(parts)
    values = (*source.intensities[:2], *source.p_intensities[:2], protocol.p_key_basis)
    return dict(zip((knob.name for knob in _KNOBS), values, strict=True))


def _turned(parts: Parts, settings: Mapping[str, float]) -> Parts:
    """The first two intensities and their probabilities, and the bases; the weakest intensity stays."""
    source, _, protocol = mdi_parts(parts)
    mu, nu, p_mu, p_nu, p_key = (settings[knob.name] for knob in _KNOBS)
    p = (p_mu, p_nu, 1.0 - p_mu - p_nu)
    if min(p) <= 0.0:
        raise ParameterError(f"p_intensities must be above 0, got {p}")
    turned = Parts(
        replace(source, intensities=(mu, nu, *source.intensities[2:]), p_intensities=p),
        parts.channel,
        parts.detector,
        replace(protocol, p_key_basis=p_key),
        parts.security,
    )
    _check(turned)
    return turned


FAMILY = Family(
    name=NAME,
    title="measurement-device-independent QKD, decoy states, a Bell-state measurement station on the way",
    source=Source,
    detector=BellStation,
    protocol=MdiQkd,
    bounds={"curty2014": curty2014.PROOF, "asymptotic": lo2012.PROOF},
    check=_check,
    rate=_rate,
    emulate=_emulate,
    live=Live(("curty2014",), agreement, _expected, _length, mdi_alice, mdi_bob, _read),
    knobs=_KNOBS,
    settings=_settings,
    turned=_turned,
)
