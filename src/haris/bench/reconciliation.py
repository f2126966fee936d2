"""Cascade between two ends that share one core: speed, efficiency and frame error rate together.

Speed alone says nothing: a reconciler may be fast and disclose more, or leave errors behind. The messages themselves
pass, but not their encoding and their way. Time is the processor's, of both ends and of both contestants. One peer is
cascade-cpp (see cascade_cpp.py); the other, qkd's Cascade, is a simulation in Rust that counts parities and sends
nothing, and whose time includes the drawing of its errors.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from math import log2
from time import process_time

import numpy as np
from numpy.typing import NDArray

from haris.bench import cascade_cpp, round_trips
from haris.bench.contest import Conditions, Contest, Figures
from haris.kernels.cascade import frame_bits, instruction_set
from haris.quantum.distill import cascade
from haris.wire.distillation import Estimate

N_BITS = 2**22
BLOCKS_PER_RUN = 2
QBERS = (0.01, 0.02, 0.03, 0.05, 0.08)
CPP_FRAMES = 10
QKD_MODULE = "qkd.reconcile"
QKD_FRAME_BITS = 2**14
QKD_QBER = 0.03
ROUND_TRIP_S = 0.010
IN_FLIGHT = 256
IN_FLIGHT_BITS = 2**20
IN_FLIGHT_QBER = 0.03
UNIT = "Mbit/s"
UNDELAYED = "of undelayed"

Bits = NDArray[np.uint8]


def contests(conditions: Conditions) -> Iterator[Contest]:
    """A contest for each error rate, one with qkd, and one with a delay; every run of ours has fresh bits."""
    n_bits = max(QKD_FRAME_BITS, conditions.size(N_BITS))
    rng = np.random.default_rng(conditions.seed)
    for qber in QBERS:
        peer = cascade_cpp.peer(qber, conditions.size(CPP_FRAMES))
        yield Contest(
            setting=f"Cascade, QBER {100 * qber:.0f} %",
            ours=_ours(qber, n_bits, rng),
            peer=peer,
            absent="" if peer else cascade_cpp.ABSENT,
            instruction_set=instruction_set(),
        )
    qkd = _qkd(QKD_QBER, n_bits, conditions.seed)
    yield Contest(
        setting="Cascade, QBER 3 %, beside qkd",
        ours=_ours(QKD_QBER, n_bits, rng),
        peer=qkd,
        absent="" if qkd else "not installed",
        instruction_set=instruction_set(),
    )
    yield Contest(
        setting="Cascade, QBER 3 %, round trip of 10 ms",
        ours=_delayed(max(QKD_FRAME_BITS, conditions.size(IN_FLIGHT_BITS)), conditions.size(IN_FLIGHT), rng),
        instruction_set=instruction_set(),
    )


def reconcile(alice: Bits, bob: Bits, estimate: Estimate) -> tuple[Bits, int, int]:
    """Bob's corrected bits, and the bits disclosed by the usual and by the strict count."""
    n_bits = len(alice)
    mine, theirs = (np.packbits(bits, bitorder="little") for bits in (alice, bob))
    leader, follower = cascade.correct(theirs, n_bits, estimate), cascade.answer(mine, n_bits, estimate)
    usual = strict = 0
    next(leader)
    reply = next(follower)
    while reply is not None:
        usual, strict = usual + reply.disclosed_bits_one_way, strict + reply.disclosed_bits
        try:
            question = leader.send(reply)
        except StopIteration as end:
            return np.unpackbits(end.value, count=n_bits, bitorder="little"), usual, strict
        reply = follower.send(question)
    raise AssertionError("Alice stopped answering")


def binary_entropy(p: float) -> float:
    """h(p) in bits."""
    return -p * log2(p) - (1 - p) * log2(1 - p) if 0 < p < 1 else 0.0


def _ours(qber: float, n_bits: int, rng: np.random.Generator) -> Callable[[], Figures]:
    def run() -> Figures:
        seconds = limit_bits = 0.0
        usual = strict = failed = 0
        for _ in range(BLOCKS_PER_RUN):
            alice = rng.integers(0, 2, n_bits, dtype=np.uint8)
            wrong = (rng.random(n_bits) < qber).astype(np.uint8)
            estimate = Estimate(test_errors=(0,), seed=rng.bytes(32), levels=cascade.schedule(qber, n_bits))
            bob = alice ^ wrong
            began = process_time()
            corrected, usual_bits, strict_bits = reconcile(alice, bob, estimate)
            seconds += process_time() - began
            usual, strict = usual + usual_bits, strict + strict_bits
            limit_bits += n_bits * binary_entropy(float(wrong.mean()))
            failed += len(np.unique(np.flatnonzero(corrected != alice) // frame_bits(n_bits)))
        n_frames = BLOCKS_PER_RUN * -(-n_bits // frame_bits(n_bits))
        return {
            UNIT: BLOCKS_PER_RUN * n_bits / seconds / 1e6,
            "f": usual / limit_bits,
            "f_strict": strict / limit_bits,
            "frames": n_frames,
            "frame_error_rate": failed / n_frames,
        }

    return run


def _delayed(n_bits: int, n_in_flight: int, rng: np.random.Generator) -> Callable[[], Figures]:
    blocks = round_trips.blocks(IN_FLIGHT_QBER, n_bits, 4, rng)

    def run() -> Figures:
        undelayed_s = round_trips.seconds_a_block(blocks, min(8, n_in_flight), 0.0)
        delayed_s = round_trips.seconds_a_block(blocks, n_in_flight, ROUND_TRIP_S)
        return {UNIT: n_bits / delayed_s / 1e6, UNDELAYED: undelayed_s / delayed_s}

    return run


def _qkd(qber: float, n_bits: int, seed: int) -> Callable[[], Figures] | None:
    try:
        qkd = importlib.import_module(QKD_MODULE)
    except ImportError:
        return None
    n_frames = n_bits // QKD_FRAME_BITS

    def run() -> Figures:
        began = process_time()
        leaked_bits, failed = qkd.run_cascade(qber, frames=n_frames, seed=seed, cfg=qkd.Cascade(frame=QKD_FRAME_BITS))
        seconds = process_time() - began
        return {
            UNIT: n_frames * QKD_FRAME_BITS / seconds / 1e6,
            "f": leaked_bits / (QKD_FRAME_BITS * binary_entropy(qber)),
            "frame_error_rate": failed / n_frames,
        }

    return run
