"""One block of emulated heralded pairs: both ends' settings and outcomes in rounds of key and of the CHSH game."""

from __future__ import annotations

import numpy as np

from haris.nouns.rounds import UNDECIDED, Rounds
from haris.quantum.emulate.sampled_gates import block_generator, clicking_gates
from haris.quantum.optics.bell_receivers import BellReceivers
from haris.quantum.optics.heralded_pairs import HeraldedPairs
from haris.quantum.optics.medium import Medium
from haris.quantum.protocols.diqkd import DIQKD, KEY_SETTINGS

_CORRELATIONS = np.array([[1.0, 1.0], [1.0, -1.0], [np.sqrt(2.0), 0.0]]) / np.sqrt(2.0)
"""Of Alice's setting and Bob's, for a pair without noise. No round takes her third with his second."""


def emulate_bell_tests(
    source: HeraldedPairs,
    fibre: Medium,
    receivers: BellReceivers,
    protocol: DIQKD,
    n_pulses: int,
    seed: int | bytes,
    eve_fraction: float = 0.0,
) -> tuple[Rounds, Rounds]:
    """Sample n_pulses attempts: Alice's and Bob's half of the heralded rounds.

    Eve measures the share eve_fraction of Bob's halves along one of his two directions and resends what she found: half
    of every correlation is left, so that S is at most the square root of 2 and a quarter of the key errs.
    The same arguments give the same light. Raises ParameterError on arguments outside their range.
    """
    rng = block_generator(seed, b"bell tests", n_pulses, eve_fraction)
    index, _ = clicking_gates(rng, n_pulses, float(source.p_herald * fibre.transmittance()))
    n = index.size
    key = rng.random(n) < protocol.p_key_round
    settings = [np.where(key, of_key, rng.integers(0, 2, n)).astype(np.uint8) for of_key in KEY_SETTINGS]
    visibility = source.visibility * (1.0 - 2.0 * fibre.misalignment)
    correlation = visibility * _CORRELATIONS[settings[0], settings[1]]
    correlation = np.where(rng.random(n) < eve_fraction, correlation / 2.0, correlation)
    outcome = rng.integers(0, 2, n, dtype=np.uint8)
    differs = rng.random(n) >= (1.0 + correlation) / 2.0
    halves = []
    for setting, value, efficiency in (
        (settings[0], outcome, receivers.efficiency_alice),
        (settings[1], outcome ^ differs, receivers.efficiency_bob),
    ):
        found = np.where(rng.random(n) < efficiency, value, UNDECIDED).astype(np.uint8)
        halves.append(Rounds(n_pulses, index, setting, found))
    return halves[0], halves[1]
