"""How fast a link's key rate is known over distance: with fixed settings, with settings chosen anew, and as light.

The peer qkd (Rust behind Python) has two of the bounds, one distance a call (of decoy BB84 it is given the counts), and
counts the clicks of light, of which it keeps none.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np

from haris.bench.contest import Conditions, Contest, Figures
from haris.nouns.counts import KEY_BASIS, TEST_BASIS
from haris.quantum.link import Link
from haris.quantum.optics.coherent_receiver import CoherentReceiver
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.modulated_laser import ModulatedLaser
from haris.quantum.optics.noisy_fibre import NoisyFibre
from haris.quantum.optics.sending_source import SendingSource
from haris.quantum.optics.source import Source
from haris.quantum.optics.station import Station
from haris.quantum.protocols.bb84 import DecoyBB84
from haris.quantum.protocols.gaussian_cv import GaussianCV
from haris.quantum.protocols.sns import SendingOrNot
from haris.quantum.security.key_length import Security

PEER_MODULE = "qkd._core"
N_DISTANCES = 100
N_PULSES = 200_000_000
N_PEER_PULSES = 20_000_000
SOURCE = Source(1e9, (0.4, 0.13, 1e-3), (0.2, 0.6, 0.2))
FIBRE = Fibre(25e3, 0.2, 3.0, 0.01)
DETECTOR = Detector(0.2, 1e-6)
PROTOCOL = DecoyBB84(0.85, 4_000_000_000)
LINK = Link(SOURCE, FIBRE, DETECTOR, PROTOCOL, Security("lim2014"))

MODULATED = ModulatedLaser(100e6, 4.0)
NOISY_FIBRE = NoisyFibre(20e3, 0.2, 0.5, excess_noise_snu=0.005)
RECEIVER = CoherentReceiver("heterodyne", 0.7, 0.05)
QUADRATURES = GaussianCV(1_000_000_000, 0.95)
CONTINUOUS = Link(MODULATED, NOISY_FIBRE, RECEIVER, QUADRATURES, Security("asymptotic"))

TWIN_FIELD = Link(
    SendingSource(350e6, 0.5, (0.3, 0.05), 0.9, 0.27, (0.05, 0.9, 0.05)),
    Fibre(500e3, 0.165, misalignment=0.02),
    Station(0.6, 1e-9),
    SendingOrNot(10**13, 0.4),
    Security("aopp"),
)


def contests(conditions: Conditions) -> Iterator[Contest]:
    """Curves of fixed settings and of the best, and light at no distance."""
    at_m = np.linspace(0.0, 100e3, conditions.size(N_DISTANCES))
    n_curves = conditions.size(40)
    qkd = _module()
    absent = "" if qkd else "not installed"
    yield Contest(
        "decoy BB84, Lim 2014, 100 distances", _curves(LINK, at_m, n_curves), qkd and _lim_by(qkd, at_m), absent
    )
    live = replace(LINK, security=Security())
    yield Contest("decoy BB84, the live bound, 100 distances", _curves(live, at_m, n_curves))
    yield Contest("decoy BB84, Lim 2014, 100 distances, settings chosen", _curves(LINK, at_m, 1, optimise=True))
    yield Contest(
        "Gaussian modulation, 100 distances",
        _curves(CONTINUOUS, at_m, n_curves),
        qkd and _continuous_by(qkd, at_m),
        absent,
    )
    finite = replace(CONTINUOUS, security=Security("pirandola2021"))
    yield Contest("Gaussian modulation, finite, 100 distances", _curves(finite, at_m, n_curves))
    far_m = np.linspace(0.0, 600e3, conditions.size(N_DISTANCES))
    yield Contest(
        "sending or not sending, finite, 100 distances, settings chosen", _curves(TWIN_FIELD, far_m, 1, optimise=True)
    )
    yield Contest("decoy BB84 light at 0 km", lambda: _light(conditions), qkd and _light_by(qkd, conditions), absent)


def _module() -> Any:
    try:
        return importlib.import_module(PEER_MODULE)
    except ImportError:
        return None


def _curves(link: Link, at_m: np.ndarray, n: int, optimise: bool = False) -> Callable[[], Figures]:
    def ours() -> Figures:
        began = perf_counter()
        for _ in range(n):
            link.rate(at_m, optimise=optimise)
        return {"curve/s": n / (perf_counter() - began)}

    return ours


def _lim_by(qkd: Any, at_m: np.ndarray) -> Callable[[], Figures]:
    """The same bound by qkd, distance after distance, at the same counts."""
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


def _continuous_by(qkd: Any, at_m: np.ndarray) -> Callable[[], Figures]:
    """The same asymptotic rate by qkd, distance after distance."""
    transmittances = NOISY_FIBRE.transmittance(at_m).tolist()

    def peer() -> Figures:
        began = perf_counter()
        for t in transmittances:
            qkd.cv_rate(
                MODULATED.modulation_variance_snu,
                t,
                NOISY_FIBRE.excess_noise_snu,
                RECEIVER.efficiency,
                RECEIVER.electronic_noise_snu,
                QUADRATURES.reconciliation_efficiency,
                False,
                True,
            )
        return {"curve/s": 1.0 / (perf_counter() - began)}

    return peer


def _light_by(qkd: Any, conditions: Conditions) -> Callable[[], Figures]:
    """Light of the same source and detectors by qkd, which counts clicks and has no dead time."""
    n_pulses = conditions.size(N_PEER_PULSES)
    transmittance = float(FIBRE.transmittance(0.0))
    sifted = PROTOCOL.p_key_basis**2 + (1.0 - PROTOCOL.p_key_basis) ** 2

    def peer() -> Figures:
        began = perf_counter()
        qkd.run_basis(
            n_pulses,
            conditions.seed,
            SOURCE.intensities,
            SOURCE.p_intensities,
            transmittance,
            DETECTOR.efficiency,
            DETECTOR.p_dark,
            FIBRE.misalignment,
            sifted,
            0,
        )
        return {"Mpulse/s": n_pulses / (perf_counter() - began) / 1e6}

    return peer


def _light(conditions: Conditions) -> Figures:
    n_pulses = conditions.size(N_PULSES)
    link = replace(LINK, channel=replace(FIBRE, length_m=0.0))
    began = perf_counter()
    link.emulate(n_pulses, conditions.seed)
    return {"Mpulse/s": n_pulses / (perf_counter() - began) / 1e6}
