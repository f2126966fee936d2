"""Examples of published experiments give what docs/validation.md has for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from haris.papers.computations import COMPUTATIONS
from haris.papers.published import published_row
from haris.quantum.link import Link

LINKS = Path(__file__).parents[2] / "examples" / "links"


def ours(row_id: str, quantity: str) -> float:
    row = published_row(row_id)
    computation = next(each for each in COMPUTATIONS if each.covers(row))
    found = computation.of(row, quantity)
    return float(getattr(found, "value", found))


@pytest.mark.parametrize(
    ("example", "row", "quantity", "links"),
    [
        ("liu2023_202km", "liu2023qf_tf_202km", "rate_bps", 1),
        ("liu2023_505km", "liu2023qf_tf_505km", "rate_bps", 1),
        ("liu2023_952km", "liu2023_tf_952km", "rate_bps", 1),
        ("liu2023_1002km_asymptotic", "liu2023_tf_1002km", "rate_bps", 1),
        ("liu2023_1002km", "liu2023qf_tf_1002km", "rate_bps", 1),
        ("zhou2023_404km", "zhou2023_tf_openchannel_404km", "finite_rate_bps", 1),
        ("zhou2023_518km", "zhou2023_tf_openchannel_518km", "finite_rate_bps", 1),
        ("zhou2023_615km", "zhou2023_tf_openchannel_615km", "finite_rate_bps", 1),
        ("lodewyck2007_25km", "lodewyck2007_25km", "rate_bps", 1),
        ("zhang2020_27km", "zhang2020_27.27km", "rate_bps", 1),
        ("zhang2020_69km", "zhang2020_69.53km", "rate_bps", 1),
        ("zhang2020_140km", "zhang2020_140.52km", "rate_bps", 1),
        ("hajomer2024_100km", "hajomer2024_100km", "finite_rate_bps", 1),
        ("hajomer2024_16qam_10km", "hajomer2024_10gbaud_16qam_10km", "rate_bps", 1),
        ("hajomer2024_16qam_5km", "hajomer2024_10gbaud_16qam_5km", "rate_bps", 1),
        ("qosst2024_0km", "qosst2024_0km", "asym_rate_bps", 1),
        ("qosst2024_5km", "qosst2024_5km", "asym_rate_bps", 1),
        ("qosst2024_10km", "qosst2024_10km", "asym_rate_bps", 1),
        ("qosst2024_25km", "qosst2024_25km", "asym_rate_bps", 1),
        ("jouguet2013_25km", "jouguet2013_80km", "rate_bps_km25", 1),
        ("jouguet2013_53km", "jouguet2013_80km", "rate_bps_km53", 1),
        ("jouguet2013_80km", "jouguet2013_80km", "rate_bps_km80.5", 1),
        ("bbm92_200km_2025", "bbm92_200km_ultrabright", "rate_bps", 9),
        ("bbm92_40km_2023", "bbm92_40km_energytime", "rate_bps", 1),
        ("bbm92_26km_2025", "bbm92_26km_freqbin", "rate_bps", 1),
        ("yin2020_1120km", "yin2020_micius_1120km", "asym_rate_bps", 1),
        ("t12_50km", "t12_50km", "rate_bps", 1),
    ],
)
def test_an_example_is_what_the_page_of_papers_has(example, row, quantity, links):
    # Settings of the best are rounded in the examples, to four digits.
    rate = links * float(Link.read(LINKS / f"{example}.toml").rate().secret_bits_per_s)
    assert rate == pytest.approx(ours(row, quantity), rel=0.02 if row.startswith("yin") else 3e-3)
