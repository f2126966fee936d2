"""Cascade between two ends that share one core: speed, efficiency and frame error rate together.

Speed alone says nothing: a reconciler may be fast and disclose more, or leave errors behind. The messages themselves
pass, but not their encoding and their way. The peer, qkd's Cascade, is a simulation in Rust that counts parities and
sends nothing; its time includes the drawing of its errors.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from math import log2
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from haris.bench.contest import Conditions, Contest, Figures
from haris.quantum.distill import cascade
from haris.wire.distillation import Estimate

N_BITS = 10**6
FRAMES_PER_RUN = 5
QBERS = (0.01, 0.03, 0.05)
PEER_MODULE = "qkd.reconcile"
PEER_FRAME_BITS = 2**14
UNIT = "Mbit/s"

Bits = NDArray[np.uint8]


def contests(conditions: Conditions) -> Iterator[Contest]:
    """A contest for each error rate; every run of ours has fresh bits."""
    n_bits = max(PEER_FRAME_BITS, conditions.size(N_BITS))
    for qber in QBERS:
        peer = _peer(qber, n_bits, conditions.seed)
        yield Contest(
            setting=f"Cascade, QBER {100 * qber:.0f} %, 1e6 bits",
            ours=_ours(qber, n_bits, np.random.default_rng(conditions.seed)),
            peer=peer,
            absent="" if peer else "not installed",
        )


def reconcile(alice: Bits, bob: Bits, estimate: Estimate) -> tuple[Bits, int, int]:
    """Bob's corrected bits, and the bits disclosed by the usual and by the strict count."""
    leader, follower = cascade.correct(bob, estimate), cascade.answer(alice, estimate)
    usual = strict = 0
    next(leader)
    reply = next(follower)
    while reply is not None:
        usual, strict = usual + reply.disclosed_bits_one_way, strict + reply.disclosed_bits
        try:
            question = leader.send(reply)
        except StopIteration as end:
            return end.value, usual, strict
        reply = follower.send(question)
    raise AssertionError("Alice stopped answering")


def binary_entropy(p: float) -> float:
    """h(p) in bits."""
    return -p * log2(p) - (1 - p) * log2(1 - p) if 0 < p < 1 else 0.0


def _ours(qber: float, n_bits: int, rng: np.random.Generator) -> Callable[[], Figures]:
    def run() -> Figures:
        seconds = limit_bits = 0.0
        usual = strict = failed = 0
        for _ in range(FRAMES_PER_RUN):
            alice = rng.integers(0, 2, n_bits, dtype=np.uint8)
            wrong = (rng.random(n_bits) < qber).astype(np.uint8)
            estimate = Estimate(test_errors=(0,), seed=rng.bytes(32), levels=cascade.schedule(qber, n_bits))
            began = perf_counter()
            corrected, usual_bits, strict_bits = reconcile(alice, alice ^ wrong, estimate)
            seconds += perf_counter() - began
            usual, strict = usual + usual_bits, strict + strict_bits
            limit_bits += n_bits * binary_entropy(float(wrong.mean()))
            failed += not np.array_equal(corrected, alice)
        return {
            UNIT: FRAMES_PER_RUN * n_bits / seconds / 1e6,
            "f": usual / limit_bits,
            "f_strict": strict / limit_bits,
            "frames": FRAMES_PER_RUN,
            "frame_error_rate": failed / FRAMES_PER_RUN,
        }

    return run


def _peer(qber: float, n_bits: int, seed: int) -> Callable[[], Figures] | None:
    try:
        qkd = importlib.import_module(PEER_MODULE)
    except ImportError:
        return None
    n_frames = n_bits // PEER_FRAME_BITS

    def run() -> Figures:
        began = perf_counter()
        leaked_bits, failed = qkd.run_cascade(qber, frames=n_frames, seed=seed, cfg=qkd.Cascade(frame=PEER_FRAME_BITS))
        seconds = perf_counter() - began
        return {
            UNIT: n_frames * PEER_FRAME_BITS / seconds / 1e6,
            "f": leaked_bits / (PEER_FRAME_BITS * binary_entropy(qber)),
            "frame_error_rate": failed / n_frames,
        }

    return run
