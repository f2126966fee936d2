"""Random orbits, stations and atmospheres: no exception, no negative rate, key monotone in aperture and visibility."""

from dataclasses import replace

import numpy as np
import pytest

from haris.quantum.link import Link
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.free_space.path import FreeSpacePath
from haris.quantum.optics.source import Source
from haris.quantum.orbit.elements import EARTH_RADIUS_M, Elements
from haris.quantum.orbit.mutual_sight import windows
from haris.quantum.orbit.passes import passes
from haris.quantum.orbit.station import Station
from haris.quantum.protocols.bb84 import DecoyBB84
from haris.quantum.security.key_length import Security
from haris.quantum.space.channel import SpaceChannel
from haris.quantum.space.crosslink import crosslink_key
from haris.quantum.space.light import clear_probability, pass_light
from haris.quantum.space.pass_key import pass_key
from haris.quantum.space.pass_link import PassLink, PassProtocol

EPOCH_S = 1.7e9
AGE_S = 14.0 * 86400.0


def orbit(rng, name):
    """A perigee between 250 and 36 000 km, lower ones more often; round and eccentric."""
    perigee_m = EARTH_RADIUS_M + 10.0 ** rng.uniform(np.log10(2.5e5), rng.choice([6.2, np.log10(3.6e7)]))
    eccentricity = rng.choice([0.0, rng.uniform(0.0, 0.02), rng.uniform(0.0, 0.6)])
    per_day = 86400.0 / (2.0 * np.pi * np.sqrt((perigee_m / (1.0 - eccentricity)) ** 3 / 3.986008e14))
    return Elements(name, 1, EPOCH_S, per_day, eccentricity, rng.uniform(0.0, 180.0), *rng.uniform(0.0, 360.0, 3))


def ends(rng):
    """Source and detector, dead time, after-pulses and all."""
    mu = rng.uniform(0.3, 0.9)
    source = Source(10.0 ** rng.uniform(7, 9.5), (mu, mu * rng.uniform(0.1, 0.6), 0.0), (0.6, 0.3, 0.1))
    gate_s = rng.choice([0.3, 1.0]) / source.clock_hz
    dead_s = rng.choice([0.0, 5e-8])
    detector = Detector(rng.uniform(0.1, 0.9), 10.0 ** rng.uniform(-9, -5), dead_s, gate_s=float(gate_s))
    return source, detector


def space_channel(rng, direction):
    """Any optics; air and clouds where there are some."""
    width = rng.choice(["divergence_rad", "sender_m"])
    air = {} if direction == "crosslink" else {"visibility_m": 10.0 ** rng.uniform(2, 5), "cloud_cover": rng.random()}
    waist_m = rng.uniform(0.01, 0.5)
    divergence_rad = 1.1e-6 / waist_m * 10.0 ** rng.uniform(0.0, 1.5)  # diffraction's of the longest wave, and more
    return SpaceChannel(
        wavelength_m=rng.uniform(700e-9, 1700e-9),
        receiver_m=10.0 ** rng.uniform(-1.0, 0.5),
        direction=direction,
        receiver_obscuration=rng.choice([0.0, rng.uniform(0.0, 0.9)]),
        waist_m=waist_m,
        pointing_jitter_rad=rng.choice([0.0, 10.0 ** rng.uniform(-7, -5)]),
        optics_db=rng.uniform(0.0, 8.0),
        misalignment=rng.choice([0.01, rng.uniform(0.0, 0.15)]),
        view_rad=10.0 ** rng.uniform(-6, -4),
        filter_m=10.0 ** rng.uniform(-11, -9),
        ground_cn2=10.0 ** rng.uniform(-16, -12),
        wind_m_per_s=rng.uniform(0.0, 60.0),
        **air,
        **{width: divergence_rad if width == "divergence_rad" else rng.uniform(0.02, 0.6)},
    )


def path_channel(rng):
    """Any path on the ground."""
    return FreeSpacePath(
        length_m=10.0 ** rng.uniform(1, 5.3),
        wavelength_m=rng.uniform(700e-9, 1700e-9),
        waist_m=10.0 ** rng.uniform(-2.5, -0.5),
        receiver_m=10.0 ** rng.uniform(-1.5, 0.3),
        visibility_m=10.0 ** rng.uniform(2, 5),
        receiver_obscuration=rng.choice([0.0, rng.uniform(0.0, 0.9)]),
        pointing_jitter_rad=rng.choice([0.0, 10.0 ** rng.uniform(-7, -4)]),
        cn2=rng.choice([0.0, 10.0 ** rng.uniform(-17, -12)]),
        misalignment=rng.choice([0.01, rng.uniform(0.0, 0.15)]),
        view_rad=10.0 ** rng.uniform(-6, -3),
        filter_m=10.0 ** rng.uniform(-11, -8),
        radiance=10.0 ** rng.uniform(0, 8),
    )


