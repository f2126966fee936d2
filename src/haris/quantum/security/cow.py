"""Coherent one way with empty pairs: phase errors from how pairs with both pulses and with none interfere.

The usual rates of coherent one way, which fall with the transmittance, are broken by attacks without errors
(Gonzalez-Payo, Trenyi, Wang, Curty, PRL 125, 260510 (2020)). The key of this variant falls with its square.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.keys import Proof
from haris.nouns.pulse_pairs import PulsePairCounts
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.kato import events_above, probabilities_above, probabilities_below
from haris.quantum.security.key_length import KeyLength, Security, Term, term, whole_bits

Floats = NDArray[np.float64]

GAO = "Gao et al., Opt. Express 30, 23783 (2022)"
HERE = "derived here"
KATO = "Kato, arXiv:2002.04357"
KOASHI = "Koashi, New J. Phys. 11, 045018 (2009)"

EVENTS = 7
"""Statistical bounds that a finite key leans on."""

_ASSUMPTIONS = (
    "coherent pulses of a known amplitude and one phase, or empty ones; independent pairs",
    "never more than one photon at Bob's detectors: a double click becomes a random bit, but no proof squashes "
    "more photons to one here",
    "a coupler whose share does not depend on the light, and detectors of equal efficiency",
    "dark counts of the interferometer's detectors known",
    "an authenticated classical channel",
)

PROOF = Proof(
    theorem=f"phase errors of time-coded pairs as {GAO}, bounded anew ({HERE})",
    attacks="coherent",
    finite=False,
    assumptions=("an endless block", *_ASSUMPTIONS),
)
FINITE_PROOF = Proof(
    theorem=f"phase errors of time-coded pairs as {GAO}, bounded anew ({HERE}), sums of probabilities by {KATO}, "
    f"complementarity of {KOASHI}",
    attacks="coherent",
    finite=True,
    assumptions=("a block of a fixed number of pairs", *_ASSUMPTIONS),
)


def pair_phase_errors(contrast: float, data_bright: ArrayLike, both: ArrayLike, empty: ArrayLike) -> Floats:
    """Probability that a pair with one pulse gives a phase error, at most; shape of data_bright.

    contrast: squared distance mu of the amplitudes of a pulse that is on and one that is off. data_bright: probability
    that a photon of a pair with one pulse comes and is found at the bright port, were it looked for there. both, empty:
    the same of the other pairs, at the bright port at least and at most, and at the dark one at most: (..., 3).

    Let |0x> be the normalised sum of both pairs with one pulse, of squared norm N = 2 (1 + exp(-mu)), and F_0, F_1 what
    Eve and Bob together measure. A phase error is F_1 on the sum or F_0 on the difference, so that its probability is
    data_bright + N / 4 <0x|F_1 - F_0|0x>. The pairs with both pulses and with none, added, also have squared norm N,
    and |0x> is their sum but for a part |u> of weight tanh^2(mu / 2), of which nothing is seen, save that
    F_0 + F_1 <= 1.
    With the triangle inequality for F^(1/2), <F_1> <= (c sqrt(a) + s sqrt(v_1))^2 and <F_0> >= c^2 b - 2 s c
    sqrt(b' v_0); and sqrt(a v_1) + sqrt(b' v_0) <= sqrt(a + b').
    The bound is concave in what is seen, so that it holds for the mean of rounds that differ: for coherent attacks.
    """
    bright = np.asarray(data_bright, dtype=np.float64)
    two, none = np.asarray(both, dtype=np.float64), np.asarray(empty, dtype=np.float64)
    norm = 2.0 * (1.0 + np.exp(-contrast))
    s, c = np.tanh(contrast / 2.0), 1.0 / np.cosh(contrast / 2.0)
    a = (np.sqrt(two[..., 2]) + np.sqrt(none[..., 2])) ** 2 / norm
    b = np.maximum(np.sqrt(two[..., 0]) - np.sqrt(none[..., 1]), 0.0) ** 2 / norm
    most_b = two[..., 1] / norm
    return np.asarray(bright + norm / 4.0 * (c**2 * (a - b) + 2.0 * s * c * np.sqrt(a + most_b) + s**2))


def asymptotic(
    counts: PulsePairCounts, contrast: float, data_share: float, p_dark: float, leaked_bits: ArrayLike
) -> KeyLength:
    """Length that a block would give if its counts had no spread. leaked_bits: disclosed by reconciliation.

    contrast: as in pair_phase_errors. data_share: of the light that goes to Bob's first detector; where both pulses
    meet the interferometer shows half of the rest. p_dark: of each detector in a period. Dark counts of the first
    detector are phase errors; those of the others add to what must be small, and are taken from what must be great.
    Light that the first detector saw and the others did not counts as bright: blind detectors hide no phase error.
    """
    gains = counts.monitored / counts.sent[:, None]
    kept = counts.kept / counts.sent[0]
    wrong = _phase_errors(contrast, data_share, p_dark, kept, gains, gains)
    wrong = np.minimum(wrong, kept / 2.0)
    phase = np.divide(wrong, kept, out=np.full(kept.shape, 0.5), where=kept > 0.0)
    entropy = counts.kept * binary_entropy(phase)
    leaked = np.asarray(leaked_bits, dtype=np.float64)
    terms = (
        *_counted(counts, contrast),
        term("phase_error", phase, "", "phase error rate, at most", f"{HERE}, after {GAO}"),
        *_spent(entropy, leaked),
    )
    return KeyLength(whole_bits(counts.kept - entropy - leaked), terms, PROOF)


def finite(
    counts: PulsePairCounts,
    predicted: PulsePairCounts,
    contrast: float,
    data_share: float,
    p_dark: float,
    security: Security,
    leaked_bits: ArrayLike,
) -> KeyLength:
    """Length of one block of a fixed number of pairs.

    counts.sent: pairs of the block times the probability of each kind. predicted: counts as they were expected
    beforehand, for which the bounds are best; they hold for any. The rest as of asymptotic. What a pair shows given all
    before it may depend on those as Eve likes: sums of such probabilities are told by counts, and the bound, being
    concave, holds for their means. With failure eta of all seven bounds and 2^-zeta of the hash, the key is
    sqrt(2 (eta + 2^-zeta)) from secret.
    """
    failure = security.epsilon_secrecy**2 / 2.0
    each, zeta = failure / 2.0 / EVENTS, -np.log2(failure / 2.0)
    pairs = counts.sent.sum()

    def chances(seen: PulsePairCounts) -> Floats:
        """Sum of the chances of a phase error, at most, if so many pairs clicked."""
        kept = probabilities_below(seen.kept, pairs, predicted.kept, each) / counts.sent[0]
        gains = (
            bound(seen.monitored, pairs, predicted.monitored, each) / counts.sent[:, None]
            for bound in (probabilities_below, probabilities_above)
        )
        return np.asarray(counts.sent[0] * _phase_errors(contrast, data_share, p_dark, kept, *gains))

    half = counts.kept / 2.0
    # What was counted may choose no bound: the guess of its sum, too, follows from what was predicted.
    errors = np.minimum(events_above(chances(counts), pairs, chances(predicted), each), half)
    phase = np.divide(errors, counts.kept, out=np.full(half.shape, 0.5), where=half > 0.0)
    entropy = counts.kept * binary_entropy(phase)
    correctness = -np.log2(security.epsilon_correctness)
    leaked = np.asarray(leaked_bits, dtype=np.float64)
    terms = (
        *_counted(counts, contrast),
        term("phase_error", phase, "", "phase error rate, at most", f"{HERE}, after {GAO}; {KATO}, each {each:.2g}"),
        *_spent(entropy, leaked),
        term("secrecy", zeta, "bits", "hash of phase errors: zeta", f"{KOASHI}, sqrt(2 (eta + 2^-zeta))"),
        term("correctness", correctness, "bits", "verification", "log2(1/eps_cor)"),
    )
    return KeyLength(whole_bits(counts.kept - entropy - leaked - zeta - correctness), terms, FINITE_PROOF)


def _phase_errors(
    contrast: float, data_share: float, p_dark: float, kept: Floats, least: Floats, most: Floats
) -> Floats:
    """Probability of a phase error a pair with one pulse, from what is seen by what was sent and port, (..., 3, 2).

    kept: probability that such a pair clicks at the first detector, at least. It only raises the result.
    """
    seen = (1.0 - data_share) / 2.0
    low, high = np.maximum(least - p_dark, 0.0) / seen, most / seen
    photon = np.stack([low[..., 0], high[..., 0], high[..., 1]], axis=-1)
    bright = np.maximum(photon[..., 0, 1], (kept - 2.0 * p_dark) / data_share - photon[..., 0, 2])
    wrong = pair_phase_errors(contrast, bright, photon[..., 1, :], photon[..., 2, :])
    return data_share * wrong + 2.0 * p_dark


def _counted(counts: PulsePairCounts, contrast: float) -> tuple[Term, ...]:
    gains = counts.monitored / counts.sent[:, None]
    return (
        term("sifted", counts.kept, "bits", "pairs with one pulse that clicked", "counted or expected"),
        term("qber", counts.qber, "", "error rate among those", "counted or expected"),
        term("bright", gains[..., 1, 0], "", "clicks of a pair with both pulses at the bright port", "counted"),
        term("dark", gains[..., 1, 1], "", "clicks of a pair with both pulses at the dark port", "counted"),
        term("unseen", np.tanh(contrast / 2.0) ** 2, "", "weight of what the test pairs do not show", HERE),
    )


def _spent(entropy: Floats, leaked: Floats) -> tuple[Term, ...]:
    return (
        term("entropy", entropy, "bits", "what Eve may know: n h(e)", GAO),
        term("leaked", leaked, "bits", "disclosed by reconciliation", "counted or f_ec n h(qber)"),
    )
