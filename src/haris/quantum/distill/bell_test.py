"""A Bell test on some windows of a block of pairs, before its key: Ekert, PRL 67, 661 (1991).

Bob names the windows in which he took a direction between the bases, with what he found; Alice tells her basis and bit
of those in which she saw something. Neither end sifts these windows. What the test shows is counted at both ends and
told; the key's length leans on the errors of the test basis, as without it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from haris.nouns.bell_counts import BellCounts
from haris.nouns.blocks import Aborted, Distilled
from haris.nouns.counts import DecoyCounts
from haris.nouns.detections import Detections
from haris.nouns.errors import PeerError
from haris.nouns.tested_counts import TestedCounts
from haris.quantum.distill.alice import alice
from haris.quantum.distill.bob import bob
from haris.quantum.distill.engine import Abandon, Engine, Entropy, Length, expect
from haris.quantum.distill.paired_block import paired_alice
from haris.quantum.distill.sift import Known, accept, known_of
from haris.quantum.distill.transcript import Transcript
from haris.quantum.protocols.bbm92 import BELL_CHANNEL, PairAgreement
from haris.wire.bell_test import BellAnswered, BellTold
from haris.wire.block_message import Message
from haris.wire.distillation import LIMITS
from haris.wire.packing import pack_ascending, pack_bits, unpack_ascending, unpack_bits

Bits = NDArray[np.uint8]


def tested_alice(
    block: bytes,
    detections: Detections,
    agreement: PairAgreement,
    length: Length,
    allot: Callable[[int], bytes],
    entropy: Entropy,
    transcript: Transcript,
) -> Engine:
    """Alice's engine of a block of pairs, with a Bell test where that was agreed; arguments as of paired_alice."""
    if not agreement.tests:
        return paired_alice(block, detections, agreement, length, allot, entropy, transcript)
    known = known_of(accept(detections, agreement, entropy), detections.n_pulses)
    return _alice(block, known, agreement, length, allot, entropy, transcript)


def tested_bob(
    block: bytes,
    detections: Detections,
    agreement: PairAgreement,
    length: Length,
    entropy: Entropy,
    transcript: Transcript,
) -> Engine:
    """Bob's engine of a block of pairs, with a Bell test where that was agreed; arguments as of bob."""
    if not agreement.tests:
        return bob(block, detections, agreement, length, entropy, transcript)
    return _bob(block, detections, agreement, length, entropy, transcript)


def _alice(
    block: bytes,
    known: Known,
    agreement: PairAgreement,
    length: Length,
    allot: Callable[[int], bytes],
    entropy: Entropy,
    transcript: Transcript,
) -> Engine:
    heard = yield None
    try:
        told = expect(heard, BellTold)
    except Abandon as end:
        return Aborted(block=block, reason=end.reason, detail=end.detail)
    if told.block != block or told.n_clicks > LIMITS.clicks:
        raise PeerError("the peer's Bell test belongs to another block, or has more clicks than are taken")
    pulse = unpack_ascending(told.pulses, told.n_clicks, below=agreement.block_pulses)
    direction, theirs = (unpack_bits(row, told.n_clicks) for row in (told.directions, told.outcomes))
    seen, tested = np.isin(pulse, known.pulse), np.isin(known.pulse, pulse)
    settings = known.settings[tested]
    basis, ours = settings >> np.uint8(1), settings & np.uint8(1)
    counts = _counts(agreement, basis, direction[seen], ours == theirs[seen])
    rest = replace(known, pulse=known.pulse[~tested], settings=known.settings[~tested])
    engine = alice(block, rest, agreement, length, allot, entropy, transcript)
    next(engine)  # she listens
    answer = BellAnswered(seen=pack_bits(seen.astype(np.uint8)), bases=pack_bits(basis), outcomes=pack_bits(ours))
    return _with_test((yield from _resumed(engine, (yield answer))), counts)


def _bob(
    block: bytes,
    detections: Detections,
    agreement: PairAgreement,
    length: Length,
    entropy: Entropy,
    transcript: Transcript,
) -> Engine:
    of_test = detections.channel >= BELL_CHANNEL
    parts = [
        Detections(detections.n_pulses, detections.time_ps[rows], detections.channel[rows] & np.uint8(3))
        for rows in (of_test, ~of_test)
    ]
    tested = accept(parts[0], agreement, entropy)
    n = len(tested.pulse)
    told = BellTold(
        block=block,
        n_clicks=n,
        pulses=pack_ascending(tested.pulse),
        directions=tested.basis.tobytes(),
        outcomes=tested.bit.tobytes(),
    )
    heard = yield told
    try:
        answer = expect(heard, BellAnswered)
    except Abandon as end:
        return Aborted(block=block, reason=end.reason, detail=end.detail)
    seen = unpack_bits(answer.seen, n).astype(np.bool_)
    basis, theirs = (unpack_bits(row, int(np.count_nonzero(seen))) for row in (answer.bases, answer.outcomes))
    direction, ours = (unpack_bits(row.tobytes(), n)[seen] for row in (tested.basis, tested.bit))
    counts = _counts(agreement, basis, direction, ours == theirs)
    return _with_test((yield from bob(block, parts[1], agreement, length, entropy, transcript)), counts)


def _resumed(engine: Engine, heard: Message | None) -> Generator[Message | None, Message | None, Distilled | Aborted]:
    """The rest of an engine that waits for a message."""
    try:
        while True:
            heard = yield engine.send(heard)
    except StopIteration as end:
        result: Distilled | Aborted = end.value
        return result
    finally:
        engine.close()


def _counts(agreement: PairAgreement, basis: Bits, direction: Bits, agrees: NDArray[np.bool_]) -> BellCounts:
    cell = 2 * basis.astype(np.int64) + direction
    rounds, agreed = (np.bincount(cell[rows], minlength=4).reshape(2, 2) for rows in (slice(None), agrees))
    none = np.zeros((), np.int64)
    return BellCounts(agreement.block_pulses, none, none, rounds, agreed)


def _with_test(result: Distilled | Aborted, bell: BellCounts) -> Distilled | Aborted:
    """The outcome with the test beside its counts."""
    known = result.counts
    if not isinstance(known, DecoyCounts):
        return result
    counts = TestedCounts(known.n_pulses, known.intensities, known.p_intensities, known.clicks, known.errors, bell)
    return replace(result, counts=counts)
