"""Three data sets of a million samples, out of SHAKE-128, and what NIST's own tool says of them (tests/vectors)."""

import hashlib
import json
from functools import cache
from pathlib import Path

import numpy as np

from haris.quantum.entropy.assessment.samples import Samples

N = 1_000_000
NIST = json.loads((Path(__file__).parents[3] / "vectors" / "sp800_90b.json").read_text(encoding="utf-8"))


@cache
def samples(name: str) -> Samples:
    """The set of that name, whose hash is the one that the tool printed."""
    values = {"A_uniform8": uniform, "B_biased1": biased, "C_sticky4": sticky}[name]()
    assert hashlib.sha256(values.tobytes()).hexdigest() == NIST[name]["sha256"]
    return Samples(values, NIST[name]["bits"])


def octets(letter: str, size: int) -> np.ndarray:
    return np.frombuffer(hashlib.shake_128(f"haris-90b-{letter}".encode()).digest(size), np.uint8)


def uniform() -> np.ndarray:
    """Eight bits, all equally likely."""
    return octets("A", N)


def biased() -> np.ndarray:
    """Bits that are 1 with probability 96/256."""
    return (octets("B", N) < 96).astype(np.uint8)


def sticky() -> np.ndarray:
    """Four bits that are kept from the sample before with probability 1/4; 0 at first."""
    raw = octets("C", 2 * N).reshape(N, 2)
    drawn = np.maximum.accumulate(np.where(raw[:, 0] >= 64, np.arange(N), -1))
    return np.where(drawn >= 0, raw[drawn, 1] & 15, 0).astype(np.uint8)
