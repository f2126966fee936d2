"""Keys that come in bursts: whether a stock lasts until the next, and who may draw on it meanwhile.

While a stock would not last until the next burst, each priority may take only what those above it are not expected to
want until then: protection levels that are nested, as airlines keep seats for fares that are booked late. The highest
is never held back. Source: Littlewood, AGIFORS Symp. Proc. 12, 95 (1972), reprinted in J. Revenue Pricing Manag. 4, 111
(2005); nested for several classes: Belobaba, Oper. Res. 37, 183 (1989).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from haris.keys.forecast import Z
from haris.keys.policy import PRIORITIES
from haris.nouns.errors import ParameterError

MEMORY_S = 6 * 3600.0
"""Of what priorities ask for: bursts are hours apart."""
LEAST_SEEN_S = 60.0
"""One begins to watch at a first request: it stands for a minute of them at least, not for that moment."""
SURE = 0.9
"""A burst is counted on that has come by then with this probability: clouds take many."""
MARGIN = 1.25
"""A stock lasts when it would last for so many times as long."""


@dataclass(frozen=True, slots=True)
class Burst:
    """Keys to come. in_s: seconds from now, at least 0. n_keys: expected, when it comes. probability: that it does."""

    in_s: float
    n_keys: float
    probability: float = 1.0

    def __post_init__(self) -> None:
        if self.in_s < 0.0 or self.n_keys < 0.0 or not 0.0 <= self.probability <= 1.0:
            raise ParameterError(f"a burst comes in the future, with some keys and a probability, got {self}")


def until_sure_s(bursts: Iterable[Burst]) -> float | None:
    """Seconds until some burst has come with probability SURE, each independent of the others; None: not foreseen."""
    none_came = 1.0
    for burst in sorted(bursts, key=lambda each: each.in_s):
        none_came *= 1.0 - (burst.probability if burst.n_keys > 0.0 else 0.0)
        if none_came <= 1.0 - SURE + 1e-12:
            return burst.in_s
    return None


@dataclass(slots=True)
class Appetite:
    """What each priority asks for, served or not. The rates fade over MEMORY_S."""

    _asked: list[float] = field(default_factory=lambda: [0.0] * PRIORITIES)
    _squares: list[float] = field(default_factory=lambda: [0.0] * PRIORITIES)
    _at_s: float | None = None
    _began_s: float = 0.0

    def ask(self, n_keys: int, priority: int, now_s: float) -> None:
        """A request. now_s: of a clock that goes on."""
        self._fade(now_s)
        self._asked[priority] += n_keys
        self._squares[priority] += n_keys**2

    def expected(self, above: int, horizon_s: float, now_s: float) -> tuple[float, float]:
        """Mean and standard deviation of the keys that priorities above `above` will ask for within the horizon.

        Requests are taken to be independent: of sizes n a second, the variance of a second is the sum of n^2.
        """
        self._fade(now_s)
        seen_s = max(now_s - self._began_s, LEAST_SEEN_S)
        share = horizon_s / (MEMORY_S * -math.expm1(-seen_s / MEMORY_S))  # what has faded counts for less time
        higher = slice(above + 1, PRIORITIES)
        return share * sum(self._asked[higher]), math.sqrt(share * sum(self._squares[higher]))

    def _fade(self, now_s: float) -> None:
        if self._at_s is None:
            self._at_s = self._began_s = now_s
        fading = math.exp(-max(0.0, now_s - self._at_s) / MEMORY_S)
        self._asked = [fading * asked for asked in self._asked]
        self._squares = [fading * square for square in self._squares]
        self._at_s = max(now_s, self._at_s)


def lasts(stock_keys: float, demand_per_s: float, until_s: float | None) -> bool:
    """Whether a stock lasts until then, with MARGIN; None: for ever."""
    return demand_per_s <= 0.0 or (until_s is not None and stock_keys >= MARGIN * demand_per_s * until_s)


def protected_keys(appetite: Appetite, priority: int, until_s: float, now_s: float) -> float:
    """Keys that a priority must leave for those above it until then: their demand, safe with probability 0.99."""
    mean, deviation = appetite.expected(priority, until_s, now_s)
    return mean + Z * deviation


def may_take(
    stock_keys: float, n_keys: int, priority: int, appetite: Appetite, until_s: float | None, now_s: float
) -> bool:
    """Whether a priority may take n_keys now. Where no burst is foreseen nothing is held back: it would be for ever.

    until_s: as until_sure_s gives it.
    """
    if until_s is None:
        return True
    protected = protected_keys(appetite, priority, until_s, now_s)
    return protected == 0.0 or stock_keys - n_keys >= protected
