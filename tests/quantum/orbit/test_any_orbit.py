"""What holds of the passes of any orbit over any station."""

import numpy as np
import pytest

from haris.quantum.orbit.elements import EARTH_RADIUS_M, Elements
from haris.quantum.orbit.passes import passes
from haris.quantum.orbit.station import Station

EPOCH_S = 1.7e9


def drawn(rng):
    """Elements with a perigee between 200 and 36 000 km."""
    perigee_m = EARTH_RADIUS_M + 10.0 ** rng.uniform(np.log10(2e5), np.log10(3.6e7))
    eccentricity = rng.choice([0.0, rng.uniform(0.0, 0.02), rng.uniform(0.0, 0.7)])
    axis_m = perigee_m / (1.0 - eccentricity)
    per_day = 86400.0 / (2.0 * np.pi * np.sqrt(axis_m**3 / 3.986008e14))
    angles = rng.uniform(0.0, 360.0, 3)
    return Elements("any", 1, EPOCH_S, per_day, eccentricity, rng.uniform(0.0, 180.0), *angles)


@pytest.mark.parametrize("seed", range(8))
def test_passes_are_in_order_and_above_the_least_elevation(seed):
    rng = np.random.default_rng(seed)
    for _ in range(25):
        station = Station("any", rng.uniform(-90.0, 90.0), rng.uniform(-180.0, 180.0), rng.uniform(0.0, 5e3))
        least = rng.uniform(0.0, 60.0)
        found = passes([drawn(rng)], station, EPOCH_S, EPOCH_S + 86400.0, least)
        last = EPOCH_S
        for each in found:
            assert last <= each.rise_s <= each.culmination_s <= each.set_s <= EPOCH_S + 86400.0
            assert each.max_elevation_deg >= least
            seen = each.sight_at(np.linspace(each.rise_s, each.set_s, 50))
            assert seen.elevation_deg.min() >= least - 1e-4
            assert seen.elevation_deg.max() <= each.max_elevation_deg + 1e-4
            assert each.min_range_m <= seen.range_m.min() + 1.0
            last = each.set_s
