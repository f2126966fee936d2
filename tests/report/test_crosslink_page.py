"""The page of windows between satellites: what stands on it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from haris.cli.main import main
from haris.quantum.space.crosslink import sifted_per_s
from haris.quantum.space.scenario import Scenario
from haris.report.crosslink_page import crosslink_page, window_figure
from haris.report.document import Picture
from haris.report.web_page import web_page

EXAMPLE = Path(__file__).parents[2] / "examples" / "space" / "crosslink_500km.toml"


@pytest.fixture(scope="module")
def scenario():
    whole = Scenario.read(EXAMPLE)
    protocol = replace(whole.link.protocol, slot_s=30.0)
    return replace(whole, search=replace(whole.search, days=0.03), link=replace(whole.link, protocol=protocol))


def test_the_page_holds_every_window_and_its_picture(scenario):
    (key,) = scenario.crosslinks(0.0)
    page = crosslink_page([key], scenario.link)
    assert [section.title for section in page.sections] == ["Windows", "On the map", "2026-03-20 00:00"]
    assert sum(isinstance(part, Picture) for section in page.sections for part in section.parts) == 2
    assert f"{key.secret_bits:,} secret bits" in web_page(page)
    assert crosslink_page([], scenario.link).sections[0].parts == (
        "These satellites do not see each other in this time.",
    )


def test_rates_sum_to_the_sifted_bits_of_the_window(scenario):
    (key,) = scenario.crosslinks(0.0)
    slot_s = key.window.duration_s / key.unix_s.size
    rates = sifted_per_s(scenario.link, key.transmittance[key.is_open])
    assert rates.sum() * slot_s == pytest.approx(key.sifted_bits, rel=1e-9)


def test_where_the_sun_is_too_near_no_rate_is_drawn(scenario):
    channel = replace(scenario.link.channel, sun_keep_out_deg=180.0)
    dark = replace(scenario, link=replace(scenario.link, channel=channel))
    (key,) = dark.crosslinks(0.0)
    drawn = window_figure(key, dark.link).axes[1].lines[0].get_ydata()
    assert np.all(drawn == 0.0)


def test_the_command_writes_it(tmp_path, capsys):
    page = tmp_path / "windows.html"
    assert main(["pass", str(EXAMPLE), "--days", "0.001", "--page", str(page)]) == 0
    assert "PLANE-1" in page.read_text(encoding="utf-8")
    assert capsys.readouterr().out
