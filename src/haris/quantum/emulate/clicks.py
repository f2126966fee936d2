"""The one model of a receiver's clicks, from which expected counts are computed and detections sampled.

A pulse of mean photon number mu reaches the two detectors as independent Poisson numbers of photons. Both are live
but for a hold-off after every click; a carrier trapped by a click may fire its detector again. Every live gate has
fresh settings, so that clicks renew the process: the gates from one click to the next are independent and alike,
and long-run rates are expectations per renewal (renewal-reward theorem).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.kernels.light import ClickLaw
from haris.nouns.errors import ParameterError
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.medium import Medium
from haris.quantum.optics.source import Source
from haris.quantum.protocols.bb84 import DecoyBB84

Floats = NDArray[np.float64]
LEAST = 1e-300
"""Probabilities of a click below it are none: one over them is no float."""


def photons_at_detectors(
    source: Source, fibre: Medium, detector: Detector, distance_m: ArrayLike | None = None
) -> Floats:
    """Mean avalanches that a pulse's photons start in each detector, efficiency and gate included.

    Shape distance_m.shape + (k, 2, 2): [..., intensity, aligned or unaligned, right or wrong detector]. With
    aligned bases the misalignment sends photons to the wrong detector; with unaligned ones each gets half.
    """
    transmittance = fibre.transmittance(distance_m) * detector.gated_efficiency
    wrong = fibre.misalignment
    split = np.array([[1.0 - wrong, wrong], [0.5, 0.5]])
    return np.asarray(transmittance[..., None, None, None] * np.array(source.intensities)[:, None, None] * split)


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What of the light reaches the detectors, class by class: pulses of one intensity that fared alike on their way.

    intensity: of each class, an index, ascending. p: probability of each class, float64 (..., c); those of an intensity
    sum to the intensity's. mean_photons: as of photons_at_detectors, (..., c, 2, 2); infinite where a detector surely
    fires. Leading axes are a sweep of distances. Of one class alone the two detectors click independently.
    """

    intensity: tuple[int, ...]
    p: Floats
    mean_photons: Floats

    def by_intensity(self, per_class: Floats, axis: int = -1) -> Floats:
        """Sums over the classes of each intensity, along an axis that follows the classes."""
        first = np.unique(self.intensity, return_index=True)[1]
        return np.asarray(np.add.reduceat(per_class, first, axis=axis))

    def at(self, index: int) -> Arrivals:
        """At one place of the sweep."""
        return Arrivals(self.intensity, self.p[index], self.mean_photons[index])


def arrivals(source: Source, fibre: Medium, detector: Detector, distance_m: ArrayLike | None = None) -> Arrivals:
    """Of an honest fibre: the pulses of an intensity all fare alike."""
    mean_photons = photons_at_detectors(source, fibre, detector, distance_m)
    p = np.broadcast_to(np.array(source.p_intensities), mean_photons.shape[:-2])
    return Arrivals(tuple(range(len(source.intensities))), p, mean_photons)


def p_click(mean_photons: Floats, p_dark: float) -> Floats:
    """Click probability of one live threshold detector: 1 - (1 - p_dark) exp(-mean_photons), any shape."""
    return np.asarray(p_dark - (1.0 - p_dark) * np.expm1(-mean_photons))


def outcomes(p: Floats) -> Floats:
    """Probabilities that only the right, only the wrong, and both detectors click.

    p: shape (..., 2), independent click probabilities of the right and the wrong detector. Returns (..., 3).
    """
    right, wrong = p[..., 0], p[..., 1]
    each = np.empty((*right.shape, 3), order="F")  # a sweep, the first axis, lies together in memory
    each[..., 0], each[..., 1], each[..., 2] = right * (1.0 - wrong), wrong * (1.0 - right), right * wrong
    return each


def release_outcomes(p: Floats) -> Floats:
    """outcomes in a gate where a trapped carrier fires: surely, and as often in the wrong detector as in the right.

    Alice's bit is fresh in that gate, whichever detector holds the carrier.
    """
    right, wrong = p[..., 0], p[..., 1]
    return 0.5 * np.stack([1.0 - wrong, 1.0 - right, right + wrong], axis=-1)


@dataclass(frozen=True, slots=True)
class Renewal:
    """Long-run rates of a receiver with hold-off and after-pulses; arrays of one shape.

    clicks: gates with a click, per gate. fresh: live gates in which no carrier is released, per gate.
    releases: gates in which a carrier is released, per gate. live: fraction of gates that are live.
    """

    clicks: Floats
    fresh: Floats
    releases: Floats

    @property
    def live(self) -> Floats:
        """Fraction of gates in which the detectors are live."""
        return self.fresh + self.releases


