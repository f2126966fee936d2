"""Keys delivered by two sites at once, each with one core: durable, over mutual TLS, and fetched by their slaves.

Masters draw at both sites together, over N_CONNECTIONS kept alive at each; a key counts when its slave has fetched the
same bytes at the other site, over as many. The generators share the two cores. Stock is put into both stores before.
The peer is nginx with a static file as long as an answer with one key, with mutual TLS, on one core, in the same run.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from uuid import UUID

import numpy as np

from haris.bench.contest import Conditions, Contest, Figures
from haris.bench.key_load import Result, Task
from haris.bench.key_sites import (
    NGINX,
    PEDIGREE,
    SITES,
    Site,
    batches,
    nginx,
    perform,
    preload,
    running,
    task,
    two_sites,
)
from haris.bench.store import fsync_rate_hz
from haris.keys.store import ANY_GRADE, Take
from haris.node.store.store import Store, open_store
from haris.nouns.errors import PeerError
from haris.nouns.ids import key_id
from haris.nouns.key_batch import KeyBatch
from haris.nouns.keys import KEY_OCTETS
from haris.wire.key_batch import write_key_batches

N_CONNECTIONS = 8
N_SINGLE = 40_000
N_MANY = 4_000
KEYS_PER_REQUEST = 128
N_STORED = 10_000_000
TENTHS = 10
N_DRAWN = 400
"""Requests delivered from the store with a tenth of N_STORED, and from the one with all of it."""
N_PAGES = 1_000
WARM_UP = 20
"""Requests a connection before the clock starts: leases are made, and connections."""


def contests(conditions: Conditions) -> Iterator[Contest]:
    """The cost of fsync first, then one key a request beside nginx, many keys a request, and a store that fills."""
    yield Contest("fsync of a page", lambda: _fsyncs(conditions))
    absent = "" if shutil.which(NGINX) else "nginx is not installed (Debian: apt-get install nginx-light)"
    n_single, n_many = conditions.size(N_SINGLE), conditions.size(N_MANY)
    yield Contest(
        "1 key a request",
        lambda: _deliver(conditions, n_single, 1),
        None if absent else lambda: _static(conditions, 2 * n_single),
        absent,
    )
    yield Contest("128 keys a request", lambda: _deliver(conditions, n_many, KEYS_PER_REQUEST))
    yield Contest("10 million keys stored", lambda: _fill(conditions))


def _fsyncs(conditions: Conditions) -> Figures:
    with TemporaryDirectory(prefix="haris-bench-", dir=conditions.folder) as folder:
        return {"fsyncs/s": fsync_rate_hz(Path(folder) / "page", conditions.size(N_PAGES))}


def _deliver(conditions: Conditions, n_requests: int, n_keys: int) -> Figures:
    """n_requests of n_keys at each site."""
    with TemporaryDirectory(prefix="haris-bench-", dir=conditions.folder) as name:
        folder = Path(name).absolute()
        sites = two_sites(folder)
        warm_up = min(n_requests, WARM_UP * N_CONNECTIONS)
        stock = (n_requests + warm_up) * n_keys
        preload(folder, 2 * stock, np.random.default_rng(conditions.seed))  # leases never take the whole of a pool
        with running(folder, sites):
            perform(_both_ways(folder, sites, warm_up, n_keys))
            results = perform(_both_ways(folder, sites, n_requests, n_keys))
    return _figures(results, n_keys)


def _both_ways(folder: Path, sites: tuple[Site, Site], n_requests: int, n_keys: int) -> list[tuple[Task, int]]:
    """Each site's master with the other's slave, its generator on the other's core."""
    east, west = sites
    return [
        (task(folder, here, there, n_requests, n_keys, N_CONNECTIONS), there.processor)
        for here, there in ((east, west), (west, east))
    ]


def _figures(results: Sequence[Result], n_keys: int) -> Figures:
    elapsed_s = max(result.elapsed_s for result in results)
    n_fetched = sum(result.n_keys for result in results)
    latencies_s = np.concatenate([result.latencies_s for result in results])
    return {
        "requests/s": n_fetched / n_keys / elapsed_s,
        "keys/s": n_fetched / elapsed_s,
        "p99 ms": 1e3 * float(np.quantile(latencies_s, 0.99)),
        "p50 ms": 1e3 * float(np.quantile(latencies_s, 0.5)),
    }


