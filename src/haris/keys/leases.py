"""How many keys a pair of applications should have leased, from how many it draws."""

from __future__ import annotations

import math
from dataclasses import dataclass

AHEAD_S = 1.0
"""A pair holds leases for so long at the rate at which it draws."""

MEMORY_S = 2.0
"""The rate is an exponential mean over so long."""

LEAST_KEYS, MOST_KEYS = 16, 1 << 16


@dataclass(slots=True)
class Demand:
    """What one pair (master, slave) draws.

    n_leased: keys that it may draw now, as far as is known here. n_asked: keys that its requests wait for.
    """

    n_leased: int = 0
    n_asked: int = 0
    _rate_hz: float = 0.0
    _counted_ns: int = 0

    def drawn(self, n_keys: int, now_ns: int) -> None:
        """Note that the pair has drawn n_keys."""
        self._decay(now_ns)
        self._rate_hz += n_keys / MEMORY_S
        self.n_leased = max(0, self.n_leased - n_keys)

    def wanted(self, now_ns: int) -> int:
        """Keys that the pair should hold: what it draws in AHEAD_S, within LEAST_KEYS and MOST_KEYS."""
        self._decay(now_ns)
        return min(MOST_KEYS, max(LEAST_KEYS, math.ceil(AHEAD_S * self._rate_hz)))

    def is_low(self, now_ns: int) -> bool:
        """Whether less than half of what is wanted is left."""
        return 2 * self.n_leased < self.wanted(now_ns)

    def lease_size(self, n_ready: int, now_ns: int) -> int:
        """Keys to lease to the pair now, of a pool of n_ready.

        What it waits for; and what it should hold ahead, but no more than half of what then is left: others draw, too.
        """
        asked = min(n_ready, max(0, self.n_asked - self.n_leased))
        ahead = max(0, self.wanted(now_ns) - self.n_leased - asked)
        return asked + min(ahead, (n_ready - asked) // 2)

    def _decay(self, now_ns: int) -> None:
        past_s = max(0, now_ns - self._counted_ns) / 1e9
        self._rate_hz *= math.exp(-past_s / MEMORY_S)
        self._counted_ns = max(now_ns, self._counted_ns)
