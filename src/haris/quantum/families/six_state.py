"""The six-state protocol over a fibre, with decoy states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.counts import DecoyCounts
from haris.nouns.errors import ParameterError
from haris.nouns.photon_counts import PhotonCounts
from haris.nouns.rounds import Rounds
from haris.quantum.distill.sift import hold_off_gates
from haris.quantum.distill.six_state_block import six_state_alice, six_state_bob
from haris.quantum.distill.transcript import Sender
from haris.quantum.emulate.expected import expected_counts as counts_of
from haris.quantum.emulate.photon_numbers import expected_photon_counts
from haris.quantum.emulate.sampled_six_state import emulate_six_state
from haris.quantum.families.family import AIR_OR_FIBRE, Family, Knob, Live, Parts, Rate, Varying, exposed, of
from haris.quantum.families.photon_rate import photon_rate, require_signal
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.source import Source
from haris.quantum.protocols.bb84 import Agreement, DecoyBB84
from haris.quantum.protocols.six_state import SixState
from haris.quantum.security import lo2001
from haris.quantum.security.bounds import estimated_leakage
from haris.quantum.security.decoys import require_decoys
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.key_length import BlockLength, KeyLength
from haris.quantum.security.variable_length_six_state import PROOF as FINITE
from haris.quantum.security.variable_length_six_state import secret_key_length
from haris.wire.recording import BlockHeader, Octets, read_rounds

NAME = "six-state"


def six_state_parts(parts: Parts) -> tuple[Source, Detector, SixState]:
    """Source, detector and protocol. Raises ParameterError on a link of another family."""
    return (
        of(NAME, "source", parts.source, Source),
        exposed(parts, of(NAME, "detector", parts.detector, Detector)),
        of(NAME, "protocol", parts.protocol, SixState),
    )


def photon_counts(parts: Parts, at_m: NDArray[np.float64]) -> PhotonCounts:
    """Expected key bits of one block at each distance, of all intensities, single photons told apart."""
    source, detector, protocol = six_state_parts(parts)
    n = protocol.block_pulses
    k = len(source.intensities)
    return expected_photon_counts(source, parts.channel, detector, protocol.sifting, 1, n, at_m, k)


def expected_counts(parts: Parts, n_pulses: float | None = None, distance_m: ArrayLike | None = None) -> DecoyCounts:
    """Expected sifted counts of n_pulses (None: one block), float64, shape distance_m.shape + (2, k).

    Both test bases together. The fibre errs alike in all three, so they are BB84's, but for the test rounds in which
    the ends took two different test bases: half of them.
    """
    source, detector, protocol = six_state_parts(parts)
    n = protocol.block_pulses if n_pulses is None else n_pulses
    two_bases = agreement(parts).protocol
    counts = counts_of(source, parts.channel, detector, two_bases, n, distance_m)
    kept = np.array([1.0, 0.5])[:, None]
    return replace(counts, clicks=kept * counts.clicks, errors=kept * counts.errors)


def agreement(parts: Parts) -> Agreement:
    """What both engines agree on: that of BB84 with as much of the key basis."""
    source, detector, protocol = six_state_parts(parts)
    return Agreement(
        protocol=DecoyBB84(protocol.p_key_basis, protocol.block_pulses),
        clock_hz=source.clock_hz,
        intensities=source.intensities,
        p_intensities=source.p_intensities,
        dead_time_s=detector.dead_time_s,
        gate_s=detector.gate_s,
    )


def _check(parts: Parts) -> None:
    source, detector, _ = six_state_parts(parts)
    require_signal(source, detector)
    if parts.security.bound == "variable-length":
        require_decoys(source.intensities)


def _rate(parts: Parts, at_m: NDArray[np.float64]) -> Rate:
    """Each distance is one block of expected counts, with f_ec n h(qber) bits disclosed."""
    counts = photon_counts(parts, at_m)
    if parts.security.bound == "asymptotic":
        leaked = parts.security.f_ec * counts.sifted * binary_entropy(counts.qber)
        # The fibre errs alike in all three bases.
        return photon_rate(parts, at_m, counts, lo2001.asymptotic(counts, counts.photon_qber[..., 0], leaked))
    return photon_rate(parts, at_m, counts, _key(parts, expected_counts(parts, distance_m=at_m)))


def _key(parts: Parts, counts: DecoyCounts) -> KeyLength:
    """By the bound for finite blocks, with f_ec n h(qber) bits disclosed."""
    return secret_key_length(counts, parts.security, estimated_leakage(counts, parts.security.f_ec))


def _length(parts: Parts, counts: DecoyCounts, leaked_bits: int) -> BlockLength:
    key = secret_key_length(counts, parts.security, leaked_bits)
    return BlockLength(int(key.length_bits), key.terms, key.proof)


def _read(role: Sender, header: BlockHeader, octets: Octets, agreed: Agreement) -> Rounds:
    """ParameterError on clicks in the dead time of another, too: the proof wants them dropped before."""
    n_settings, n_values = (3 * len(agreed.intensities), 2) if role is Sender.ALICE else (3, 3)
    half = read_rounds(header, octets, n_settings, n_values)
    if np.any(np.diff(half.index) <= (hold_off := hold_off_gates(agreed))):
        raise ParameterError(f"rounds clicked within the dead time of {hold_off} pulses behind another")
    return half


def _emulate(parts: Parts, n_pulses: int, seed: int | bytes, eve_fraction: float) -> tuple[Rounds, Rounds]:
    source, detector, protocol = six_state_parts(parts)
    return emulate_six_state(source, parts.channel, detector, protocol, n_pulses, seed, eve_fraction)


_KNOBS = (Knob("intensity 1", 0.01, 1.0), Knob("p of the key basis", 1.0 / 3.0, 0.999))


def _settings(parts: Parts) -> dict[str, float]:
    source, _, protocol = six_state_parts(parts)
    return {_KNOBS[0].name: source.intensities[0], _KNOBS[1].name: protocol.p_key_basis}


def _turned(parts: Parts, settings: Mapping[str, float]) -> Parts:
    source, _, protocol = six_state_parts(parts)
    mu, p_key = (settings[knob.name] for knob in _KNOBS)
    turned = replace(source, intensities=(mu, *source.intensities[1:]))
    return Parts(turned, parts.channel, parts.detector, replace(protocol, p_key_basis=p_key), parts.security)


FAMILY = Family(
    name=NAME,
    title="six-state protocol, three bases, decoy states",
    source=Source,
    detector=Detector,
    media=AIR_OR_FIBRE,
    protocol=SixState,
    bounds={"variable-length": FINITE, "asymptotic": lo2001.PROOF},
    check=_check,
    rate=_rate,
    emulate=_emulate,
    live=Live(
        ("variable-length",),
        agreement,
        expected_counts,
        _length,
        six_state_alice,
        six_state_bob,
        _read,
        halves=(Rounds, Rounds),
    ),
    varying=Varying(expected_counts, _key, ("variable-length",)),
    knobs=_KNOBS,
    settings=_settings,
    turned=_turned,
)
