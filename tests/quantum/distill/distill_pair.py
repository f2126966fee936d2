"""Two engines back to back, and light that is drawn without any simulator."""

from collections import deque
from dataclasses import dataclass, field, replace
from math import log2

import numpy as np

from haris.nouns.blocks import Distilled
from haris.nouns.counts import KEY_BASIS, TEST_BASIS
from haris.nouns.detections import Detections
from haris.nouns.errors import PeerError
from haris.nouns.pulses import Pulses, Settings
from haris.quantum.distill.alice import alice
from haris.quantum.distill.bob import bob
from haris.quantum.distill.transcript import Sender, Transcript
from haris.quantum.protocols.bb84 import Agreement, DecoyBB84
from haris.wire.distillation import Limits, decode, encode

BLOCK = bytes(range(16))
AGREEMENT = Agreement(
    protocol=DecoyBB84(p_key_basis=0.9, block_pulses=100_000),
    clock_hz=1e9,
    intensities=(0.5, 0.1, 0.0),
    p_intensities=(0.7, 0.2, 0.1),
)


@dataclass(frozen=True)
class Allowed:
    length_bits: int


def binary_entropy(q):
    return 0.0 if q in (0, 1) else -q * log2(q) - (1 - q) * log2(1 - q)


def length(counts, leaked_bits):
    """A stand-in for a security bound: single photons only, no finite-key terms."""
    n_key = int(counts.clicks[KEY_BASIS].sum())
    return Allowed(max(0, int(n_key * (1 - binary_entropy(float(counts.qber[TEST_BASIS])))) - leaked_bits))


def entropy_from(seed):
    return np.random.default_rng(seed).bytes


def agreed(n_pulses, **changes):
    return replace(AGREEMENT, protocol=replace(AGREEMENT.protocol, block_pulses=n_pulses, **changes))


def light(n_pulses, qber, seed, p_click=0.4, p_key_basis=0.9, key_qber=None):
    """Recorded pulses and the time tags of perfect detectors that err at random."""
    rng = np.random.default_rng(seed)
    sent = Settings.of(
        basis=(rng.random(n_pulses) >= p_key_basis).astype(np.uint8),
        bit=rng.integers(0, 2, n_pulses, dtype=np.uint8),
        intensity=rng.choice(3, n_pulses, p=AGREEMENT.p_intensities).astype(np.uint8),
    )
    index = np.flatnonzero(rng.random(n_pulses) < p_click)
    basis = (rng.random(len(index)) >= p_key_basis).astype(np.uint8)
    p_wrong = np.where(basis == KEY_BASIS, qber if key_qber is None else key_qber, qber)
    wrong = rng.random(len(index)) < np.where(basis == sent.basis[index], p_wrong, 0.5)
    channel = 2 * basis + (sent.bit[index] ^ wrong)
    time_ps = index * 1000 + 500 + rng.integers(-400, 400, len(index))
    return Pulses(n_pulses, recorded=sent), Detections(n_pulses, time_ps, channel.astype(np.uint8))


def honest(sender, number, octets):
    return [octets]


@dataclass
class End:
    """One party: its engine, its own transcript, and what lies in its letter box."""

    sender: Sender
    engine: object
    transcript: Transcript
    inbox: deque = field(default_factory=deque)
    result: object = None

    def resume(self, message):
        """Run the engine on to its next message, which is returned in octets."""
        try:
            reply = next(self.engine) if message is None else self.engine.send(message)
            octets = None
            if reply is not None:
                octets = encode(reply)
                self.transcript.append(self.sender, octets, reply)
                if reply.ends_block:
                    self.engine.send(None)
        except StopIteration as end:
            self.result = end.value
            octets = None if message is not None and message.ends_block else octets
        except PeerError as error:
            self.result, octets = error, None
        return octets

    def receive(self, octets):
        try:
            message = decode(octets, Limits())
        except PeerError as error:
            self.result = error
            return None
        self.transcript.append(Sender(1 - self.sender), octets, message)
        return self.resume(message)


def pair(pulses, detections, agreement, seed=1, length_bob=length, allot=lambda bits: bits.to_bytes(8, "big")):
    transcripts = Transcript(BLOCK), Transcript(BLOCK)
    a = alice(BLOCK, pulses, agreement, length, allot, entropy_from(seed), transcripts[0])
    b = bob(BLOCK, detections, agreement, length_bob, entropy_from(seed + 1), transcripts[1])
    return End(Sender.ALICE, a, transcripts[0]), End(Sender.BOB, b, transcripts[1])


def drive(a, b, channel=honest):
    """Carry messages until nobody has anything left to read. channel: octets in, list of octets that arrive."""
    ends, number = {Sender.ALICE: a, Sender.BOB: b}, 0
    assert a.resume(None) is None
    outgoing = deque([(Sender.BOB, b.resume(None))])
    while outgoing:
        sender, octets = outgoing.popleft()
        if octets is not None:
            ends[1 - sender].inbox.extend(channel(sender, number, octets))
            number += 1
        for end in (a, b):
            if end.result is None and end.inbox:
                outgoing.append((end.sender, end.receive(end.inbox.popleft())))
    return a.result, b.result


def accepted_keys(a, b):
    """The two keys if both ends finished and the authentication of their transcripts would agree; else None."""
    finished = isinstance(a.result, Distilled) and isinstance(b.result, Distilled)
    if not finished or a.transcript.octets != b.transcript.octets:
        return None
    return a.result.bits, b.result.bits
