"""Key_IDs as runs of neighbours, against what counting one by one gives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haris.nouns.errors import ParameterError
from haris.nouns.ids import key_runs, neighbours

PREFIXES = (bytes(12), bytes(range(12)))
LAST = 0xFFFFFFFF


def one(prefix: bytes, index: int) -> bytes:
    return prefix + index.to_bytes(4, "big")


@given(st.sampled_from(PREFIXES), st.integers(0, LAST - 300), st.integers(1, 300))
def test_neighbours_count_up(prefix: bytes, index: int, n_keys: int) -> None:
    assert neighbours(one(prefix, index), n_keys) == b"".join(one(prefix, index + more) for more in range(n_keys))


def test_the_last_index_has_neighbours_before_it_only() -> None:
    last = neighbours(one(PREFIXES[1], LAST - 1), 2)
    assert last == one(PREFIXES[1], LAST - 1) + one(PREFIXES[1], LAST)
    assert key_runs(last) == ((one(PREFIXES[1], LAST - 1), 2),)
    assert key_runs(last + one(PREFIXES[1], 0)) == ((one(PREFIXES[1], LAST - 1), 2), (one(PREFIXES[1], 0), 1))


@given(st.lists(st.tuples(st.sampled_from(PREFIXES), st.integers(0, 5) | st.integers(LAST - 2, LAST)), max_size=20))
def test_runs_are_as_long_as_they_can_be(names: list[tuple[bytes, int]]) -> None:
    runs: list[list[tuple[bytes, int]]] = []
    for name in names:
        if runs and runs[-1][-1] == (name[0], name[1] - 1):
            runs[-1].append(name)
        else:
            runs.append([name])
    joined = b"".join(one(*name) for name in names)
    assert key_runs(joined) == tuple((one(*run[0]), len(run)) for run in runs)


def test_a_part_of_a_key_id_is_refused() -> None:
    with pytest.raises(ParameterError, match="17 octets"):
        key_runs(bytes(17))
