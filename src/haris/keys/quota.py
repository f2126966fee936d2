"""Rates and daily quotas as values: what is left, and when there will be more."""

from __future__ import annotations

import math
from dataclasses import dataclass

DAY_NS = 86_400_000_000_000
_CHUNKS_A_DAY = 100


@dataclass(frozen=True, slots=True)
class TokenBucket:
    """Tokens that grow at rate_per_s up to burst. level: how many there were at at_ns (wall clock, ns since 1970)."""

    rate_per_s: float
    burst: float
    level: float
    at_ns: int

    @staticmethod
    def full(rate_per_s: float, burst: float, now_ns: int) -> TokenBucket:
        """A bucket after a long rest."""
        return TokenBucket(rate_per_s, burst, burst, now_ns)

    def at(self, now_ns: int) -> TokenBucket:
        """The bucket at a later time. A clock that went back gives no token, and counts from there on."""
        grown = self.rate_per_s * max(0, now_ns - self.at_ns) / 1e9
        return TokenBucket(self.rate_per_s, self.burst, min(self.burst, self.level + grown), now_ns)

    def take(self, n_tokens: int) -> TokenBucket | None:
        """The bucket without n_tokens, None when it holds fewer."""
        left = self.level - n_tokens
        return TokenBucket(self.rate_per_s, self.burst, left, self.at_ns) if left >= -1e-9 else None

    def give_back(self, n_tokens: int) -> TokenBucket:
        """The bucket with tokens that were taken for nothing."""
        level = min(self.burst, self.level + n_tokens)
        return TokenBucket(self.rate_per_s, self.burst, level, self.at_ns)

    def wait_s(self, n_tokens: int) -> float:
        """Seconds until it holds n_tokens, infinite when it never will."""
        if n_tokens > self.burst:
            return math.inf
        return max(0.0, (n_tokens - self.level) / self.rate_per_s)


@dataclass(frozen=True, slots=True)
class DailyPurse:
    """Keys of a day's quota that this process has drawn from the store and not yet handed out.

    The store counts what is drawn, durably and before it is used; so a crash forfeits a purse, and never lengthens a
    quota. day: days since 1970.
    """

    day: int
    n_keys: int = 0


def day_of(now_ns: int) -> int:
    """Days since 1970 (UTC)."""
    return now_ns // DAY_NS


def until_tomorrow_s(now_ns: int) -> float:
    """Seconds until the next day (UTC)."""
    return (DAY_NS - now_ns % DAY_NS) / 1e9


def drawing(keys_per_day: int, n_keys: int) -> int:
    """How many keys to draw when n_keys are needed: a hundredth of the day's, so that the store is seldom asked."""
    return max(n_keys, keys_per_day // _CHUNKS_A_DAY)
