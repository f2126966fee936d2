"""Rows of TOML: what is wrong is told with its line."""

import pytest

from haris.nouns.errors import ParameterError
from haris.papers.published import published_row, published_rows
from haris.papers.row import read_rows

GOLDEN = """# thresholds
[[golden]]
id = "mine"
formula = "1-2h(Q)=0"
expected = 0.11002786
tol_rel = 1e-6
"""


def written(tmp_path, text):
    path = tmp_path / "ROWS.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_rows_come_in_the_order_of_the_file(tmp_path):
    first, second = read_rows(written(tmp_path, GOLDEN + '[[golden]]\nid = "next"\nexpected = 1.0\n'))
    assert (first.id, first.status, first.tags) == ("mine", "golden", ("mine", "1-2h(Q)=0"))
    assert second.id == "next"


def test_the_rows_of_haris_are_named_once():
    names = [row.id for row in published_rows()]
    assert len(names) == len(set(names)) > 50
    assert published_row("bb84_threshold").number("expected") == pytest.approx(0.11002786)
    with pytest.raises(ParameterError, match="no row has the id 'nobody2099'"):
        published_row("nobody2099")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[[golden]\n", 1, "not TOML"),
        ("\n[[goldn]]\nid = 'a'\n", 2, "unknown key 'goldn'"),
        ("# nothing\n", 1, "no \\[\\[experiment"),
        ("\n[golden]\nid = 'a'\n", 2, r"write \[\[golden\]\]"),
        ("[[golden]]\nformula = 'x'\n", 1, "needs id"),
        ("[[golden]]\nid = 7\n", 2, "needs id"),
        ("[[experiment]]\nid = 'a'\nstatus = 'certain'\n", 3, "status must be one of regression"),
        ("[[experiment]]\nid = 'a'\n", 1, "status must be one of"),
        ("[[golden]]\nid = 'a'\n[[golden]]\nid = 'a'\n", 4, "is there twice"),
        ("[[golden]]\nid = 'a'\nformula = 3\n", 3, "formula must be a string"),
    ],
)
def test_a_malformed_file_names_the_line(tmp_path, text, line, words):
    with pytest.raises(ParameterError, match=rf"ROWS\.toml:{line}: .*{words}"):
        read_rows(written(tmp_path, text))


def test_inputs_are_checked_with_their_line(tmp_path):
    (row,) = read_rows(written(tmp_path, GOLDEN + "eta_bob = 1.5\nmu = -0.1\nf_ec = true\n"))
    for name, line, ask in (("eta_bob", 7, row.probability), ("mu", 8, row.positive), ("f_ec", 9, row.number)):
        with pytest.raises(ParameterError, match=rf"ROWS\.toml:{line}: mine: {name} must be a number"):
            ask(name)
    with pytest.raises(ParameterError, match=r"ROWS\.toml:2: mine: lacks loss_db"):
        row.number("loss_db")
    assert row.number("loss_db", 3.0) == 3.0
