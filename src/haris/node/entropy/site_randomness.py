"""The randomness of a site: of the operating system, or of the configured supply alone."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from haris.node.configuration.randomness import RandomnessTable
from haris.node.entropy.client import Filling, SupplyClient
from haris.node.entropy.opening import open_supply
from haris.node.entropy.pool import Pool
from haris.node.entropy.supply import RandomSupply
from haris.node.entropy.supply_toml import read_supply
from haris.node.pki.credentials import client_context
from haris.nouns.alarms import Alarm
from haris.nouns.errors import KeyUnavailable, NoRandomness, ParameterError
from haris.wire.randomness import TRUSTED, Birth

SMALL_OCTETS = 4096
"""Up to this much, nonces and the like, is also given of the part of the buffer that large amounts leave."""
START_S = 30.0
_NOT_BEGUN = "nothing has come yet"


class SiteRandomness:
    """Gives random octets when called with their number; NoRandomness where the source gives none.

    Work in a thread waits for them for a while; in the thread of an event loop nobody waits.
    """

    def __init__(
        self, pool: Pool, filling: Filling | RandomSupply, wait_s: float, births: frozenset[Birth] = frozenset(Birth)
    ) -> None:
        self._pool, self._filling, self._wait_s, self._births = pool, filling, wait_s, births

    def start(self) -> None:
        """Begin to fill the buffer, and wait for the first bits. Raises KeyUnavailable when none come."""
        self._filling.start()
        try:
            leave = min(SMALL_OCTETS, self._pool.limit // 2)
            self._pool.take(1, leave, max(self._wait_s, START_S))
            self._require_birth()
        except (KeyUnavailable, NoRandomness) as error:
            self.close()
            raise KeyUnavailable(f"[randomness] {error}") from None

    def close(self) -> None:
        """Give nothing any more."""
        self._filling.close()

    def __call__(self, n_octets: int) -> bytes:
        """So many octets, all of the source."""
        self._require_birth()
        leave = 0 if n_octets <= SMALL_OCTETS else self._pool.limit // 4
        within_s = 0.0 if _in_loop() else self._wait_s
        taken = bytearray()
        try:
            while len(taken) < n_octets:
                taken += self._pool.take(min(n_octets - len(taken), self._pool.limit // 4), leave, within_s)
        except KeyUnavailable as error:
            raise NoRandomness(f"[randomness] {error}") from None
        return bytes(taken)

    def _require_birth(self) -> None:
        if isinstance(self._filling, RandomSupply) and self._filling.birth not in self._births:
            raise NoRandomness(f"the samples are {self._filling.birth}: they make no keys here ([site] laboratory)")


def open_randomness(
    table: RandomnessTable | None, laboratory: bool, tell: Callable[[Alarm], None]
) -> SiteRandomness | None:
    """What the table asks for, to be started; None without one: the operating system. tell: takes alarms, in any
    thread.

    Raises ParameterError for certificates or a SUPPLY.toml that are no good.
    """
    if table is None:
        return None
    births = frozenset(Birth) if laboratory else TRUSTED
    if table.supply is not None:
        supply = open_supply(read_supply(table.supply), tell)
        return SiteRandomness(supply.pool, supply, table.wait_s, births)
    files = table.files
    if table.url is None or files is None:
        raise ParameterError("url: nothing gives random numbers")  # a table that was read has it
    context = client_context(files.certificate, files.private_key, files.authority, datetime.now(UTC))
    pool = Pool(table.buffer_octets, _NOT_BEGUN)
    return SiteRandomness(pool, Filling(SupplyClient(table.url, context), pool, births, tell), table.wait_s)


def entropy_of(randomness: SiteRandomness | None) -> Callable[[int], bytes]:
    """What gives key material."""
    return os.urandom if randomness is None else randomness


@contextlib.contextmanager
def entropy_of_command(table: RandomnessTable | None, laboratory: bool) -> Iterator[Callable[[int], bytes]]:
    """As the site's, for a command beside it: begun when it is first asked. KeyUnavailable when it gives none."""
    opened: list[SiteRandomness] = []

    def entropy(n_octets: int) -> bytes:
        if not opened:
            made = open_randomness(table, laboratory, lambda alarm: None)
            if made is None:
                return os.urandom(n_octets)
            made.start()
            opened.append(made)
        return opened[0](n_octets)

    try:
        yield entropy
    finally:
        for each in opened:
            each.close()


def _in_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