def renewal(p_any: Floats, hold_off_gates: int, p_afterpulse: float, p_release: float) -> Renewal:
    """Rates for a click probability p_any of a live gate without release (averaged over settings), any shape.

    From one click to the next pass hold_off_gates and then K = min(G, J) live gates: G geometric with p_any, and J,
    which exists with probability p_afterpulse, geometric with p_release. Hence, with c = p_any + p_release -
    p_any p_release, P(release ends the wait) = a r / c and E[K] = (1 - a) / p_any + a / c.
    """
    either = p_any + p_release - p_any * p_release
    p_ends_by_release = p_afterpulse * p_release / either
    # Not 1 - p_ends_by_release: where nearly every wait ends by release, nothing would be left of the difference.
    p_ends_fresh = (p_any * (1.0 - p_release) + (1.0 - p_afterpulse) * p_release) / either
    gates_times_p = (1.0 - p_afterpulse) + (p_afterpulse / either + hold_off_gates) * p_any
    per_p = np.divide(1.0, gates_times_p, out=np.zeros_like(p_any), where=gates_times_p > LEAST)
    clicks = p_any * per_p
    return Renewal(clicks, fresh=p_ends_fresh * per_p, releases=clicks * p_ends_by_release)


def click_rates(
    source: Source, fibre: Medium, detector: Detector, distance_m: ArrayLike | None = None
) -> tuple[Floats, Renewal]:
    """Clicks per gate by intensity, alignment of the bases, and outcome; and the rates of the receiver.

    Shape distance_m.shape + (k, 2, 3), each entry given that alignment: [..., intensity, aligned or unaligned, only
    right, only wrong, both detectors]. The intensity's probability is included.
    """
    return class_rates(arrivals(source, fibre, detector, distance_m), detector, source.clock_hz)


def class_rates(
    arrived: Arrivals, detector: Detector, clock_hz: float, p_aligned: ArrayLike = 1.0
) -> tuple[Floats, Renewal]:
    """click_rates by class of arrivals, (..., c, 2, 3), the probability of the class included.

    p_aligned: probability that the bases are aligned, (...) or scalar. It matters only where they change whether a gate
    clicks.
    """
    p = p_click(arrived.mean_photons, detector.p_dark)
    rates = _receiver_rates(arrived, p, detector, clock_hz, p_aligned)
    return _by_outcome(rates, arrived.p[..., None], p, detector), rates


def aligned_rates(arrived: Arrivals, detector: Detector, clock_hz: float, p_aligned: ArrayLike) -> Floats:
    """Of class_rates those of aligned bases, (..., c, 3), which are all that sifting keeps."""
    p = p_click(arrived.mean_photons, detector.p_dark)
    rates = _receiver_rates(arrived, p, detector, clock_hz, p_aligned)
    return _by_outcome(rates, arrived.p, p[..., 0, :], detector)


def _receiver_rates(arrived: Arrivals, p: Floats, detector: Detector, clock_hz: float, p_aligned: ArrayLike) -> Renewal:
    """The receiver's rates, whose detectors click with probabilities p (..., c, 2, 2)."""
    right, wrong = p[..., 0], p[..., 1]
    seen = right + wrong - right * wrong
    aligned = np.asarray(p_aligned, dtype=np.float64)[..., None]
    by_alignment = aligned * seen[..., 0] + (1.0 - aligned) * seen[..., 1]
    p_any = np.minimum(np.sum(by_alignment * arrived.p, axis=-1), 1.0)
    return renewal(p_any, detector.hold_off_gates(clock_hz), detector.p_afterpulse, detector.p_release(clock_hz))


def _by_outcome(rates: Renewal, p_class: Floats, p: Floats, detector: Detector) -> Floats:
    """Rates by outcome, (..., 3), of classes of probability p_class (...); p: that either detector clicks, (..., 2)."""
    further = (None,) * (p_class.ndim - rates.fresh.ndim)
    per_gate = (rates.fresh[(..., *further)] * p_class)[..., None] * outcomes(p)
    if detector.p_afterpulse > 0.0:
        per_gate += (rates.releases[(..., *further)] * p_class)[..., None] * release_outcomes(p)
    return per_gate


def click_law(
    arrived: Arrivals, source: Source, detector: Detector, protocol: DecoyBB84, eve_fraction: float = 0.0
) -> ClickLaw:
    """The same model as the sampler takes it. Raises ParameterError on a gate that does not fit the clock.

    arrived: at one distance. Classes refine the intensities that Alice draws, so that her half of the light is the
    same.
    """
    some = arrived.p > 0.0
    mean_photons = arrived.mean_photons[some]
    p = p_click(mean_photons, detector.p_dark)
    p_photon = np.divide(-np.expm1(-mean_photons), p, out=np.zeros_like(p), where=p > 0.0)
    period_ps = 1e12 / source.clock_hz
    if detector.gate_s is not None and detector.gate_s * source.clock_hz > 1.0 + 1e-12:
        raise ParameterError(f"gates of {detector.gate_s} s overlap at a clock of {source.clock_hz} Hz")
    return ClickLaw(
        p_key_basis=protocol.p_key_basis,
        p_intensities=tuple(arrived.p[some].tolist()),
        p_click=p,
        p_photon=np.minimum(p_photon, 1.0),
        eve_fraction=eve_fraction,
        hold_off_gates=detector.hold_off_gates(source.clock_hz),
        p_afterpulse=detector.p_afterpulse,
        p_release=detector.p_release(source.clock_hz),
        period_ps=period_ps,
        gate_ps=period_ps if detector.gate_s is None else min(period_ps, detector.gate_s * 1e12),
        jitter_ps=detector.jitter_s * 1e12,
    )
