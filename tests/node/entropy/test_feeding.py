"""Bits for the kernel or a fifo: what nobody has taken is forgotten when the source fails."""

from __future__ import annotations

from haris.node.entropy.feeding import feed


class _Reader:
    """Takes what it is given from its turn `begins` on."""

    def __init__(self, begins: int) -> None:
        self.begins, self.turn = begins, 0
        self.got: list[bytes] = []

    def write(self, octets: bytes) -> bool:
        self.turn += 1
        if self.turn > self.begins:
            self.got.append(octets)
        return self.turn > self.begins


def _fed(epochs: list[int]) -> list[bytes]:
    """What a reader gets that comes in the third turn, of sources that give 1, 2, and so on."""
    reader, given, turns = _Reader(2), iter(range(1, 100)), iter([epochs[0], *epochs])
    left = [len(epochs)]

    def stopped() -> bool:
        left[0] -= 1
        return left[0] < 0

    feed(lambda _: bytes([next(given)]), reader, 1, 0.0, stopped, lambda: next(turns), lambda _: None)
    return reader.got


def test_octets_that_nobody_took_are_kept() -> None:
    assert _fed([1, 1, 1]) == [bytes([1])]


def test_octets_of_before_a_failure_are_never_fed() -> None:
    assert _fed([1, 1, 2]) == [bytes([2])]
