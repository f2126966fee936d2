"""Light that comes in stretches: Bob tells where he clicked while it comes, and the block is made when it is over.

Each end keeps what clicked, and nothing else, however long the light lasts and however often the line breaks. When the
light is over, or must do for a block, Bob tells his bases, and the rest is that of any block (haris.wire.stretches has
the messages).

While light comes nothing is told but where Bob clicked. An adversary knows that already: she decides it, for whether a
pulse clicks depends on neither basis, intensity nor bit. So the theorem of a block covers this one, and a block whose
light ends early is one whose later pulses gave no click: docs/explanation/security.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from haris.kernels.light import pulse_settings
from haris.kernels.sifted import sift_recorded
from haris.nouns.blocks import AbortReason
from haris.nouns.detections import Detections
from haris.nouns.errors import PeerError
from haris.nouns.pulses import Pulses, Settings
from haris.quantum.distill.alice import sifted_at_alice
from haris.quantum.distill.bob import sifted_at_bob
from haris.quantum.distill.engine import Abandon, Engine, Entropy, Length, Steps, expect, guarded
from haris.quantum.distill.sift import Accepted, accept, hold_off_gates
from haris.quantum.distill.transcript import Transcript
from haris.quantum.protocols.bb84 import Agreement
from haris.wire.distillation import LIMITS
from haris.wire.packing import pack_ascending, packed_bits, unpack_ascending
from haris.wire.stretches import Bases, Noted, Positions

Bits = NDArray[np.uint8]
MOST_CLICKS = 1 << 25
"""Of a light: no more are told. Each end keeps the word that told of each, Alice an octet besides, Bob nine."""


class OtherLight(PeerError):  # noqa: N818  (what it is)
    """What the peer says of a light does not fit what this end knows of it: no line and no time will mend that."""


@dataclass(slots=True)
class _Told:
    """What of a light was told and noted, in order."""

    light: bytes
    n_stretches: int = 0
    n_pulses: int = 0
    n_clicks: int = 0
    _octets: list[bytes] = field(default_factory=list, repr=False)

    def add(self, told: Positions) -> None:
        head = (told.n_pulses, told.n_clicks, len(told.pulses))
        self._octets += [*(number.to_bytes(8, "big") for number in head), told.pulses]
        self.n_stretches += 1
        self.n_pulses += told.n_pulses
        self.n_clicks += told.n_clicks

    @property
    def octets(self) -> bytes:
        """All of it, for the transcript of the light's block to cover."""
        return b"".join([b"haris stretches", self.light, self.n_stretches.to_bytes(8, "big"), *self._octets])

    @property
    def digest(self) -> bytes:
        """By which ends that differ know it early; no secrecy rests on it."""
        return hashlib.sha256(self.octets).digest()


class SeenLight:
    """Bob's half of a light that comes in stretches. light: its 16-octet name. entropy: decides double clicks."""

    def __init__(self, light: bytes, agreement: Agreement, entropy: Entropy) -> None:
        self._agreement, self._entropy = agreement, entropy
        self.told = _Told(light)
        self._accepted: list[Accepted] = []  # of the whole light, numbered from its first pulse
        self._waiting: list[Positions] = []  # not noted yet
        self._n_pulses = 0

    def add(self, half: Detections) -> None:
        """The next stretch. Raises ParameterError on tags that are none of it."""
        part = _part(self._agreement, half.n_pulses)
        accepted = _after_hold_off(accept(half, part, self._entropy), hold_off_gates(part))
        number, n_clicks = self.told.n_stretches + len(self._waiting), len(accepted.pulse)
        pulses = pack_ascending(accepted.pulse)
        self._waiting.append(Positions(self.told.light, number, half.n_pulses, n_clicks, pulses))
        self._accepted.append(replace(accepted, pulse=accepted.pulse + self._n_pulses))
        self._n_pulses += half.n_pulses

    @property
    def to_tell(self) -> Positions | None:
        """What Alice has not noted yet, first things first; None when she has noted all that a block may have."""
        told = self._waiting[0] if self._waiting else None
        return None if told is None or self.is_full else told

    @property
    def is_full(self) -> bool:
        """Whether the next stretch has more clicks than a message or a light may have: no more of it is told."""
        n_clicks = self._waiting[0].n_clicks if self._waiting else 0
        return n_clicks > LIMITS.clicks or self.told.n_clicks + n_clicks > MOST_CLICKS

    def hear(self, n_noted: int) -> None:
        """What Alice has noted by now: as many stretches as before, or one more, the first of those to tell.

        Raises OtherLight on another number.
        """
        if n_noted == self.told.n_stretches:
            return
        if n_noted != self.told.n_stretches + 1 or not self._waiting:
            raise OtherLight(f"the peer has noted {n_noted} stretches; {self.told.n_stretches} were told")
        self.told.add(self._waiting.pop(0))

    def accepted(self) -> Accepted:
        """The clicks of all stretches that were noted."""
        noted = self._accepted[: self.told.n_stretches]
        pulse = np.concatenate([np.empty(0, np.int64), *(each.pulse for each in noted)])
        rows = (
            _packed([_unpacked(row, len(each.pulse)) for row, each in zip(column, noted, strict=True)])
            for column in ([each.basis for each in noted], [each.bit for each in noted])
        )
        return Accepted(pulse, *rows)


