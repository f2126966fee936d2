"""What a node has counted since it started: plain numbers, cheap to add to, read by the metrics."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict

from haris.nouns.errors import (
    HarisError,
    KeyNotFound,
    KeyUnavailable,
    ParameterError,
    PeerError,
    StoreError,
    Unauthorised,
)

BOUNDS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)
"""Upper bounds of the classes of a duration."""

REASONS: tuple[tuple[type[HarisError], str], ...] = (
    (Unauthorised, "unauthorised"),
    (KeyNotFound, "not-found"),
    (KeyUnavailable, "unavailable"),
    (ParameterError, "bad-request"),
    (PeerError, "bad-request"),
    (StoreError, "store"),
    (HarisError, "other"),
)
"""Why keys were refused, in a word."""


def reason_of(error: HarisError) -> str:
    """The word for an error."""
    return next(word for kind, word in REASONS if isinstance(error, kind))


class Durations:
    """How long something took. counts: by class of BOUNDS_S, the last for what is longer."""

    __slots__ = ("counts", "seconds")

    def __init__(self) -> None:
        self.counts, self.seconds = [0] * (len(BOUNDS_S) + 1), 0.0

    def add(self, seconds: float) -> None:
        """One more."""
        self.counts[bisect_left(BOUNDS_S, seconds)] += 1
        self.seconds += seconds


class Tally:
    """The counters of one node.

    durations: of requests, by (face, method, status). denials: by (interface, method, reason).
    delivered, delivered_keys: by (method, SAE, SAE at the other end).
    """

    def __init__(self) -> None:
        self.durations: defaultdict[tuple[str, str, int], Durations] = defaultdict(Durations)
        self.denials: Counter[tuple[str, str, str]] = Counter()
        self.delivered: Counter[tuple[str, str, str]] = Counter()
        self.delivered_keys: Counter[tuple[str, str, str]] = Counter()

    def delivery(self, method: str, sae: str, peer: str, n_keys: int) -> None:
        """Keys have left."""
        self.delivered[method, sae, peer] += 1
        self.delivered_keys[method, sae, peer] += n_keys
