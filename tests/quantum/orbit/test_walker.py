"""Walker constellations: evenly spread planes, satellites evenly spread in each, and who leads whom."""

import numpy as np
import pytest

from haris.nouns.errors import ParameterError
from haris.quantum.orbit.propagation import inertial_states
from haris.quantum.orbit.walker import Walker

EPOCH_S = 1774000000.0


def test_planes_and_satellites_are_evenly_spread():
    found = Walker(6, 3, 1, 550e3, 53.0).elements(EPOCH_S, raan_deg=300.0)
    assert [each.raan_deg for each in found] == pytest.approx([300.0, 300.0, 60.0, 60.0, 180.0, 180.0])
    assert [each.mean_anomaly_deg for each in found] == pytest.approx([0.0, 180.0, 60.0, 240.0, 120.0, 300.0])
    star = Walker(6, 3, 0, 550e3, 90.0, spread_deg=180.0).elements(EPOCH_S)
    assert sorted({each.raan_deg for each in star}) == pytest.approx([0.0, 60.0, 120.0])


def test_the_neighbour_to_the_east_leads():
    # SMAD (Wertz, Larson 1999), section 7.6: when a satellite is at its node, one of the next plane to the east is F x
    # 360/T degrees past its own.
    found = Walker(12, 4, 2, 800e3, 60.0).elements(EPOCH_S)
    (first, east) = inertial_states([found[0], found[3]], [EPOCH_S]).position_m[:, 0]
    assert abs(first[2]) < 30e3
    past_deg = np.degrees(np.arcsin(east[2] / np.linalg.norm(east) / np.sin(np.radians(60.0))))
    assert past_deg == pytest.approx(60.0, abs=1.0)
    assert found[3].raan_deg == pytest.approx(90.0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"satellites": 0}, "satellites"),
        ({"planes": 5}, "planes must divide"),
        ({"phasing": 4}, "phasing"),
        ({"phasing": -1}, "phasing"),
        ({"spread_deg": 0.0}, "spread_deg"),
        ({"altitude_m": 50e3}, "perigee"),
        ({"altitude_m": float("nan")}, "altitude_m"),
        ({"inclination_deg": 181.0}, "inclination_deg"),
    ],
)
def test_what_is_no_constellation_is_refused(change, words):
    good = {"satellites": 12, "planes": 4, "phasing": 2, "altitude_m": 800e3, "inclination_deg": 60.0}
    with pytest.raises(ParameterError, match=words):
        Walker(**good | change)
