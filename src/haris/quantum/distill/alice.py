"""Alice's engine of one block: she prepared the pulses, answers Bob's questions, and chooses the hash."""

from __future__ import annotations

from collections.abc import Callable

from haris.kernels.sifted import Sent
from haris.nouns.counts import TEST_BASIS
from haris.nouns.errors import ParameterError
from haris.nouns.pulses import Pulses
from haris.quantum.distill.engine import Engine, Entropy, Length, Steps, expect, guarded, require_clicks, require_qber
from haris.quantum.distill.estimate import count_clicks, sifted_key, with_errors
from haris.quantum.distill.sift import Known, read_clicks, sift_sent, sifting_message
from haris.quantum.distill.sifted_key import opening_kind, secret_at_alice
from haris.quantum.distill.transcript import Transcript
from haris.quantum.protocols.bb84 import Agreement
from haris.wire.distillation import Clicks


def alice(
    block: bytes,
    pulses: Pulses | Known,
    agreement: Agreement,
    length: Length,
    allot: Callable[[int], bytes],
    entropy: Entropy,
    transcript: Transcript,
) -> Engine:
    """Distil one block at the end that sent the light, or measured its half of pairs; see engine for how it is driven.

    length: the security bound, from counts and leaked bits. allot: how a key of so many bits is to be cut; its octets
    reach Bob inside the transcript. entropy: public randomness, yet unpredictable. transcript: kept by the driver,
    which appends every message of both ends before it resumes the engine.
    Raises ParameterError on pulses that do not span the agreed block, PeerError on a peer that breaks the protocol.
    """
    if pulses.n_pulses != agreement.protocol.block_pulses:
        raise ParameterError(f"{pulses.n_pulses} pulses prepared, agreed are {agreement.protocol.block_pulses}")
    return guarded(block, _steps(block, pulses, agreement, length, allot, entropy, transcript))


def _steps(
    block: bytes,
    pulses: Pulses | Known,
    agreement: Agreement,
    length: Length,
    allot: Callable[[int], bytes],
    entropy: Entropy,
    transcript: Transcript,
) -> Steps:
    clicks = expect((yield None), Clicks)
    pulse, bob_basis = read_clicks(clicks, block, agreement.protocol.block_pulses)
    sent = sift_sent(pulses, pulse, bob_basis, agreement)
    return (yield from sifted_at_alice(block, sent, agreement, length, allot, entropy, transcript))


def sifted_at_alice(
    block: bytes,
    sent: Sent,
    agreement: Agreement,
    length: Length,
    allot: Callable[[int], bytes],
    entropy: Entropy,
    transcript: Transcript,
) -> Steps:
    """Alice's steps from the message on by which she tells what she keeps of Bob's clicks."""
    counts = count_clicks(sent.clicks, agreement)
    require_clicks(counts)
    opened = expect((yield sifting_message(sent)), opening_kind(agreement.protocol.reconciliation), counts)
    counts = with_errors(counts, TEST_BASIS, opened.test_errors)
    require_qber(counts, TEST_BASIS, agreement)
    key = sifted_key(sent.key_bits, sent.n_key, counts, agreement)
    return (yield from secret_at_alice(block, key, opened, length, allot, entropy, transcript))
