import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from haris.nouns.errors import ParameterError
from haris.quantum.link import Link
from haris.report.key_rate import (
    MAX_ROWS,
    bits_per_s,
    comparison_table,
    explanation,
    limits,
    rate_figure,
    rate_table,
    require_figure_path,
    save_figure,
    terminal_plot,
)

LINK = Link.read(Path(__file__).parents[2] / "examples" / "links" / "metro_25km.toml")
AT_M = np.linspace(0, 200e3, 100)
SWEEP = LINK.rate(AT_M)


def test_table_has_a_line_a_distance_up_to_a_screen():
    lines = rate_table(SWEEP).splitlines()
    assert len(lines) == 1 + MAX_ROWS
    assert lines[1].split()[:2] == ["0.0", "km"]
    assert lines[-1].split()[:4] == ["200.0", "km", "0", "bit/s"]
    assert len(rate_table(LINK.rate([1e3])).splitlines()) == 2


def test_a_comparison_names_the_link_that_gives_most():
    near = LINK.rate(SWEEP.distance_m / 2)
    lines = comparison_table({"far": SWEEP, "near": near}).splitlines()
    assert lines[0].split() == ["distance", "far", "near", "most"]
    assert lines[2].split()[-1] == "near"
    assert lines[-1].split()[-1] == ("near" if near.secret_bits_per_s[-1] > 0 else "none")
    plot = terminal_plot({"far": SWEEP, "near": near}, "both")
    assert "both: bits a pulse over km" in plot


def test_chosen_settings_have_columns_of_their_own():
    head, *rows = rate_table(LINK.rate(np.array([10e3, 50e3]), optimise=True)).splitlines()
    assert "p of the key basis" in head
    assert "added loss, dB" in head
    assert len(rows) == 2


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0 bit/s"), (999, "999 bit/s"), (43_350.5, "43.4 kbit/s"), (2.5e9, "2.5 Gbit/s")]
)
def test_rates_bear_their_unit(value, text):
    assert bits_per_s(value) == text


def test_terminal_plot_is_plain_text_of_its_size():
    plot = terminal_plot({"metro": SWEEP}, "metro", width=70, height=15)
    assert "metro" in plot
    assert "\x1b" not in plot
    assert max(map(len, plot.splitlines())) <= 70
    assert "no key at any" in terminal_plot({"far": LINK.rate(np.array([1e6, 2e6]))}, "far")


def test_several_links_are_drawn_below_what_bounds_them_all():
    far = {"near": SWEEP, "clear": replace(LINK, channel=replace(LINK.channel, loss_db_per_km=0.16)).rate(AT_M)}
    _, plob, repeater = limits(far)
    assert np.array_equal(plob[1:], far["clear"].plob_per_pulse[1:])
    assert np.all(repeater[1:] >= plob[1:])
    plot = terminal_plot(far, "both")
    assert "bits a pulse" in plot
    assert plot.count(".") > 20
    assert plot.count(":") > 20


@pytest.mark.parametrize("suffix", [".svg", ".png"])
@pytest.mark.parametrize("sweeps", [{"metro": SWEEP}, {"metro": SWEEP, "best": LINK.rate(SWEEP.distance_m / 2)}])
def test_figures_are_files_that_repeat(tmp_path, suffix, sweeps):
    paths = [tmp_path / f"{name}{suffix}" for name in "ab"]
    for path in paths:
        save_figure(rate_figure(sweeps, LINK.source.clock_hz, "metro"), path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    if suffix == ".png":
        assert paths[0].read_bytes().startswith(b"\x89PNG")
    else:
        assert ET.parse(paths[0]).getroot().tag.endswith("svg")
    with pytest.raises(ParameterError, match=r"\.png or \.svg, not '\.pdf'"):
        require_figure_path(tmp_path / "a.pdf")


def test_every_term_is_explained_with_its_source():
    rate = LINK.rate()
    text = explanation(rate)
    for term in rate.key.terms:
        assert term.meaning in text
        assert f"[{term.source}]" in text
    assert f"{int(rate.key.length_bits):,}" in text
    for assumption in rate.key.proof.assumptions:
        assert assumption in text


def test_dollar_signs_of_a_name_are_drawn_as_they_are(tmp_path):
    both = {"a$_$b": SWEEP, "near": SWEEP}
    save_figure(rate_figure(both, 1e9, "a$_$b"), tmp_path / "rate.svg")
    assert (tmp_path / "rate.svg").stat().st_size > 0
