"""Packing of samples against its specification."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.kernels import reference_pack_samples as reference
from haris.kernels.pack_samples import pack_samples
from haris.nouns.errors import ParameterError


@given(bits=st.integers(1, 16), wide=st.booleans(), n=st.integers(0, 200), draw=st.integers(0, 2**32))
@settings(max_examples=300, deadline=None)
def test_packing_equals_the_specification(bits, wide, n, draw):
    kind = np.uint16 if wide or bits > 8 else np.uint8
    codes = np.random.default_rng(draw).integers(0, 2**bits, n, dtype=kind)
    for portable in (False, True):
        assert np.array_equal(pack_samples(codes, bits, portable=portable), reference.pack_samples(codes, bits))


def test_what_does_not_fit_is_refused():
    for codes, bits in [(np.zeros(3, np.uint8), 9), (np.zeros(3, np.uint16), 0), (np.zeros((2, 2), np.uint8), 4)]:
        with pytest.raises(ParameterError, match="codes must be"):
            pack_samples(codes, bits)
    with pytest.raises(ParameterError, match="codes must be"):
        pack_samples(np.zeros(3, np.int64), 4)
