"""The asymptotic rate of measurement-device-independent continuous variables: Pirandola et al. 2015.

Each end holds half of a two-mode squeezed state of variance V + 1, whose other half goes to the relay. Given the
relay's outcomes, the halves that stay have the covariance matrix [[a I, c Z], [c Z, b I]] with a = V + 1 - k t_A,
b = V + 1 - k t_B, c^2 = k^2 t_A t_B and k = V (V + 2) / (V (t_A + t_B) + 2 + 2 w): transmittances t, excess noise w of
an outcome. Eve holds its purification, whatever she and the relay did, so that only what the outcomes show matters, and
not how the noise of the arms is correlated. The eigenvalues are written as distances from the vacuum's 1 without a
difference of near numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haris.nouns.keys import Proof
from haris.quantum.security.holevo import mode_entropy, mode_pair
from haris.quantum.security.key_length import KeyLength, term, whole_bits

Floats = NDArray[np.float64]

PIRANDOLA = "Pirandola et al., Nat. Photonics 9, 397 (2015)"
PAPANASTASIOU = "Papanastasiou, Ottaviani, Pirandola, PRA 96, 042332 (2017)"

PROOF = Proof(
    theorem=f"{PIRANDOLA}; at finite modulation as {PAPANASTASIOU}, Eqs. (3) to (7)",
    attacks="collective",
    finite=False,
    assumptions=(
        "an endless block",
        "modulation at both ends exactly Gaussian and of the stated variance",
        "transmittances of both arms, and the noise of the relay's outcomes in units of shot noise, known from what is "
        "disclosed",
        "the same noise in both quadratures, that of the noisier one",
        "an authenticated classical channel",
    ),
)


@dataclass(frozen=True, slots=True)
class RelayChannel:
    """Estimated or expected parameters of two arms and a relay; variances in shot-noise units.

    modulation_variance_snu: of either quadrature of either sender. alice, bob: transmittance to the relay's outcomes,
    in [0, 1]. noise_snu: excess noise of either outcome, whose shot noise is 1. Arrays of one shape.
    """

    modulation_variance_snu: float
    alice: Floats
    bob: Floats
    noise_snu: Floats


def relay_information(channel: RelayChannel) -> tuple[Floats, Floats]:
    """Bits a use that Bob's values tell of Alice's given the relay's outcomes, and bits that Eve may know of them."""
    v, t_a, t_b, w = channel.modulation_variance_snu, channel.alice, channel.bob, channel.noise_snu
    k = v * (v + 2.0) / (v * (t_a + t_b) + 2.0 + 2.0 * w)
    mixed = k * ((1.0 - t_a) + (1.0 - t_b) + 2.0 * w)
    # Of a too the small differences are taken first.
    rest = 2.0 + 2.0 * w
    a_1 = 1.0 + (v * t_b + rest + v * (v * t_b + (1.0 - t_a) + 1.0 + 2.0 * w)) / (v * (t_a + t_b) + rest)
    # a_1 b_1 - c^2 = (v + 2)^2 rest / (v (t_a + t_b) + rest), so that 1 is not taken from a number near to it.
    informed = np.log1p(v**2 * t_a * t_b / ((v * (t_a + t_b) + rest) * rest)) / np.log(2.0)
    before = mode_pair(k * np.abs(t_a - t_b), mixed, 4.0 * k**2 * (1.0 - t_a + w) * (1.0 - t_b + w))
    after = 2.0 * k * (1.0 - t_b + w) / a_1
    eve = mode_entropy(before[0]) + mode_entropy(before[1]) - mode_entropy(after)
    return np.asarray(informed), np.asarray(eve)


def asymptotic(channel: RelayChannel, n_uses: float, reconciliation_efficiency: float) -> KeyLength:
    """Length that a block would give if its estimates were exact: n (beta I_AB - chi), Alice's values being the key."""
    informed, eve = relay_information(channel)
    secret = np.maximum(reconciliation_efficiency * informed - eve, 0.0)
    terms = (
        term("alice", channel.alice, "", "transmittance from Alice to the relay's outcomes", "estimated"),
        term("bob", channel.bob, "", "transmittance from Bob", "estimated"),
        term("noise", channel.noise_snu, "SNU", "excess noise of an outcome of the relay", "estimated"),
        term("information", informed, "bits", "that Bob's values tell of Alice's, a use", PAPANASTASIOU),
        term("holevo", eve, "bits", "that Eve may know of Alice's, a use", f"{PAPANASTASIOU}, Eq. (7)"),
        term("secret", secret, "bits", "beta information - holevo, a use", f"{PAPANASTASIOU}, Eq. (3)"),
    )
    return KeyLength(whole_bits(n_uses * secret), terms, PROOF)