class SentLight:
    """Alice's half of a light that comes in stretches. light: its 16-octet name."""

    def __init__(self, light: bytes, agreement: Agreement) -> None:
        self._agreement = agreement
        self.told = _Told(light)
        self._halves: list[Pulses] = []  # of which nothing was told yet
        self._settings: list[Bits] = []  # how each click's pulse was prepared, an octet each

    def add(self, half: Pulses) -> None:
        """The next stretch."""
        self._halves.append(half)

    @property
    def holds_next(self) -> bool:
        """Whether a stretch is here of which nothing was told: it may be over at Bob's end a moment sooner."""
        return bool(self._halves)

    def hear(self, told: Positions) -> Noted:
        """Bob's word of the next stretch, which is here.

        Raises OtherLight on another stretch, nonsense, or more clicks than a light may have.
        """
        half = self._halves[0]
        if told.light != self.told.light or told.number != self.told.n_stretches:
            raise OtherLight(f"the peer tells of stretch {told.number}; {self.told.n_stretches} is next")
        if told.n_pulses != half.n_pulses:
            raise OtherLight(f"the peer tells of {told.n_pulses} pulses; the stretch had {half.n_pulses}")
        if self.told.n_clicks + told.n_clicks > MOST_CLICKS:
            raise OtherLight(f"more than {MOST_CLICKS} clicks in a light")
        try:
            pulse = unpack_ascending(told.pulses, told.n_clicks, below=half.n_pulses)
        except PeerError as error:
            raise OtherLight(str(error)) from None
        self._settings.append(_settings(half, pulse, self._agreement))
        self._halves.pop(0)
        self.told.add(told)
        return Noted(self.told.n_stretches)

    def settings(self) -> Bits:
        """How the pulses that clicked were prepared, of all stretches that were told: an octet each, in order."""
        return np.concatenate([np.empty(0, np.uint8), *self._settings])


def alice_in_stretches(
    block: bytes,
    sent: SentLight,
    agreement: Agreement,
    length: Length,
    allot: Callable[[int], bytes],
    entropy: Entropy,
    transcript: Transcript,
) -> Engine:
    """As alice, of light that was told in stretches; agreement: its block may have any number of pulses."""
    return guarded(block, _alice(block, sent, agreement, length, allot, entropy, transcript))


def bob_in_stretches(
    block: bytes, seen: SeenLight, agreement: Agreement, length: Length, entropy: Entropy, transcript: Transcript
) -> Engine:
    """As bob, of light that was told in stretches: those that were noted when this begins."""
    return guarded(block, _bob(block, seen, agreement, length, entropy, transcript))


def _alice(
    block: bytes,
    sent: SentLight,
    agreement: Agreement,
    length: Length,
    allot: Callable[[int], bytes],
    entropy: Entropy,
    transcript: Transcript,
) -> Steps:
    transcript.cover(sent.told.octets)
    bases = expect((yield None), Bases)
    if bases.block != block:
        raise PeerError("the peer's bases belong to another block")
    told = sent.told
    if (bases.light, bases.n_stretches, bases.told) != (told.light, told.n_stretches, told.digest):
        raise Abandon(AbortReason.SOURCE, "the two ends do not hold the same clicks of the same light")
    _require_light(told.n_pulses)
    part = _part(agreement, told.n_pulses)
    clicks = np.arange(told.n_clicks, dtype=np.int64)
    kept = sift_recorded(clicks, packed_bits(bases.bases, told.n_clicks), sent.settings())
    return (yield from sifted_at_alice(block, kept, part, length, allot, entropy, transcript))


def _bob(
    block: bytes, seen: SeenLight, agreement: Agreement, length: Length, entropy: Entropy, transcript: Transcript
) -> Steps:
    accepted, told = seen.accepted(), seen.told
    transcript.cover(told.octets)
    _require_light(told.n_pulses)
    bases = Bases(block, told.light, told.n_stretches, told.digest, accepted.basis.tobytes())
    part = _part(agreement, told.n_pulses)
    return (yield from sifted_at_bob(block, accepted, bases, part, length, entropy, transcript))


def _require_light(n_pulses: int) -> None:
    """Raise Abandon where there was none."""
    if n_pulses == 0:
        raise Abandon(AbortReason.TOO_FEW_CLICKS, "there was no light")


def _settings(half: Pulses, pulse: NDArray[np.int64], agreement: Agreement) -> Bits:
    """How these pulses were prepared, an octet each."""
    if half.recorded is not None:
        return half.recorded.octets[pulse]
    assert half.key is not None
    prepared = agreement.protocol.p_key_basis, agreement.p_intensities
    basis, bit, intensity = pulse_settings(half.key, half.start + pulse, *prepared)
    return Settings.of(basis, bit, intensity).octets


def _after_hold_off(accepted: Accepted, gates: int) -> Accepted:
    """Without the clicks that a click at the end of the stretch before may have blinded."""
    first = int(np.searchsorted(accepted.pulse, gates))
    n_clicks = len(accepted.pulse)
    basis, bit = (_packed([_unpacked(row, n_clicks)[first:]]) for row in (accepted.basis, accepted.bit))
    return Accepted(accepted.pulse[first:], basis, bit)


def _part(agreement: Agreement, n_pulses: int) -> Agreement:
    """What is agreed, for so many pulses."""
    return replace(agreement, protocol=replace(agreement.protocol, block_pulses=n_pulses))


def _unpacked(packed: Bits, n_bits: int) -> Bits:
    return np.unpackbits(packed, count=n_bits, bitorder="little")


def _packed(rows: list[Bits]) -> Bits:
    return np.packbits(np.concatenate([*rows, np.zeros(0, np.uint8)]), bitorder="little")
