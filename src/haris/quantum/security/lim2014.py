"""Two decoys: Lim, Curty, Walenta, Xu, Zbinden, PRA 89, 022307 (2014)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.counts import KEY_BASIS, TEST_BASIS, DecoyCounts, by_intensity
from haris.nouns.keys import Proof
from haris.quantum.security.decoys import Photons, Scale, photon_probability, require_decoys, scale, within
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.key_length import KeyLength, Security, term, whole_bits

LIM = "Lim et al., PRA 89, 022307 (2014)"

EVENTS = 12
"""5 counts in each basis (up and down for the two decoys, up for the signal), 2 for the errors."""

PROOF = Proof(
    theorem=f"{LIM}, Eq. (1), as printed",
    attacks="coherent",
    finite=True,
    assumptions=(
        "a block of fixed sifted size",
        "phase-randomised pulses",
        "basis-independent detection",
        "a Gaussian form of the random-sampling tail",
    ),
)


def two_decoys(
    counts: DecoyCounts, epsilon: float, scale: Scale = scale, slopes: Sequence[tuple[int, int]] = ((1, 2),)
) -> Photons:
    """Vacuum and single-photon clicks from three intensities; each of EVENTS bounds fails with probability epsilon.

    slopes: pairs of intensities from which the errors of single photons are bounded, the smallest being taken: more
    than Lim's one are a bound more each. Raises ParameterError unless mu1 > mu2 + mu3.
    Source: Lim et al., Eqs. (2) to (5), of both bases at once. epsilon = 1: no deviations.
    """
    require_decoys(counts.intensities)
    light = by_intensity(counts.intensities)
    mu1, mu2, mu3 = (light[..., i, None] for i in range(3))
    tau0, tau1 = (photon_probability(n, counts)[..., None] for n in (0, 1))
    n, m = scale(counts.clicks, counts, epsilon), scale(counts.errors[..., TEST_BASIS:, :], counts, epsilon)
    total = counts.clicks.sum(axis=-1)
    vacuum = within(tau0 * (mu2 * n.lower[..., 2] - mu3 * n.upper[..., 1]) / (mu2 - mu3), total)
    squares = mu2**2 - mu3**2
    multi = squares / mu1**2 * (n.upper[..., 0] - vacuum / tau0)
    single = tau1 * mu1 * (n.lower[..., 1] - n.upper[..., 2] - multi) / (mu1 * (mu2 - mu3) - squares)
    single = within(single, total)
    steep = [(m.upper[..., i] - m.lower[..., j]) / (light[..., i, None] - light[..., j, None]) for i, j in slopes]
    wrong = tau1 * reduce(np.minimum, steep)
    return Photons(
        key_vacuum_lower=vacuum[..., KEY_BASIS],
        key_single_lower=single[..., KEY_BASIS],
        test_single_lower=single[..., TEST_BASIS],
        test_errors_upper=np.maximum(wrong[..., 0], 0.0),
        events=EVENTS + len(slopes) - 1,
    )


def sampling_deviation(
    epsilon: float, rate: ArrayLike, test: ArrayLike, key: ArrayLike, events: int
) -> NDArray[np.float64]:
    """Lim's gamma: how far the phase error rate may lie above the rate seen in the other basis.

    events: 21 for two decoys, 19 for one. 0 where a rate is 0 or 1, as printed; infinite without a sample.
    A Gaussian form of the hypergeometric tail: live keys use tails.unsampled_errors in its place.
    """
    b, c, d = (np.asarray(a, dtype=np.float64) for a in (rate, test, key))
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = (c + d) * (1.0 - b) * b / (c * d)
        log_term = np.log2((c + d) / (c * d * (1.0 - b) * b) * events**2 / epsilon**2)
        gamma = np.sqrt(spread / np.log(2.0) * np.maximum(log_term, 0.0))
    gamma = np.where((b <= 0.0) | (b >= 1.0), 0.0, gamma)
    return np.where((c > 0.0) & (d > 0.0), gamma, np.inf)


def printed_length(
    photons: Photons, security: Security, leaked_bits: ArrayLike, events: int, proof: Proof, source: str
) -> KeyLength:
    """Eq. (1), s0 + s1 (1 - h(phi)) - leak - 6 log2(events/eps_sec) - log2(2/eps_cor), as Lim and Rusca print it."""
    s0, s1 = photons.key_vacuum_lower, photons.key_single_lower
    sample, wrong = photons.test_single_lower, photons.test_errors_upper
    rate = np.divide(wrong, sample, out=np.full_like(wrong, 0.5), where=sample > 0)
    rate = np.minimum(rate, 0.5)
    phase = np.minimum(rate + sampling_deviation(security.epsilon_secrecy, rate, sample, s1, events), 0.5)
    secrecy = 6.0 * np.log2(events / security.epsilon_secrecy)
    correctness = np.log2(2.0 / security.epsilon_correctness)
    leaked = np.asarray(leaked_bits, dtype=np.float64)
    length = s0 + s1 * (1.0 - binary_entropy(phase)) - leaked - secrecy - correctness
    terms = (
        term("vacuum", s0, "bits", "key-basis clicks of empty pulses, at least", f"{source}, s_0"),
        term("single", s1, "bits", "key-basis clicks of single photons, at least", f"{source}, s_1"),
        term("sample", sample, "clicks", "test-basis clicks of single photons, at least", f"{source}, s_1"),
        term("sample_errors", wrong, "clicks", "errors among those, at most", f"{source}, v_1"),
        term("phase_error", phase, "", "phase error rate of single photons, at most", f"{source}, phi with gamma"),
        term("entropy", s1 * binary_entropy(phase), "bits", "what Eve may know of single photons", f"{source}, s_1 h"),
        term("leaked", leaked, "bits", "disclosed by reconciliation", f"{source}, lambda_EC"),
        term("secrecy", secrecy, "bits", "cost of epsilon_secrecy", f"{source}, 6 log2({events}/eps_sec)"),
        term("correctness", correctness, "bits", "cost of epsilon_correctness", f"{source}, log2(2/eps_cor)"),
    )
    return KeyLength(whole_bits(length), terms, proof)


def lim2014(counts: DecoyCounts, security: Security, leaked_bits: ArrayLike) -> KeyLength:
    """Length of a two-decoy key as printed, for comparison with the paper; live keys use variable_length.

    Its misprint in lambda_EC (n_X is missing) does not matter here: leaked_bits is given. Never raises on small counts.
    """
    photons = two_decoys(counts, security.epsilon_secrecy / 21.0)
    return printed_length(photons, security, leaked_bits, 21, PROOF, LIM)
