"""A link under attack: its users believe the link, and the attack says what the devices do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike

from haris.nouns.document import Document
from haris.nouns.errors import ParameterError
from haris.quantum.attacks import pulses, quadratures
from haris.quantum.attacks.attack import Attack, AttackedRate, Sign
from haris.quantum.attacks.beam_splitting import BeamSplitting
from haris.quantum.attacks.efficiency_mismatch import EfficiencyMismatch
from haris.quantum.attacks.entangling_cloner import EntanglingCloner
from haris.quantum.attacks.intercept_resend import InterceptResend
from haris.quantum.attacks.laser_seeding import LaserSeeding
from haris.quantum.attacks.lo_calibration import LoCalibration
from haris.quantum.attacks.photon_number_splitting import PhotonNumberSplitting
from haris.quantum.attacks.pulses import PulseAttack, pulse_rate, sampled_pulses
from haris.quantum.attacks.quadratures import QuadratureAttack, quadrature_rate, sampled_quadratures
from haris.quantum.attacks.trojan_horse import TrojanHorse
from haris.quantum.link import Link
from haris.quantum.protocols.quadratures import QuadratureProtocol

ATTACKS: dict[str, type[Attack]] = {
    attack.NAME: attack
    for attack in (
        InterceptResend,
        PhotonNumberSplitting,
        BeamSplitting,
        TrojanHorse,
        EfficiencyMismatch,
        LaserSeeding,
        EntanglingCloner,
        LoCalibration,
    )
}
"""By name."""


def attack_of(document: Document) -> Attack:
    """The attack that [attack] of a document describes: its name and settings. ParameterError, with the line."""
    document.only("attack")
    return document.choice("attack", "name", ATTACKS)


@dataclass(frozen=True, slots=True)
class Attacked:
    """A link and what Eve does to it."""

    link: Link
    attack: Attack

    def rate(self, distance_m: ArrayLike | None = None) -> AttackedRate:
        """Claimed and secret key at distance_m (any shape; None: the link's own length), and what the users see.

        Never raises for a hopeless distance. ParameterError where it is not known what the attack leaves of a link of
        this family.
        """
        at_m = self.link.distances(distance_m)
        self._require_family()
        if isinstance(self.link.protocol, QuadratureProtocol):
            return quadrature_rate(cast(QuadratureAttack, self.attack), self.link, at_m)
        return pulse_rate(cast(PulseAttack, self.attack), self.link, at_m)

    def emulate(self, n_pulses: int, seed: int | bytes) -> tuple[Any, Any]:
        """Both halves of n_pulses under attack, as of Link.emulate: the ordinary distillation takes them.

        Raises ParameterError on a family that has no emulated light under this attack.
        """
        if isinstance(self.attack, InterceptResend) and self.link.family.emulate is not None:
            return self.link.family.emulate(self.link, n_pulses, seed, self.attack.fraction)
        self._require_family()
        if isinstance(self.link.protocol, QuadratureProtocol):
            alice, _ = self.link.emulate(n_pulses, seed)
            return alice, sampled_quadratures(cast(QuadratureAttack, self.attack), self.link, alice, seed)
        return sampled_pulses(cast(PulseAttack, self.attack), self.link, n_pulses, seed)

    def measured_signs(self, n_pulses: int, seed: int) -> tuple[Sign, ...]:
        """What the users see of n_pulses that are emulated at the link's own length, beside what they expect.

        Raises ParameterError as emulate and rate do.
        """
        self._require_family()
        if n_pulses < 1:
            raise ParameterError(f"n_pulses must be at least 1, got {n_pulses}")
        alice, bob = self.emulate(n_pulses, seed)
        if isinstance(self.link.protocol, QuadratureProtocol):
            return quadratures.measured_signs(self.link, alice, bob)
        return pulses.measured_signs(self.link, alice, bob, np.random.default_rng(seed))

    def _require_family(self) -> None:
        if self.link.family.name not in self.attack.FAMILIES:
            known = ", ".join(self.attack.FAMILIES)
            raise ParameterError(f"{self.attack.NAME} is known of {known}, got a link of {self.link.family.name}")


def attacked(link: Link, attack: Attack) -> Attacked:
    """The link as it is while Eve attacks it."""
    return Attacked(link, attack)
