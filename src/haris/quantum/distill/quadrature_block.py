"""What both ends of a block of quadratures do alike: part it into sample and key, choose a plan, join its frames.

The sample is drawn when both ends hold their values, and is disclosed whole; the key is the other symbols, whole frames
of them. Values are scaled by the sample's variances, which are public: nothing that is computed from the key's own
symbols joins them.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from haris.nouns.blocks import AbortReason, FrameCounts, ReconciledBlock, SecretLength
from haris.nouns.errors import ParameterError, PeerError
from haris.nouns.quadrature_counts import QuadratureCounts, QuadratureSums
from haris.nouns.quadratures import Quadratures
from haris.nouns.symbols import Symbols
from haris.quantum.distill import slices
from haris.quantum.distill.continuous import FRAME_VALUES, Scheme
from haris.quantum.distill.engine import Abandon, Length, secret_length
from haris.quantum.distill.multidimensional import DIMENSIONS
from haris.quantum.distill.reconciliation_plan import alphabet_bits, candidates, told_bits, words
from haris.quantum.distill.slices import Slicing
from haris.quantum.distill.transcript import Sender
from haris.quantum.protocols.quadratures import QuadratureAgreement
from haris.wire import recording
from haris.wire.distillation import LIMITS
from haris.wire.quadratures import HASH_BITS

Floats = NDArray[np.float32]

CHUNK_SYMBOLS = 1 << 20
"""Of the sample that a message discloses."""
_OTHER_OCTETS = 1 << 16
"""Of the message that brings the seed of the hash, beside the seed."""
MARGIN_DEVIATIONS = 2.0
"""By how many of its own standard deviations the signal to noise ratio is taken lower than estimated, for a plan."""


def n_frames(agreement: QuadratureAgreement) -> int:
    """Of a block. Raises ParameterError where there is none, or no sample."""
    protocol, n = agreement.protocol, agreement.block_pulses
    frames = math.floor(n * (1.0 - protocol.p_estimation) * agreement.values_per_symbol) // FRAME_VALUES
    least = math.ceil(FRAME_VALUES / (1.0 - protocol.p_estimation) / agreement.values_per_symbol)
    if frames < 1:
        raise ParameterError(
            f"block_pulses must leave a frame of {FRAME_VALUES} values for the key: {n} symbols are fewer than {least}"
        )
    if n_key_symbols(agreement, frames) >= n:
        raise ParameterError("p_estimation must leave a sample: the channel is unknown unless symbols are disclosed")
    return frames


def n_key_symbols(agreement: QuadratureAgreement, frames: int) -> int:
    """Of so many frames."""
    return frames * FRAME_VALUES // agreement.values_per_symbol


def part_of(number: int) -> slice:
    """A frame's values among those of the key."""
    return slice(FRAME_VALUES * number, FRAME_VALUES * (number + 1))


def require_half(symbols: Symbols, agreement: QuadratureAgreement) -> None:
    """Raise ParameterError unless a half is one of an agreed block."""
    if symbols.n_symbols != agreement.block_pulses or symbols.values.shape[1] != agreement.values_per_symbol:
        raise ParameterError(
            f"{symbols.n_symbols} symbols of {symbols.values.shape[1]} values, agreed are "
            f"{agreement.block_pulses} of {agreement.values_per_symbol}"
        )
    if not bool(np.isfinite(symbols.values).all()):
        raise ParameterError("values must be finite")


def recorded_symbols(
    role: Sender, header: recording.BlockHeader, octets: recording.Octets, agreement: QuadratureAgreement
) -> Symbols:
    """Either end's half of a recorded block. Raises ParameterError on any other record."""
    symbols = recording.read_symbols(header, octets)
    require_half(symbols, agreement)
    return symbols


@dataclass(frozen=True, slots=True)
class Parted:
    """One end's half: the sample's values, float32 (n, quadratures), and the key's, float32 in one row."""

    sample: Floats = field(repr=False)
    key: Floats = field(repr=False)


def parted(symbols: Symbols, seed: bytes, agreement: QuadratureAgreement) -> Parted:
    """A half by the seed of its sample: 32 octets, drawn when the light was over.

    Each symbol has 32 bits of SHAKE-256 of the seed, and those of the least are the sample; of equals, the first.
    """
    n = symbols.n_symbols
    n_sampled = n - n_key_symbols(agreement, n_frames(agreement))
    drawn = np.frombuffer(hashlib.shake_256(b"haris sample" + seed).digest(4 * n), "<u4").astype(np.uint64)
    drawn = drawn << np.uint64(32) | np.arange(n, dtype=np.uint64)
    sampled = np.zeros(n, np.bool_)
    sampled[np.partition(drawn, n_sampled - 1)[:n_sampled] & np.uint64(0xFFFFFFFF)] = True
    return Parted(symbols.values[sampled], symbols.values[~sampled].reshape(-1))


def chunks(n_symbols: int) -> list[slice]:
    """Parts of a sample, a message each."""
    return [slice(first, first + CHUNK_SYMBOLS) for first in range(0, n_symbols, CHUNK_SYMBOLS)]


def pack_values(values: Floats) -> bytes:
    """Float32 values as they are told."""
    return values.astype("<f4").tobytes()


def unpack_values(octets: bytes, like: Floats) -> Floats:
    """The peer's values of the same symbols. Raises PeerError on another number of them, or such as are none."""
    if len(octets) != like.nbytes:
        raise PeerError(f"the peer discloses {len(octets)} octets of values, {like.nbytes} belong there")
    values = np.frombuffer(octets, "<f4").astype(np.float32).reshape(like.shape)
    if not bool(np.isfinite(values).all()):
        raise PeerError("the peer discloses values that are not finite")
    return values


