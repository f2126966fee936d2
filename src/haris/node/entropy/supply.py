"""A supply of random numbers: a device, its pipeline and pool, and a generator behind them for bursts."""

from __future__ import annotations

import threading
import time

from haris.crypto.drbg import MOST_OCTETS, SEED_OCTETS, Drbg, require_known_answer
from haris.node.entropy.pipeline import Pipeline
from haris.node.entropy.pool import Pool
from haris.node.entropy.supply_toml import SupplyTable
from haris.nouns.errors import KeyUnavailable, ParameterError
from haris.wire.randomness import Birth, BitOrigin, SupplyStatus


class RandomSupply:
    """Gives bits of the source while the pool lasts, and of the generator to those who may be given such.

    The generator is seeded by bits of the source, again after the table's time or requests, and ends with each failure
    of the source: what follows has another seed. Raises KeyUnavailable when it does not give its known answer.
    pool: bits of the source that are ready.
    """

    def __init__(self, table: SupplyTable, source: str, device: str, pool: Pool, pipeline: Pipeline) -> None:
        self._table, self.pool, self._pipeline = table, pool, pipeline
        self._source, self._device = source, device
        self._drbg: Drbg | None = None
        self._epoch, self._seeded_s, self._began_s = 0, 0.0, time.monotonic()
        self._n_drbg = 0
        self._asked = threading.Lock()
        if table.generator:
            require_known_answer()

    @property
    def name(self) -> str:
        """Of this supply."""
        return self._table.name

    @property
    def birth(self) -> Birth:
        """Of the samples behind all bits."""
        return self._pipeline.birth

    def start(self) -> None:
        """Begin to fill the pool."""
        self._pipeline.start()

    def close(self) -> None:
        """Give nothing any more."""
        self._pipeline.close()

    def give(self, n_octets: int, source_only: bool) -> tuple[bytes, BitOrigin]:
        """So many octets, and what they are. Raises KeyUnavailable while there are none."""
        if n_octets < 1:
            raise ParameterError(f"n_octets must be at least 1, got {n_octets}")
        if source_only or not self._table.generator:
            return self.pool.take(n_octets), BitOrigin.SOURCE
        with self._asked:
            try:
                return self.pool.take(n_octets, leave=self._table.reserve), BitOrigin.SOURCE
            except KeyUnavailable:
                return self._generated(n_octets), BitOrigin.DRBG

    def status(self) -> SupplyStatus:
        """How all stands."""
        pipeline, pool = self._pipeline, self.pool
        counters, planned = pipeline.counters, pipeline.planned
        return SupplyStatus(
            name=self._table.name,
            state=pipeline.state,
            reason=pipeline.reason,
            device=self._device,
            birth=self.birth,
            source=self._source,
            n_samples=counters.n_samples + pipeline.n_waiting,
            n_rejected=counters.n_rejected,
            n_octets=counters.n_octets,
            n_given=pool.n_taken,
            n_drbg=self._n_drbg,
            n_failures=counters.n_failures,
            pool_octets=pool.n_ready,
            pool_limit=pool.limit,
            bits_a_sample=8 * counters.n_octets / max(1, counters.n_samples - counters.n_rejected),
            epsilon=planned.epsilon,
            n_blocks=counters.n_blocks,
            time_s=time.monotonic() - self._began_s,
            histogram=counters.histogram,
            n_waiting=pipeline.n_waiting,
            frame_samples=pipeline.frame_samples,
        )

    def _generated(self, n_octets: int) -> bytes:
        """Of the generator, which lives no longer than the source is healthy."""
        if self.pool.reason:
            self._drbg = None
            raise KeyUnavailable(f"no random numbers: {self.pool.reason}")
        epoch, name = self.pool.epoch, self._table.name.encode()[:SEED_OCTETS]
        if self._drbg is None or self._epoch != epoch:
            self._drbg = None
            self._drbg = Drbg(self.pool.take, name, self._table.reseed_requests)
            self._epoch, self._seeded_s = epoch, time.monotonic()
        elif time.monotonic() - self._seeded_s > self._table.reseed_s:
            self._drbg.reseed()
            self._seeded_s = time.monotonic()
        octets = b"".join(
            self._drbg.generate(min(MOST_OCTETS, n_octets - first)) for first in range(0, n_octets, MOST_OCTETS)
        )
        if self.pool.reason or self.pool.epoch != epoch:
            raise KeyUnavailable(f"no random numbers: {self.pool.reason}")
        self._n_drbg += n_octets
        return octets
