"""How the light of any family of quadratures becomes keys: Gaussian values at both ends, and a finite bound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.errors import ParameterError
from haris.nouns.quadrature_counts import QuadratureCounts
from haris.nouns.symbols import Symbols
from haris.quantum.distill.continuous import FRAME_VALUES
from haris.quantum.distill.estimate_channel import channel_of_sums
from haris.quantum.distill.quadrature_alice import quadrature_alice
from haris.quantum.distill.quadrature_block import n_frames, recorded_symbols
from haris.quantum.distill.quadrature_bob import quadrature_bob
from haris.quantum.distill.slices import MOST_SLICES
from haris.quantum.distill.verify import collision_probability
from haris.quantum.families.family import Live, Parts, of
from haris.quantum.protocols.quadratures import QuadratureAgreement, QuadratureProtocol
from haris.quantum.security.gaussian_block import GaussianBlock
from haris.quantum.security.gaussian_bounds import DEVIATIONS
from haris.quantum.security.gaussian_channel import GaussianChannel
from haris.quantum.security.key_length import BlockLength, KeyLength, Security
from haris.quantum.security.measured_gaussian import measured_length

NAME = "quadratures"


def live_quadratures(
    known: Callable[[Parts], GaussianChannel],
    expected: Callable[[Parts, NDArray[np.float64]], GaussianBlock],
    key_length: Callable[[GaussianBlock, Security], KeyLength],
) -> Live:
    """Engines, agreement and length of a family.

    known: a link's modulation and calibrated receiver; the channel's own numbers are not used. expected: its blocks at
    distances. key_length: its bounds, those of Gaussian modulation by their names.
    """

    def agreement(parts: Parts) -> QuadratureAgreement:
        """Raises ParameterError on a block without a whole frame of values, or of more than its hashes can tell."""
        return _agreement(parts, known(parts))

    def expect(parts: Parts, n_pulses: float | None, distance_m: ArrayLike | None) -> GaussianBlock:
        protocol = of(NAME, "protocol", parts.protocol, QuadratureProtocol)
        if n_pulses is not None:
            parts = replace(parts, protocol=replace(protocol, block_pulses=round(n_pulses)))
        return expected(parts, np.asarray(parts.channel.length_m if distance_m is None else distance_m, np.float64))

    def length(parts: Parts, counts: QuadratureCounts, leaked_bits: int) -> BlockLength:
        channel = channel_of_sums(counts.sums, known(parts))
        return measured_length(counts, channel, parts.security, leaked_bits, key_length)

    return Live(
        bounds=tuple(DEVIATIONS),
        agreement=agreement,
        expected=expect,
        length=length,
        alice=quadrature_alice,
        bob=quadrature_bob,
        read=recorded_symbols,
        halves=(Symbols, Symbols),
    )


def _agreement(parts: Parts, known: GaussianChannel) -> QuadratureAgreement:
    agreed = QuadratureAgreement(
        protocol=of(NAME, "protocol", parts.protocol, QuadratureProtocol),
        clock_hz=parts.source.clock_hz,
        values_per_symbol=known.values_per_symbol,
        alice_variance_snu=known.modulation_variance_snu,
        least_noise_snu=1.0 + float(known.electronic_noise_snu),
        greatest_gain=known.gain,
        preparation_noise_snu=known.trusted_preparation_snu,
        trusted=known.trusted,
    )
    frames = n_frames(agreed)
    collides = frames * collision_probability(MOST_SLICES * FRAME_VALUES)
    if collides > parts.security.epsilon_correctness:
        raise ParameterError(
            f"epsilon_correctness must be at least {collides:.2g} for {frames} frames of a block, "
            f"got {parts.security.epsilon_correctness:g}"
        )
    return agreed
