from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haris.nouns.errors import ParameterError
from haris.nouns.times import DAY_NS, NS_PER_S, read_time, write_duration, write_time


def test_a_time_is_written_as_rfc_3339():
    moment = datetime(2026, 3, 1, 12, 5, 7, tzinfo=UTC)
    assert write_time(int(moment.timestamp()) * NS_PER_S + 12_345_678) == "2026-03-01T12:05:07.012345Z"


@given(st.integers(0, 4_000_000_000_000_000))
def test_a_time_comes_back(time_us):
    assert read_time("--since", write_time(1000 * time_us)) == 1000 * time_us


def test_a_day_is_midnight_utc():
    assert read_time("--since", "1970-01-02") == DAY_NS
    assert read_time("--since", "1970-01-01T02:00+02:00") == 0
    with pytest.raises(ParameterError, match="--since is a time"):
        read_time("--since", "yesterday")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.6, "1 min"), (200, "3 min 20 s"), (3600, "1 h"), (90_061, "1 d 1 h"), (-5, "0 s")],
)
def test_a_duration_in_words(seconds, text):
    assert write_duration(seconds) == text
