"""Tests of dieharder, Robert G. Brown's program: which there are, what they consume, and what their P-values say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from haris.nouns.errors import ParameterError

FALSE_REJECTION = 1e-3
"""Probability with which ideal bits are rejected, over all tests that are planned together."""
LEAST_SHARE = 0.9
"""Of the octets that a test consumes: with less it has not read what it says."""
LEFT_OUT = {
    "diehard_opso": "suspect, says the program of itself",
    "diehard_oqso": "suspect, says the program of itself",
    "diehard_dna": "suspect, says the program of itself",
    "diehard_sums": "not to be used, says the program of itself",
}
"""Of the program's list, tests that are never run, with the reason."""


@dataclass(frozen=True, slots=True)
class Test:
    """One call of the program, with its default sizes.

    number, ntuple: its options -d and -n. name: as the program prints it. n_p_values: that come of it. megaoctets: that
    it consumes, as version 3.31.1 was seen to; in two tests it varies with the bits by some per cent.
    """

    number: int
    name: str
    megaoctets: float
    n_p_values: int = 1
    ntuple: int | None = None

    @property
    def title(self) -> str:
        """The name, with the ntuple where there is a choice."""
        return self.name if self.ntuple is None else f"{self.name} {self.ntuple}"


TESTS = (
    Test(0, "diehard_birthdays", 15.4),
    Test(1, "diehard_operm5", 400.0),
    Test(2, "diehard_rank_32x32", 512.0),
    Test(3, "diehard_rank_6x8", 240.0),
    Test(4, "diehard_bitstream", 104.8),
    Test(8, "diehard_count_1s_str", 25.6),
    Test(9, "diehard_count_1s_byt", 512.0),
    Test(10, "diehard_parking_lot", 9.6),
    Test(11, "diehard_2dsphere", 6.4),
    Test(12, "diehard_3dsphere", 4.8),
    Test(13, "diehard_squeeze", 922.0),
    Test(15, "diehard_runs", 40.0, 2),
    Test(16, "diehard_craps", 540.0, 2),
    Test(17, "marsaglia_tsang_gcd", 8000.0, 2),
    Test(100, "sts_monobit", 40.0),
    Test(101, "sts_runs", 40.0),
    Test(102, "sts_serial", 40.0, 30),
    *(Test(200, "rgb_bitdist", 80.0 * n, ntuple=n) for n in range(1, 13)),
    *(Test(201, "rgb_minimum_distance", 40.0 * n, ntuple=n) for n in range(2, 6)),
    *(Test(202, "rgb_permutations", 40.0 * n, ntuple=n) for n in range(2, 6)),
    *(Test(203, "rgb_lagged_sum", 400.0 * (n + 1), ntuple=n) for n in range(33)),
    Test(204, "rgb_kstest_test", 40.0),
    Test(205, "dab_bytedistrib", 614.4),
    Test(206, "dab_dct", 51.2),
    Test(207, "dab_filltree", 451.8, 2),
    Test(208, "dab_filltree2", 116.8, 2),
    Test(209, "dab_monobit2", 260.0),
)
"""What dieharder -a runs, less LEFT_OUT: 110 P-values, 245 gigaoctets."""
OPTIONS = (
    "-g",
    "200",
    "-c",
    ",",
    "-D",
    "test_name",
    "-D",
    "ntuple",
    "-D",
    "tsamples",
    "-D",
    "psamples",
    "-D",
    "pvalues",
)
"""Raw bits from standard input, which cannot be rewound; a line a P-value, and no timing, which would eat 40 MB."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a test. p_values: empty where failure says why. octets: that it took of the stream."""

    test: Test
    p_values: tuple[float, ...]
    octets: int
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Over all tests that were planned; each P-value, two-sided, is rejected below threshold (Bonferroni's inequality).

    left_out: names of tests that were not planned, with the reason.
    """

    false_rejection: float
    results: tuple[Result, ...]
    left_out: tuple[tuple[str, str], ...]

    @property
    def n_hypotheses(self) -> int:
        """P-values that were planned."""
        return sum(result.test.n_p_values for result in self.results)

    @property
    def threshold(self) -> float:
        """Of one P-value."""
        return self.false_rejection / self.n_hypotheses

    @property
    def rejected(self) -> tuple[Result, ...]:
        """Tests with a P-value beyond the threshold, at either end."""
        return tuple(r for r in self.results if any(two_sided(p) < self.threshold for p in r.p_values))

    @property
    def failed(self) -> tuple[Result, ...]:
        """Planned tests that gave no P-values."""
        return tuple(r for r in self.results if r.failure)

    @property
    def passed(self) -> bool:
        """Whether all planned tests gave P-values, and none is rejected."""
        return not self.rejected and not self.failed


def two_sided(p_value: float) -> float:
    """Probability of a P-value as near to either end: the program's are uniform, and near 1 as suspect as near 0."""
    return min(1.0, 2.0 * min(p_value, 1.0 - p_value))


def plan(gigaoctets: float) -> tuple[Test, ...]:
    """Tests that so much of a stream is enough for, those that consume least first.

    Known before a bit is read, and so is the number of hypotheses. Raises ParameterError where none fits.
    """
    chosen, left = [], gigaoctets * 1e3
    for test in sorted(TESTS, key=lambda test: test.megaoctets):
        left -= test.megaoctets
        if not left >= 0.0:
            break
        chosen.append(test)
    if not chosen:
        least = min(test.megaoctets for test in TESTS)
        raise ParameterError(f"dieharder needs a stream of {least / 1e3:g} gigaoctets at least, got {gigaoctets:g}")
    return tuple(chosen)


def not_planned(planned: Sequence[Test]) -> tuple[tuple[str, str], ...]:
    """Names of the tests that are not in the plan, with the reason of each; ntuples of one name come together."""
    too_long: dict[str, list[Test]] = {}
    for test in TESTS:
        if test not in planned:
            too_long.setdefault(test.name, []).append(test)
    return tuple(map(_too_long, too_long.values())) + tuple(LEFT_OUT.items())


def _too_long(tests: list[Test]) -> tuple[str, str]:
    """The tests of one name that the stream is too short for, and why."""
    ntuples = [test.ntuple for test in tests]
    which = f" {ntuples[0]}" + (f" to {ntuples[-1]}" if ntuples[1:] else "") if ntuples[0] is not None else ""
    needs = " to ".join(dict.fromkeys(f"{test.megaoctets / 1e3:g}" for test in (tests[0], tests[-1])))
    return tests[0].name + which, f"consumes {needs} gigaoctets, more than the stream was planned to give"


def command(test: Test) -> tuple[str, ...]:
    """Arguments of the program for this test on standard input."""
    ntuple = () if test.ntuple is None else ("-n", str(test.ntuple))
    return (*OPTIONS, "-d", str(test.number), *ntuple)


def read_result(test: Test, printed: str, octets: int) -> Result:
    """What the program printed. Anything but the lines that are expected of this test is a failure."""
    p_values = []
    for line in printed.splitlines():
        cells = [cell.strip() for cell in line.split(",")]
        if len(cells) != 5 or cells[0] != test.name:
            return Result(test, (), octets, f"not understood: {line.strip()[:80]!r}")
        try:
            p_values.append(float(cells[4]))
        except ValueError:
            return Result(test, (), octets, f"not understood: {line.strip()[:80]!r}")
    if len(p_values) != test.n_p_values or not all(0.0 <= p <= 1.0 for p in p_values):
        return Result(test, (), octets, f"{len(p_values)} P-values, not {test.n_p_values} in [0, 1]")
    if octets < LEAST_SHARE * test.megaoctets * 1e6:
        return Result(test, (), octets, f"took {octets / 1e6:.1f} megaoctets, not {test.megaoctets:g}")
    return Result(test, tuple(p_values), octets)
