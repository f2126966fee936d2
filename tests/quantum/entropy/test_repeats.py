"""Samples of before are found at any offset; fresh ones are not."""

import numpy as np
import pytest

from haris.nouns.raw_samples import RawSamples
from haris.quantum.entropy import repeats
from haris.quantum.entropy.repeats import Repeats

KINDS = {
    1: lambda rng, n: (rng.random(n) < 0.2).astype(np.uint8),
    8: lambda rng, n: np.clip(rng.normal(128, 30, n), 0, 255).astype(np.uint8),
    16: lambda rng, n: rng.integers(0, 2**16, n).astype(np.uint16),
}
MIN_ENTROPY = {1: 0.32, 8: 6.0, 16: 16.0}


def fed(tests, values, bits, chunk):
    """The first chunk in which a copy is found, or None."""
    for number, first in enumerate(range(0, len(values) - chunk + 1, chunk)):
        if tests.copied(RawSamples(values[first : first + chunk], bits)):
            return number
    return None


@pytest.mark.parametrize("bits", KINDS)
@pytest.mark.parametrize("shift", [0, 1, 63, 2000, 12_345])
def test_a_copy_is_found_within_two_chunks_of_a_start_wherever_it_begins(bits, shift):
    values = KINDS[bits](np.random.default_rng(bits), 100_000)
    tests = Repeats(MIN_ENTROPY[bits])
    assert fed(tests, values, bits, 8192) is None
    tests.restart()
    assert fed(tests, values[shift:], bits, 8192) in (0, 1)


@pytest.mark.parametrize("chunk", [100, 1000, 3001])
def test_short_chunks_are_put_together(chunk):
    """And the copy may come in chunks of another length."""
    values = KINDS[8](np.random.default_rng(3), 50_000)
    tests = Repeats(6.0)
    assert fed(tests, values, 8, chunk) is None
    tests.restart()
    found = fed(tests, values[777:], 8, 500)
    assert found is not None
    assert found * 500 < 2 * max(chunk, 2 * tests._front) + 1000


def test_fresh_samples_are_no_copies():
    """False alarms are below 2^-64 in theory: here none in 300 pieces, each searched, whatever their starts."""
    rng, tests = np.random.default_rng(4), Repeats(0.32)
    for number in range(300):
        if number % 7 == 0:
            tests.restart()
        assert not tests.copied(RawSamples(KINDS[1](rng, 4096), 1))


def test_long_pieces_are_searched_now_and_then(monkeypatch):
    """A copy in the middle of a run: found by the next piece that is searched."""
    monkeypatch.setattr(repeats, "ALWAYS", 1000)
    monkeypatch.setattr(repeats, "SEARCHED_EVERY", 8)
    values = KINDS[8](np.random.default_rng(5), 40 * 8192)
    tests = Repeats(6.0)
    again = np.concatenate([values[: 17 * 8192], values[999 : 999 + 16 * 8192]])
    assert fed(tests, again, 8, 8192) == 24


def test_what_is_long_ago_is_forgotten(monkeypatch):
    monkeypatch.setattr(repeats, "REMEMBERED", 3)
    values = KINDS[8](np.random.default_rng(6), 10 * 8192)
    tests = Repeats(6.0)
    assert fed(tests, values, 8, 8192) is None
    tests.restart()
    assert fed(tests, values[: 3 * 8192], 8, 8192) is None
