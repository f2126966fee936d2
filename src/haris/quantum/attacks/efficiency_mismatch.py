"""Efficiency mismatch: Eve shifts pulses in time to where one of Bob's detectors sees less than the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.errors import ParameterError
from haris.quantum.attacks.attack import Secret
from haris.quantum.attacks.pulses import GLLP, WITNESSED, PulseBlock
from haris.quantum.emulate.clicks import Arrivals, photons_at_detectors
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.medium import Medium
from haris.quantum.optics.source import Source
from haris.quantum.security.key_length import term

Floats = NDArray[np.float64]

FUNG = "Fung et al., QIC 9, 131 (2009), Eq. (32)"
QI = "Qi, Fung, Lo, Ma, QIC 7, 73 (2007)"


@dataclass(frozen=True, slots=True)
class EfficiencyMismatch:
    """Eve shifts each pulse early or late, as a coin falls; then one detector or the other is less efficient.

    efficiency_ratio: of the worse detector over the better, in (0, 1]; the better one keeps the efficiency of the
    link's. hidden: she lets more light through, so that as many clicks come as ever, as far as the fibre's loss allows.
    A click tells her which bit is the likelier. Time tags are taken to be no finer than the gate.
    Raises ParameterError on any other value.
    """

    NAME: ClassVar[str] = "efficiency-mismatch"
    TITLE: ClassVar[str] = "Eve shifts pulses to where one detector sees less than the other"
    SOURCE: ClassVar[str] = QI
    FAMILIES: ClassVar[tuple[str, ...]] = ("decoy-bb84",)

    efficiency_ratio: float = 0.5
    hidden: bool = True

    def __post_init__(self) -> None:
        if not 0.0 < self.efficiency_ratio <= 1.0:
            raise ParameterError(f"efficiency_ratio must lie in (0, 1], got {self.efficiency_ratio}")

    @property
    def eve_fraction(self) -> float:
        """She measures nothing on the way."""
        return 0.0

    def arrivals(
        self, source: Source, fibre: Medium, detector: Detector, distance_m: ArrayLike | None = None
    ) -> Arrivals:
        """Two classes of each intensity: the better detector is that of Alice's bit, or the other."""
        r, k = self.efficiency_ratio, len(source.intensities)
        faint = photons_at_detectors(source, fibre, detector, distance_m)
        if self.hidden:
            more = np.minimum(2.0 / (1.0 + r), 1.0 / fibre.transmittance(distance_m))
            faint = faint * more[..., None, None, None]
        mean_photons = np.stack([faint * np.array([1.0, r]), faint * np.array([r, 1.0])], axis=-4)
        # (..., 2, k, 2, 2) to (..., k, 2, 2, 2): the classes of an intensity lie together.
        mean_photons = np.moveaxis(mean_photons, -4, -3).reshape(*faint.shape[:-3], 2 * k, 2, 2)
        p = np.repeat(np.array(source.p_intensities) / 2.0, 2)
        classes = tuple(i for i in range(k) for _ in range(2))
        return Arrivals(classes, np.broadcast_to(p, mean_photons.shape[:-2]), mean_photons)

    def secret_pulses(self, block: PulseBlock) -> Secret:
        """Clicks that equally bad detectors would not have given are tagged: Eve may know them.

        However she shifts, the share r of the clicks at least is untagged, and every phase error may lie among those.
        That much equal detectors give, whose efficiency depends on no basis. It takes at most one photon to arrive. At
        most: what the shift leaves of the information that Alice's bits and Bob's share.
        """
        r = self.efficiency_ratio
        single, phase = block.claimed.value("single"), block.claimed.value("phase_error")
        right, wrong = (of.reshape(*of.shape[:-1], -1, 2) for of in block.sifted)
        # Joint law of Alice's bit and Bob's, in units of the better detector's: [alice, bob].
        joint = np.stack(
            [
                np.stack([right[..., 0], wrong[..., 0]], axis=-1),
                np.stack([wrong[..., 1], right[..., 1]], axis=-1),
            ],
            axis=-2,
        )
        share = 2.0 * r / (1.0 + r)
        return Secret(
            block.lowered(r * single, phase / r),
            np.asarray(_information(joint).sum(axis=-1)),
            f"clicks beyond the worse efficiency tagged, {GLLP}; asymptotic, one photon at Bob",
            WITNESSED,
            (term("untagged", share, "", "share of the clicks that equally bad detectors give", FUNG),),
        )


def _information(joint: Floats) -> Floats:
    """Bits that two ends share of numbers of pairs of bits, (..., 2, 2)."""

    def entropy(n: Floats) -> Floats:
        logs = np.log2(n, out=np.zeros_like(n), where=n > 0.0)
        return np.asarray(-np.sum(n * logs, axis=-1))

    total = joint.sum(axis=(-2, -1))
    whole = -total * np.log2(total, out=np.zeros_like(total), where=total > 0.0)
    flat = joint.reshape(*joint.shape[:-2], 4)
    shared = entropy(joint.sum(axis=-1)) + entropy(joint.sum(axis=-2)) - entropy(flat) - whole
    return np.asarray(np.maximum(shared, 0.0))
