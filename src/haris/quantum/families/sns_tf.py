"""Twin-field QKD by sending or not sending, with a station half way: its rate falls as the root of the loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import pi

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.errors import ParameterError
from haris.nouns.sns_counts import PairedSnsCounts, SnsCounts
from haris.nouns.sns_windows import SnsWindows
from haris.quantum.distill.sns_block import sns_alice, sns_bob
from haris.quantum.distill.sns_tally import tally
from haris.quantum.distill.transcript import Sender
from haris.quantum.emulate.sampled_sns import emulate_sns
from haris.quantum.emulate.sns import expected_counts
from haris.quantum.families.family import Family, Knob, Live, Parts, Rate, of
from haris.quantum.optics.sending_source import SendingSource
from haris.quantum.optics.station import Station
from haris.quantum.protocols.sns import SendingOrNot
from haris.quantum.protocols.station import SnsAgreement
from haris.quantum.security.key_length import BlockLength
from haris.quantum.security.limits import plob
from haris.quantum.security.odd_parity import pair_bits
from haris.quantum.security.sns_aopp import PROOFS, fixed_length, key_length
from haris.wire.recording import BlockHeader, Octets, read_windows

NAME = "sns-tf"


def _parts(parts: Parts) -> tuple[SendingSource, Station, SendingOrNot]:
    return (
        of(NAME, "source", parts.source, SendingSource),
        of(NAME, "detector", parts.detector, Station),
        of(NAME, "protocol", parts.protocol, SendingOrNot),
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


def measured_counts(parts: Parts, alice: SnsWindows, bob: SnsWindows) -> SnsCounts:
    """Counts of a block from both ends' halves. Raises PeerError when they hold different announcements."""
    source, _, protocol = _parts(parts)
    found = tally(alice, bob, protocol.phase_slice_rad)
    return SnsCounts(
        n_pulses=alice.n_pulses,
        intensities=source.intensities,
        p_decoys=source.p_decoy_kinds,
        p_slice=source.p_both_x * protocol.p_in_slices,
        p_one=source.p_signal_kinds[1],
        decoys=found.decoys,
        signal=found.signal,
        slice_clicks=found.slice_clicks,
        slice_errors=found.slice_errors,
    )


def agreement(parts: Parts) -> SnsAgreement:
    """What both engines agree on; reconciliation begins with the error rate of pairs that the model expects."""
    source, _, protocol = _parts(parts)
    pairing = pair_bits(_expected(parts, None, None).signal)
    return SnsAgreement(
        block_pulses=protocol.block_pulses,
        intensities=source.intensities,
        p_intensities=(),
        expected_qber=min(max(float(pairing.wrong) / max(float(pairing.kept), 1e-300), 1e-4), 0.25),
        p_decoys=source.p_decoy_kinds,
        p_slice=source.p_both_x * protocol.p_in_slices,
        p_one=source.p_signal_kinds[1],
        phase_slice_rad=protocol.phase_slice_rad,
    )


def _expected(parts: Parts, n_pulses: float | None, distance_m: ArrayLike | None) -> SnsCounts:
    source, station, protocol = _parts(parts)
    n = protocol.block_pulses if n_pulses is None else n_pulses
    return expected_counts(source, parts.channel, station, protocol, n, distance_m)


def _length(parts: Parts, counts: PairedSnsCounts, leaked_bits: int) -> BlockLength:
    """The length that follows from the link alone, or none."""
    key = fixed_length(counts, _expected(parts, None, None), parts.security, leaked_bits)
    return BlockLength(int(key.length_bits), key.terms, key.proof)


def _read(role: Sender, header: BlockHeader, octets: Octets, agreed: SnsAgreement) -> SnsWindows:
    return read_windows(header, octets)


def _emulate(parts: Parts, n_pulses: int, seed: int | bytes, eve_fraction: float) -> tuple[SnsWindows, SnsWindows]:
    source, station, _ = _parts(parts)
    return emulate_sns(source, parts.channel, station, n_pulses, seed, eve_fraction)


_KNOBS = (
    Knob("signal intensity", 0.05, 1.0),
    Knob("stronger decoy", 0.1, 1.0),
    Knob("weaker decoy", 0.005, 0.3, logarithmic=True),
    Knob("p of a signal window", 0.2, 0.98),
    Knob("p of sending", 0.05, 0.5),
    Knob("p of the stronger decoy", 0.01, 0.5, logarithmic=True),
    Knob("p of an empty decoy", 0.01, 0.5, logarithmic=True),
    Knob("phase slice", pi / 32.0, pi / 2.0),
)


def _settings(parts: Parts) -> dict[str, float]:
    source, _, protocol = _parts(parts)
    p_strong, _, p_empty = source.p_decoys
    values = (*source.intensities, source.p_signal, source.p_send, p_strong, p_empty, protocol.phase_slice_rad)
    return dict(zip((knob.name for knob in _KNOBS), values, strict=True))


def _turned(parts: Parts, settings: Mapping[str, float]) -> Parts:
    source, _, protocol = _parts(parts)
    signal, strong, weak, p_signal, p_send, p_strong, p_empty, width = (settings[knob.name] for knob in _KNOBS)
    p_weak = 1.0 - p_strong - p_empty
    if p_weak <= 0.0:
        raise ParameterError(f"p_decoys must be above 0, got {(p_strong, p_weak, p_empty)}")
    return Parts(
        replace(
            source,
            signal_intensity=signal,
            decoy_intensities=(strong, weak),
            p_signal=p_signal,
            p_send=p_send,
            p_decoys=(p_strong, p_weak, p_empty),
        ),
        parts.channel,
        parts.detector,
        replace(protocol, phase_slice_rad=width),
        parts.security,
    )


FAMILY = Family(
    name=NAME,
    title="twin-field, sending or not sending, four intensities, actively odd parity pairing",
    source=SendingSource,
    detector=Station,
    protocol=SendingOrNot,
    bounds=PROOFS,
    check=_check,
    rate=_rate,
    emulate=_emulate,
    live=Live(("aopp",), agreement, _expected, _length, sns_alice, sns_bob, _read),
    knobs=_KNOBS,
    settings=_settings,
    turned=_turned,
)
