"""What is no bit is refused wherever an array of bits comes in."""

import numpy as np
import pytest

from haris.kernels.cascade import Plan, Search
from haris.kernels.toeplitz import modified_toeplitz, toeplitz
from haris.nouns.errors import ParameterError
from haris.wire.packing import pack_bits

TWO = np.array([0, 1, 2, 0, 1, 1, 0, 0, 1, 0], np.uint8)
SEED = np.ones(14, np.uint8)


@pytest.mark.parametrize(
    ("take", "words"),
    [
        (lambda: pack_bits(TWO), "bits are 0 or 1, got 2"),
        (lambda: toeplitz(TWO, SEED, 5), "key must be of bits 0 and 1, got 2"),
        (lambda: toeplitz(TWO % 2, SEED * 3, 5), "seed must be of bits 0 and 1, got 3"),
        (lambda: modified_toeplitz(TWO, SEED[:9], 5), "key must be of bits 0 and 1, got 2"),
        (lambda: Search.over(np.resize(TWO, 1000), Plan.of(1000, (3, 4), bytes(32))), "bits are 0 or 1, got 2"),
    ],
)
def test_what_is_no_bit_is_refused(take, words):
    with pytest.raises(ParameterError, match=words):
        take()
