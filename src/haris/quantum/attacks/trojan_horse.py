"""Trojan horse: light that Eve shines into Alice's modulator comes back and tells of the state."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, exp
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.checks import MOST_PHOTONS
from haris.nouns.errors import ParameterError
from haris.quantum.attacks.attack import Secret
from haris.quantum.attacks.pulses import WITNESSED, PulseBlock
from haris.quantum.emulate.clicks import Arrivals, arrivals
from haris.quantum.families.decoy_bb84 import bb84_parts
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.medium import Medium
from haris.quantum.optics.source import Source
from haris.quantum.security.decoys import photon_probability
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.key_length import term

Floats = NDArray[np.float64]

LUCAMARINI = "Lucamarini et al., PRX 5, 031030 (2015)"


@dataclass(frozen=True, slots=True)
class TrojanHorse:
    """Eve gets a coherent state of mean_photons back for every pulse, whose phase is that of Alice's basis and bit.

    mean_photons: of the light that comes out of Alice's device, a pulse. The modulator of intensities is out of reach.
    Nothing that the users count changes. Raises ParameterError on a negative number.
    """

    NAME: ClassVar[str] = "trojan-horse"
    TITLE: ClassVar[str] = "light reflected in Alice's modulator tells Eve of basis and bit"
    SOURCE: ClassVar[str] = LUCAMARINI
    FAMILIES: ClassVar[tuple[str, ...]] = ("decoy-bb84",)

    mean_photons: float = 1e-6

    def __post_init__(self) -> None:
        if not 0.0 <= self.mean_photons <= MOST_PHOTONS:
            raise ParameterError(f"mean_photons must lie in [0, {MOST_PHOTONS:g}], got {self.mean_photons}")

    @property
    def eve_fraction(self) -> float:
        """She measures nothing on the way."""
        return 0.0

    def arrivals(
        self, source: Source, fibre: Medium, detector: Detector, distance_m: ArrayLike | None = None
    ) -> Arrivals:
        """As ever."""
        return arrivals(source, fibre, detector, distance_m)

    def secret_pulses(self, block: PulseBlock) -> Secret:
        """The phase error rate of the users' bound, raised by what the basis gives away.

        At most: Eve reads the two states of a basis once it is told, by the best measurement that there is.
        """
        _, _, protocol = bb84_parts(block.parts)
        single, phase = block.claimed.value("single"), block.claimed.value("phase_error")
        sent = block.counts.n_pulses * protocol.p_key_basis**2 * photon_probability(1, block.counts)
        raised = raised_phase_error(phase, self.mean_photons, single / sent)
        guess = (1.0 - np.sqrt(-np.expm1(-4.0 * self.mean_photons))) / 2.0  # Helstrom's error
        right, wrong = block.sifted
        n = right + wrong
        error = np.divide(wrong, n, out=np.full_like(n, 0.5), where=n > 0.0)
        left = n * (binary_entropy(guess * (1.0 - error) + (1.0 - guess) * error) - binary_entropy(error))
        return Secret(
            block.lowered(single, raised),
            np.asarray(np.maximum(left, 0.0).sum(axis=-1)),
            f"{LUCAMARINI}, Eq. (7), on the terms of the users' bound; asymptotic",
            WITNESSED,
            (term("raised_phase_error", raised, "", "of single photons, at most", f"{LUCAMARINI}, Eq. (7)"),),
        )


def raised_phase_error(phase: ArrayLike, mean_photons: float, single_yield: ArrayLike) -> Floats:
    """Phase error rate, at most 1/2, where mean_photons tell of the basis. Source: Lucamarini et al. 2015, Eq. (7).

    With Delta = (1 - exp(-mu) cos(mu))/2 the imbalance of the basis' coin, and d = Delta / single_yield its worst among
    the pulses that click. Such a leak costs the more the fewer of them do. The yield is that of a basis, at least.
    """
    e = np.clip(np.asarray(phase, dtype=np.float64), 0.0, 0.5)
    delta = (1.0 - exp(-mean_photons) * cos(mean_photons)) / 2.0
    some = np.asarray(single_yield, dtype=np.float64)
    with np.errstate(over="ignore"):
        d = np.divide(delta, some, out=np.full(some.shape, 0.5 if delta > 0.0 else 0.0), where=some > 0.0)
    d = np.minimum(d, 0.5)
    seen = e + 4.0 * d * (1.0 - d) * (1.0 - 2.0 * e) + 4.0 * (1.0 - 2.0 * d) * np.sqrt(d * (1.0 - d) * e * (1.0 - e))
    return np.where(d >= 0.5, 0.5, np.minimum(seen, 0.5))
