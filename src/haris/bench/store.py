"""Durable transactions of the store, beside the fsync that each of them cannot do without."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from uuid import UUID

import numpy as np

from haris.bench.contest import Conditions, Contest, Figures
from haris.node.store.store import Store, open_store
from haris.nouns.assignments import Assignment
from haris.nouns.keys import KEY_OCTETS, Origin, Pedigree, Proof, StoredKey

N_REQUESTS = 300
VERBS_PER_REQUEST = 3
PAGE_OCTETS = 4096
UNIT = "transactions/s"

PEDIGREE = Pedigree(1e-9, Origin.EMULATED, Proof("none: measures the store", "none", finite=True))


def contests(conditions: Conditions) -> Iterator[Contest]:
    """One contest: what enc_keys asks of the owner's store for one key a request."""
    n_requests = conditions.size(N_REQUESTS)
    rng = np.random.default_rng(conditions.seed)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="haris-bench-", dir=conditions.folder)))
        store = open_store(folder / "store", rng.bytes(32), rng.bytes)
        stack.callback(store.close)

        def ours() -> Figures:
            stock_up(store, n_requests, rng)
            began = perf_counter()
            for _ in range(n_requests):
                deliver_one(store)
            return {UNIT: VERBS_PER_REQUEST * n_requests / (perf_counter() - began)}

        def peer() -> Figures:
            return {UNIT: fsync_rate_hz(folder / "page", VERBS_PER_REQUEST * n_requests)}

        yield Contest("reserve, announce, deliver", ours, peer)


def stock_up(store: Store, n_keys: int, rng: np.random.Generator) -> None:
    """Put keys into the pool towards `far`, owned by `near`."""
    keys = [StoredKey(UUID(bytes=rng.bytes(16)), rng.bytes(KEY_OCTETS), "far", "near", PEDIGREE) for _ in range(n_keys)]
    store.put_keys(keys, relay=UUID(bytes=rng.bytes(16)))


def deliver_one(store: Store) -> None:
    """Three transactions: READY → RESERVED, the note of its announcement, RESERVED → SPENT and overwritten."""
    (key,) = store.reserve("far", "near", 1, "bench")
    assignment = Assignment(key.key_id, 8 * KEY_OCTETS, (key.key_id,), "master", ("slave",), key.pedigree)
    store.record_assignments("far", [assignment])
    store.close_assignments([key.key_id], delivered=True)


def fsync_rate_hz(path: Path, n_pages: int) -> float:
    """Pages a second that reach the disk one by one, each by a write at the end of the file and an fsync."""
    with path.open("wb", buffering=0) as file:
        began = perf_counter()
        for _ in range(n_pages):
            file.write(bytes(PAGE_OCTETS))
            os.fsync(file.fileno())
        return n_pages / (perf_counter() - began)
