"""Both engines of a block of photon pairs in one process: what two recordings would have given two sites."""

from __future__ import annotations

import os

from haris.nouns.blocks import Aborted, Distilled
from haris.quantum.distill.alice import alice
from haris.quantum.distill.bob import bob
from haris.quantum.distill.engine import Engine
from haris.quantum.distill.paired_block import (
    PairedBlock,
    paired_agreement,
    paired_detections,
    paired_length,
    paired_pulses,
)
from haris.quantum.distill.transcript import Sender, Transcript
from haris.quantum.security.key_length import Security
from haris.wire.block_message import Message
from haris.wire.distillation import encode


def distil_pairs(block: PairedBlock, security: Security) -> tuple[Distilled | Aborted, Distilled | Aborted]:
    """Alice's end and Bob's. Nothing but their messages passes between the engines; nothing is authenticated."""
    name, n_events = os.urandom(16), len(block.alice.bit)
    agreement = paired_agreement(n_events)
    length = paired_length(security, block.n_windows)
    transcripts = Transcript(name, hear=_forget), Transcript(name, hear=_forget)
    pulses, detections = paired_pulses(block.alice), paired_detections(n_events, block.bob, block.found)
    engines = {
        Sender.ALICE: alice(name, pulses, agreement, length, lambda _: b"", os.urandom, transcripts[0]),
        Sender.BOB: bob(name, detections, agreement, length, os.urandom, transcripts[1]),
    }
    return _drive(engines, transcripts)


def _drive(
    engines: dict[Sender, Engine], transcripts: tuple[Transcript, Transcript]
) -> tuple[Distilled | Aborted, Distilled | Aborted]:
    results: dict[Sender, Distilled | Aborted] = {}

    def resume(sender: Sender, message: Message | None) -> Message | None:
        """The engine's next message, or none once it has its result."""
        try:
            said = engines[sender].send(message)
        except StopIteration as end:
            results[sender] = end.value
            return None
        if said is not None:
            octets = encode(said)
            for transcript in transcripts:
                transcript.append(sender, octets, said)
        return said

    resume(Sender.ALICE, None)
    sender, said = Sender.BOB, resume(Sender.BOB, None)
    while said is not None:
        if said.ends_block:
            resume(sender, None)
        sender = Sender(1 - sender)
        said = resume(sender, said)
    return results[Sender.ALICE], results[Sender.BOB]


def _forget(octets: bytes) -> None:
    """Keep no octets of a transcript: no tag will cover them."""
