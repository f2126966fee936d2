"""Round-robin differential phase shift: what Eve may know follows from how many photons a packet has.

Without looking at errors: Sasaki, Yamamoto, Koashi 2014; finite as in Takesue et al. 2015; less is leaked by the
theorem of Yin et al. 2018.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import pdtrc

from haris.nouns.keys import Proof
from haris.nouns.packet_counts import PacketCounts
from haris.quantum.security.binomial import most_successes
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.key_length import KeyLength, Security, Term, term, whole_bits
from haris.quantum.security.packet_leakage import packet_leakage

Floats = NDArray[np.float64]

SASAKI = "Sasaki, Yamamoto, Koashi, Nature 509, 475 (2014)"
TAKESUE = "Takesue, Sasaki, Tamaki, Koashi, Nat. Photonics 9, 827 (2015)"
YIN = "Yin et al., Nat. Commun. 9, 457 (2018)"
KOASHI = "Koashi, New J. Phys. 11, 045018 (2009)"

_ASSUMPTIONS = (
    "independent packets, whose photon numbers have a known distribution: Poissonian, of a known mean",
    "each phase 0 or pi, as likely",
    "a delay that Bob draws afresh for each packet, unknown to Eve until the packet has come",
    "detectors that tell one photon from more in all periods of a packet, and no packet kept with more than one count",
    "detection efficiency and dark counts that depend neither on the period nor on the detector",
    "an authenticated classical channel",
)

FINITE_PROOF = Proof(
    theorem=f"{SASAKI}; finite as {TAKESUE}, with complementarity of {KOASHI}",
    attacks="coherent",
    finite=True,
    assumptions=("a block of a fixed number of packets", *_ASSUMPTIONS),
)
ASYMPTOTIC_PROOF = Proof(
    theorem=f"{SASAKI}, Eq. (3), with the phase error rate of {TAKESUE}, Eq. (3)",
    attacks="coherent",
    finite=False,
    assumptions=("an endless block", *_ASSUMPTIONS),
)
COLLECTIVE_PROOF = Proof(
    theorem=f"{YIN}, Eq. (1), without monitoring of errors",
    attacks="collective",
    finite=False,
    assumptions=(
        "an endless block",
        "a phase common to the packet that is random, so that photon numbers are tagged",
        *_ASSUMPTIONS,
    ),
)


def tagged_probabilities(packet_pulses: int, intensity: float, most_photons: int) -> Floats:
    """Probability that a packet has more than n photons, for n = 0 to most_photons."""
    return np.asarray(pdtrc(np.arange(most_photons + 1), packet_pulses * intensity))


def rrdps_phase_error(tagged: ArrayLike, kept: ArrayLike, photons: ArrayLike, packet_pulses: int) -> Floats:
    """Phase error rate of kept packets, at most, and at most 1/2; broadcast shape.

    tagged: probability of more photons than that; kept: of a packet that is kept; both per packet sent. Bob's photon
    meets every other pulse with the same probability 1 / (L - 1), and of the L pulses at most `photons` are found odd
    in photon number; a phase errs if the one that is met is odd. All packets with more photons may be kept, and err.
    Source: Sasaki, Yamamoto, Koashi, Eq. (2); Takesue et al., Eq. (3).
    """
    t, q, n = (np.asarray(x, dtype=np.float64) for x in (tagged, kept, photons))
    share = np.divide(t, q, out=np.ones(np.broadcast_shapes(t.shape, q.shape)), where=q > t)
    return np.asarray(np.minimum(share + (1.0 - share) * n / (packet_pulses - 1), 0.5))


def asymptotic(counts: PacketCounts, packet_pulses: int, intensity: float, leaked_bits: ArrayLike) -> KeyLength:
    """Length that a block would give if its counts had no spread. leaked_bits: disclosed by reconciliation."""
    tagged = tagged_probabilities(packet_pulses, intensity, (packet_pulses - 2) // 2)
    photons = np.arange(tagged.size)
    per_packet = (counts.kept / counts.packets)[..., None]
    phase = rrdps_phase_error(tagged, per_packet, photons, packet_pulses)
    best = np.argmin(phase, axis=-1)
    error = np.take_along_axis(phase, best[..., None], -1)[..., 0]
    entropy = counts.kept * binary_entropy(error)
    terms = (
        *_counted(counts),
        term("photons", best, "photons", "of a packet that is not tagged, at most: the best number", SASAKI),
        term("tagged", tagged[best], "", "probability of a packet with more", "Poisson"),
        term("phase_error", error, "", "phase error rate, at most", f"{TAKESUE}, Eq. (3)"),
        *_spent(entropy, leaked_bits, SASAKI),
    )
    return KeyLength(whole_bits(counts.kept - entropy - np.asarray(leaked_bits)), terms, ASYMPTOTIC_PROOF)


def collective(counts: PacketCounts, packet_pulses: int, intensity: float, leaked_bits: ArrayLike) -> KeyLength:
    """Length by the tighter theorem of 2018, against collective attacks. leaked_bits: disclosed by reconciliation."""
    tagged = tagged_probabilities(packet_pulses, intensity, packet_pulses - 2)
    leak = packet_leakage(packet_pulses, tagged.size - 1)
    per_packet = (counts.kept / counts.packets)[..., None]
    share = np.divide(tagged, per_packet, out=np.ones(per_packet.shape[:-1] + tagged.shape), where=per_packet > tagged)
    known = share + (1.0 - share) * leak
    best = np.argmin(known, axis=-1)
    entropy = counts.kept * np.take_along_axis(known, best[..., None], -1)[..., 0]
    terms = (
        *_counted(counts),
        term("photons", best, "photons", "of a packet that is not tagged, at most: the best number", YIN),
        term("tagged", tagged[best], "", "probability of a packet with more, known to Eve", "Poisson"),
        term("leakage", leak[best], "", "what Eve may know of a bit of any other packet", f"{YIN}, Eq. (1)"),
        *_spent(entropy, leaked_bits, f"{YIN}, Methods"),
    )
    return KeyLength(whole_bits(counts.kept - entropy - np.asarray(leaked_bits)), terms, COLLECTIVE_PROOF)


def finite(
    counts: PacketCounts, packet_pulses: int, intensity: float, security: Security, leaked_bits: ArrayLike
) -> KeyLength:
    """Length of one block of a fixed number of packets. leaked_bits: disclosed by reconciliation.

    The number of photons beyond which a packet is tagged is chosen after the counts; its failure is shared among all
    choices. With failure eta of the phase errors' bound and 2^-zeta of the hash, the key is sqrt(2 (eta + 2^-zeta))
    from secret.
    """
    tagged = tagged_probabilities(packet_pulses, intensity, (packet_pulses - 2) // 2)
    photons = np.arange(tagged.size)
    per_packet = (counts.kept / counts.packets)[..., None]
    best = np.argmin(rrdps_phase_error(tagged, per_packet, photons, packet_pulses), axis=-1)
    failure = security.epsilon_secrecy**2 / 2.0
    each = failure / (4.0 * tagged.size)
    zeta = -np.log2(failure / 2.0)
    kept = np.floor(counts.kept)
    faults = np.minimum(most_successes(counts.packets, tagged[best], each), kept)
    wrong = faults + most_successes(kept - faults, best / (packet_pulses - 1.0), each)
    error = np.minimum(np.divide(wrong, kept, out=np.full_like(kept, 0.5), where=kept > 0.0), 0.5)
    entropy = kept * binary_entropy(error)
    correctness = -np.log2(security.epsilon_correctness)
    terms = (
        *_counted(counts),
        term("photons", best, "photons", "of a packet that is not tagged, at most: the best number", SASAKI),
        term(
            "tagged",
            faults,
            "packets",
            "packets sent with more, all of which may be kept",
            f"Chernoff, each {each:.2g}",
        ),
        term("phase_error", error, "", "phase error rate, at most", f"{TAKESUE}; Chernoff, each {each:.2g}"),
        *_spent(entropy, leaked_bits, SASAKI),
        term("secrecy", zeta, "bits", "hash of phase errors: zeta", f"{KOASHI}, sqrt(2 (eta + 2^-zeta))"),
        term("correctness", correctness, "bits", "verification", "log2(1/eps_cor)"),
    )
    length = kept - entropy - np.asarray(leaked_bits) - zeta - correctness
    return KeyLength(whole_bits(length), terms, FINITE_PROOF)


def _counted(counts: PacketCounts) -> tuple[Term, ...]:
    return (
        term("sifted", counts.kept, "bits", "packets kept", "counted or expected"),
        term("qber", counts.qber, "", "error rate among those", "counted or expected"),
    )


def _spent(entropy: Floats, leaked_bits: ArrayLike, source: str) -> tuple[Term, ...]:
    return (
        term("entropy", entropy, "bits", "what Eve may know", source),
        term("leaked", leaked_bits, "bits", "disclosed by reconciliation", "counted or f_ec n h(qber)"),
    )
