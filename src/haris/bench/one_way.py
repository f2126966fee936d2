"""One-way reconciliation between two ends that share one core: speed, efficiency and frame error rate together.

The messages pass, but not their encoding and their way. A peer decodes frames of the same code at the same error rate
with as many rows as ours told at first: LDPC4QKD, where HARIS_LDPC4QKD names the program that tools/ldpc4qkd_peer.cpp
says how to build, else PyPI ldpc, where it is installed. Its time is that of decoding alone.
"""

from __future__ import annotations

import importlib
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix

from haris.bench.contest import Conditions, Contest, Figures
from haris.bench.reconciliation import binary_entropy
from haris.kernels.ldpc import Circulants, paths, syndrome
from haris.quantum.distill import one_way
from haris.quantum.distill.mother_code import Frames, code_named
from haris.wire.distillation import CodedEstimate

N_BITS = 1 << 20
BLOCKS_PER_RUN = 10
"""Three runs of these are 30 frames at 0.5 %, and up to 240 at 10 %: a bound of 1 % takes 300 without a failure."""
PEER_ITERATIONS = 200
QBERS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.1)
PEER_PROGRAM = "HARIS_LDPC4QKD"
PEER_MODULE = "ldpc.bp_decoder"
UNIT = "Mbit/s"

Bits = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class PeerFrame:
    """One full frame for a peer."""

    code: Circulants
    qber: float
    alice: Bits
    bob: Bits

    def matrix(self) -> csc_matrix:
        """The parity checks, one row each."""
        code, z = self.code, np.arange(self.code.lifting)
        row_of_edge = np.repeat(np.arange(len(code.start) - 1), np.diff(code.start))
        checks = row_of_edge[:, None] * code.lifting + z
        bits = code.column[:, None].astype(np.int64) * code.lifting + (z + code.shift[:, None]) % code.lifting
        ones = np.ones(bits.size, np.uint8)
        return csc_matrix((ones, (checks.ravel(), bits.ravel())), shape=(code.n_checks, code.n_bits))


def contests(conditions: Conditions) -> Iterator[Contest]:
    """A contest for each error rate; every run has fresh bits."""
    n_bits = max(1 << 16, conditions.size(N_BITS))
    for qber in QBERS:
        peer = _peer(qber, n_bits, conditions)
        yield Contest(
            setting=f"one way, QBER {100 * qber:g} %, 2^20 bits",
            ours=_ours(qber, n_bits, np.random.default_rng(conditions.seed)),
            peer=peer,
            absent="" if peer else "not installed",
            instruction_set=paths()[-1],
        )


def reconcile(alice: Bits, bob: Bits, opening: CodedEstimate, qber: float) -> tuple[Bits, int, int]:
    """Bob's corrected bits, and the bits disclosed by the usual and by the strict count."""
    leader, follower = one_way.correct(bob, opening, qber), one_way.answer(alice, opening)
    next(leader)
    reply = next(follower)
    usual = strict = 0
    while reply is not None:
        usual, strict = usual + reply.disclosed_bits_one_way, strict + reply.disclosed_bits
        try:
            question = leader.send(reply)
        except StopIteration as end:
            return end.value, usual, strict
        strict += 0 if question is None else question.disclosed_bits
        reply = follower.send(question)
    raise AssertionError("Alice stopped answering")


def _draw(rng: np.random.Generator, n_bits: int, qber: float) -> tuple[Bits, Bits]:
    alice = rng.integers(0, 2, n_bits, dtype=np.uint8)
    return alice, alice ^ (rng.random(n_bits) < qber).astype(np.uint8)


def _ours(qber: float, n_bits: int, rng: np.random.Generator) -> Callable[[], Figures]:
    opening = one_way.opening((0,), qber, n_bits)
    frames = tuple(Frames.of(n_bits, code_named(opening.code)).bounds())

    def run() -> Figures:
        seconds = limit_bits = 0.0
        usual = strict = failed = 0
        for _ in range(BLOCKS_PER_RUN):
            alice, bob = _draw(rng, n_bits, qber)
            began = perf_counter()
            corrected, usual_bits, strict_bits = reconcile(alice, bob, opening, qber)
            seconds += perf_counter() - began
            usual, strict = usual + usual_bits, strict + strict_bits
            limit_bits += n_bits * binary_entropy(float(np.mean(alice != bob)))
            failed += sum(not np.array_equal(corrected[frame], alice[frame]) for frame in frames)
        return {
            UNIT: BLOCKS_PER_RUN * n_bits / seconds / 1e6,
            "f": usual / limit_bits,
            "f_strict": strict / limit_bits,
            "frames": BLOCKS_PER_RUN * len(frames),
            "frame_error_rate": failed / (BLOCKS_PER_RUN * len(frames)),
        }

    return run


def _peer(qber: float, n_bits: int, conditions: Conditions) -> Callable[[], Figures] | None:
    opening = one_way.opening((0,), qber, n_bits)
    mother = code_named(opening.code)
    code = mother.circulants(opening.n_rows, Frames.of(n_bits, mother).lifting)
    rng = np.random.default_rng(conditions.seed)

    def frame() -> PeerFrame:
        return PeerFrame(code, qber, *_draw(rng, code.n_bits, qber))

    if program := os.environ.get(PEER_PROGRAM):
        return lambda: _figures(frame(), lambda drawn: run_program(Path(program), drawn, conditions.folder))
    try:
        importlib.import_module(PEER_MODULE)
    except ImportError:
        return None
    return lambda: _figures(frame(), run_module)


def _figures(frame: PeerFrame, run: Callable[[PeerFrame], tuple[float, bool]]) -> Figures:
    seconds, failed = run(frame)
    limit_bits = frame.code.n_bits * binary_entropy(float(np.mean(frame.alice != frame.bob)))
    return {
        UNIT: frame.code.n_bits / seconds / 1e6,
        "f": frame.code.n_checks / limit_bits,
        "frame_error_rate": float(failed),
    }


def run_module(frame: PeerFrame) -> tuple[float, bool]:
    """Seconds that PyPI ldpc's belief propagation took, and whether it failed."""
    decoder = importlib.import_module(PEER_MODULE).BpDecoder(
        frame.matrix().tocsr(),
        error_rate=frame.qber,
        max_iter=PEER_ITERATIONS,
        bp_method="product_sum",
        input_vector_type="syndrome",
    )
    differing = syndrome(frame.code, frame.alice) ^ syndrome(frame.code, frame.bob)
    began = perf_counter()
    errors = decoder.decode(differing)
    return perf_counter() - began, not np.array_equal(frame.bob ^ errors, frame.alice)


def run_program(program: Path, frame: PeerFrame, folder: Path) -> tuple[float, bool]:
    """The same of LDPC4QKD's belief propagation, by a program built from tools/ldpc4qkd_peer.cpp."""
    matrix = frame.matrix()
    matrix.sort_indices()
    path = folder / "one_way_peer.bin"
    numbers = np.array([frame.code.n_bits, frame.code.n_checks, matrix.nnz, PEER_ITERATIONS], np.uint32)
    parts = [numbers, np.float64(frame.qber), matrix.indptr.astype(np.uint32), matrix.indices.astype(np.uint32)]
    parts += [frame.bob, frame.alice, syndrome(frame.code, frame.alice)]
    path.write_bytes(b"".join(part.tobytes() for part in parts))
    try:
        told = subprocess.run([program, path], capture_output=True, text=True, check=True).stdout.split()
    finally:
        path.unlink()
    return float(told[0]), told[1] != "0"
