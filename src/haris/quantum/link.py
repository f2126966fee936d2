"""A quantum link: source, channel, detector, protocol, security. The public face of the quantum layer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.counts import KEY_BASIS, DecoyCounts
from haris.nouns.detections import Detections
from haris.nouns.document import Document, read_document
from haris.nouns.document_text import fields_of, write_document
from haris.nouns.errors import ParameterError
from haris.nouns.pulses import Pulses
from haris.quantum.emulate.expected import expected_counts
from haris.quantum.emulate.sampled import emulate
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.source import Source
from haris.quantum.protocols.bb84 import Agreement, DecoyBB84
from haris.quantum.security.bounds import key_length, require_bound
from haris.quantum.security.key_length import BlockLength, KeyLength, Security
from haris.quantum.security.limits import plob
from haris.quantum.security.variable_length import block_length

CHANNELS = {"fibre": Fibre}
PROTOCOLS = {"decoy-bb84": DecoyBB84}
"""By the tag in LINK.toml: [channel] kind and [protocol] name."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What a link gives at each distance, float64 arrays of one shape; 0 bits where there is no key.

    qber: error rate of the key basis. plob_per_pulse: what no protocol can pass on this channel. key: the length of
    one block with its terms and proof.
    """

    distance_m: NDArray[np.float64]
    secret_bits_per_pulse: NDArray[np.float64]
    secret_bits_per_s: NDArray[np.float64]
    qber: NDArray[np.float64]
    plob_per_pulse: NDArray[np.float64]
    key: KeyLength


@dataclass(frozen=True, slots=True)
class Link:
    """One quantum link. Everything about it follows from its five parts.

    Raises ParameterError if the bound of security does not fit the source's intensities, or the detector's gate is
    longer than the period of the source's clock.
    """

    source: Source
    channel: Fibre
    detector: Detector
    protocol: DecoyBB84
    security: Security

    def __post_init__(self) -> None:
        require_bound(self.security, self.source.intensities)
        gate_s = self.detector.gate_s
        if gate_s is not None and gate_s * self.source.clock_hz > 1.0 + 1e-9:
            period_s = 1.0 / self.source.clock_hz
            raise ParameterError(f"gate_s must not pass the period of the clock, {period_s:.3g} s, got {gate_s:g}")

    @classmethod
    def read(cls, path: Path | str) -> Link:
        """The link of a LINK.toml. Raises ParameterError, with the line, on whatever is wrong in it."""
        return link_of(read_document(path))

    def write(self, path: Path | str) -> None:
        """Write LINK.toml, whole or not at all; reading it back gives an equal link."""
        tables = {
            "source": fields_of(self.source),
            "channel": {"kind": "fibre", **fields_of(self.channel)},
            "detector": fields_of(self.detector),
            "protocol": {"name": "decoy-bb84", **fields_of(self.protocol)},
            "security": fields_of(self.security),
        }
        write_document(path, tables)

    def agreement(self) -> Agreement:
        """What sifting and estimation need to know, without the physics."""
        return Agreement(
            protocol=self.protocol,
            clock_hz=self.source.clock_hz,
            intensities=self.source.intensities,
            p_intensities=self.source.p_intensities,
            dead_time_s=self.detector.dead_time_s,
            gate_s=self.detector.gate_s,
        )

    def expected_counts(self, n_pulses: float | None = None, distance_m: ArrayLike | None = None) -> DecoyCounts:
        """Expected sifted counts of n_pulses (None: one block), float64, shape distance_m.shape + (2, k)."""
        n = self.protocol.block_pulses if n_pulses is None else n_pulses
        return expected_counts(self.source, self.channel, self.detector, self.protocol, n, distance_m)

    def rate(self, distance_m: ArrayLike | None = None) -> Rate:
        """Secret key rate at distance_m (any shape; None: the link's own length), by the bound of its security.

        Each distance is one block of expected counts, with f_ec n h(qber) bits disclosed. Never raises for a
        hopeless distance: its rate is 0.
        """
        at_m = np.asarray(self.channel.length_m if distance_m is None else distance_m, dtype=np.float64)
        counts = self.expected_counts(distance_m=at_m)
        key = key_length(counts, self.security)
        per_pulse = key.length_bits / counts.n_pulses
        return Rate(
            distance_m=at_m,
            secret_bits_per_pulse=np.asarray(per_pulse),
            secret_bits_per_s=np.asarray(per_pulse * self.source.clock_hz),
            qber=counts.qber[..., KEY_BASIS],
            plob_per_pulse=plob(self.channel.transmittance(at_m)),
            key=key,
        )

    def block_length(self, counts: DecoyCounts, leaked_bits: int) -> BlockLength:
        """Secret bits of one measured block: what both ends of a distillation are given as their length.

        Raises ParameterError if the link's bound is not the one for live keys.
        """
        return block_length(counts, self.security, leaked_bits)

    def emulate(self, n_pulses: int, seed: int | bytes, eve_fraction: float = 0.0) -> tuple[Pulses, Detections]:
        """Sampled light: Alice's half and Bob's half of n_pulses. The same seed gives the same light."""
        return emulate(self.source, self.channel, self.detector, self.protocol, n_pulses, seed, eve_fraction)


def link_of(document: Document) -> Link:
    """The link that a document describes. Raises ParameterError, with the line, on whatever is wrong in it."""
    document.only("source", "channel", "detector", "protocol", "security")
    source = document.table("source", Source)
    security = document.table("security", Security) if "security" in document.values else Security()
    channel = document.choice("channel", "kind", CHANNELS)
    detector = document.table("detector", Detector)
    protocol = document.choice("protocol", "name", PROTOCOLS)
    try:
        return Link(source, channel, detector, protocol, security)
    except ValueError as error:
        places = {"bound": ("security", "bound"), "gate_s": ("detector", "gate_s")}
        place = places.get(str(error).split()[0], ("source", "intensities"))
        raise document.error(str(error), *place) from None
