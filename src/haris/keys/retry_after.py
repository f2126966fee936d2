"""When to ask again for keys that are not there: from how fast the pool fills, and sooner for a higher priority."""

from __future__ import annotations

import math
from dataclasses import dataclass

from haris.keys.policy import PRIORITIES

HORIZON_S = 60.0
_SHORTEST_STEP_S, _LONGEST_STEP_S = 0.2, 15.0


@dataclass(frozen=True, slots=True)
class FillRate:
    """How fast keys enter a pool, as seen so far; what is older than about HORIZON_S is forgotten.

    total: keys ever seen to enter. at_ns: when it was looked at last. n_keys, seen_s: keys that entered and seconds
    that passed, both fading.
    """

    total: int
    at_ns: int
    n_keys: float = 0.0
    seen_s: float = 0.0

    def seen(self, total: int, now_ns: int) -> FillRate:
        """The rate once `total` keys have entered: the pool's level and all that was taken out of it."""
        elapsed_s = max(0, now_ns - self.at_ns) / 1e9
        fading = math.exp(-elapsed_s / HORIZON_S)
        entered = fading * self.n_keys + max(0, total - self.total)
        return FillRate(total, now_ns, entered, fading * self.seen_s + min(elapsed_s, HORIZON_S))

    def wait_s(self, n_keys: int) -> float:
        """Seconds in which n_keys would enter; where none came, as long again as nothing came."""
        return n_keys * self.seen_s / self.n_keys if self.n_keys > 1e-6 else self.seen_s


def retry_after_s(wait_s: float, priority: int) -> int:
    """Whole seconds after which a request should be made again whose keys may be there in wait_s.

    wait_s, within 0.2 s and 15 s, times 8 - priority: those who matter most find the first keys, the others come
    when there is more. 1 to 15 s at priority 7, 2 to 120 s at priority 0.
    """
    step_s = min(max(wait_s, _SHORTEST_STEP_S), _LONGEST_STEP_S)
    return math.ceil(step_s * (PRIORITIES - priority))
