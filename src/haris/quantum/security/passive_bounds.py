"""Bounds on passive state preparation: those of Gaussian modulation, with what Alice does not know of her own light.

The light that leaves is thermal, of variance 1 + V in shot-noise units, and classically correlated with what Alice
measures: given her value it is a coherent state displaced by her estimate, with a normal error. For Bob and Eve that is
Gaussian modulation of variance V_A = k V with a noise of preparation (1 - k) V, k the share that Alice's value tells
(Qi, Evans, Grice, PRA 97, 012317 (2018)). What is made of that noise, the source says:

- untrusted: coherent states of Alice's choice, displaced by Eve, who remembers by how much. The channel then holds the
  noise, and every theorem on coherent states applies as it is.
- trusted: nobody knows the displacement (Usenko, Filip, PRA 81, 022318 (2010)). Alice's station holds the purification
  of thermal light of variance 1 + V; Eve holds that of the channel alone. So chi_BE is that of a modulation V over the
  channel without the noise, and I_AB that of V_A with the noise. Eve's part is a part of what an untrusted source gives
  her, so that chi_BE is never greater.

Thermal light has many modes, and all of them leave. Where Bob's mode is not quite Alice's, the part of hers that he
misses is lost to Eve, and what other modes put in its place is Eve's noise in either case: she can send her own, and it
looks the same. That such light is really thermal and unknown to all would give more, but Bob cannot tell.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from haris.quantum.security.gaussian_block import GaussianBlock
from haris.quantum.security.gaussian_bounds import PROOFS as OF_GAUSSIAN
from haris.quantum.security.gaussian_bounds import gaussian_key_length
from haris.quantum.security.key_length import KeyLength, Security, Term, term

QI = "Qi et al., PRA 97, 012317 (2018)"

PASSIVE_ASSUMPTIONS = (
    f"passive preparation is modulation by Alice's estimate ({QI})",
    "thermal light of exactly Gaussian statistics, nobody else holding a part or a copy of it inside the transmitter",
    "the transmitter's beam splitter, attenuation and detection are calibrated and constant",
    "what Alice's values do not tell of the outgoing light is Eve's, unless the source is trusted",
    "a transmitted oscillator's intensity is watched",
    "behind a splitter: what the other users receive is Eve's, and all users disclose the same modes",
)

PROOFS = {
    name: replace(proof, assumptions=(*proof.assumptions, *PASSIVE_ASSUMPTIONS)) for name, proof in OF_GAUSSIAN.items()
}
"""By the name of the bound, the composable one first."""


def passive_key_length(block: GaussianBlock, security: Security, prepared: tuple[Term, ...] = ()) -> KeyLength:
    """Length of a block's key by security.bound, int64, shape of the channel's arrays. prepared: terms told first."""
    key = gaussian_key_length(block, security)
    return replace(key, terms=(*prepared, *key.terms), proof=PROOFS[security.bound])


def prepared_terms(known_snu: float, noise_snu: float, trusted: bool) -> tuple[Term, ...]:
    """What Alice's measurement makes of the outgoing light, for a key's terms. known_snu, noise_snu: its variances."""
    holder = "nobody's" if trusted else "Eve's"
    return (
        term("modulation", known_snu, "SNU", "variance of Alice's estimate of what leaves", f"{QI}, as a regression"),
        term("preparation_noise", noise_snu, "SNU", f"variance that she does not know: {holder}", f"{QI}, likewise"),
    )


def users_terms(key: KeyLength, users: int, bits_per_s: NDArray[np.float64]) -> KeyLength:
    """One user's key, at bits_per_s, with what all users behind a splitter get together told beside it.

    Each key is secret from all the others and from Eve, for the other users count as hers and their keys follow from
    what they hold: the keys are secret jointly, and their epsilons add.
    """
    meaning = "all users' keys: each is secret from the others, and their epsilons add"
    terms = (
        term("users", users, "", "behind the splitter, with such a key each", "counted"),
        term("all_users", bits_per_s * users, "bit/s", meaning, "sum"),
    )
    return replace(key, terms=(*key.terms, *terms))
