"""Device-independent QKD: heralded pairs, and key from a violated CHSH inequality."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.bell_counts import BellCounts
from haris.nouns.rounds import Rounds
from haris.quantum.emulate.bell_tests import expected_bell_counts
from haris.quantum.emulate.sampled_bell_tests import emulate_bell_tests
from haris.quantum.families.family import Family, Parts, Rate, fibre_of, of
from haris.quantum.optics.bell_receivers import BellReceivers
from haris.quantum.optics.heralded_pairs import HeraldedPairs
from haris.quantum.protocols.diqkd import DIQKD
from haris.quantum.security.device_independent import DEVICE_INDEPENDENT_PROOFS, device_independent
from haris.quantum.security.limits import plob

NAME = "diqkd"


def diqkd_parts(parts: Parts) -> tuple[HeraldedPairs, BellReceivers, DIQKD]:
    """Source, receivers and protocol. Raises ParameterError on a link of another family."""
    return (
        of(NAME, "source", parts.source, HeraldedPairs),
        of(NAME, "detector", parts.detector, BellReceivers),
        of(NAME, "protocol", parts.protocol, DIQKD),
    )


def bell_counts(parts: Parts, n_pulses: float | None = None, distance_m: ArrayLike | None = None) -> BellCounts:
    """Expected rounds of n_pulses attempts (None: one block), shapes from distance_m.shape.

    Raises ParameterError on a link of another family.
    """
    source, receivers, protocol = diqkd_parts(parts)
    n = protocol.block_pulses if n_pulses is None else n_pulses
    return expected_bell_counts(source, fibre_of(NAME, parts), receivers, protocol, n, distance_m)


def _check(parts: Parts) -> None:
    """Whatever parts are of the right classes fit together."""


def _rate(parts: Parts, at_m: NDArray[np.float64]) -> Rate:
    """Each distance is one block of expected counts, with f_ec n h(qber) bits disclosed."""
    counts = bell_counts(parts, distance_m=at_m)
    key = device_independent(counts, parts.security)
    per_pulse = np.asarray(key.length_bits / counts.n_pulses)
    return Rate(
        distance_m=at_m,
        secret_bits_per_pulse=per_pulse,
        secret_bits_per_s=np.asarray(per_pulse * parts.source.clock_hz),
        qber=counts.qber,
        plob_per_pulse=plob(parts.channel.transmittance(at_m)),
        key=key,
    )


def _emulate(parts: Parts, n_pulses: int, seed: int | bytes, eve_fraction: float) -> tuple[Rounds, Rounds]:
    source, receivers, protocol = diqkd_parts(parts)
    return emulate_bell_tests(source, parts.channel, receivers, protocol, n_pulses, seed, eve_fraction)


FAMILY = Family(
    name=NAME,
    title="device-independent QKD by the CHSH inequality, with heralded pairs",
    source=HeraldedPairs,
    detector=BellReceivers,
    protocol=DIQKD,
    bounds=DEVICE_INDEPENDENT_PROOFS,
    check=_check,
    rate=_rate,
    emulate=_emulate,
)
