"""How the clock of a sky runs: as ours does, or in quick motion by a stated factor."""

from __future__ import annotations

from dataclasses import dataclass

from haris.nouns.checks import require_positive
from haris.nouns.errors import ParameterError
from haris.nouns.times import NS_PER_S, read_time

FASTEST = 10_000.0


@dataclass(frozen=True, slots=True)
class Motion:
    """Quick motion of emulated passes: from `began` on, the sky's time runs `factor` times as fast as ours.

    began: RFC 3339, by our clock; the sky then stands at the start of the search. What is told of passes is told in
    the sky's time, and light, counts and keys are those of the sky's seconds: only the waiting is shorter.
    Raises ParameterError on a factor outside [1, 10 000] or a time that is none.
    """

    began: str
    factor: float

    def __post_init__(self) -> None:
        require_positive("factor", self.factor)
        if not 1.0 <= self.factor <= FASTEST:
            raise ParameterError(f"factor must lie in [1, {FASTEST:g}], got {self.factor}")
        read_time("began", self.began)


@dataclass(frozen=True, slots=True)
class SkyClock:
    """The sky's time, seconds since 1970 (UTC), against ours: start_s when ours is began_s, and factor as fast."""

    start_s: float = 0.0
    began_s: float = 0.0
    factor: float = 1.0

    @classmethod
    def of(cls, motion: Motion | None, start: str | None) -> SkyClock:
        """Ours, where there is no quick motion. Raises ParameterError on quick motion without a start of the sky."""
        if motion is None:
            return cls()
        if start is None:
            raise ParameterError("quick motion needs [search] start: the sky's time when it began")
        began_s = read_time("began", motion.began) / NS_PER_S
        return cls(read_time("start", start) / NS_PER_S, began_s, motion.factor)

    def sky_s(self, now_s: float) -> float:
        """The sky's time at ours."""
        return self.start_s + (now_s - self.began_s) * self.factor

    def wait_s(self, now_s: float, until_sky_s: float) -> float:
        """How long by our clock until the sky's time has come; 0 when it is past."""
        return max(0.0, until_sky_s - self.sky_s(now_s)) / self.factor
