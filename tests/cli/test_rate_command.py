import json
from pathlib import Path

import pytest

from haris.cli.main import main

LINKS = Path(__file__).parents[2] / "examples" / "links"
METRO = str(LINKS / "metro_25km.toml")


def run(capsys, *arguments):
    code = main(["rate", *arguments])
    output = capsys.readouterr()
    return code, output.out, output.err


def test_json_is_one_object_with_every_distance(capsys):
    code, out, _ = run(capsys, METRO, "--distance", "0:400:100", "--json", "--explain")
    report = json.loads(out)
    assert code == 0
    rates = report["rates"]
    assert len(rates["distance_m"]) == 100
    assert rates["distance_m"][-1] == 400e3
    assert rates["secret_bits_per_s"][0] > 1e5
    assert rates["secret_bits_per_s"][-1] == 0
    assert report["secret_bits"] > 5e5
    length = {t["name"]: t["value"] for t in report["terms"]}
    costs = ("entropy", "leaked", "secrecy", "correctness")
    assert report["secret_bits"] == int(length["single"] - sum(length[c] for c in costs))
    assert report["proof"]["attacks"] == "coherent"


def test_text_has_table_plot_and_explanation(capsys, tmp_path):
    figure = tmp_path / "rate.svg"
    code, out, _ = run(capsys, METRO, "--explain", "--plot", str(figure))
    assert code == 0
    assert "25.0 km" in out
    assert "bit/s over km" in out
    assert "at its own 25 km" in out
    assert "hypergeometric" in out
    assert figure.stat().st_size > 1000


def test_links_are_compared_and_optimised(capsys, tmp_path):
    other = str(LINKS / "li2023_10km.toml")
    code, out, _ = run(capsys, METRO, other, "--distance", "0:50:3", "--plot", str(tmp_path / "both.png"))
    assert code == 0
    assert "li2023_10km at its own 10 km" in out
    assert out.splitlines()[1].split()[-1] == "li2023_10km"
    assert "b: li2023_10km, variable-length" in out
    code, out, _ = run(capsys, METRO, other, "--distance", "25", "--optimise", "--json")
    metro, _ = json.loads(out)
    fixed = json.loads(run(capsys, METRO, "--distance", "25", "--json")[1])
    assert metro["protocol"] == "decoy-bb84"
    assert metro["secret_bits"] > 1.02 * fixed["secret_bits"]
    assert 0.5 < metro["settings"]["p of the key basis"] < 1.0
    assert run(capsys, METRO, METRO)[0] == 2


def test_users_behind_a_splitter_are_told_together(capsys):
    path = str(LINKS / "passive_access_8_users.toml")
    one = json.loads(run(capsys, path, "--distance", "1", "--json")[1])
    assert one["users"] == 8
    assert one["secret_bits_per_s_of_all_users"] == pytest.approx(8 * one["secret_bits_per_s"])
    assert "all 8 users together: 116 Mbit/s, epsilon 1.6e-09" in run(capsys, path, "--distance", "1")[1]
    assert "users" not in json.loads(run(capsys, METRO, "--distance", "1", "--json")[1])


def test_protocols_are_listed_with_their_proofs(capsys):
    assert main(["protocols"]) == 0
    out = capsys.readouterr().out
    assert 'bound "variable-length": finite, coherent attacks' in out
    assert "arXiv:2408.17349" in out
    assert main(["protocols", "decoy-bb84"]) == 0
    assert "[protocol] p_key_basis, block_pulses" in capsys.readouterr().out
    assert main(["protocols", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)["decoy-bb84"]
    assert report["bounds"]["asymptotic"]["finite"] is False
    assert report["emulated"] is True


def test_a_hopeless_distance_is_zero(capsys):
    code, out, _ = run(capsys, METRO, "--distance", "5000")
    assert code == 0
    assert "0 bit/s" in out


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ((METRO, "--distance", "0:x"), "write START:STOP:COUNT in km"),
        ((METRO, "--distance", "0:100:0"), "write START:STOP:COUNT in km"),
        ((METRO, "--distance", "0:nan:3"), "write START:STOP:COUNT in km"),
        ((METRO, "--distance=-1:5:3"), "write START:STOP:COUNT in km"),
        ((METRO, "--plot", "rate.pdf"), "written as .png or .svg"),
        (("no.toml",), "no.toml: cannot be read"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_2(capsys, arguments, wanted):
    code, out, err = run(capsys, *arguments)
    assert code == 2
    assert out == ""
    assert wanted in err
    assert err.startswith("haris rate: ")
    assert err.count("\n") == 1


def test_a_wrong_unit_is_told_with_its_line(capsys, tmp_path):
    path = tmp_path / "link.toml"
    path.write_text(Path(METRO).read_text().replace("length_m = 25_000", "length_km = 25"))
    code, _, err = run(capsys, str(path))
    assert code == 2
    assert f"{path}:11: unknown key 'length_km' in [channel]; the unit is metres: length_m = 25000" in err


def test_help_shows_an_example(capsys):
    with pytest.raises(SystemExit):
        main(["rate", "--help"])
    assert "haris rate examples/links/metro_25km.toml" in capsys.readouterr().out
