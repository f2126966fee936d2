"""The report on a source as a document, a web page and a PDF."""

import dataclasses
import functools
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from haris.nouns.errors import ParameterError
from haris.nouns.raw_samples import RawSamples
from haris.quantum.entropy import dieharder
from haris.quantum.entropy.assessed import ASSESSED, AssessedSource
from haris.quantum.entropy.assessment.estimate import Estimate
from haris.quantum.entropy.assessment.non_iid import Assessment
from haris.quantum.entropy.certificate import certificate
from haris.quantum.entropy.source import EntropySource, Extraction
from haris.quantum.entropy.sources import read_source
from haris.quantum.entropy.sp800_22.battery import ROWS
from haris.quantum.entropy.sp800_22.verdict import judge
from haris.report.document import Document, Mark, Picture, Section, Table
from haris.report.entropy import Evaluation, HashedFile, at_a_glance, document
from haris.report.entropy_figures import autocorrelation, histogram_figure
from haris.report.entropy_limits import NOT_SHOWN
from haris.report.printed import printed
from haris.report.web_page import web_page

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "entropy").glob("*.toml"))
VACUUM = read_source(EXAMPLES[0].with_name("vacuum.toml"))
SHA = "5f" * 32


@functools.cache
def usual():
    found = {"Most Common Value Estimate": Estimate(7.5, {}), "LRS Estimate": Estimate(None, {})}
    planned = dieharder.plan(0.012)
    results = tuple(dieharder.Result(test, (0.4,) * test.n_p_values, 5_000_000) for test in planned)
    return Evaluation(
        entropy=VACUUM,
        certificate=certificate(VACUUM),
        samples=VACUUM.emulate(20_000, 7).samples,
        model=VACUUM.emulate(20_000, 8).samples,
        assessment=Assessment(7.5, 7.5, None, found, {}),
        n_assessed=20_000,
        assessed_bits=8,
        shannon_bits=8.4,
        bits=judge(np.random.default_rng(1).random((60, len(ROWS)))),
        no_bits="",
        sequence_bits=1_000_000,
        stream=dieharder.Verdict(1e-3, results, dieharder.not_planned(planned)),
        no_stream="",
        files=(HashedFile("samples.bin", "raw samples", 40_000, SHA),),
        versions=(("haris", "0.1.0"),),
        date="2026-01-02 03:04 UTC",
    )


def evaluation(**changes):
    return dataclasses.replace(usual(), **changes)


@pytest.fixture(scope="module")
def page():
    return web_page(document(usual()))


def state(evaluation, name):
    (row,) = [row for row in at_a_glance(evaluation).rows if row[0] == name]
    return row[1]


def test_the_page_asks_for_nothing_outside_itself(page):
    for reference in re.findall(r'(?:src|href)="([^"]*)"', page):
        assert reference.startswith("data:image/svg+xml;base64,")
    assert "default-src 'none'" in page
    assert "<script" not in page
    assert "@import" not in page
    assert "url(" not in page


def test_the_page_tells_all_that_an_evaluator_asks(page):
    proof = certificate(VACUUM).randomness.proof
    for told in (proof.theorem, proof.attacks, *proof.assumptions, *NOT_SHOWN, SHA, "over a year", "signal_rms_v"):
        assert told.replace("'", "&#x27;") in page
    assert page.count("<figure>") == 5
    assert page.count("<tr>") > len(ROWS)


def test_the_same_values_give_the_same_files():
    def small():
        picture = Picture(histogram_figure(usual().samples, usual().model), "samples")
        return Document("title", "subtitle", (Section("heading", ("words", picture)),))

    assert web_page(small()) == web_page(small())
    assert printed(small()) == printed(small())


def test_what_is_printed_is_a_pdf_of_several_pages():
    pdf = printed(document(usual()))
    assert pdf.startswith(b"%PDF-")
    assert pdf.rstrip().endswith(b"%%EOF")
    assert 6 <= len(re.findall(rb"/Type /Page\b", pdf)) <= 12


def test_without_reportlab_a_pdf_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "reportlab", None)
    with pytest.raises(ParameterError, match=r"haris\[pdf\]"):
        printed(document(usual()))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_source_has_a_report(path):
    entropy = read_source(path)
    samples = entropy.emulate(20_000, 1).samples
    told = evaluation(
        entropy=entropy, certificate=certificate(entropy), samples=samples, model=samples, bits=None, stream=None
    )
    words = told_words(document(dataclasses.replace(told, assessed_bits=min(samples.bits, 8))))
    assert told.certificate.randomness.proof.theorem in " ".join(words)
    assert not {"nan", "inf", "None"} & set(" ".join(words).split())


