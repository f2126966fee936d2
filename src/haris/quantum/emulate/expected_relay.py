"""What two senders of quadratures expect to estimate of the arms and the relay between them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from haris.quantum.optics.modulated_laser import ModulatedLaser
from haris.quantum.optics.noisy_fibre import NoisyFibre
from haris.quantum.optics.quadrature_relay import QuadratureRelay
from haris.quantum.security.pirandola2015 import RelayChannel


def expected_relay_channel(
    source: ModulatedLaser, fibre: NoisyFibre, relay: QuadratureRelay, distance_m: ArrayLike | None = None
) -> RelayChannel:
    """The channel as exact estimates would have it, arrays of distance_m's shape (None: the fibre's own length).

    Each arm adds the fibre's noise: at its input, and at the relay. An arm of transmittance t with n of it is a beam
    splitter with Eve's mode of variance 1 + n / (1 - t). Two such modes are correlated by at most
    g^2 = min((w_a - 1)(w_b + 1), (w_a + 1)(w_b - 1)), which adds g sqrt((1 - t_a)(1 - t_b)) to both outcomes.
    Source: Pirandola et al., Nat. Photonics 9, 397 (2015), supplement: the negative EPR attack; g from the uncertainty
    relation of modes whose q and p are correlated with opposite signs.
    """
    alice, bob = relay.arms(fibre, distance_m)
    added = [t * fibre.excess_noise_snu + relay.efficiency * fibre.output_noise_snu for t in (alice, bob)]
    noise = (added[0] + added[1]) / 2.0 + relay.electronic_noise_snu
    if relay.correlation == "worst":
        one = added[0] * (added[1] + 2.0 * (1.0 - bob))
        other = added[1] * (added[0] + 2.0 * (1.0 - alice))
        noise = noise + np.sqrt(np.minimum(one, other))
    return RelayChannel(source.modulation_variance_snu, alice, bob, np.asarray(noise))
