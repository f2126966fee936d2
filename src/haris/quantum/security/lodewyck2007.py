"""The asymptotic rate of Gaussian modulation: Lodewyck et al., PRA 76, 042305 (2007)."""

from __future__ import annotations

from haris.nouns.keys import Proof
from haris.quantum.security.gaussian_block import GaussianBlock, channel_terms
from haris.quantum.security.key_length import KeyLength, Security, term, whole_bits

LODEWYCK = "Lodewyck et al., PRA 76, 042305 (2007)"

GAUSSIAN_ASSUMPTIONS = (
    "modulation exactly Gaussian and of the stated variance",
    "a local oscillator and a unit of shot noise out of Eve's reach",
    "an untrusted receiver's loss and noise are Eve's, a trusted one's are calibrated and constant",
    "no post-selection",
)

PROOF = Proof(
    f"{LODEWYCK}, Devetak-Winter rate with reverse reconciliation",
    attacks="collective",
    finite=False,
    assumptions=("an endless block", *GAUSSIAN_ASSUMPTIONS),
)


def asymptotic(block: GaussianBlock, security: Security) -> KeyLength:
    """Length that a block would give if its estimates were exact: the ceiling of every finite bound here.

    n_kept (beta I_AB - chi_BE). security: unused, for no finite term is paid. Never raises on a channel without key.
    """
    terms = channel_terms(block, LODEWYCK)
    informed, eve = terms[-2].value, terms[-1].value
    secret = block.secret_per_symbol(block.reconciliation_efficiency * informed, eve)
    terms += (
        term("secret", secret, "bits", "beta information - holevo, a symbol", f"{LODEWYCK}, Devetak-Winter"),
        term("symbols", block.n_kept, "", "that become key: not disclosed, and decoded", "counted"),
    )
    return KeyLength(whole_bits(block.n_kept * secret), terms, PROOF)
