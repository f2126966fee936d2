"""The LDPC kernels against their specification, on every instruction set that is here."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.kernels import reference_ldpc as reference
from haris.kernels.ldpc import Beliefs, Circulants, decode, paths, syndrome
from haris.nouns.errors import ParameterError
from haris.quantum.distill.mother_code import ladder

PATHS = pytest.mark.parametrize("path", paths())


def code_of(n_columns, lifting, degrees, seed):
    """A random code with rows of these degrees."""
    rng = np.random.default_rng(seed)
    columns = [rng.permutation(n_columns)[:degree] for degree in degrees]
    return Circulants(
        start=np.cumsum([0, *map(len, columns)], dtype=np.int32),
        column=np.concatenate(columns).astype(np.int32),
        shift=rng.integers(0, lifting, sum(map(len, columns)), dtype=np.int32),
        n_columns=n_columns,
        lifting=lifting,
    )


def copy(beliefs):
    return Beliefs(beliefs.posterior.copy(), beliefs.messages.copy())


codes = st.builds(
    lambda n_columns, lifting, degrees, seed: code_of(
        n_columns, 32 * lifting, [min(d, n_columns) for d in degrees], seed
    ),
    n_columns=st.integers(2, 70),
    lifting=st.integers(1, 5),
    degrees=st.lists(st.integers(2, 70), min_size=1, max_size=8),
    seed=st.integers(0, 2**32),
)


@given(code=codes, seed=st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_the_syndrome_is_the_whole_matrix_times_the_bits(code, seed):
    bits = np.random.default_rng(seed).integers(0, 2, code.n_bits, dtype=np.uint8)
    matrix = np.zeros((code.n_checks, code.n_bits), np.int64)
    for row in range(len(code.start) - 1):
        for edge in range(code.start[row], code.start[row + 1]):
            for z in range(code.lifting):
                at = code.column[edge] * code.lifting + (z + code.shift[edge]) % code.lifting
                matrix[row * code.lifting + z, at] = 1
    assert np.array_equal(syndrome(code, bits), matrix @ bits & 1)
    assert np.array_equal(reference.syndrome(code, bits), matrix @ bits & 1)


@PATHS
@given(code=codes, seed=st.integers(0, 2**32), qber=st.floats(0.001, 0.4), iterations=st.integers(0, 6))
@settings(max_examples=40, deadline=None)
def test_every_path_equals_the_specification(path, code, seed, qber, iterations):
    rng = np.random.default_rng(seed)
    alice = rng.integers(0, 2, code.n_bits, dtype=np.uint8)
    bob = alice ^ (rng.random(code.n_bits) < qber).astype(np.uint8)
    parities = syndrome(code, alice)
    ours, theirs = (Beliefs.of(code, bob, qber) for _ in range(2))
    assert decode(code, parities, ours, iterations, path) == reference.decode(code, parities, theirs, iterations)
    assert np.array_equal(ours.posterior, theirs.posterior)
    assert np.array_equal(ours.messages, theirs.messages)


@PATHS
@given(code=codes, seed=st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_every_path_equals_the_specification_from_any_state(path, code, seed):
    rng = np.random.default_rng(seed)
    headroom = 32767 - 255 * (len(code.start) - 1)
    scale = int(rng.choice([1, 8, 100, headroom]))
    ours = Beliefs(
        rng.integers(-scale, scale + 1, code.n_bits).astype(np.int16),
        rng.integers(-128, 128, len(code.column) * code.lifting).astype(np.int8),
    )
    theirs, parities = copy(ours), rng.integers(0, 2, code.n_checks, dtype=np.uint8)
    assert decode(code, parities, ours, 4, path) == reference.decode(code, parities, theirs, 4)
    assert np.array_equal(ours.posterior, theirs.posterior)
    assert np.array_equal(ours.messages, theirs.messages)


@PATHS
def test_decoding_goes_on_where_it_stopped(path):
    mother = ladder()[-1]
    code = mother.circulants(len(mother.rows), 32)
    rng = np.random.default_rng(8)
    alice = rng.integers(0, 2, code.n_bits, dtype=np.uint8)
    bob = alice ^ (rng.random(code.n_bits) < 0.08).astype(np.uint8)
    parities = syndrome(code, alice)
    whole, parts = (Beliefs.of(code, bob, 0.08) for _ in range(2))
    done = decode(code, parities, whole, 40, path)
    assert done is not None
    assert done > 3
    assert decode(code, parities, parts, 3, path) is None
    assert decode(code, parities, parts, 40, path) == done - 3
    assert np.array_equal(whole.bits, alice)
    assert np.array_equal(parts.posterior, whole.posterior)


def test_a_code_that_does_not_fit_is_refused():
    good = code_of(6, 32, [3, 4], 1)
    bits = np.zeros(good.n_bits, np.uint8)

    def refused(**changes):
        fields = {name: getattr(good, name) for name in Circulants.__slots__} | changes
        code = Circulants(**fields)
        with pytest.raises(ParameterError):
            syndrome(code, np.zeros(code.n_bits, np.uint8))

    refused(start=np.array([0, 3, 8], np.int32))
    refused(start=np.array([0, 1, 7], np.int32))
    refused(start=np.array([3, 7, 7], np.int32))
    refused(start=np.array([0, 9, 7], np.int32))
    refused(column=np.array([0, 1, 6, 0, 1, 2, 3], np.int32))
    refused(column=np.array([0, 1, 1, 0, 1, 2, 3], np.int32))
    refused(column=np.array([0, -1, 2, 0, 1, 2, 3], np.int32))
    refused(shift=np.array([0, 0, 32, 0, 0, 0, 0], np.int32))
    refused(shift=np.array([0, 0, -1, 0, 0, 0, 0], np.int32))
    refused(shift=good.shift[:-1])
    refused(lifting=33)
    syndrome(good, bits)


def test_arguments_that_do_not_fit_are_refused():
    code = code_of(6, 32, [3, 4], 1)
    bits, parities = np.zeros(code.n_bits, np.uint8), np.zeros(code.n_checks, np.uint8)
    beliefs = Beliefs.of(code, bits, 0.1)
    for qber in (0.0, 0.5, float("nan")):
        with pytest.raises(ParameterError, match="qber"):
            Beliefs.of(code, bits, qber)
    with pytest.raises(ParameterError, match="0 or 1"):
        Beliefs.of(code, bits + np.uint8(2), 0.1)
    with pytest.raises(ParameterError, match="uint8"):
        syndrome(code, bits.astype(np.int64))
    with pytest.raises(ParameterError, match="uint8"):
        decode(code, parities[:-1], beliefs, 1)
    with pytest.raises(ParameterError, match="path"):
        decode(code, parities, beliefs, 1, "abacus")
    with pytest.raises(ParameterError, match="negative"):
        decode(code, parities, beliefs, -1)
    with pytest.raises(ParameterError, match="overflow"):
        decode(code, parities, Beliefs(np.full(code.n_bits, 32767, np.int16), beliefs.messages), 1)
    with pytest.raises(ParameterError, match="message for each edge"):
        decode(code, parities, Beliefs(beliefs.posterior, beliefs.messages[:-1]), 1)
    with pytest.raises(ParameterError, match="int8"):
        decode(code, parities, Beliefs(beliefs.posterior, beliefs.messages.astype(np.int16)), 1)


@pytest.mark.parametrize("name", ["posterior", "messages"])
def test_beliefs_that_could_not_be_changed_in_place_are_refused(name):
    code = code_of(6, 32, (3, 3), 1)
    beliefs = Beliefs.of(code, np.zeros(code.n_bits, np.uint8), 0.02)
    backwards = {"posterior": beliefs.posterior, "messages": beliefs.messages}
    backwards[name] = backwards[name][::-1]
    with pytest.raises(ParameterError, match="contiguous"):
        decode(code, np.zeros(code.n_checks, np.uint8), Beliefs(**backwards), 1)


def test_what_is_not_a_bit_is_refused():
    code = code_of(6, 32, (3, 3), 1)
    beliefs = Beliefs.of(code, np.zeros(code.n_bits, np.uint8), 0.02)
    with pytest.raises(ParameterError, match="bits are 0 or 1, got 2"):
        syndrome(code, np.full(code.n_bits, 2, np.uint8))
    with pytest.raises(ParameterError, match="parities are 0 or 1, got 7"):
        decode(code, np.full(code.n_checks, 7, np.uint8), beliefs, 1)
