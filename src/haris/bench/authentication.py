"""The one-time tag over a transcript that passes message by message, beside a plain copy of the same octets.

Arithmetic modulo 2^130 - 5 holds it, not memory: on a Zen 3 core (AVX2) 5.4 GB/s from the cache, 5.2 from memory, where
a copy made 6.2. A polynomial over GF(2^128) by VPCLMULQDQ of 256 bits would hash 9 GB/s from the cache there and 1.25
times as much as a copy from memory; it would change every tag, and is not in use.
"""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter

import numpy as np

from haris.bench.contest import Conditions, Contest, Figures
from haris.crypto.wegman_carter import PAD_OCTETS, RunningTag

MESSAGE_OCTETS = 1 << 20
N_MESSAGES = 256
UNIT = "GB/s"


def contests(conditions: Conditions) -> Iterator[Contest]:
    """One contest; the copy goes from and to memory that was touched before."""
    rng = np.random.default_rng(conditions.seed)
    n_messages = conditions.size(N_MESSAGES)
    messages = [rng.bytes(MESSAGE_OCTETS) for _ in range(n_messages)]
    arrays = [np.frombuffer(message, np.uint8) for message in messages]
    copies = [array.copy() for array in arrays]
    pad = rng.bytes(PAD_OCTETS)

    def ours() -> Figures:
        began = perf_counter()
        running = RunningTag(pad)
        for message in messages:
            running.update(message)
        running.tag()
        return {UNIT: n_messages * MESSAGE_OCTETS / (perf_counter() - began) / 1e9}

    def peer() -> Figures:
        began = perf_counter()
        for copy, array in zip(copies, arrays, strict=True):
            np.copyto(copy, array)
        return {UNIT: n_messages * MESSAGE_OCTETS / (perf_counter() - began) / 1e9}

    yield Contest("messages of 1 MiB", ours, peer)
