"""Expected CHSH values: of coincidences of a pair source (E91), and of heralded pairs that leave out no round."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.bell_counts import BellCounts
from haris.nouns.checks import require_not_negative
from haris.quantum.emulate.coincidences import arm_transmittances, pair_rates
from haris.quantum.optics.bell_receivers import BellReceivers
from haris.quantum.optics.heralded_pairs import HeraldedPairs
from haris.quantum.optics.medium import Medium
from haris.quantum.optics.pair_receivers import PairReceivers
from haris.quantum.optics.pair_source import PairSource
from haris.quantum.protocols.bbm92 import BBM92
from haris.quantum.protocols.diqkd import DIQKD


def coincidence_chsh(
    source: PairSource, fibre: Medium, receivers: PairReceivers, distance_m: ArrayLike | None = None
) -> NDArray[np.float64]:
    """CHSH value among the coincidences of a pair source, shape distance_m.shape; 0 where there are none.

    Alice measures in the key and in the test basis, Bob halfway between them on either side (Ekert, PRL 67, 661
    (1991)). Several pairs and dark counts are in it. Rounds without a coincidence are left out, so it shows
    entanglement only if those that coincide are a fair sample: no device-independent key follows from it.
    """
    alice, bob = arm_transmittances(source, fibre, distance_m)
    eta = receivers.efficiency_alice * alice, receivers.efficiency_bob * bob
    gain, correlation = pair_rates(source, eta, (receivers.p_dark_alice, receivers.p_dark_bob), np.pi / 8.0)
    visibility = float(source.visibilities.mean()) * (1.0 - 2.0 * fibre.misalignment)
    some = np.divide(correlation, gain, out=np.zeros_like(gain), where=gain > 0)
    return np.asarray(4.0 * visibility * some)


def expected_bell_windows(
    source: PairSource,
    fibre: Medium,
    receivers: PairReceivers,
    protocol: BBM92,
    n_pulses: float,
    distance_m: ArrayLike | None = None,
) -> BellCounts:
    """Expected coincidences and agreements of the windows in which Bob tests, float64, shapes from distance_m.shape.

    Their S is that of coincidence_chsh. Raises ParameterError on a negative n_pulses.
    """
    require_not_negative("n_pulses", n_pulses)
    alice, bob = arm_transmittances(source, fibre, distance_m)
    eta = receivers.efficiency_alice * alice, receivers.efficiency_bob * bob
    gain, correlation = pair_rates(source, eta, (receivers.p_dark_alice, receivers.p_dark_bob), np.pi / 8.0)
    p_bases = np.array([protocol.p_key_basis, 1.0 - protocol.p_key_basis])[:, None]
    windows = n_pulses * protocol.p_bell / 2.0 * p_bases * np.ones(2)
    visibility = (1.0 - 2.0 * fibre.misalignment) * source.visibilities[:, None] * np.array([[1.0, 1.0], [1.0, -1.0]])
    rounds = windows * gain[..., None, None]
    agreed = (rounds + windows * visibility * correlation[..., None, None]) / 2.0
    none = np.zeros_like(gain)
    return BellCounts(n_pulses, none, none, rounds, np.clip(agreed, 0.0, rounds))


def expected_bell_counts(
    source: HeraldedPairs,
    fibre: Medium,
    receivers: BellReceivers,
    protocol: DIQKD,
    n_pulses: float,
    distance_m: ArrayLike | None = None,
) -> BellCounts:
    """Expected rounds, errors and agreements of n_pulses attempts, float64, shapes from distance_m.shape.

    A round is a heralded attempt: both photons passed, so the fibre's whole transmittance is its price, and only that.
    The fibre's misalignment turns outcomes as the state's white noise does. An end that answers nothing has outcome 0,
    in key rounds too. Raises ParameterError on a negative n_pulses.
    """
    require_not_negative("n_pulses", n_pulses)
    rounds = n_pulses * source.p_herald * fibre.transmittance(distance_m)
    a, b = receivers.efficiency_alice, receivers.efficiency_bob
    visibility = source.visibility * (1.0 - 2.0 * fibre.misalignment)
    lost = (1.0 - a) * (1.0 - b)
    agreeing = a * b * visibility + lost  # correlation of the key rounds
    testing = np.array([[1.0, 1.0], [1.0, -1.0]]) * a * b * visibility / np.sqrt(2.0) + lost
    key = protocol.p_key_round * rounds
    tests = ((1.0 - protocol.p_key_round) / 4.0 * rounds)[..., None, None] * np.ones((2, 2))
    return BellCounts(n_pulses, key, key * (1.0 - agreeing) / 2.0, tests, tests * (1.0 + testing) / 2.0)
