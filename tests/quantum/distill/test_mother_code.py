"""The codes that the package carries: made by their script, told of by halves, and laid over blocks of any size."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from distill_pair import binary_entropy
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.kernels.ldpc import syndrome
from haris.nouns.errors import ParameterError
from haris.quantum.distill.mother_code import FIRST_SHARE, FOLDER, Frames, choose, code_named, ladder

SCRIPT = Path(__file__).parents[3] / "tools" / "ldpc_codes.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("ldpc_codes", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_script_makes_every_file_again_octet_for_octet(script):
    assert {path.stem for path in FOLDER.iterdir()} == set(script.ENSEMBLES)
    for name in script.ENSEMBLES:
        assert (FOLDER / f"{name}.toml").read_text() == script.code_file(name)


def test_degrees_are_those_of_the_ensemble_and_rows_are_even(script):
    for code in ladder():
        ensemble = script.ENSEMBLES[code.name.rsplit("-", 1)[0]]
        degrees = np.bincount(np.concatenate([columns for columns, _ in code.rows]), minlength=code.n_columns)
        assert degrees.tolist() == script.column_degrees(ensemble)
        sizes = [row.shape[1] for row in code.rows]
        assert max(sizes) - min(sizes) <= 0.25 * np.mean(sizes)
        assert max(sizes) <= 256


def test_no_two_rows_share_two_columns_with_one_difference_of_shifts():
    for code in ladder():
        by_column = [[] for _ in range(code.n_columns)]
        for number, row in enumerate(code.rows):
            assert len(set(row[0].tolist())) == row.shape[1]
            for column, shift in row.T.tolist():
                by_column[column].append((number, shift))
        seen = set()
        for edges in by_column:
            for place, (row, shift) in enumerate(edges):
                for other_row, other in edges[:place]:
                    difference = (other_row, row, (other - shift) % code.lifting)
                    assert difference not in seen
                    seen.add(difference)


def test_names_tell_the_content():
    assert len({code.name for code in ladder()}) == len(ladder()) == 7
    for code in ladder():
        assert code_named(code.name) is code
    with pytest.raises(ParameterError, match=r"no code is named abc; there are leak_0\.051-"):
        code_named("abc")


@given(which=st.integers(0, 6), extra=st.floats(0, 1), more=st.floats(0, 1), seed=st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_what_is_told_gives_every_check_and_grows_at_its_end(which, extra, more, seed):
    code = ladder()[which]
    few = len(code.rows) + round(extra * len(code.rows))
    many = few + round(more * (code.greatest_rows - few))
    bits = np.random.default_rng(seed).integers(0, 2, code.n_columns * 32, dtype=np.uint8)
    told = []
    for n_rows in (few, many):
        parities = syndrome(code.circulants(n_rows, 32), bits).reshape(n_rows, 32)
        told.append(code.told(parities, n_rows))
        assert told[-1].shape == (n_rows, 32)
        assert np.array_equal(code.parities(told[-1]), parities)
    assert np.array_equal(told[1][:few], told[0])
    whole = syndrome(code.circulants(len(code.rows), 32), bits).reshape(-1, 32)
    assert np.array_equal(told[0][: len(code.rows)], whole)


@given(n_bits=st.integers(1, 5_000_000), which=st.integers(0, 6))
@settings(max_examples=200, deadline=None)
def test_frames_cover_a_block_and_fill_their_columns_evenly(n_bits, which):
    code = ladder()[which]
    frames = Frames.of(n_bits, code)
    bounds = list(frames.bounds())
    sizes = [piece.stop - piece.start for piece in bounds]
    assert (bounds[0].start, bounds[-1].stop, sum(sizes)) == (0, n_bits, n_bits)
    assert max(sizes) - min(sizes) <= 1
    assert frames.lifting <= code.lifting
    assert max(sizes) <= code.n_columns * frames.lifting < max(sizes) + 32 * code.n_columns
    bits = np.ones(sizes[0], np.uint8)
    spread = frames.spread(bits)
    assert spread.shape == (code.n_columns * frames.lifting,)
    assert spread.sum() == sizes[0]
    by_column = spread.reshape(code.n_columns, frames.lifting).sum(axis=1)
    assert by_column.max() == -(-sizes[0] // code.n_columns)
    assert np.array_equal(frames.gathered(spread, sizes[0]), bits)


@given(qber=st.floats(0.004, 0.12), n_bits=st.integers(10**6, 4 * 10**6))
@settings(max_examples=200, deadline=None)
def test_the_rows_told_at_first_are_a_constant_share_above_the_limit(qber, n_bits):
    limit_bits = n_bits * binary_entropy(qber)
    code, n_rows = choose(limit_bits, n_bits)
    frames = Frames.of(n_bits, code)
    told = n_rows * frames.lifting * frames.n_frames / limit_bits
    one_row = frames.lifting * frames.n_frames / limit_bits
    assert len(code.rows) <= n_rows <= code.greatest_rows
    assert told == pytest.approx(FIRST_SHARE, abs=0.03 + one_row) or (code is ladder()[0] and n_rows == len(code.rows))


def test_a_block_without_bits_has_no_frames():
    with pytest.raises(ParameterError):
        Frames.of(0, ladder()[0])