def _static(conditions: Conditions, n_requests: int) -> Figures:
    with TemporaryDirectory(prefix="haris-bench-", dir=conditions.folder) as name:
        folder = Path(name).absolute()
        east, west = two_sites(folder)
        one = KeyBatch(key_id(bytes(16), 0).bytes, bytearray(KEY_OCTETS), 8 * KEY_OCTETS, PEDIGREE)
        with nginx(folder, len(write_key_batches([one])), east.processor) as end:
            (result,) = perform([(Task(end, None, n_requests, 1, N_CONNECTIONS), west.processor)])
        return {
            "requests/s": n_requests / result.drawn_s,
            "p99 ms": 1e3 * float(np.quantile(result.latencies_s, 0.99)),
        }


def _fill(conditions: Conditions) -> Figures:
    """Rates of the last tenth of the keys over those of the first: 1 is a store that does not slow down.

    The first tenth goes into a store of its own, in turns with the last tenth of the full one, and N_DRAWN requests are
    then delivered durably from both in turns: a disk or a neighbour that is slower for a while slows both.
    """
    n_tenth = max(1, conditions.size(N_STORED) // TENTHS)
    rng = np.random.default_rng(conditions.seed)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="haris-bench-", dir=conditions.folder)))
        first, last = stores = [open_store(folder / name, rng.bytes(32), rng.bytes) for name in ("first", "last")]
        for store in stores:
            stack.callback(store.close)
        n_keys = min(KEYS_PER_REQUEST, max(1, n_tenth // (2 * N_CONNECTIONS)))
        n_drawn = min(N_DRAWN, n_tenth // (2 * n_keys))
        for _ in range(TENTHS - 1):
            _put([last], n_tenth, rng)
        put_hz = _put([first, last], n_tenth, rng)
        drawn_hz = _drawn([first, last], n_drawn, n_keys)
        size_octets = sum(each.stat().st_size for each in folder.glob("last*"))
    return {
        "last/first million": put_hz[1] / put_hz[0],
        "delivered last/first": drawn_hz[1] / drawn_hz[0],
        "keys/s": put_hz[1],
        "requests/s": drawn_hz[1],
        "octets/key": size_octets / (TENTHS * n_tenth),
    }


def _put(stores: Sequence[Store], n_keys: int, rng: np.random.Generator) -> list[float]:
    """Keys a second, median of the transactions, of n_keys put into each store as incoming relays bring them."""
    rates_hz: list[list[float]] = [[] for _ in stores]
    for keys in batches(n_keys, SITES[0], rng, peer=SITES[1]):
        for store, rates in zip(stores, rates_hz, strict=True):
            relay = UUID(bytes=rng.bytes(16))
            began = perf_counter()
            store.put_keys(keys, relay)
            rates.append(len(keys) / (perf_counter() - began))
    return [float(np.median(rates)) for rates in rates_hz]


def _drawn(stores: Sequence[Store], n_requests: int, n_keys: int) -> list[float]:
    """Requests a second, median of the transactions, of n_keys each, leased, N_CONNECTIONS at once, from each store."""
    east, west = SITES
    take = Take("sae-east", "sae-west", n_keys)
    rates_hz: list[list[float]] = [[] for _ in stores]
    for _ in range(max(1, n_requests // N_CONNECTIONS)):
        for store, rates in zip(stores, rates_hz, strict=True):
            leases = store.offer_leases(west, east, take.master, take.slave, N_CONNECTIONS * take.n_keys, ANY_GRADE)
            store.settle_leases(west, leases, admitted=True)
            began = perf_counter()
            outcomes = store.serve([take] * N_CONNECTIONS)
            rates.append(N_CONNECTIONS / (perf_counter() - began))
            if not all(isinstance(outcome, tuple) for outcome in outcomes):
                raise PeerError("the store did not deliver what it had leased")
    return [float(np.median(rates)) for rates in rates_hz]