def test_a_source_without_a_model_says_so():
    assessed = EntropySource(ASSESSED, AssessedSource(8, 5.0, 1e6), Extraction())
    samples = assessed.emulate(20_000, 1).samples
    told = evaluation(entropy=assessed, certificate=certificate(assessed), samples=samples, model=samples)
    assert "No model of this source is known" in " ".join(told_words(document(told)))
    assert "No model" not in " ".join(told_words(document(usual())))


def told_words(document):
    parts = [part for section in document.sections for part in section.parts]
    cells = [cell for part in parts if isinstance(part, Table) for row in part.rows for cell in row]
    words = [each.text if isinstance(each, Mark) else each for each in parts + cells]
    return [each for each in words if isinstance(each, str)]


def test_signs_of_markup_are_text():
    table = Table(("<b>", "x"), (("<script>", Mark("a & b", True)),), (1.0, 1.0))
    odd = Document("<i>", "&", (Section("</section>", ("1 < 2", table)),))
    page = web_page(odd)
    assert "<script>" not in page
    assert "a &amp; b" in page
    assert printed(odd).startswith(b"%PDF-")


def test_all_is_well_with_good_values():
    assert evaluation().passed
    assert [row[1].good for row in at_a_glance(evaluation()).rows] == [True, None, True, True, True, True]


def test_a_rejected_sequence_test_shows():
    found = np.random.default_rng(1).random((60, len(ROWS)))
    found[:, 3] = 1e-9
    bad = evaluation(bits=judge(found), stream=None)
    assert not bad.passed
    assert state(bad, "SP 800-22") == Mark("REJECTED", False)
    assert "REJECTED" in told_words(document(bad))


def test_a_stream_that_ended_shows():
    planned = dieharder.plan(0.005)
    ended = (dieharder.Result(planned[0], (), 12, "the stream ended after 12 octets"),)
    bad = evaluation(bits=None, stream=dieharder.Verdict(1e-3, ended, ()))
    assert not bad.passed
    assert state(bad, "dieharder") == Mark("INCOMPLETE", False)
    assert "the stream ended after 12 octets" in told_words(document(bad))


def test_an_estimate_of_a_single_sample_may_be_below_the_bound_of_a_block():
    low = evaluation(assessment=Assessment(3.0, 3.0, None, {}, {}))
    assert low.passed
    assert state(low, "SP 800-90B") == Mark("lower")
    assert "the lesser of both would be credited" in " ".join(told_words(document(low)))


def test_a_recording_of_less_shannon_entropy_contradicts_the_bound():
    dull = evaluation(shannon_bits=5.0)
    assert not dull.passed
    assert state(dull, "Shannon entropy") == Mark("CONTRADICTS", False)


def test_what_was_not_run_is_said():
    report = document(evaluation(bits=None, no_bits="no bits", stream=None, no_stream="no program"))
    assert {"Not run: no bits.", "Not run: no program."} <= set(told_words(report))
    assert not any("Appendix" in section.title for section in report.sections)
    assert evaluation(bits=None, no_bits="x", stream=None, no_stream="y").passed


def test_tests_of_the_stream_that_were_not_planned_are_listed(page):
    for name, why in evaluation().stream.left_out:
        assert name in page
        assert why in page


def test_autocorrelation_is_that_of_the_definition():
    values = np.random.default_rng(3).integers(0, 9, 70_000).astype(np.float64)
    centred = values - values.mean()
    expected = [centred[lag:] @ centred[:-lag] / (centred @ centred) for lag in (1, 2, 5)]
    assert autocorrelation(values, 5)[[0, 1, 4]] == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert autocorrelation(np.ones(100), 3).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("bits", [1, 8, 16])
def test_samples_of_any_width_and_stuck_ones_are_drawn(bits):
    stuck = RawSamples(np.zeros(5_000, np.uint8 if bits <= 8 else np.uint16), bits, 0.0)
    assert "data:image" in web_page(document(evaluation(samples=stuck, model=stuck, bits=None, stream=None)))
