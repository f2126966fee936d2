"""Continuous variables to bits: Bob's values are the key's source, Alice decodes them (reverse reconciliation).

Both forms take one message of Bob's and one of Alice's. A frame is FRAME_VALUES values; one that Alice cannot decode is
forgotten at both ends. How codes, leakage and efficiency belong together: docs/explanation/continuous-variables.md.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from haris.kernels.sum_product import SoftBeliefs, decode
from haris.nouns.blocks import FrameCounts, ReconciledBlock
from haris.nouns.errors import ParameterError, PeerError
from haris.nouns.quadratures import Quadratures
from haris.quantum.distill import multidimensional, slices
from haris.quantum.distill.engine import expect
from haris.quantum.distill.slices import Slicing
from haris.quantum.distill.soft_code import SoftCode, code_named
from haris.quantum.distill.verify import HASH_KEY_OCTETS, fingerprint
from haris.wire.block_message import Message
from haris.wire.packing import pack_bits, unpack_bits
from haris.wire.quadratures import HASH_BITS, Frames, Kept, Mapped, Sliced

Bits = NDArray[np.uint8]
Floats = NDArray[np.float32]
Scheme = SoftCode | Slicing
"""Eight dimensions by one code, or slices."""

Steps = Generator[Message | None, Message | None, ReconciledBlock[FrameCounts]]

FRAME_VALUES = 1_024_000
ITERATIONS = 250


@dataclass(frozen=True, slots=True)
class Frame:
    """What Bob knows of a frame. bits: the key's. checks, told: what he tells of them. mapped: of eight dimensions."""

    bits: Bits
    checks: Bits
    told: Bits
    mapped: Floats


def describe(block: bytes, values: Quadratures, scheme: Scheme, entropy: Callable[[int], bytes]) -> Steps:
    """Bob's side: tells his values' frames, and keeps those that Alice has.

    entropy: of the bits that eight dimensions stand for, and of the hash's key. Raises ParameterError unless the values
    fill whole frames, PeerError on an answer that does not fit. A block of which no frame is kept has no bits, and is
    not verified.
    """
    n_frames = _n_frames(values)
    frames = [_frame(values.values[part], scheme, entropy) for part in _parts(n_frames)]
    hash_key = entropy(HASH_KEY_OCTETS)
    digests = tuple(_digest(frame.bits, hash_key) for frame in frames)
    checks = np.concatenate([frame.checks for frame in frames])
    told = pack_bits(np.concatenate([frame.told for frame in frames]))
    mapped = np.concatenate([frame.mapped for frame in frames], axis=1).astype("<f4").tobytes()
    answer = yield _form(scheme, told, mapped)(
        n_values=len(values.values),
        n_checks=len(checks),
        checks=pack_bits(checks),
        hash_key=hash_key,
        digests=digests,
    )
    kept = unpack_bits(expect(answer, Kept).kept, n_frames)
    return _outcome(block, [frame.bits for frame in frames], kept, scheme)


def recover(block: bytes, values: Quadratures) -> Steps:
    """Alice's side: decodes the frames that Bob tells of, and says which she has.

    Raises PeerError on a message that does not fit her values or names a code that is not known here.
    """
    n_frames = _n_frames(values)
    message = yield None
    if not isinstance(message, Frames):
        raise PeerError(f"expected Mapped or Sliced, the peer sent {type(message).__name__}")
    if message.n_values != len(values.values) or len(message.digests) != n_frames:
        raise PeerError(
            f"the peer tells of {message.n_values} values in {len(message.digests)} frames, "
            f"here are {len(values.values)} in {n_frames}"
        )
    scheme, decoded = _mapped(values, message) if isinstance(message, Mapped) else _sliced(values, message)
    kept = np.array([_agrees(bits, message, number) for number, bits in enumerate(decoded)], np.uint8)
    result = _outcome(block, [np.empty(0, np.uint8) if bits is None else bits for bits in decoded], kept, scheme)
    yield Kept(kept=pack_bits(kept))
    return result


def scheme_of(message: Frames) -> Scheme:
    """By what the peer reconciles. Raises PeerError on codes that are not known here."""
    if isinstance(message, Mapped):
        return _code(message.code)
    assert isinstance(message, Sliced)
    return Slicing(message.step, tuple(_code(name) if name else None for name in message.codes))


def _form(scheme: Scheme, told: bytes, mapped: bytes) -> Callable[..., Frames]:
    if isinstance(scheme, Slicing):
        names = tuple("" if code is None else code.name for code in scheme.codes)
        return partial(Sliced, step=scheme.step, codes=names, told=told)
    return partial(Mapped, code=scheme.name, mapped=mapped)


def _n_frames(values: Quadratures) -> int:
    n_frames, rest = divmod(len(values.values), FRAME_VALUES)
    if rest or not n_frames:
        raise ParameterError(f"a block must be whole frames of {FRAME_VALUES} values, got {len(values.values)}")
    return n_frames


def _parts(n_frames: int) -> list[slice]:
    return [slice(FRAME_VALUES * number, FRAME_VALUES * (number + 1)) for number in range(n_frames)]


def _words(code: SoftCode) -> int:
    """Code words of a frame."""
    n_words, rest = divmod(FRAME_VALUES, code.code.n_bits)
    assert rest == 0, "a frame holds whole code words"
    return n_words


def _syndromes(code: SoftCode, bits: Bits) -> Bits:
    return np.concatenate([code.code.syndrome(word) for word in bits.reshape(_words(code), -1)])


