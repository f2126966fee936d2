"""How fast a link's key rate is known over distance: with fixed settings, with settings chosen anew, and as light.

The peer qkd (Rust behind Python) has the same printed bound, one distance a call; it is given the counts.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from time import perf_counter

import numpy as np

from haris.bench.contest import Conditions, Contest, Figures
from haris.nouns.counts import KEY_BASIS, TEST_BASIS
from haris.quantum.link import Link
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.source import Source
from haris.quantum.protocols.bb84 import DecoyBB84
from haris.quantum.security.key_length import Security

PEER_MODULE = "qkd._core"
N_DISTANCES = 100
N_PULSES = 200_000_000
LINK = Link(
    Source(1e9, (0.4, 0.13, 1e-3), (0.2, 0.6, 0.2)),
    Fibre(25e3, 0.2, 3.0, 0.01),
    Detector(0.2, 1e-6),
    DecoyBB84(0.85, 4_000_000_000),
    Security("lim2014"),
)


def contests(conditions: Conditions) -> Iterator[Contest]:
    """Curves of both printed and live bound, the best settings, and light at no distance."""
    at_m = np.linspace(0.0, 100e3, conditions.size(N_DISTANCES))
    n_curves = conditions.size(40)
    peer = _qkd(at_m)
    yield Contest(
        "decoy BB84, Lim 2014, 100 distances", _curves(LINK, at_m, n_curves), peer, "" if peer else "not installed"
    )
    live = replace(LINK, security=Security())
    yield Contest("decoy BB84, the live bound, 100 distances", _curves(live, at_m, n_curves))
    yield Contest("decoy BB84, Lim 2014, 100 distances, settings chosen", _curves(LINK, at_m, 1, optimise=True))
    yield Contest("decoy BB84 light at 0 km", lambda: _light(conditions))


def _curves(link: Link, at_m: np.ndarray, n: int, optimise: bool = False) -> Callable[[], Figures]:
    def ours() -> Figures:
        began = perf_counter()
        for _ in range(n):
            link.rate(at_m, optimise=optimise)
        return {"curve/s": n / (perf_counter() - began)}

    return ours


def _qkd(at_m: np.ndarray) -> Callable[[], Figures] | None:
    """The same bound by qkd, distance after distance, at the same counts."""
    try:
        qkd = importlib.import_module(PEER_MODULE)
    except ImportError:
        return None
    counts = LINK.expected_counts(distance_m=at_m)
    key, test = counts.clicks[:, KEY_BASIS].tolist(), counts.clicks[:, TEST_BASIS].tolist()
    errors, qber = counts.errors[:, TEST_BASIS].tolist(), counts.qber[:, KEY_BASIS].tolist()
    setting = (*counts.intensities, counts.p_intensities)
    security = LINK.security
    asked = security.epsilon_secrecy, security.epsilon_correctness

    def peer() -> Figures:
        began = perf_counter()
        each = qkd.bb84_eps(asked[0])
        for clicks, tested, wrong, error in zip(key, test, errors, qber, strict=True):
            s0, s1 = qkd.decoy_counts(*setting, tuple(clicks), each)
            _, sample = qkd.decoy_counts(*setting, tuple(tested), each)
            bad = qkd.decoy_errors(*setting, tuple(wrong), each)
            phase = qkd.bb84_phase(bad, sample, s1, asked[0]) if sample > bad and s1 > 0 else 0.5
            qkd.bb84_length(s0, s1, phase, sum(clicks), error, security.f_ec, *asked)
        return {"curve/s": 1.0 / (perf_counter() - began)}

    return peer


def _light(conditions: Conditions) -> Figures:
    n_pulses = conditions.size(N_PULSES)
    link = replace(LINK, channel=replace(LINK.channel, length_m=0.0))
    began = perf_counter()
    link.emulate(n_pulses, conditions.seed)
    return {"Mpulse/s": n_pulses / (perf_counter() - began) / 1e6}
