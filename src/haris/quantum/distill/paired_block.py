"""A block of photon pairs on its way through the engines of Alice and Bob.

Whoever measures one photon of a pair prepares the other (Bennett, Brassard, Mermin, PRL 68, 557 (1992)): Alice's events
are the pulses of the block, numbered in order, all of one intensity, and those of them that have a partner are Bob's
detections. So sifting, reconciliation, verification and amplification are those of prepared light; the bound is that of
pairs. To find the partners, Bob needs the times of Alice's events, which say nothing of what she measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from haris.nouns.coincidence_counts import CoincidenceCounts
from haris.nouns.counts import DecoyCounts
from haris.nouns.detections import Detections
from haris.nouns.errors import ParameterError
from haris.nouns.pulses import Pulses, Settings
from haris.nouns.time_tags import TimeTags
from haris.quantum.distill.alice import alice
from haris.quantum.distill.clock_search import ClockFit, SearchRange, find_clock
from haris.quantum.distill.clock_tracking import Clock, track
from haris.quantum.distill.coincidences import Coincidences, Events, Indices, coincidences, events
from haris.quantum.distill.engine import Engine, Entropy, Length
from haris.quantum.distill.sift import accept, known_of
from haris.quantum.distill.transcript import Transcript
from haris.quantum.protocols.bb84 import Agreement, DecoyBB84
from haris.quantum.security.entangled_bounds import entangled_key_length
from haris.quantum.security.key_length import BlockLength, Security

WINDOW_JITTERS = 6.0
"""Width of a window for which none is asked: three standard deviations of a pair on either side."""
CLOCK_HZ = 1e9
_PERIOD_PS = 1000


@dataclass(frozen=True, slots=True)
class PairedBlock:
    """Two recordings as one block: how the clocks were found and tracked, both ends' events, and their partners."""

    fit: ClockFit
    clock: Clock
    window_ps: int
    alice: Events
    bob: Events
    found: Coincidences

    @property
    def n_windows(self) -> float:
        """Coincidence windows of the tracked time."""
        return self.clock.span_ps / self.window_ps

    def skew_ps(self) -> NDArray[np.float64]:
        """By how much later than the others of its site each detector's clicks come: shape (2, 4), Alice's and Bob's.

        By channel as in TimeTags, from the least squares of all pairs; 0 where one has no pair. Who asks holds both
        ends. Alice tells the times of her events: what they differ by from detector to detector, the times tell of her
        bits (Lamas-Linares, Kurtsiefer, Opt. Express 15, 9388 (2007)).
        """
        ours, theirs = self.found.alice, self.found.bob
        late = (self.bob.time_ps[theirs] - self.clock.at_bob(self.alice.time_ps[ours])).astype(np.float64)
        cell = 4 * _channel(self.alice, ours) + _channel(self.bob, theirs)
        n, sums = np.bincount(cell, minlength=16), np.bincount(cell, late, minlength=16)
        weight, mean = np.sqrt(n), sums / np.maximum(n, 1)
        at_alice, at_bob = np.divmod(np.arange(16), 4)
        design = np.hstack([-np.eye(4)[at_alice], np.eye(4)[at_bob]])
        skew = np.linalg.lstsq(design * weight[:, None], mean * weight)[0].reshape(2, 4)
        seen = np.stack([n.reshape(4, 4).sum(axis=1), n.reshape(4, 4).sum(axis=0)]) > 0
        centre = (skew * seen).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
        return np.where(seen, skew - centre[:, None], 0.0)


def pair_recordings(
    alice: TimeTags, bob: TimeTags, within: SearchRange, entropy: Callable[[int], bytes], window_ps: int | None = None
) -> PairedBlock:
    """Search, track and pair two recordings.

    window_ps: whole width of the coincidence window (None: WINDOW_JITTERS of a pair's jitter). entropy: decides clicks
    of several detectors. Raises ParameterError where the recordings are not correlated.
    """
    fit = find_clock(alice.time_ps, bob.time_ps, within)
    window = round(WINDOW_JITTERS * fit.jitter_ps) if window_ps is None else window_ps
    clock = track(alice.time_ps, bob.time_ps, fit, window)
    if not clock.span_ps:
        raise ParameterError(f"no coincidences in windows of {window} ps where the clocks' offset was found")
    ours, theirs = events(alice, window, entropy), events(bob, window, entropy)
    return PairedBlock(fit, clock, window, ours, theirs, coincidences(ours.time_ps, theirs.time_ps, clock, window))


def paired_agreement(
    n_events: int, qber_abort: float = 0.11, reconciliation: Literal["cascade", "one-way"] = "cascade"
) -> Agreement:
    """What both engines agree on for a block of n_events of Alice's. Which basis was measured how often, they count."""
    protocol = DecoyBB84(0.5, n_events, qber_abort, reconciliation)
    return Agreement(protocol, CLOCK_HZ, intensities=(1.0,), p_intensities=(1.0,))


def paired_pulses(alice: Events) -> Pulses:
    """Alice's half: what she measured, as if she had prepared it."""
    return Pulses(len(alice.bit), recorded=Settings.of(alice.basis, alice.bit, np.zeros_like(alice.bit)))


def paired_detections(n_events: int, bob: Events, found: Coincidences) -> Detections:
    """Bob's half: his events with a partner, each in the middle of the pulse that is its partner's number."""
    return Detections(n_events, found.alice * _PERIOD_PS + _PERIOD_PS // 2, _channel(bob, found.bob))


def paired_counts(pairs: CoincidenceCounts) -> DecoyCounts:
    """Coincidences as the engines count them: those of one intensity."""
    return DecoyCounts(pairs.n_pulses, (1.0,), (1.0,), pairs.coincidences[..., None], pairs.errors[..., None])


def paired_alice(
    block: bytes,
    detections: Detections,
    agreement: Agreement,
    length: Length,
    allot: Callable[[int], bytes],
    entropy: Entropy,
    transcript: Transcript,
) -> Engine:
    """Alice's engine where both ends number their windows by one clock: her clicks are what she prepared.

    Bob tells all of his windows and bases; that Alice keeps one says that she saw something there, and not what.
    """
    known = known_of(accept(detections, agreement, entropy), detections.n_pulses)
    return alice(block, known, agreement, length, allot, entropy, transcript)


def paired_length(security: Security, n_windows: float) -> Callable[[DecoyCounts, int], BlockLength]:
    """The bound of entangled pairs, as the engines ask for it. n_windows: coincidence windows of the block."""

    def length(counts: DecoyCounts, leaked_bits: int) -> BlockLength:
        pairs = CoincidenceCounts(n_windows, counts.clicks[..., 0], counts.errors[..., 0])
        key = entangled_key_length(pairs, security, leaked_bits)
        return BlockLength(int(key.length_bits), key.terms, key.proof)

    return length


def _channel(site: Events, at: Indices) -> NDArray[np.uint8]:
    return site.basis[at] << np.uint8(1) | site.bit[at]