def _frame(values: Floats, scheme: Scheme, entropy: Callable[[int], bytes]) -> Frame:
    nothing = np.empty(0, np.uint8)
    if isinstance(scheme, Slicing):
        bits = slices.slices(values, scheme)
        pairs = list(zip(bits, scheme.codes, strict=True))
        checks = [nothing, *(_syndromes(code, row) for row, code in pairs if code is not None)]
        told = [nothing, *(row for row, code in pairs if code is None)]
        mapped = np.empty((multidimensional.DIMENSIONS, 0), np.float32)
        return Frame(bits.ravel(), np.concatenate(checks), np.concatenate(told), mapped)
    drawn = np.unpackbits(np.frombuffer(entropy(len(values) // 8), np.uint8), bitorder="little")
    return Frame(drawn, _syndromes(scheme, drawn), nothing, multidimensional.mapping(values, drawn))


def _mapped(values: Quadratures, message: Mapped) -> tuple[SoftCode, list[Bits | None]]:
    code, dimensions = _code(message.code), multidimensional.DIMENSIONS
    if len(message.mapped) != 4 * len(values.values):
        raise PeerError(f"the peer maps {len(message.mapped)} octets, {len(values.values)} values take 4 each")
    mapped = np.frombuffer(message.mapped, "<f4").astype(np.float32).reshape(dimensions, -1)
    told = multidimensional.ratios(values, mapped)
    parts = _parts(len(message.digests))
    checks = _checks(message, len(parts) * _words(code) * code.code.n_checks).reshape(len(parts), -1)
    return code, [_word_by_word(code, told[part], row) for part, row in zip(parts, checks, strict=True)]


def _sliced(values: Quadratures, message: Frames) -> tuple[Slicing, list[Bits | None]]:
    if not isinstance(message, Sliced):
        raise PeerError(f"expected Mapped or Sliced, the peer sent {type(message).__name__}")
    slicing = scheme_of(message)
    assert isinstance(slicing, Slicing)
    coded = [code for code in slicing.codes if code is not None]
    parts = _parts(len(message.digests))
    n_checks = sum(_words(code) * code.code.n_checks for code in coded)
    checks = _checks(message, len(parts) * n_checks).reshape(len(parts), n_checks)
    n_told = len(slicing.codes) - len(coded)
    told = unpack_bits(message.told, len(values.values) * n_told).reshape(len(parts), n_told, FRAME_VALUES)
    decoded = [
        _slice_by_slice(Quadratures(values.values[part], values.snr), slicing, row, rows)
        for part, row, rows in zip(parts, checks, told, strict=True)
    ]
    return slicing, decoded


def _slice_by_slice(values: Quadratures, slicing: Slicing, checks: Bits, told: Bits) -> Bits | None:
    known = np.empty((0, FRAME_VALUES), np.uint8)
    plain, at = iter(told), 0
    for code in slicing.codes:
        if code is None:
            bits: Bits | None = next(plain)
        else:
            n_checks = _words(code) * code.code.n_checks
            bits = _word_by_word(code, slices.ratios(values, slicing, known), checks[at : at + n_checks])
            at += n_checks
        if bits is None:
            return None
        known = np.vstack([known, bits[None, :]])
    return known.ravel()


def _word_by_word(code: SoftCode, told: Floats, checks: Bits) -> Bits | None:
    """The bits of a frame, None when a word of it fails."""
    words = zip(told.reshape(_words(code), -1), checks.reshape(_words(code), -1), strict=True)
    decoded = []
    for ratios, parities in words:
        beliefs = SoftBeliefs.of(code.code, np.clip(ratios, -100.0, 100.0))
        bits = decode(code.code, np.ascontiguousarray(parities), beliefs, ITERATIONS)
        if bits is None:
            return None
        decoded.append(bits)
    return np.concatenate(decoded)


def _code(name: str) -> SoftCode:
    try:
        return code_named(name)
    except ParameterError as error:
        raise PeerError(f"the peer reconciles by another code: {error}") from error


def _checks(message: Frames, expected: int) -> Bits:
    if message.n_checks != expected:
        raise PeerError(f"the peer sent {message.n_checks} checks, its codes have {expected}")
    return unpack_bits(message.checks, expected)


def _agrees(bits: Bits | None, message: Frames, number: int) -> bool:
    return bits is not None and hmac.compare_digest(_digest(bits, message.hash_key), message.digests[number])


def _digest(bits: Bits, hash_key: bytes) -> bytes:
    return fingerprint(np.packbits(bits, bitorder="little"), hash_key)


def _outcome(block: bytes, frames: list[Bits], kept: Bits, scheme: Scheme) -> ReconciledBlock[FrameCounts]:
    """The kept frames' bits. Of each, its parities, slices in full, hash, and that it was kept are charged."""
    per_value = scheme.leaked_bits_per_value if isinstance(scheme, Slicing) else 1.0 - scheme.rate
    leaked = round(FRAME_VALUES * per_value) + HASH_BITS + 1
    bits = [np.empty(0, np.uint8), *(frame for frame, keep in zip(frames, kept, strict=True) if keep)]
    n_kept = int(kept.sum())
    counts = FrameCounts(len(frames), n_kept)
    key = np.concatenate(bits)
    octets = np.packbits(key, bitorder="little")
    return ReconciledBlock(block, octets, len(key), counts, leaked_bits=n_kept * leaked, verified=n_kept > 0)
