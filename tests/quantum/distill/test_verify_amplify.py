"""Verification notices one wrong bit; amplification follows its matrix."""

import numpy as np
import pytest
from distill_pair import entropy_from
from scipy.linalg import toeplitz as toeplitz_matrix

from haris.nouns.errors import ParameterError, PeerError
from haris.quantum.distill.amplify import amplify, seed_octets
from haris.quantum.distill.verify import agrees, collision_probability, fingerprint_message
from haris.quantum.security.key_length import LEAST_EPSILON_CORRECTNESS, Security
from haris.wire.distillation import LIMITS, Amplification, Fingerprint


def test_every_single_wrong_bit_is_noticed():
    bits = np.random.default_rng(1).integers(0, 256, 97, dtype=np.uint8)
    message = fingerprint_message(bits, entropy_from(2))
    assert agrees(bits, message)
    for i in range(8 * len(bits)):
        wrong = bits.copy()
        wrong[i // 8] ^= 1 << i % 8
        assert not agrees(wrong, message)


def test_the_hash_is_a_polynomial_at_a_public_point():
    bits = np.full(16, 0xFF, np.uint8)
    r = 0x0123_4567
    message = Fingerprint(hash_key=r.to_bytes(16, "little"), digest=bytes(16))
    block = int.from_bytes(b"\xff" * 16 + b"\x01", "little")
    clamped = r & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    digest = (block * clamped % ((1 << 130) - 5) % (1 << 128)).to_bytes(16, "little")
    assert not agrees(bits, message)
    assert agrees(bits, Fingerprint(hash_key=message.hash_key, digest=digest))


def test_collision_probability_of_a_million_bits():
    assert collision_probability(1_000_000) == pytest.approx(8 * 7813 / 2**106)
    assert collision_probability(1_000_000) < 1e-26


def test_no_link_promises_more_correctness_than_the_hash_gives():
    longest = LIMITS.clicks
    assert collision_probability(longest) < LEAST_EPSILON_CORRECTNESS
    Security(epsilon_correctness=LEAST_EPSILON_CORRECTNESS)
    with pytest.raises(ParameterError, match="the verification hash has 128 bits"):
        Security(epsilon_correctness=1e-30)


@pytest.mark.parametrize(("n_bits", "length_bits"), [(300, 100), (301, 301), (1024, 1), (777, 512)])
def test_amplification_is_the_matrix(n_bits, length_bits):
    bits = np.random.default_rng(3).integers(0, 2, n_bits, dtype=np.uint8)
    seed = seed_octets(n_bits, length_bits, entropy_from(4))
    message = Amplification(length_bits=length_bits, seed=seed, allotment=b"")
    s = np.unpackbits(np.frombuffer(seed, np.uint8), bitorder="little")[: n_bits + length_bits - 1]
    matrix = toeplitz_matrix(s[n_bits - 1 :], s[n_bits - 1 :: -1]).astype(np.int64)
    assert np.array_equal(amplify(np.packbits(bits, bitorder="little"), n_bits, message), matrix @ bits & 1)


@pytest.mark.parametrize(("length_bits", "octets"), [(0, 12), (101, 25), (50, 18), (50, 20)])
def test_seeds_and_lengths_that_do_not_fit_are_refused(length_bits, octets):
    message = Amplification(length_bits=length_bits, seed=bytes(octets), allotment=b"")
    with pytest.raises(PeerError):
        amplify(np.zeros(13, np.uint8), 100, message)
