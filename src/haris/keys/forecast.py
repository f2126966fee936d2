"""How many keys a pair will want soon, and whose pool is filled first while relay pad is scarce.

Demand is followed by double exponential smoothing for steps of unequal length: a rate, its trend, and the variance of
what is drawn beyond both. The target of a pool covers the demand of a horizon with a safety stock of Z standard
deviations, as in inventory control for demand that is uncertain in size (Silver, Pyke, Thomas, Inventory and Production
Management in Supply Chains, 4th ed., 2017, chapter 6). Source of the smoothing: Holt, Int. J. Forecasting 20, 5 (2004),
reprint of 1957; for unequal steps its weights become 1 - exp(-dt / tau).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from haris.nouns.errors import ParameterError

RATE_MEMORY_S = 60.0
TREND_MEMORY_S = 300.0
STEP_NS = 10**9
"""What is drawn within a second is one step."""

Z = 2.33
"""A standard normal variable stays below with probability 0.99."""

MINIMUM_SHARE = 4
"""A pool of which nobody has drawn yet wants one key in so many of its capacity."""


@dataclass(slots=True)
class Demand:
    """What is drawn from one pool. rate_per_s: keys a second; trend_per_s2: how it changes.

    variance_per_s: of the keys drawn in a second about what rate and trend say; of n seconds it is n times that.
    """

    rate_per_s: float = 0.0
    trend_per_s2: float = 0.0
    variance_per_s: float = 0.0
    _since_ns: int | None = None
    _drawn: int = 0

    def draw(self, n_keys: int, now_ns: int) -> None:
        """n_keys were drawn since the last call. now_ns: of a clock that goes on; a step back begins anew."""
        if n_keys < 0:
            raise ParameterError(f"no fewer than 0 keys are drawn, got {n_keys}")
        if self._since_ns is None or now_ns < self._since_ns:
            self._since_ns, self._drawn = now_ns, 0
            return
        self._drawn += n_keys
        if now_ns - self._since_ns >= STEP_NS:
            self._step((now_ns - self._since_ns) / 1e9, self._drawn)
            self._since_ns, self._drawn = now_ns, 0

    def expected_keys(self, horizon_s: float) -> float:
        """Keys that will be drawn within the horizon if rate and trend go on; at least 0."""
        last_per_s = max(0.0, self.rate_per_s + self.trend_per_s2 * horizon_s)
        return horizon_s * (max(0.0, self.rate_per_s) + last_per_s) / 2

    def target(self, horizon_s: float, capacity: int) -> int:
        """Keys that a pool wants to hold: the demand of the horizon and a safety stock, within its capacity."""
        safety = Z * math.sqrt(self.variance_per_s * horizon_s)
        wanted = math.ceil(self.expected_keys(horizon_s) + safety)
        return min(capacity, max(wanted, capacity // MINIMUM_SHARE, 1))

    def _step(self, seconds: float, n_keys: int) -> None:
        weight, trend_weight = -math.expm1(-seconds / RATE_MEMORY_S), -math.expm1(-seconds / TREND_MEMORY_S)
        before = self.rate_per_s
        predicted = before + self.trend_per_s2 * seconds
        surprise = n_keys - predicted * seconds
        self.variance_per_s += weight * (surprise**2 / seconds - self.variance_per_s)
        self.rate_per_s = predicted + weight * surprise / seconds
        self.trend_per_s2 += trend_weight * ((self.rate_per_s - before) / seconds - self.trend_per_s2)


@dataclass(frozen=True, slots=True)
class Claim:
    """A pool that draws on scarce pad. ready: keys in it. target: see Demand.target."""

    peer: str
    ready: int
    target: int

    @property
    def cover(self) -> float:
        """How much of its target is there: the share of the horizon until it is dry, and so how little it hurries."""
        return self.ready / self.target

    @property
    def lack(self) -> int:
        """Keys short of its target."""
        return max(0, self.target - self.ready)


def spare_keys(pad_keys: int, claims: Iterable[Claim], peer: str) -> int:
    """Of pad for pad_keys keys, how many the pool towards peer may use now: all but what those in more haste lack.

    So the pool that will be dry first gets whatever there is, batch by batch, which keeps the smallest cover as high as
    the pad allows. Of two in equal haste the one whose peer's name comes first goes first. Above its own target a pool
    takes what nobody lacks.
    """
    by_name = {claim.peer: claim for claim in claims}
    own = by_name[peer]
    ahead = (each for each in by_name.values() if (each.cover, each.peer) < (own.cover, own.peer))
    return max(0, pad_keys - sum(claim.lack for claim in ahead))
