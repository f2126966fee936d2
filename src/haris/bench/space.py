"""How fast the key of a satellite's pass is known: of one, and of all of a year.

The peer SatQuMA is measured on what it has: counts and the key of a pass whose loss is given. All times are of the
processor. That its key is 2 % longer comes from how it deals errors out: docs/explanation/differences.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from time import process_time

import numpy as np

from haris.bench import satquma
from haris.bench.contest import Conditions, Contest, Figures
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.source import Source
from haris.quantum.orbit.elements import DAY_S
from haris.quantum.orbit.many_passes import many_passes
from haris.quantum.orbit.passes import Pass, passes
from haris.quantum.orbit.station import Station
from haris.quantum.orbit.walker import Walker
from haris.quantum.security.bounds import key_length
from haris.quantum.security.key_length import Security
from haris.quantum.space.channel import SpaceChannel
from haris.quantum.space.many_keys import many_keys
from haris.quantum.space.optimum import Course, Receiver, optimum
from haris.quantum.space.pass_key import pass_counts, pass_key, slots_of
from haris.quantum.space.pass_link import PassLink, PassProtocol
from haris.quantum.space.slot_counts import Settings

START_S = 1774000000.0
PASS_S = 450.0
N_PASSES = 500
N_OPTIMA = 5
N_SATELLITES = 100
N_STATIONS = 20
YEAR_DAYS = 365
MOST_AGE_S = 400.0 * DAY_S
"""Elements of a year ago say little of where a satellite is, and enough of how long a plan takes."""
LINK = PassLink(
    Source(625e6, (0.8, 0.1, 0.0), (0.5, 0.25, 0.25)),
    SpaceChannel(
        wavelength_m=850e-9,
        divergence_rad=15e-6,
        receiver_m=0.28,
        pointing_jitter_rad=2e-6,
        optics_db=5.0,
        visibility_m=20e3,
        misalignment=0.008,
        view_rad=100e-6,
        filter_m=3e-9,
    ),
    Detector(0.5, 1e-7, gate_s=1e-9),
    PassProtocol(0.7),
    Security(f_ec=1.2),
)
PRINTED = Security("sidhu2022", f_ec=1.2)
DIM_DB = 11.0


def contests(conditions: Conditions) -> Iterator[Contest]:
    """A pass from its orbit, a pass from its loss, and a year."""
    n = conditions.size(N_PASSES)
    flown = _pass()
    yield Contest(f"a pass of {PASS_S:g} s, from elements to finite key", lambda: _pass_keys(flown, n))
    slots = slots_of(flown, LINK, MOST_AGE_S)
    fixed = {
        "mu3": LINK.source.intensities[2],
        "ls": 0.0,
        "dt": slots.transmittance.size // 2,
        "time0pos": slots.transmittance.size // 2,
        "Pec": LINK.detector.p_dark,
        "QBERI": LINK.channel.misalignment,
        "Pap": 0.0,
        "FSeff": (slots.transmittance * LINK.detector.gated_efficiency).tolist(),
        "Npulse": LINK.source.clock_hz,
        "boundFunc": "Chernoff",
        "eps_c": PRINTED.epsilon_correctness,
        "eps_s": PRINTED.epsilon_secrecy,
        "num_zero": 1e-10,
        "errcorrFunc": "Block",
        "fEC": PRINTED.f_ec,
        "NoPass": 1,
    }
    chosen = (LINK.protocol.p_key_basis, *LINK.source.p_intensities[:2], *LINK.source.intensities[:2])
    peer = satquma.peer(chosen, fixed, n)
    dark = np.zeros_like(slots.transmittance)

    def given() -> Figures:
        began = process_time()
        for _ in range(n):
            p, wrong = LINK.protocol.p_key_basis, LINK.channel.misalignment
            counts = pass_counts(LINK.source, LINK.detector, p, wrong, slots.duration_s, slots.transmittance, dark)
            key = key_length(counts, PRINTED)
        return {"pass/s": n / (process_time() - began), "secret bits": float(key.length_bits)}

    absent = "" if peer else satquma.ABSENT
    yield Contest(f"a pass of {PASS_S:g} s whose loss is given, Sidhu's bound", given, peer, absent)
    few = conditions.size(N_OPTIMA)
    course = Course(np.full(dark.shape, LINK.source.clock_hz * slots.duration_s), slots.transmittance, dark)
    rival = satquma.optimiser(fixed, few, conditions.seed)
    yield Contest(
        f"the settings of most key of a pass of {PASS_S:g} s whose loss is given, Sidhu's bound",
        lambda: _optima(course, few, PRINTED),
        rival,
        absent,
    )
    dim = replace(course, transmittance=slots.transmittance * 10.0 ** (-DIM_DB / 10.0))
    yield Contest(
        f"the settings of most key of a pass of {PASS_S:g} s whose loss is given, the live bound",
        lambda: _optima(course, few, LINK.security),
    )
    yield Contest(
        f"the same with {DIM_DB:g} dB more, where there is hardly any key",
        lambda: _optima(dim, few, LINK.security),
    )
    yield Contest(
        f"a year of {N_SATELLITES} satellites over {N_STATIONS} stations, the key of every pass",
        lambda: _year(conditions),
    )


def _pass() -> Pass:
    """A high pass, of which PASS_S about its highest point are flown."""
    satellite = Walker(1, 1, 0, 500e3, 97.4).elements(START_S)[0]
    found = passes([satellite], Station("bench", 45.0, 10.0), START_S, START_S + 3.0 * DAY_S)
    best = max(found, key=lambda each: each.max_elevation_deg)
    half = PASS_S / 2.0
    return replace(best, rise_s=best.culmination_s - half, set_s=best.culmination_s + half)


def _pass_keys(flown: Pass, n: int) -> Figures:
    began = process_time()
    for _ in range(n):
        pass_key(flown, LINK, MOST_AGE_S)
    return {"pass/s": n / (process_time() - began)}


def _optima(course: Course, n: int, security: Security) -> Figures:
    receiver = Receiver(LINK.source.clock_hz, LINK.channel.misalignment, LINK.detector, security)
    own = Settings(LINK.source.intensities, LINK.source.p_intensities, LINK.protocol.p_key_basis)
    began = process_time()
    for _ in range(n):
        best = optimum([course], receiver, own)
    return {"optimum/s": n / (process_time() - began), "secret bits": best.bits}


def _year(conditions: Conditions) -> Figures:
    n, days = conditions.size(N_SATELLITES), conditions.size(YEAR_DAYS)
    rng = np.random.default_rng(conditions.seed)
    latitudes = np.degrees(np.arcsin(rng.uniform(-0.95, 0.95, N_STATIONS)))
    places = zip(latitudes.tolist(), rng.uniform(-180.0, 180.0, N_STATIONS).tolist(), strict=True)
    stations = [Station(str(i), latitude, longitude) for i, (latitude, longitude) in enumerate(places)]
    satellites = Walker(N_SATELLITES, 10, 1, 550e3, 97.6).elements(START_S)[:n]
    began = process_time()
    found = many_passes(satellites, stations, START_S, START_S + days * DAY_S, 10.0, MOST_AGE_S)
    many_keys(found, LINK, MOST_AGE_S)
    seconds = process_time() - began
    return {"satellite year/s": n * days / YEAR_DAYS / seconds, "Mpass/s": len(found) / seconds / 1e6}
