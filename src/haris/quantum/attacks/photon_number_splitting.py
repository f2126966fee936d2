"""Photon-number splitting: Eve counts photons, lets pulses of two pass without one of them, and blocks single ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.checks import require_probability
from haris.nouns.counts import KEY_BASIS, TEST_BASIS
from haris.quantum.attacks.attack import COVERED, Secret
from haris.quantum.attacks.pulses import GLLP, WITNESSED, PulseBlock, shared_bits
from haris.quantum.emulate.clicks import Arrivals, photons_at_detectors
from haris.quantum.families.decoy_bb84 import bb84_parts
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.medium import Medium
from haris.quantum.optics.source import Source
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.key_length import Term, term

Floats = NDArray[np.float64]

_CLASSES = 6
"""Of an intensity: not attacked; blocked; one photon, which goes right or wrong in its own basis and in the other."""


@dataclass(frozen=True, slots=True)
class PhotonNumberSplitting:
    """Eve counts the photons of a share of the pulses without touching their state.

    Of two or more she keeps all but one until the bases are told, and sends that one on without loss; single photons
    she keeps, and Bob gets nothing. As many are let through, multi-photon pulses first, as leave a live gate's chance
    of a click from the signal intensity, the first, what it was. Where the loss is too small to hide that, single
    photons pass, too.
    fraction: of the pulses that she attacks, in [0, 1].
    The whole loss of the link but that of the detectors counts as the fibre's, which she can replace.
    Raises ParameterError on any other value.
    """

    NAME: ClassVar[str] = "photon-number-splitting"
    TITLE: ClassVar[str] = "Eve keeps a photon of each pulse that has several, and blocks single ones"
    SOURCE: ClassVar[str] = "Brassard, Luetkenhaus, Mor, Sanders, PRL 85, 1330 (2000)"
    FAMILIES: ClassVar[tuple[str, ...]] = ("decoy-bb84",)

    fraction: float = 1.0

    def __post_init__(self) -> None:
        require_probability("fraction", self.fraction)

    @property
    def eve_fraction(self) -> float:
        """She measures no bit on the way."""
        return 0.0

    def passed(self, source: Source, fibre: Medium, detector: Detector, distance_m: ArrayLike | None) -> Floats:
        """Probability that a pulse of one photon, and of several, is let through; (..., 2)."""
        eta, mu = detector.gated_efficiency, source.intensities[0]
        arriving = mu * fibre.transmittance(distance_m)
        # One photon in a share z of the pulses clicks as often as the faint pulse: z eta = 1 - exp(-arriving eta).
        wanted = -np.expm1(-arriving * eta) / eta if eta > 0.0 else arriving
        single, several = (float(p) for p in _photons(np.array([mu]))[0])
        of_several = np.minimum(_share(wanted, several), 1.0)
        of_single = np.clip(_share(wanted - several, single), 0.0, 1.0)
        return np.stack([of_single, of_several], axis=-1)

    def arrivals(
        self, source: Source, fibre: Medium, detector: Detector, distance_m: ArrayLike | None = None
    ) -> Arrivals:
        """_CLASSES of each intensity."""
        wrong, eta = fibre.misalignment, detector.gated_efficiency
        faint = photons_at_detectors(source, fibre, detector, distance_m)
        with np.errstate(divide="ignore"):
            sure = -np.log1p(-eta)
        both = np.array([[sure, 0.0], [0.0, sure]])  # by where the photon goes
        one = np.array([[both[own], both[other]] for own in (0, 1) for other in (0, 1)])
        let = self._let_through(source, fibre, detector, distance_m)
        goes = np.array([(1.0 - wrong) / 2.0, (1.0 - wrong) / 2.0, wrong / 2.0, wrong / 2.0])
        p_attacked = np.concatenate([1.0 - let[..., None], let[..., None] * goes], axis=-1)
        p = np.concatenate([np.full((*let.shape, 1), 1.0 - self.fraction), self.fraction * p_attacked], axis=-1)
        p = p * np.array(source.p_intensities)[:, None]
        shape = (*let.shape, _CLASSES, 2, 2)
        mean_photons = np.zeros(shape)
        mean_photons[..., 0, :, :] = faint
        mean_photons[..., 2:, :, :] = one
        k = len(source.intensities)
        flat = (*let.shape[:-1], k * _CLASSES)
        classes = tuple(i for i in range(k) for _ in range(_CLASSES))
        return Arrivals(classes, p.reshape(flat), mean_photons.reshape(*flat, 2, 2))

    def secret_pulses(self, block: PulseBlock) -> Secret:
        """Eve knows the bits of the pulses that she split, and nothing of the single photons that she let pass."""
        source, detector, _ = bb84_parts(block.parts)
        right, wrong = (of.reshape(*of.shape[:-1], -1, _CLASSES) for of in block.sifted)
        untouched = shared_bits(right[..., 0], wrong[..., 0])
        forwarded = shared_bits(right[..., 2:].sum(axis=-1), wrong[..., 2:].sum(axis=-1))
        passed = self.passed(source, block.parts.channel, detector, block.distance_m)
        single = passed[..., None, 0] * _photons(np.array(source.intensities))[:, 0]
        let = self._let_through(source, block.parts.channel, detector, block.distance_m)
        unsplit = _share(single, let)
        left = untouched + unsplit * forwarded
        return Secret(
            block.claimed_bits,
            np.asarray(left.sum(axis=-1)),
            COVERED,
            WITNESSED,
            _without_decoys(block, np.asarray(left[..., 0])),
        )

    def _let_through(self, source: Source, fibre: Medium, detector: Detector, distance_m: ArrayLike | None) -> Floats:
        """Probability that one photon of an attacked pulse of each intensity arrives, (..., k)."""
        return np.asarray(self.passed(source, fibre, detector, distance_m) @ _photons(np.array(source.intensities)).T)


def _photons(mu: Floats) -> Floats:
    """Probability of one photon, and of several, at mean photon numbers mu; (k, 2)."""
    several = -np.expm1(-mu) - mu * np.exp(-mu)
    return np.stack([mu * np.exp(-mu), np.maximum(several, 0.0)], axis=-1)


def _share(part: Floats, whole: ArrayLike) -> Floats:
    part, whole = np.broadcast_arrays(part, np.asarray(whole, dtype=np.float64))
    with np.errstate(over="ignore"):
        return np.asarray(np.divide(part, whole, out=np.zeros(part.shape), where=whole > 0.0))


def _without_decoys(block: PulseBlock, left: Floats) -> tuple[Term, ...]:
    """What users without decoys would claim of the signals, by two readings, and what is left of those."""
    source, _, protocol = bb84_parts(block.parts)
    clicks = np.asarray(block.counts.clicks[..., 0], dtype=np.float64)
    rate = np.divide(block.counts.errors[..., 0], clicks, out=np.full_like(clicks, 0.5), where=clicks > 0.0)
    n, bit, phase = clicks[..., KEY_BASIS], rate[..., KEY_BASIS], rate[..., TEST_BASIS]
    told = block.parts.security.f_ec * binary_entropy(bit)
    sent = block.counts.n_pulses * source.p_intensities[0] * protocol.p_key_basis**2
    several = sent * _photons(np.array(source.intensities[:1]))[0, 1]
    untagged = _share(np.maximum(n - several, 0.0), n)
    worst = np.where(untagged > 0.0, np.minimum(_share(phase, untagged), 0.5), 0.5)
    tagging = n * np.maximum(untagged * (1.0 - binary_entropy(worst)) - told, 0.0)
    naive = n * np.maximum(1.0 - binary_entropy(np.minimum(phase, 0.5)) - told, 0.0)
    shor = "Shor, Preskill, PRL 85, 441 (2000)"
    return (
        term("signals_secret", left, "bits", "of the signal pulses alone, secret at most", WITNESSED),
        term(
            "signals_tagged",
            tagging,
            "bits",
            "claimed of them without decoys, all multi-photon pulses tagged",
            GLLP,
        ),
        term("signals_naive", naive, "bits", "claimed of them by who takes every click for a single photon", shor),
    )
