"""The parts of a source's report that tell of tests of bits."""

from __future__ import annotations

import math

from haris.quantum.entropy import dieharder
from haris.quantum.entropy.sp800_22 import verdict as sp800_22
from haris.report.document import Cell, Mark, Part, Picture, Section, Table
from haris.report.entropy_figures import dieharder_figure, sp800_22_figure


def sp800_22_section(verdict: sp800_22.Verdict | None, reason: str, sequence_bits: int) -> Section:
    """The fifteen tests, each by the worst of its variants; or why they were not run."""
    title = "Tests of bits by NIST SP 800-22 rev. 1a"
    if verdict is None:
        return Section(title, (f"Not run: {reason}.",))
    many = verdict.n_hypotheses > len(verdict.rows)
    method = (
        "the share of sequences that pass (binomial, two-sided, at 0.01 a sequence) and the evenness of the P-values "
        "(chi-square, ten parts)"
        if many
        else f"the least P-value, times the sequences that it is the least of; {sp800_22.LEAST_FOR_UNIFORMITY} "
        "sequences would allow the share that passes and the evenness to be tested"
    )
    by_test: dict[str, list[sp800_22.Row]] = {}
    for row in verdict.rows:
        by_test.setdefault(row.test, []).append(row)
    rows = tuple(_worst(name, variants, verdict.threshold) for name, variants in by_test.items())
    parts: list[Part] = [
        f"{verdict.n_sequences} sequences of {sequence_bits} bits. Fixed before a bit was read: of each of "
        f"{len(verdict.rows)} tests is judged {method}. These are {verdict.n_hypotheses} hypotheses, each rejected "
        f"below {verdict.threshold:.3g}, so that ideal bits fail at any of them with probability at most "
        f"{verdict.false_rejection:g} (Bonferroni).",
        Table(
            ("test", "", "variants", "worst", "failed", "least P-value"),
            rows,
            (3.6, 1.7, 1.3, 2.2, 1.6, 1.8),
            numbers=(2, 4, 5),
        ),
    ]
    if many:
        parts.append(Picture(sp800_22_figure(verdict), "Each dot is a test. A dot below the red line is a rejection."))
    return Section(title, tuple(parts))


def dieharder_section(verdict: dieharder.Verdict | None, reason: str) -> Section:
    """P-values test by test, and what was left out; or why it was not run."""
    title = "Tests of a stream by dieharder"
    if verdict is None:
        return Section(title, (f"Not run: {reason}.",))
    rows: list[tuple[Cell, ...]] = []
    for result in verdict.results:
        worst = min(result.p_values, key=dieharder.two_sided, default=None)
        state = (
            Mark("NO RESULT", False)
            if worst is None
            else Mark("REJECTED", False)
            if result in verdict.rejected
            else Mark("passed", True)
        )
        told = result.failure if worst is None else f"{worst:.8f}"
        rows.append((result.test.title, state, str(result.test.n_p_values), told, f"{result.octets / 1e6:.1f}"))
    consumed = sum(result.octets for result in verdict.results)
    parts: list[Part] = [
        f"The program read {consumed / 1e9:.2f} gigaoctets from a pipe that cannot be rewound, test after test; no "
        f"octet was read twice. Fixed before a bit was read: {verdict.n_hypotheses} P-values, each two-sided and "
        f"rejected below {verdict.threshold:.3g}, so that ideal bits fail with probability at most "
        f"{verdict.false_rejection:g} (Bonferroni). A planned test without a result counts against the stream.",
        Table(
            ("test", "", "P-values", "most extreme", "megaoctets"),
            tuple(rows),
            (3.2, 1.6, 1.2, 2.6, 1.6),
            numbers=(2, 4),
        ),
        Picture(dieharder_figure(verdict), "All P-values in order."),
    ]
    if verdict.left_out:
        parts += ["Not run:", Table(("test", "why"), verdict.left_out, (3.0, 7.0), small=True)]
    return Section(title, tuple(parts))


def appendix(verdict: sp800_22.Verdict | None) -> tuple[Section, ...]:
    """All rows of SP 800-22, where it was run."""
    if verdict is None:
        return ()
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            str(i),
            row.test,
            row.variant,
            str(row.n_tested),
            str(row.n_failed),
            *(f"{p:.6f}" for p in row.p_values),
            _state([row], verdict.threshold),
        )
        for i, row in enumerate(verdict.rows, 1)
    )
    many = verdict.n_hypotheses > len(verdict.rows)
    columns = ("P of the share", "P of uniformity") if many else ("least P, times sequences",)
    header = ("", "test", "variant", "tested", "failed", *columns, "")
    widths = (0.8, 3.6, 2.2, 1.2, 1.2, *(2.0 for _ in columns), 1.6)
    table = Table(header, rows, widths, numbers=(3, 4, *range(5, 5 + len(columns))), small=True)
    return (Section("Appendix: SP 800-22, all tests", (table,)),)


def _worst(name: str, variants: list[sp800_22.Row], threshold: float) -> tuple[Cell, ...]:
    worst = min(variants, key=lambda row: min(row.p_values))
    p = min(worst.p_values)
    told = f"{p:.4f}" if p >= 1e-4 or not math.isfinite(p) else f"{p:.2e}"
    return (
        name,
        _state(variants, threshold),
        str(len(variants)),
        worst.variant,
        f"{worst.n_failed} of {worst.n_tested}",
        told,
    )


def _state(rows: list[sp800_22.Row], threshold: float) -> Mark:
    if not any(row.n_tested for row in rows):
        return Mark("not applicable")
    rejected = any(min(row.p_values) < threshold for row in rows)
    return Mark("REJECTED", False) if rejected else Mark("passed", True)