@dataclass(frozen=True, slots=True)
class Estimate:
    """A block whose channel is estimated. alice, bob: the sample. n_frames, n_key_symbols: of the key."""

    sums: QuadratureSums
    bob: Floats = field(repr=False)
    n_frames: int
    n_key_symbols: int

    @property
    def nothing(self) -> QuadratureCounts:
        """What is known before reconciliation."""
        return QuadratureCounts(self.sums, self.n_key_symbols, FrameCounts(self.n_frames, 0))

    @property
    def snr_with_margin(self) -> float:
        """For a plan: so low that few frames are lost if the estimate is too high. 0 where nothing is correlated."""
        snr, n = self.sums.snr, self.sums.n_values
        # of ln snr = 2 ln t - ln s^2, from the deviations of t and s^2
        deviation = math.sqrt(4.0 / (n * snr) + 2.0 / n) if snr > 0.0 else math.inf
        return snr * math.exp(-MARGIN_DEVIATIONS * deviation)

    def scaled(self, values: Floats, variance: float) -> Quadratures:
        """An end's values of the key, by the variance of its sample."""
        return Quadratures(values / np.float32(math.sqrt(variance)), self.sums.snr)

    def counts(self, scheme: Scheme, n_kept: int) -> QuadratureCounts:
        """With n_kept of the frames reconciled by a scheme."""
        entropy, deviation = _entropy(self.bob, self.sums, scheme)
        return replace(
            self.nothing,
            frames=FrameCounts(self.n_frames, n_kept),
            scheme=words(scheme),
            bits_per_value=alphabet_bits(scheme),
            entropy_bits=entropy,
            entropy_deviation_bits=deviation,
            values_per_group=1 if isinstance(scheme, Slicing) else DIMENSIONS,
        )

    def plan(self, length: Length) -> Scheme:
        """The scheme that promises most key. Raises Abandon where none promises any.

        A promise is the length of the key if every frame is decoded.
        """
        snr = self.snr_with_margin
        tried = candidates(snr) if 0.0 < snr < math.inf else ()
        fitting = [scheme for scheme in tried if self._hashable(scheme)]
        if tried and not fitting:
            raise Abandon(
                AbortReason.NO_KEY_LENGTH,
                f"{self.n_frames} frames are too many to be hashed at once ({words(tried[0])}): shorten the block",
                self.nothing,
            )
        promises = [(self._promise(scheme, length), scheme) for scheme in fitting]
        best, scheme = max(promises, key=lambda each: each[0], default=(0, None))
        if scheme is None or best < 1:
            told = "; ".join(words(each) for each in tried) or "no scheme fits"
            raise Abandon(
                AbortReason.NO_KEY_LENGTH,
                f"no secret bits would be left at SNR {self.sums.snr:.4g} and {self.sums.noise:.6g} shot-noise units "
                f"of noise ({told})",
                self.nothing,
            )
        return scheme

    def _hashable(self, scheme: Scheme) -> bool:
        """Whether the seed of the hash fits into a message: it is as long as the bits and the key together."""
        bits = 2.0 * alphabet_bits(scheme) - told_bits(scheme)
        return self.n_frames * FRAME_VALUES * bits < 8 * (LIMITS.message_octets - _OTHER_OCTETS)

    def _promise(self, scheme: Scheme, length: Length) -> int:
        leaked = self.n_frames * (round(FRAME_VALUES * told_bits(scheme)) + HASH_BITS + 1)
        try:
            return secret_length(length, self.counts(scheme, self.n_frames), leaked).length_bits
        except Abandon:
            return 0


def allowed_length(length: Length, counts: QuadratureCounts, leaked_bits: int) -> SecretLength:
    """What the bound allows. Raises Abandon, with the frames that were lost, if that is nothing."""
    try:
        return secret_length(length, counts, leaked_bits)
    except Abandon as end:
        lost = counts.frames.n_frames - counts.frames.n_kept
        detail = f"{end.detail}; {lost} of {counts.frames.n_frames} frames were lost by {counts.scheme}"
        raise Abandon(end.reason, detail, counts) from None


def joined(block: bytes, frames: list[ReconciledBlock[FrameCounts]]) -> ReconciledBlock[FrameCounts]:
    """A block's frames as one. Raises Abandon when none was kept.

    leaked_bits: what was told of the frames that are kept, and one for each other: that it is lost.
    """
    n_kept = sum(frame.verified for frame in frames)
    if not n_kept:
        raise Abandon(AbortReason.VERIFICATION, f"none of {len(frames)} frames was decoded")
    return ReconciledBlock(
        block,
        np.concatenate([frame.bits for frame in frames]),
        sum(frame.n_bits for frame in frames),
        FrameCounts(len(frames), n_kept),
        leaked_bits=sum(frame.leaked_bits for frame in frames) + len(frames) - n_kept,
        verified=True,
    )


def _entropy(bob: Floats, sums: QuadratureSums, scheme: Scheme) -> tuple[float, float]:
    """Bits of each value's bits, and the standard deviation of that: as the sample's values would be sliced.

    The most likely entropy is below the true one in the mean (Paninski, Neural Comput. 15, 1191 (2003)).
    """
    if not isinstance(scheme, Slicing):
        return 1.0, 0.0  # Bob drew the bits
    scaled = bob.reshape(-1) / np.float32(math.sqrt(sums.bob_variance))
    number = sum(row.astype(np.uint8) << k for k, row in enumerate(slices.slices(scaled, scheme)))
    shares = np.bincount(np.asarray(number), minlength=2) / len(scaled)
    shares = shares[shares > 0.0]
    surprise = -np.log2(shares)
    entropy = float(shares @ surprise)
    return entropy, math.sqrt(max(float(shares @ surprise**2) - entropy**2, 0.0) / len(scaled))
