"""Random octets that wait for who asks, each given once: a pool is open while their source is healthy, else empty."""

from __future__ import annotations

import threading

import numpy as np

from haris.nouns.errors import KeyUnavailable, ParameterError


class Pool:
    """A ring of octets, for several threads. limit: octets that it holds at most.

    epoch: counts its openings. reason: why it is closed, "" while it is open.
    """

    def __init__(self, limit: int, reason: str) -> None:
        if limit < 1:
            raise ParameterError(f"limit must be at least 1 octet, got {limit}")
        self.limit, self.reason, self.epoch = limit, reason, 0
        self.n_put = self.n_taken = 0
        self._ring = np.zeros(limit, np.uint8)
        self._first = self._size = 0
        self._ended = False
        self._changed = threading.Condition()

    @property
    def n_ready(self) -> int:
        """Octets that are there."""
        return self._size

    def open(self) -> None:
        """Give bits from now on; a pool that has ended stays closed."""
        with self._changed:
            if self._ended:
                return
            self.reason, self.epoch = "", self.epoch + 1

    def close(self, reason: str, *, for_good: bool = False) -> None:
        """Give nothing from now on, and forget what is there. reason: in words, for who asks."""
        with self._changed:
            self.reason, self._ended = self.reason if self._ended else reason, self._ended or for_good
            self._ring.fill(0)
            self._first = self._size = 0
            self._changed.notify_all()

    def put(self, octets: bytes | memoryview, within_s: float) -> int:
        """Add octets as far as there is room, which is waited for; returns how many. None is added to a closed pool."""
        with self._changed:
            self._changed.wait_for(lambda: self.reason or self._size < self.limit, within_s)
            n_octets = 0 if self.reason else min(len(octets), self.limit - self._size)
            last = (self._first + self._size) % self.limit
            whole = min(n_octets, self.limit - last)
            given = np.frombuffer(octets, np.uint8)
            self._ring[last : last + whole] = given[:whole]
            self._ring[: n_octets - whole] = given[whole:n_octets]
            self._size += n_octets
            self.n_put += n_octets
            self._changed.notify_all()
            return n_octets

    def take(self, n_octets: int, leave: int = 0, within_s: float = 0.0) -> bytes:
        """So many octets, which nobody is given again. leave: take none unless so many stay.

        Raises KeyUnavailable when the pool is still closed, or holds too few, after within_s.
        """
        with self._changed:
            if within_s > 0.0:
                self._changed.wait_for(lambda: not self.reason and self._size >= n_octets + leave, within_s)
            if self.reason:
                raise KeyUnavailable(f"no random numbers: {self.reason}")
            if self._size < n_octets + leave:
                raise KeyUnavailable(f"the pool holds too few octets of the source: {n_octets} were asked for")
            whole = min(n_octets, self.limit - self._first)
            parts = self._ring[self._first : self._first + whole], self._ring[: n_octets - whole]
            taken = b"".join(part.data for part in parts)
            for part in parts:
                part.fill(0)
            self._first = (self._first + n_octets) % self.limit
            self._size -= n_octets
            self.n_taken += n_octets
            self._changed.notify_all()
            return taken
