"""Sum-product decoding against its specification, on every instruction set that is here."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_ldpc import PATHS, code_of

from haris.kernels.ldpc import paths
from haris.kernels.reference_sum_product import iterate
from haris.kernels.sum_product import LeafyCode, SoftBeliefs, decode
from haris.nouns.errors import ParameterError

codes = st.builds(
    lambda n_columns, lifting, degrees, leaves, seed: LeafyCode(
        code_of(n_columns, 32 * lifting, [min(d, n_columns) for d in degrees], seed), min(leaves, len(degrees))
    ),
    n_columns=st.integers(2, 40),
    lifting=st.integers(1, 4),
    degrees=st.lists(st.integers(2, 40), min_size=1, max_size=6),
    leaves=st.integers(0, 6),
    seed=st.integers(0, 2**32),
)


def drawn(code, seed, size):
    rng = np.random.default_rng(seed)
    ratios = (size * rng.normal(size=code.n_bits)).astype(np.float32)
    return rng.integers(0, 2, code.n_checks, dtype=np.uint8), ratios


@settings(max_examples=40, deadline=None)
@given(code=codes, seed=st.integers(0, 2**32), size=st.sampled_from([0.1, 1.0, 2.0]))
def test_beliefs_are_those_of_the_specification(code, seed, size):
    parities, ratios = drawn(code, seed, size)
    leaf, expected = ratios[code.core.n_bits :].astype(np.float64), ratios[: code.core.n_bits].astype(np.float64)
    messages = np.zeros(len(code.core.column) * code.core.lifting)
    iterate(code, parities, leaf, expected, messages, 1)
    beliefs = SoftBeliefs.of(code, ratios)
    decode(code, parities, beliefs, 1)
    # 2 artanh makes much of the last bits of a product that is nearly sure: compared where it is not
    close = np.abs(messages) < 8.0
    assert np.allclose(beliefs.messages[close], messages[close], atol=0.02)
    assert np.all(np.abs(beliefs.messages[~close]) > 7.9)
    assert np.all((beliefs.messages < 0)[~close] == (messages < 0)[~close])


@PATHS
@settings(max_examples=20, deadline=None)
@given(code=codes, seed=st.integers(0, 2**32))
def test_every_path_gives_the_same_bits(path, code, seed):
    parities, ratios = drawn(code, seed, 2.0)
    one, other = SoftBeliefs.of(code, ratios), SoftBeliefs.of(code, ratios)
    decode(code, parities, one, 5, paths()[0])
    decode(code, parities, other, 5, path)
    assert np.array_equal(one.posterior.view(np.int32), other.posterior.view(np.int32))
    assert np.array_equal(one.messages.view(np.int32), other.messages.view(np.int32))


@PATHS
def test_noisy_words_are_found_again_with_their_leaves(path):
    rng = np.random.default_rng(2)
    core = code_of(24, 64, [3] * 60 + [4] * 12, 5)
    code = LeafyCode(core, 60)
    assert code.rate == pytest.approx(1 - 72 / 84)
    bits = rng.integers(0, 2, code.n_bits, dtype=np.uint8)
    noisy = 1.0 - 2.0 * bits + rng.normal(size=code.n_bits) * 0.5
    beliefs = SoftBeliefs.of(code, (8.0 * noisy).astype(np.float32))
    parities = code.syndrome(bits)
    assert np.array_equal(decode(code, parities, beliefs, 60, path), bits)
    assert decode(code, parities ^ 1, SoftBeliefs.of(code, np.zeros(code.n_bits, np.float32)), 2, path) is None


def test_what_does_not_fit_is_refused():
    code = LeafyCode(code_of(6, 32, [3, 3], 1), 1)
    good, parities = np.zeros(code.n_bits, np.float32), np.zeros(code.n_checks, np.uint8)
    with pytest.raises(ParameterError, match="n_leaves must be 0 to 2, got 3"):
        LeafyCode(code.core, 3)
    for bad, words in (
        (good[1:], "ratios must be 224 of float32"),
        (good.astype(np.float64), "ratios must be 224 of float32"),
        (np.full_like(good, np.nan), "finite"),
        (np.full_like(good, np.inf), "finite"),
    ):
        with pytest.raises(ParameterError, match=words):
            SoftBeliefs.of(code, bad)
    with pytest.raises(ParameterError, match="parities must be 64 of uint8"):
        decode(code, parities[1:], SoftBeliefs.of(code, good), 1)
    with pytest.raises(ParameterError, match="no such path"):
        decode(code, parities, SoftBeliefs.of(code, good), 1, "mmx")
    with pytest.raises(ParameterError, match="iterations"):
        decode(code, parities, SoftBeliefs.of(code, good), -1)
    with pytest.raises(ParameterError, match="bits must be 224 of uint8"):
        code.syndrome(np.zeros(3, np.uint8))
    short = SoftBeliefs.of(code, good)
    with pytest.raises(ParameterError, match="a message for each edge"):
        decode(code, parities, SoftBeliefs(short.posterior, short.leaf, short.messages[1:]), 1)
    with pytest.raises(ParameterError, match="a leaf a row"):
        decode(code, parities, SoftBeliefs(short.posterior, short.leaf[1:], short.messages), 1)