def better(rng, channel):
    """The same with a wider receiver, or with clearer air.

    A beam that is narrow beside the receiver is taken whole already, and more sky only harms: the same sky, then.
    """
    ratio = rng.uniform(1.05, 2.0)
    changes = {"receiver_m": channel.receiver_m * ratio}
    if channel.vacuum_radius_m(*([3e5] if isinstance(channel, SpaceChannel) else [])) < 2.0 * changes["receiver_m"]:
        names = [name for name in ("radiance", "night_radiance", "day_radiance") if hasattr(channel, name)]
        changes |= {name: getattr(channel, name) / ratio**2 for name in names}
    clearer = channel.visibility_m and replace(channel, visibility_m=channel.visibility_m * rng.uniform(1.05, 3.0))
    return [each for each in (replace(channel, **changes), clearer) if each]


def holds(key, sifted, qber):
    """No negative rate, and nothing that is no number where there is light."""
    assert key >= 0
    assert sifted >= 0.0
    assert np.isfinite(sifted)
    assert sifted == 0.0 or 0.0 <= qber <= 1.0


def one(rng):
    """One draw. Returns its secret bits, or None where the two do not meet."""
    kind = rng.choice(["downlink", "uplink", "crosslink", "ground"], p=[0.4, 0.25, 0.15, 0.2])
    source, detector = ends(rng)
    security = Security(f_ec=1.2)
    if kind == "ground":
        link = Link(source, path_channel(rng), detector, DecoyBB84(0.8, 10**9), security)
        rates = [replace(link, channel=each).rate() for each in (link.channel, *better(rng, link.channel))]
        bits = [int(rate.key.length_bits) for rate in rates]
        holds(bits[0], 0.0, 0.0)
        assert np.all(rates[0].secret_bits_per_pulse <= rates[0].plob_per_pulse * (1.0 + 1e-9))
        assert np.all(link.channel.fading().quantile(0.01) <= 1.0 + 1e-9)
    else:
        link = PassLink(source, space_channel(rng, kind), detector, PassProtocol(0.8, 30.0), security)
        found, key_of = meetings(rng, kind)
        if not found:
            return None
        keys = [
            key_of(found[0], replace(link, channel=each), AGE_S) for each in (link.channel, *better(rng, link.channel))
        ]
        bits = [each.secret_bits for each in keys]
        holds(bits[0], keys[0].sifted_bits, keys[0].qber)
        assert (bits[0] > 0) == (keys[0].reason == "")
        if kind != "crosslink":
            assert 0.0 <= clear_probability(keys[0].slots, link) <= 1.0 + 1e-9
            light = pass_light(keys[0], link, AGE_S)
            assert light is None or (0.0 <= light.outage <= 1.0 and light.faded_bits >= 0)
    # The bound's roots are found to a few parts in a million.
    assert all(bits[0] * (1.0 - 1e-5) <= more for more in bits[1:]), (kind, bits, link)
    return bits[0]


def meetings(rng, kind):
    """Passes or windows of a day, and what makes a key of one."""
    day_s = EPOCH_S + rng.uniform(0.0, 86400.0), EPOCH_S + 2.0 * 86400.0
    if kind == "crosslink":
        return windows(orbit(rng, "a"), orbit(rng, "b"), day_s[0], day_s[0] + 2e4, 1e5, 4e7, AGE_S), crosslink_key
    station = Station("any", rng.uniform(-90.0, 90.0), rng.uniform(-180.0, 180.0), rng.uniform(-400.0, 5e3))
    return passes([orbit(rng, "a")], station, *day_s, rng.uniform(0.0, 40.0), AGE_S), pass_key


def run(n, seed):
    """Secret bits of those of n draws that meet."""
    rng = np.random.default_rng(seed)
    return [bits for bits in (one(rng) for _ in range(n)) if bits is not None]


def test_12_random_links():
    bits = run(12, 1)
    assert len(bits) > 6
    assert np.count_nonzero(bits) > 0


@pytest.mark.trial
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", [7, 8])
def test_ten_thousand_random_links(seed):
    bits = run(5000, seed)
    print(f"{len(bits)} of 5000 meet, {np.count_nonzero(bits)} have a key")
    assert len(bits) > 3500
    assert np.count_nonzero(bits) > 250
