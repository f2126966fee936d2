"""Decoy-state BB84 under attack: what arrives, what the users count and claim of it, and what Eve leaves secret."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.counts import DecoyCounts
from haris.nouns.detections import Detections
from haris.nouns.pulses import Pulses
from haris.quantum.attacks.attack import Attack, AttackedRate, Secret, Sign, deviations
from haris.quantum.distill.sift import accept
from haris.quantum.emulate.clicks import Arrivals, aligned_rates
from haris.quantum.emulate.expected import expected_counts
from haris.quantum.emulate.sampled import sampled_block
from haris.quantum.families.decoy_bb84 import agreement, bb84_parts, rate_of_counts
from haris.quantum.families.family import Parts
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.medium import Medium
from haris.quantum.optics.source import Source
from haris.quantum.protocols.preparation import settings_at
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.key_length import KeyLength

Floats = NDArray[np.float64]

WITNESSED = "Maurer, Wolf, IEEE Trans. Inf. Theory 45, 499 (1999): no more than I(A;B|E)"
GLLP = "Gottesman et al., QIC 4, 325 (2004)"


@dataclass(frozen=True, slots=True)
class PulseBlock:
    """One expected block under attack at each distance, as Eve's analysis needs it.

    parts: of the link that the users believe in. arrived: what the attack lets through. counts: what the users see.
    claimed: the key that their bound gives for those.
    """

    parts: Parts
    distance_m: Floats
    arrived: Arrivals
    counts: DecoyCounts
    claimed: KeyLength

    @property
    def claimed_bits(self) -> Floats:
        """Length of the key that the users claim."""
        return np.asarray(self.claimed.length_bits, dtype=np.float64)

    @property
    def sifted(self) -> tuple[Floats, Floats]:
        """Right and wrong bits of the key basis by class, (..., c), where Eve measures and resends nothing."""
        source, detector, protocol = bb84_parts(self.parts)
        matched = protocol.p_key_basis**2
        p_aligned = matched + (1.0 - protocol.p_key_basis) ** 2
        rates = aligned_rates(self.arrived, detector, source.clock_hz, p_aligned)
        aligned = self.counts.n_pulses * matched * rates
        return aligned[..., 0] + 0.5 * aligned[..., 2], aligned[..., 1] + 0.5 * aligned[..., 2]

    def lowered(self, single: Floats, phase: Floats) -> Floats:
        """The claimed length with fewer single photons, or more phase errors among them, than its bound took."""
        known, rate = self.claimed.value("single"), self.claimed.value("phase_error")
        lost = known * (1.0 - binary_entropy(rate)) - single * (1.0 - binary_entropy(np.minimum(phase, 0.5)))
        return np.maximum(self.claimed_bits - np.maximum(lost, 0.0), 0.0)


class PulseAttack(Attack, Protocol):
    """An attack on pulses.

    eve_fraction: share of the pulses that Eve measures and resends. arrivals: what reaches the detectors of the rest.
    secret_pulses: what she leaves secret of a block.
    """

    @property
    def eve_fraction(self) -> float:
        """In [0, 1]."""

    def arrivals(
        self, source: Source, fibre: Medium, detector: Detector, distance_m: ArrayLike | None = None
    ) -> Arrivals:
        """Shape of distance_m; None: the fibre's own length."""

    def secret_pulses(self, block: PulseBlock) -> Secret:
        """Of a block, at each of its distances."""


def shared_bits(right: Floats, wrong: Floats) -> Floats:
    """Bits that two ends share of right and wrong ones, n (1 - h(wrong / n)); any shape."""
    n = right + wrong
    rate = np.divide(wrong, n, out=np.full_like(n, 0.5), where=n > 0.0)
    return np.asarray(n * np.maximum(1.0 - binary_entropy(rate), 0.0))


