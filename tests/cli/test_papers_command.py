"""haris papers: rows of a file, by exit code, table, JSON and page."""

import json

import pytest

from haris.cli.main import main
from haris.cli.papers import PAGE

ROWS = """
[[golden]]
id = "half"
formula = "-log2(1-eta)"
transmittance = 0.5
expected = {value}
tol_rel = 1e-6
[[experiment]]
id = "elsewhere"
status = "bound"
protocol = "nobody's"
published_rate_bps = 7.0
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(value):
        path = tmp_path / "ROWS.toml"
        path.write_text(ROWS.format(value=value))
        return str(path)

    return write


def test_json_is_a_list_of_rows(file, capsys):
    assert main(["papers", "--file", file(1.0), "--json"]) == 0
    waiting, row = sorted(json.loads(capsys.readouterr().out), key=lambda r: r["id"])
    asked = ("id", "quantity", "published", "ours", "ratio", "status", "tolerance", "holds")
    assert {name: row[name] for name in asked} == {
        "id": "half",
        "quantity": "value",
        "published": 1.0,
        "ours": pytest.approx(1.0),
        "ratio": pytest.approx(1.0),
        "status": "golden",
        "tolerance": 1e-6,
        "holds": True,
    }
    assert (waiting["id"], waiting["ours"], waiting["holds"]) == ("elsewhere", None, None)
    assert waiting["explanation"] == "not covered yet"


def test_a_row_that_does_not_hold_is_told_and_exits_with_3(file, capsys):
    assert main(["papers", "--file", file(1.01)]) == 3
    told = capsys.readouterr()
    assert "half, value: does not hold" in told.err
    assert "not covered yet: elsewhere" in told.out


def test_a_page_is_written_where_it_is_asked_for(file, tmp_path):
    assert main(["papers", "--file", file(1.0), "--out", "page.md"]) == 0
    assert "1 of 1 numbers that are computed hold; 1 are not covered yet." in (tmp_path / "page.md").read_text()
    assert not (tmp_path / PAGE).exists()


def test_without_a_folder_for_the_page_nothing_is_computed(file, capsys):
    file(1.0)
    assert main(["papers"]) == 2
    assert "there is no folder docs here" in capsys.readouterr().err


def test_a_malformed_file_names_its_line(file, tmp_path, capsys):
    (tmp_path / "bad.toml").write_text('[[golden]]\nid = "a"\nexpected = "x"\n')
    assert main(["papers", "--file", "bad.toml"]) == 2
    assert "bad.toml:3: a: expected must be a number" in capsys.readouterr().err
    assert main(["papers", "--file", "none.toml"]) == 2
