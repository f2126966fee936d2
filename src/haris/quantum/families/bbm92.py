"""BBM92: entangled pairs from a source on the fibre, or at one end of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.coincidence_counts import CoincidenceCounts
from haris.nouns.counts import KEY_BASIS, DecoyCounts
from haris.nouns.detections import Detections
from haris.nouns.errors import ParameterError
from haris.nouns.tested_counts import TestedCounts
from haris.quantum.distill.bell_test import tested_alice, tested_bob
from haris.quantum.distill.paired_block import paired_counts, paired_length
from haris.quantum.distill.transcript import Sender
from haris.quantum.emulate.bell_tests import coincidence_chsh, expected_bell_windows
from haris.quantum.emulate.coincidences import expected_coincidences
from haris.quantum.emulate.sampled_pairs import emulate_pairs
from haris.quantum.families.family import AIR_OR_FIBRE, Family, Knob, Live, Parts, Rate, Varying, exposed, of
from haris.quantum.optics.free_space.path import FreeSpacePath
from haris.quantum.optics.pair_receivers import PairReceivers
from haris.quantum.optics.pair_source import PairSource
from haris.quantum.protocols.bb84 import DecoyBB84
from haris.quantum.protocols.bbm92 import BBM92, PairAgreement
from haris.quantum.security.entangled_bounds import ENTANGLED_PROOFS, entangled_key_length
from haris.quantum.security.key_length import BlockLength, KeyLength, term
from haris.quantum.security.limits import plob
from haris.wire.recording import BlockHeader, Octets, read_tags

NAME = "bbm92"
_CHSH = "what a Bell test on the coincidences would show; the bound does not use it"


def bbm92_parts(parts: Parts) -> tuple[PairSource, PairReceivers, BBM92]:
    """Source, receivers and protocol. Raises ParameterError on a link of another family."""
    return (
        of(NAME, "source", parts.source, PairSource),
        exposed(parts, of(NAME, "detector", parts.detector, PairReceivers)),
        of(NAME, "protocol", parts.protocol, BBM92),
    )


def coincidence_counts(
    parts: Parts, n_pulses: float | None = None, distance_m: ArrayLike | None = None
) -> CoincidenceCounts:
    """Expected sifted counts of n_pulses windows (None: one block), float64, shape distance_m.shape + (2,)."""
    source, receivers, protocol = bbm92_parts(parts)
    n = protocol.block_pulses if n_pulses is None else n_pulses
    return expected_coincidences(source, parts.channel, receivers, protocol, n, distance_m)


def _check(parts: Parts) -> None:
    source, _, _ = bbm92_parts(parts)
    if isinstance(parts.channel, FreeSpacePath) and source.position != 0.0:
        raise ParameterError(
            f"position must be 0 in the air: the source is Alice's, and stands at her end, got {source.position}"
        )


def _rate(parts: Parts, at_m: NDArray[np.float64]) -> Rate:
    """Each distance is one block of expected counts, with f_ec n h(qber) bits disclosed; CHSH stands beside."""
    source, receivers, _ = bbm92_parts(parts)
    counts = coincidence_counts(parts, distance_m=at_m)
    key = _key(parts, counts)
    chsh = coincidence_chsh(source, parts.channel, receivers, at_m)
    key = replace(key, terms=(*key.terms, term("chsh", chsh, "", _CHSH, "Ekert, PRL 67, 661 (1991)")))
    per_pulse = np.asarray(key.length_bits / counts.n_pulses)
    return Rate(
        distance_m=at_m,
        secret_bits_per_pulse=per_pulse,
        secret_bits_per_s=np.asarray(per_pulse * parts.source.clock_hz),
        qber=counts.qber[..., KEY_BASIS],
        plob_per_pulse=plob(parts.channel.transmittance(at_m)),
        key=key,
    )


def _key(parts: Parts, counts: CoincidenceCounts) -> KeyLength:
    return entangled_key_length(counts, parts.security)


def _emulate(parts: Parts, n_pulses: int, seed: int | bytes, eve_fraction: float) -> tuple[Detections, Detections]:
    source, receivers, protocol = bbm92_parts(parts)
    return emulate_pairs(source, parts.channel, receivers, protocol, n_pulses, seed, eve_fraction)


def agreement(parts: Parts) -> PairAgreement:
    """What both engines agree on: every window is a pulse of one intensity, and whether some test Bell's inequality."""
    source, _, protocol = bbm92_parts(parts)
    two_bases = DecoyBB84(protocol.p_key_basis, protocol.block_pulses)
    return PairAgreement(two_bases, source.clock_hz, (1.0,), (1.0,), tests=protocol.p_bell > 0.0)


def _expected(parts: Parts, n_pulses: float | None, distance_m: ArrayLike | None) -> DecoyCounts:
    source, receivers, protocol = bbm92_parts(parts)
    counts = paired_counts(coincidence_counts(parts, n_pulses, distance_m))
    if not protocol.p_bell:
        return counts
    bell = expected_bell_windows(source, parts.channel, receivers, protocol, counts.n_pulses, distance_m)
    return TestedCounts(counts.n_pulses, counts.intensities, counts.p_intensities, counts.clicks, counts.errors, bell)


def _length(parts: Parts, counts: DecoyCounts, leaked_bits: int) -> BlockLength:
    return paired_length(parts.security, counts.n_pulses)(counts, leaked_bits)


def _read(role: Sender, header: BlockHeader, octets: Octets, agreed: PairAgreement) -> Detections:
    return read_tags(header, octets, 7 if role is Sender.BOB and agreed.tests else 3)


_KNOBS = (Knob("pairs per window", 1e-5, 1.0, logarithmic=True), Knob("p of the key basis", 0.5, 0.999))


def _settings(parts: Parts) -> dict[str, float]:
    source, _, protocol = bbm92_parts(parts)
    return {_KNOBS[0].name: source.mean_pairs, _KNOBS[1].name: protocol.p_key_basis}


def _turned(parts: Parts, settings: Mapping[str, float]) -> Parts:
    source, _, protocol = bbm92_parts(parts)
    mean_pairs, p_key = (settings[knob.name] for knob in _KNOBS)
    turned = replace(protocol, p_key_basis=p_key)
    return Parts(replace(source, mean_pairs=mean_pairs), parts.channel, parts.detector, turned, parts.security)


FAMILY = Family(
    name=NAME,
    title="BBM92, entangled pairs measured in two bases at both ends; with a Bell test, as E91",
    source=PairSource,
    detector=PairReceivers,
    media=AIR_OR_FIBRE,
    protocol=BBM92,
    bounds=ENTANGLED_PROOFS,
    check=_check,
    rate=_rate,
    emulate=_emulate,
    live=Live(("variable-length",), agreement, _expected, _length, tested_alice, tested_bob, _read),
    varying=Varying(coincidence_counts, _key, tuple(ENTANGLED_PROOFS)),
    knobs=_KNOBS,
    settings=_settings,
    turned=_turned,
)
