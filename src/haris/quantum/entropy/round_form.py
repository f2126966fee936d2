"""How the rounds of a source become its samples and checks, and who chose their settings."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError
from haris.nouns.raw_rounds import RawRounds, Settings
from haris.nouns.raw_samples import Codes
from haris.quantum.entropy.health_cutoffs import bernstein
from haris.quantum.entropy.source import Emission

Fresh = Callable[[int], bytes]
"""So many random octets."""
FALSE_ALARM = 2.0**-60
"""That settings of one frame, well chosen, are taken for others."""
TOGETHER = 2**17
"""Rounds that are looked at together: they stay in the processor's cache."""
_DEPTH = 8
"""Octets of a probability: it is met to 2^-64."""


@dataclass(frozen=True, slots=True)
class RoundForm:
    """What rounds of a kind of source are.

    source: the kind's name. kind: its number in records. bits(parameters): of an outcome. p_settings(parameters): of
    each setting, float64, shape (n_settings,). p_gives(parameters): that a round gives a raw sample. gives(rounds):
    which rounds do, bool, shape (n,). sorted(parameters, rounds, fresh): samples and checks; fresh: random octets that
    a rule of the source asks for. outcomes(parameters, settings, rng): emulated, of a source that does as it should.
    """

    source: str
    kind: int
    bits: Callable[[Any], int]
    p_settings: Callable[[Any], NDArray[np.float64]]
    p_gives: Callable[[Any], float]
    gives: Callable[[RawRounds], NDArray[np.bool_]]
    sorted: Callable[[Any, RawRounds, Fresh], Emission]
    outcomes: Callable[[Any, Settings, np.random.Generator], Codes]

    def emulate(self, parameters: Any, n_rounds: int, seed: int, settings: Settings | None = None) -> RawRounds:
        """Rounds by the model; settings: those that were ordered, else drawn from the seed."""
        rng = np.random.Generator(np.random.SFC64(seed))
        p = self.p_settings(parameters)
        chosen = chosen_settings(rng.bytes, p, n_rounds) if settings is None else settings
        return RawRounds(self.outcomes(parameters, chosen, rng), self.bits(parameters), chosen, len(p))


def coins(fresh: Fresh, p: float, n: int) -> NDArray[np.bool_]:
    """n independent coins, each true with probability p to within 2^-64.

    The binary digits of p and of a uniform number are compared, an octet at a time, as far as they are alike.
    """
    digits = math.floor(min(p, 1.0 - 2.0**-53) * 2.0 ** (8 * _DEPTH))
    thrown = np.zeros(n, np.bool_)
    open_ = None
    for place in reversed(range(_DEPTH)):
        digit = digits >> (8 * place) & 255
        drawn = np.frombuffer(fresh(n if open_ is None else len(open_)), np.uint8)
        if open_ is None:
            thrown[:] = drawn < digit
            open_ = np.flatnonzero(drawn == digit)
        else:
            thrown[open_] = drawn < digit
            open_ = open_[drawn == digit]
        if not len(open_):
            break
    return thrown


def chosen_settings(fresh: Fresh, p: NDArray[np.float64], n: int) -> Settings:
    """n settings, independent, with these probabilities, of which the first should be the largest."""
    settings = np.zeros(n, np.uint8)
    left = np.flatnonzero(coins(fresh, float(p[1:].sum()), n))
    for setting in range(1, len(p) - 1):
        this = coins(fresh, float(p[setting] / p[setting:].sum()), len(left))
        settings[left[this]] = setting
        left = left[~this]
    settings[left] = len(p) - 1
    return settings


def require_well_chosen(settings: Settings, p: NDArray[np.float64]) -> None:
    """Raise ParameterError where settings are not chosen with these probabilities, independently.

    Asked are the share of each, and of neighbours that are both no 0: a clock instead of chance has none. Well chosen
    ones fail with probability at most 2^-60 (Bernstein's inequality). A device that chooses by a secret rule passes.
    """
    alarm, n = FALSE_ALARM / (len(p) + 1), len(settings)
    counts, both = [0] * len(p), 0
    for first in range(0, n, TOGETHER):
        part = np.ascontiguousarray(settings[first : first + TOGETHER])
        for setting in range(1, len(p)):
            counts[setting] += int(np.count_nonzero(part == setting))
        pairs = part[: len(part) // 2 * 2].view(np.uint16)
        both += int(np.count_nonzero((pairs & 0xFF != 0) & (pairs > 0xFF)))
    counts[0] = n - sum(counts)
    for setting, (count, share) in enumerate(zip(counts, p.tolist(), strict=True)):
        _require(f"setting {setting}", count, n, share, alarm)
    _require("two settings in a row other than 0", both, n // 2, float(p[1:].sum()) ** 2, alarm)


def _require(what: str, count: int, n: int, share: float, alarm: float) -> None:
    most = bernstein(n * share * (1.0 - share), 1.0, alarm)
    if abs(count - n * share) > most:
        raise ParameterError(f"{what} came {count} times of {n}, expected {n * share:.6g}, may be {most:.4g} off")
