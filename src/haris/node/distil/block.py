"""One block at one end: its engine, its transcript under two running tags, and where its time goes."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter, thread_time
from typing import Any

from haris.crypto.wegman_carter import RunningTag
from haris.node.distil.desk import Outcome
from haris.nouns.blocks import Aborted, AbortReason, Distilled
from haris.nouns.counts import DecoyCounts
from haris.nouns.errors import ParameterError, PeerError
from haris.nouns.pair_counts import PairCounts
from haris.nouns.quadrature_counts import QuadratureCounts
from haris.nouns.sns_counts import PairedSnsCounts
from haris.nouns.tested_counts import TestedCounts
from haris.quantum.distill.engine import Engine
from haris.quantum.distill.transcript import Sender, Transcript
from haris.wire import distillation, quadratures
from haris.wire.block_message import Message
from haris.wire.packing import pack_bits

STAGES = ("light", "sift", "estimate", "reconcile", "verify", "amplify", "authenticate", "transport")
_STAGE_OF: dict[type, str] = {
    distillation.Clicks: "sift",
    distillation.Sifting: "sift",
    quadratures.Measured: "light",
    quadratures.Sampled: "estimate",
    quadratures.Disclosed: "estimate",
    quadratures.Estimated: "estimate",
    distillation.Estimate: "estimate",
    distillation.CodedEstimate: "estimate",
    distillation.Fingerprint: "verify",
    distillation.Verified: "verify",
    distillation.Amplification: "amplify",
    distillation.Done: "amplify",
}
"""The stage whose work ends in a message; every other message belongs to reconciliation."""
_QUESTIONS = (distillation.Parities, distillation.Errors)


@dataclass(slots=True)
class Clock:
    """Seconds by stage, of the wall and of the processor."""

    wall_s: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    cpu_s: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))

    @contextmanager
    def stage(self, name: str) -> Iterator[list[str]]:
        """Time what follows, in this thread. The name may be changed inside, when it is known better."""
        chosen = [name]
        wall, cpu = perf_counter(), thread_time()
        try:
            yield chosen
        finally:
            self.wall_s[chosen[0]] += perf_counter() - wall
            self.cpu_s[chosen[0]] += thread_time() - cpu

    def add(self, other: Clock) -> None:
        """Add another clock's seconds: clocks are not shared between threads."""
        for mine, theirs in ((self.wall_s, other.wall_s), (self.cpu_s, other.cpu_s)):
            for name, seconds in theirs.items():
                if seconds:
                    mine[name] += seconds


