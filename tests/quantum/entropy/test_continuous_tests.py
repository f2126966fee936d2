import numpy as np
import pytest

from haris.nouns.errors import ParameterError
from haris.nouns.raw_samples import RawSamples
from haris.quantum.entropy.continuous_tests import START_UP_SAMPLES, ContinuousTests


def fed(tests: ContinuousTests, values: np.ndarray, n_chunk: int) -> list[str]:
    failures = []
    for first in range(0, len(values), n_chunk):
        failures += tests.feed(RawSamples(values[first : first + n_chunk], 8))
    return [failure.test for failure in failures]


def test_the_examples_of_the_standard() -> None:
    """SP 800-90B, 4.4.1: H = 2, alpha = 2^-20: C = 11. Table 2: W = 512, H = 1, alpha = 2^-20: C = 311."""
    assert ContinuousTests(2.0, 8, 2.0**-20).longest == 11
    assert ContinuousTests(1.0, 8, 2.0**-20).most == 311
    binary = ContinuousTests(1.0, 1, 2.0**-20)
    assert (binary.window, binary.most) == (1024, 589)


@pytest.mark.parametrize("n_chunk", [1, 7, 512, 5000])
def test_a_run_is_seen_across_chunks(n_chunk: int) -> None:
    values = np.random.default_rng(1).integers(0, 256, 5000).astype(np.uint8)
    longest = ContinuousTests(7.0, 8).longest
    values[2000 : 2000 + longest - 1] = 9
    values[1999], values[2000 + longest - 1] = 1, 2
    assert fed(ContinuousTests(7.0, 8), values, n_chunk) == []
    values[2000 : 2000 + longest] = 9
    assert "repetition count" in fed(ContinuousTests(7.0, 8), values, n_chunk)


@pytest.mark.parametrize("n_chunk", [100, 512, 5120])
def test_a_proportion_is_seen_across_chunks(n_chunk: int) -> None:
    values = np.random.default_rng(2).integers(0, 256, 5120).astype(np.uint8)
    most = ContinuousTests(7.0, 8).most
    window = values[1024:1536]
    window[:] = np.where(window == 5, 6, window)
    window[0 : 2 * (most - 1) : 2] = 5
    assert fed(ContinuousTests(7.0, 8), values, n_chunk) == []
    window[-1] = 5
    assert "adaptive proportion" in fed(ContinuousTests(7.0, 8), values, n_chunk)


def test_good_samples_pass() -> None:
    """A false alarm has probability 2^-60 a test; there are some 2^21 of them."""
    tests = ContinuousTests(7.9, 8)
    assert not tests.started
    assert fed(tests, np.random.default_rng(3).integers(0, 256, 2**20).astype(np.uint8), 2**14) == []
    assert tests.started
    assert tests.n_samples > START_UP_SAMPLES


def test_arguments() -> None:
    for name, arguments in (("min_entropy", (0.0, 8)), ("min_entropy", (8.1, 8)), ("false_alarm", (1.0, 8, 0.5))):
        with pytest.raises(ParameterError, match=name):
            ContinuousTests(*arguments)
