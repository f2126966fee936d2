"""dieharder's tests as a plan and a verdict."""

import pytest

from haris.nouns.errors import ParameterError
from haris.quantum.entropy.dieharder import TESTS, Result, Verdict, command, not_planned, plan, read_result

BIRTHDAYS, RUNS = TESTS[0], TESTS[11]
LINE = "   diehard_birthdays,   0,       100,     100,0.72727603\n"


def test_the_whole_program_is_a_plan():
    assert len(plan(1e3)) == len(TESTS)
    assert sum(test.n_p_values for test in TESTS) == 110
    assert sum(test.megaoctets for test in TESTS) == pytest.approx(245e3, rel=0.01)


def test_a_plan_takes_no_more_than_the_stream_gives():
    planned = plan(2.0)
    assert 1000 < sum(test.megaoctets for test in planned) <= 2000
    told = dict(not_planned(planned))
    assert told["marsaglia_tsang_gcd"].startswith("consumes 8 gigaoctets")
    assert told["rgb_lagged_sum 0 to 32"].startswith("consumes 0.4 to 13.2 gigaoctets")
    assert told["diehard_sums"] == "not to be used, says the program of itself"
    assert "sts_monobit" not in told


def test_no_test_is_left_out_unsaid():
    told = dict(not_planned(plan(20.0)))
    assert {name.split(" ")[0] for name in told} | {test.name for test in plan(20.0)} == {
        *(test.name for test in TESTS),
        "diehard_opso",
        "diehard_oqso",
        "diehard_dna",
        "diehard_sums",
    }


@pytest.mark.parametrize("gigaoctets", [0.0, -1.0, 0.004, float("nan")])
def test_a_stream_too_short_for_any_test_is_refused(gigaoctets):
    with pytest.raises(ParameterError, match=r"0\.0048 gigaoctets at least"):
        plan(gigaoctets)


def test_the_program_reads_standard_input_and_never_a_file():
    for test in TESTS:
        assert command(test)[:2] == ("-g", "200")
        assert "-f" not in command(test)
        assert "-a" not in command(test)


def test_what_it_prints_is_read():
    assert read_result(BIRTHDAYS, LINE, 15_400_960) == Result(BIRTHDAYS, (0.72727603,), 15_400_960)
    two = "diehard_runs, 0, 100000, 100, 0.5\n" * 2
    assert read_result(RUNS, two, 40_000_000).p_values == (0.5, 0.5)


@pytest.mark.parametrize(
    ("printed", "octets", "reason"),
    [
        ("", 15_400_960, "0 P-values"),
        (LINE * 2, 15_400_960, "2 P-values"),
        (LINE.replace("birthdays", "weddings"), 15_400_960, "not understood"),
        (LINE.replace("0.72727603", "often"), 15_400_960, "not understood"),
        (LINE.replace("0.72727603", "nan"), 15_400_960, "not 1 in"),
        (LINE.replace("0.72727603", "1.5"), 15_400_960, "not 1 in"),
        ("# stdin_input_raw(): Error: EOF\n" + LINE, 15_400_960, "not understood"),
        (LINE, 65_536, "took 0.1 megaoctets"),
    ],
)
def test_anything_else_is_a_failure(printed, octets, reason):
    result = read_result(BIRTHDAYS, printed, octets)
    assert result.p_values == ()
    assert reason in result.failure


def verdict(*results):
    return Verdict(1e-3, results, ())


@pytest.mark.parametrize(
    ("p_value", "passed"),
    [(0.5, True), (0.00017, True), (0.00016, False), (0.99984, False), (0.0, False), (1.0, False)],
)
def test_a_p_value_near_either_end_is_rejected_at_the_familys_threshold(p_value, passed):
    found = verdict(Result(BIRTHDAYS, (p_value,), 1), Result(RUNS, (0.4, 0.6), 1))
    assert found.threshold == pytest.approx(1e-3 / 3)
    assert found.passed is passed
    assert [r.test for r in found.rejected] == ([] if passed else [BIRTHDAYS])


def test_a_test_without_a_result_does_not_pass():
    found = verdict(Result(BIRTHDAYS, (0.5,), 1), Result(RUNS, (), 7, "the stream ended"))
    assert not found.rejected
    assert not found.passed