class Block:
    """Turn by turn, without I/O: octets of the peer's message in, octets of ours out, until there is an outcome.

    asking: whether what we said last is one of the many questions and answers of reconciliation, so that a short
    answer is quickly dealt with. One thread at a time may take a turn.
    """

    def __init__(self, number: int, name: bytes, role: Sender, pads: tuple[bytes, bytes]) -> None:
        self.number = number
        self.name = name
        self.clock = Clock()
        self.result: Distilled | Aborted | None = None
        self.asking = False
        self._role = role
        self._tags = RunningTag(pads[Sender.ALICE]), RunningTag(pads[Sender.BOB])
        self.transcript = Transcript(name, hear=self._hear)

    def begin(self, engine: Engine) -> bytes | None:
        """Start the engine. Returns what it says first; ParameterError when it cannot use what it was given."""
        self._engine = engine
        return self._advance(None)

    def turn(self, octets: bytes) -> bytes | None:
        """Take the peer's message in. Returns the answer, or None when there is none."""
        try:
            with self.clock.stage("transport"):
                heard = distillation.decode(octets)
            with self.clock.stage("authenticate"):
                self.transcript.append(Sender(1 - self._role), octets, heard)
            return self._advance(heard)
        except (PeerError, ParameterError) as error:  # what the peer's messages make impossible is the peer's fault
            return self._give_up(AbortReason.PEER, str(error))

    def own_tag(self) -> bytes:
        """Our tag over the transcript."""
        with self.clock.stage("authenticate"):
            return self._tags[self._role].tag()

    def check(self, tag: bytes) -> None:
        """Compare the peer's tag with the one that our transcript would have; a wrong one ends the block."""
        with self.clock.stage("authenticate"):
            expected = self._tags[1 - self._role].tag()
        if not hmac.compare_digest(expected, tag):
            self.result = Aborted(self.name, AbortReason.AUTHENTICATION, "a tag does not fit its transcript")

    def peer_gave_up(self) -> None:
        """The peer has no key of this block, whatever we have."""
        self.result = Aborted(self.name, AbortReason.PEER, "the peer gave the block up")

    def outcome(self) -> tuple[Outcome, bytes]:
        """What the desk is told, and the key's whole octets (none of a block without key)."""
        result = self.result
        assert result is not None
        counted = _counted(result.counts)
        if isinstance(result, Aborted):
            return Outcome(self.number, reason=result.reason, detail=result.detail, **counted), b""
        n_octets = len(result.bits) // 8
        key = pack_bits(result.bits[: 8 * n_octets])
        outcome = Outcome(
            self.number,
            digest=hashlib.sha256(key).digest(),
            secret_bits=8 * n_octets,
            n_reconciled=result.n_reconciled,
            leaked_bits=result.leaked_bits,
            leaked_bits_one_way=result.leaked_bits_one_way,
            octets=self._tags[0].length_octets,
            terms={term.name: float(term.value) for term in getattr(result.length, "terms", ())},
            **counted,
        )
        return outcome, key

    def _hear(self, octets: bytes) -> None:
        for tag in self._tags:
            tag.update(octets)

    def _advance(self, heard: Message | None) -> bytes | None:
        with self.clock.stage("reconcile") as stage:
            said = self._resume(heard)
            stage[0] = _STAGE_OF.get(type(said or heard), "reconcile")
        if said is None:
            return None
        self.asking = isinstance(said, _QUESTIONS)
        octets = self._say(said)
        if said.ends_block:
            self._resume(None)
        return octets

    def _resume(self, heard: Message | None) -> Message | None:
        try:
            return self._engine.send(heard)
        except StopIteration as end:
            self.result = end.value
            return None

    def _say(self, said: Message) -> bytes:
        with self.clock.stage("transport"):
            octets = distillation.encode(said)
        with self.clock.stage("authenticate"):
            self.transcript.append(self._role, octets, said)
        return octets

    def _give_up(self, reason: AbortReason, detail: str) -> bytes:
        self._engine.close()
        self.result = Aborted(self.name, reason, detail)
        return distillation.encode(distillation.Abort(reason=reason))


def _counted(counts: object) -> dict[str, Any]:
    """What the desk is told of a block's counts."""
    match counts:
        case PairCounts():
            (key, test), (key_errors, test_errors) = counts.clicks.sum(axis=(-2, -1)), counts.errors.sum(axis=(-2, -1))
            return {"clicks": (int(key), int(test)), "errors": (int(key_errors), int(test_errors))}
        case PairedSnsCounts():
            slices = int(counts.counts.slice_clicks), int(counts.counts.slice_errors)
            return {"clicks": (counts.n_kept, slices[0]), "errors": (counts.n_wrong, slices[1])}
        case DecoyCounts():
            (key, test), (key_errors, test_errors) = counts.clicks.sum(axis=-1), counts.errors.sum(axis=-1)
            bell = counts.bell if isinstance(counts, TestedCounts) else None
            return {"clicks": (int(key), int(test)), "errors": (int(key_errors), int(test_errors)), "bell": bell}
        case QuadratureCounts():
            frames = counts.frames.n_frames, counts.frames.n_kept
            values = counts.n_key_values, counts.sums.n_values
            return {"clicks": values, "frames": frames, "scheme": counts.scheme}
    return {}
