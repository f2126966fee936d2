import numpy as np
import pytest

from haris.nouns.errors import ParameterError
from haris.quantum.entropy.assessed import ASSESSED, AssessedSource
from haris.quantum.entropy.certificate import certificate
from haris.quantum.entropy.source import EntropySource, Extraction


def test_what_is_stated_is_what_is_hashed() -> None:
    """The leftover hash lemma alone: 512 samples of 4 bits, 2 + 2 log2 of 2^-101 from it."""
    found = certificate(EntropySource(ASSESSED, AssessedSource(8, 4.0, 1e3), Extraction()))
    assert found.out_bits == 2048 - 200
    assert found.epsilon == 2.0**-101


@pytest.mark.parametrize(("bits", "min_entropy"), [(1, 0.5), (1, 1.0), (8, 4.0), (8, 8.0), (12, 11.0)])
def test_emulated_samples_are_of_that_min_entropy(bits: int, min_entropy: float) -> None:
    """Shares within 6 standard deviations of 2^20 samples; of all codes that is missed once in 1e5 runs at most."""
    n = 2**20
    source = AssessedSource(bits, min_entropy, 1.0)
    values = ASSESSED.emulate(source, n, 3).samples.values
    shares = np.bincount(values, minlength=1 << bits) / n
    p = 2.0**-min_entropy
    assert abs(shares[0] - p) < 6 * np.sqrt(p / n)
    assert shares[1:].max() < p + 6 * np.sqrt(p / n)
    expected = ASSESSED.statistics(source)
    assert values.mean() == pytest.approx(expected.mean, rel=0.01)
    assert (expected.variance, expected.p_saturated) == (np.inf, 1.0)  # of a real device nobody knows


@pytest.mark.parametrize("items", [(0, 1.0, 1.0), (17, 1.0, 1.0), (8, 0.0, 1.0), (8, 8.1, 1.0), (8, 4.0, 0.0)])
def test_parameters_that_are_refused(items: tuple) -> None:
    with pytest.raises(ParameterError):
        AssessedSource(*items)
