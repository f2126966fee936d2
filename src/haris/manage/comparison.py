"""Two key managers under the same requests: what each answered, how fast, and where they differ."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

SIDES = ("incumbent", "haris")
LATENCIES = 10_000
"""Of each request and side: the latest, for the median and the p99."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One answer to one request. status: of HTTP, 0 for none. verdict: what was wrong with it, empty when nothing."""

    status: int
    took_s: float
    verdict: str = ""

    @property
    def outcome(self) -> str:
        """What is compared: the status, and what was wrong."""
        return f"{self.status or 'no answer'}{': ' + self.verdict if self.verdict else ''}"


@dataclass(frozen=True, slots=True)
class Difference:
    """A request that the two answered differently. at: when, as the caller writes time."""

    at: str
    request: str
    incumbent: str
    haris: str


@dataclass(slots=True)
class _Seen:
    """What one side answered to one request: every outcome is counted, the latest latencies are kept."""

    outcomes: Counter[str] = field(default_factory=Counter)
    took_s: deque[float] = field(default_factory=lambda: deque(maxlen=LATENCIES))

    def summary(self) -> dict[str, Any]:
        took = sorted(self.took_s)
        p99 = took[min(len(took) - 1, int(0.99 * len(took)))]
        n = self.outcomes.total()
        return {"n": n, "outcomes": dict(self.outcomes), "median_s": took[len(took) // 2], "p99_s": p99}


@dataclass(slots=True)
class Comparison:
    """What was seen so far, by request and side, and how often the two differed in which way."""

    seen: dict[str, dict[str, _Seen]] = field(default_factory=dict)
    differences: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def add(self, at: str, request: str, incumbent: Sample, haris: Sample) -> Difference | None:
        """Both answers to one request; the difference if there is one."""
        sides = self.seen.setdefault(request, {side: _Seen() for side in SIDES})
        for side, sample in zip(SIDES, (incumbent, haris), strict=True):
            sides[side].outcomes[sample.outcome] += 1
            sides[side].took_s.append(sample.took_s)
        if incumbent.outcome == haris.outcome:
            return None
        self.differences[request, incumbent.outcome, haris.outcome] += 1
        return Difference(at, request, incumbent.outcome, haris.outcome)

    def as_json(self) -> dict[str, Any]:
        """Ready for JSON: outcomes and latencies of each request and side, and every kind of difference."""
        requests = {
            request: {side: seen.summary() for side, seen in sides.items()} for request, sides in self.seen.items()
        }
        listed = [
            {"request": request, "incumbent": incumbent, "haris": haris, "times": n}
            for (request, incumbent, haris), n in self.differences.most_common()
        ]
        return {"requests": requests, "differences": listed}


def in_words(comparison: Comparison) -> str:
    """A line for each request and side, then how often the two differed and at what."""
    lines = []
    for request, sides in comparison.as_json()["requests"].items():
        for side, told in sides.items():
            outcomes = ", ".join(f"{outcome} ({n})" for outcome, n in told["outcomes"].items())
            times = f"median {1e3 * told['median_s']:.1f} ms, p99 {1e3 * told['p99_s']:.1f} ms"
            lines.append(f"{request:22} {side:10} {times:34} {outcomes}")
    for (request, incumbent, haris), n in comparison.differences.most_common():
        lines.append(f"differ {n:5} times     {request}: incumbent {incumbent}; haris {haris}")
    if not comparison.differences:
        lines.append("no difference")
    return "\n".join(lines)