def counts_under(attack: PulseAttack, parts: Parts, n_pulses: float, distance_m: ArrayLike | None) -> DecoyCounts:
    """Expected sifted counts of n_pulses under attack, float64, shape distance_m.shape + (2, k)."""
    source, detector, protocol = bb84_parts(parts)
    arrived = attack.arrivals(source, parts.channel, detector, distance_m)
    return expected_counts(
        source, parts.channel, detector, protocol, n_pulses, distance_m, attack.eve_fraction, arrived
    )


def pulse_rate(attack: PulseAttack, parts: Parts, at_m: Floats) -> AttackedRate:
    """Claimed and secret key of a link of pulses at distances in metres, and what its users see."""
    source, detector, protocol = bb84_parts(parts)
    n = protocol.block_pulses
    honest = expected_counts(source, parts.channel, detector, protocol, n, at_m)
    counts = counts_under(attack, parts, n, at_m)
    claimed = rate_of_counts(parts, counts, at_m)
    arrived = attack.arrivals(source, parts.channel, detector, at_m)
    secret = attack.secret_pulses(PulseBlock(parts, at_m, arrived, counts, claimed.key))
    return AttackedRate(rate_of_counts(parts, honest, at_m), claimed, secret, signs(honest, counts))


def signs(honest: DecoyCounts, counts: DecoyCounts) -> tuple[Sign, ...]:
    """Clicks by basis and intensity, and errors by basis. Their spread is taken as Poisson's, sqrt(n)."""
    cells = {}
    for basis, name in enumerate(("key", "test")):
        for i, mu in enumerate(honest.intensities):
            cells[f"{name}-basis clicks of intensity {mu:g}"] = [of.clicks[..., basis, i] for of in (honest, counts)]
        cells[f"{name}-basis errors"] = [of.errors[..., basis, :].sum(axis=-1) for of in (honest, counts)]
    found = []
    for name, numbers in cells.items():
        expected, seen = (np.asarray(number, dtype=np.float64) for number in numbers)
        found.append(Sign(name, expected, seen, deviations(expected, seen, np.sqrt(expected))))
    return tuple(found)


def sampled_pulses(attack: PulseAttack, parts: Parts, n_pulses: int, seed: int | bytes) -> tuple[Pulses, Detections]:
    """Alice's half and Bob's half of n_pulses under attack. The same seed gives the same light."""
    source, detector, protocol = bb84_parts(parts)
    arrived = attack.arrivals(source, parts.channel, detector)
    return sampled_block(arrived, source, detector, protocol, n_pulses, seed, attack.eve_fraction)


def measured_signs(parts: Parts, pulses: Pulses, detections: Detections, rng: np.random.Generator) -> tuple[Sign, ...]:
    """The counts of these halves of a block, beside those that an honest link would give. rng: for double clicks."""
    source, detector, protocol = bb84_parts(parts)
    honest = expected_counts(source, parts.channel, detector, protocol, detections.n_pulses)
    return signs(honest, sifted_counts(parts, pulses, detections, rng))


def sifted_counts(parts: Parts, pulses: Pulses, detections: Detections, rng: np.random.Generator) -> DecoyCounts:
    """What the two ends count of their halves of one block, as they sift it; int64. rng: for double clicks."""
    agreed = agreement(parts)
    agreed = replace(agreed, protocol=replace(agreed.protocol, block_pulses=detections.n_pulses))
    accepted = accept(detections, agreed, rng.bytes)
    n, k = len(accepted.pulse), len(agreed.intensities)
    basis, bit = (np.unpackbits(row, bitorder="little")[:n] for row in (accepted.basis, accepted.bit))
    sent = settings_at(pulses, accepted.pulse, agreed.protocol.p_key_basis, agreed.p_intensities)
    kept = sent.basis == basis
    cell = (basis.astype(np.int64) * k + sent.intensity)[kept]
    wrong = (sent.bit != bit)[kept]
    clicks, errors = (
        np.bincount(cells, minlength=2 * k).reshape(2, k).astype(np.int64) for cells in (cell, cell[wrong])
    )
    return DecoyCounts(detections.n_pulses, agreed.intensities, agreed.p_intensities, clicks, errors)
