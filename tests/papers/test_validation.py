"""Every row that haris covers holds, a wrong one does not, and docs/validation.md says so."""

import json
from pathlib import Path

import pytest

from haris.nouns.errors import ParameterError
from haris.papers.computations import COMPUTATIONS
from haris.papers.page import CHAPTERS, page
from haris.papers.published import published_rows
from haris.papers.row import read_rows
from haris.papers.validation import NOT_COVERED, evaluate

PAGE = Path(__file__).parents[2] / "docs" / "validation.md"


def test_rows_that_are_quickly_computed_hold_and_stand_on_the_page():
    """All but those of one figure; where settings are searched, the last digit is the processor's."""
    quick = [row for row in published_rows() if not row.id.startswith("lim2014_fig1_")]
    results = list(evaluate(quick))
    assert [(r.id, r.key, r.published, r.ours) for r in results if r.holds is False] == []
    written = PAGE.read_text(encoding="utf-8").splitlines()
    exact = page([r for r in results if not r.id.endswith("_optimum")])
    ours = [line for line in exact.splitlines() if line.startswith("| ")]
    assert len(ours) > 150
    assert [line for line in ours if line not in written] == [], "docs/validation.md is out of date: run `make papers`"


@pytest.mark.trial
def test_every_row_is_there_holds_and_says_what_it_assumes():
    results = list(evaluate(published_rows()))
    assert [(r.id, r.key, r.published, r.ours) for r in results if r.holds is False] == []
    assert PAGE.read_text(encoding="utf-8") == page(results), "docs/validation.md is out of date: run `make papers`"
    assert {r.id for r in results} == {row.id for row in published_rows()}
    for result in results:
        assert (result.ours is None) == (result.holds is None)
        assert result.holds is not None or result.explanation in (NOT_COVERED, "states no number to compute")
        assumed = [key for key in result.row.values if key.startswith("assumed_")]
        if result.ours is not None and assumed:
            assert all(key.removeprefix("assumed_") in result.explanation for key in assumed)
        if result.status == "plausibility" and result.ours is not None and result.source == "printed":
            assert result.explanation
    for family in ("ma2005", "lim2014", "rusca2018", "boaron2018", "li2023", "grunenfelder2023"):
        assert all(r.holds for r in results if r.id.startswith(family)), family


def test_each_file_of_rows_is_a_chapter(tmp_path):
    chapters = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("## ")]
    assert chapters == [f"## {title}" for title in CHAPTERS.values()]
    text = '[[golden]]\nid = "half"\nformula = "-log2(1-eta)"\ntransmittance = 0.5\nexpected = 1.0\n'
    assert "## Computed\n" in page(list(evaluate(rows(tmp_path, text))))


def rows(tmp_path, text):
    path = tmp_path / "ROWS.toml"
    path.write_text(text, encoding="utf-8")
    return read_rows(path)


EXACT = [
    row
    for row in published_rows()
    if row.status in ("regression", "golden") and any(computation.covers(row) for computation in COMPUTATIONS)
]


def as_toml(row, scale):
    """The row with each number that it states scaled."""
    values = {k: v * scale + scale - 1 if k.startswith(("expected", "published")) else v for k, v in row.values.items()}
    return f"[[{row.place[0]}]]\n" + "\n".join(f"{key} = {json.dumps(value)}" for key, value in values.items())


@pytest.mark.parametrize("row", EXACT, ids=lambda row: row.id)
def test_a_wrong_value_does_not_hold(tmp_path, row):
    right, wrong = (list(evaluate(rows(tmp_path, as_toml(row, scale)))) for scale in (1.0, 1.05))
    assert [r.ours for r in right] == [r.ours for r in wrong]
    assert [r.holds for r in right] == [True] * len(right)
    assert [r.holds for r in wrong] == [False] * len(right)


def test_a_row_of_another_name_is_found_by_its_formula_and_computed_from_its_inputs(tmp_path):
    text = """
[[golden]]
id = "half"
formula = "-log2(1-eta)"
transmittance = 0.5
expected = 1.0
[[golden]]
id = "quarter"
formula = "-log2(1-eta), eta=0.75"
expected = 2.0
"""
    assert [r.ours for r in evaluate(rows(tmp_path, text))] == pytest.approx([1.0, 2.0])


def test_what_nothing_covers_is_said(tmp_path):
    text = '[[experiment]]\nid = "x"\nstatus = "bound"\npublished_rate_bps = 5.0\nmemory_rate_bps = 6.0\n'
    (result,) = evaluate(rows(tmp_path, text))
    assert (result.ours, result.holds, result.explanation) == (None, None, NOT_COVERED)
    assert "1 are not covered yet" in page([result])


def test_an_incomplete_row_waits_unless_it_says_that_it_is_complete(tmp_path):
    text = '[[experiment]]\nid = "x"\nstatus = "plausibility"\nprotocol = "D_k"\npublished_detection_rate = 0.5\n'
    (result,) = evaluate(rows(tmp_path, text))
    assert (result.ours, result.holds) == (None, None)
    assert result.explanation.startswith(NOT_COVERED)
    assert "ROWS.toml:1: x: lacks distance_km" in result.explanation
    with pytest.raises(ParameterError, match=r"ROWS\.toml:1: x: lacks distance_km"):
        list(evaluate(rows(tmp_path, text.replace("plausibility", "regression"))))


@pytest.mark.parametrize(
    ("inputs", "line", "words"),
    [
        ("mu = 0.5", 2, "lacks distance_km"),
        ("mu = 0.5\neta_bob = 1.5\ndistance_km = 1.0", 8, "eta_bob must be a number from 0 to 1"),
        ("mu = 0.5\ndistance_km = -1.0", 8, "distance_km must be a number"),
    ],
)
def test_an_input_that_is_wrong_names_its_line(tmp_path, inputs, line, words):
    text = (
        f'\n[[experiment]]\nid = "x"\nstatus = "regression"\nprotocol = "D_k"\nexpected_detection_rate = 0.5\n{inputs}'
    )
    with pytest.raises(ParameterError, match=rf"ROWS\.toml:{line}: x: {words}"):
        list(evaluate(rows(tmp_path, text)))


def test_settings_that_no_model_takes_name_the_row(tmp_path):
    text = """
[[golden]]
id = "x"
formula = "rusca2018"
attenuation_db = 0.0
block_nz = 1e7
p_z = 0.9
mu1 = 0.1
mu2 = 0.5
p_mu1 = 0.0
expected_key_bits = 1.0
"""
    with pytest.raises(ParameterError, match=r"ROWS\.toml:2: x: key_bits cannot be computed: p_intensities"):
        list(evaluate(rows(tmp_path, text)))
