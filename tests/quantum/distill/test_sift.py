"""Sifting against a plain loop over the tags."""

import numpy as np
import pytest
from distill_pair import AGREEMENT, agreed, entropy_from, light
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.nouns.detections import Detections
from haris.nouns.errors import PeerError
from haris.quantum.distill.estimate import count_clicks, with_errors
from haris.quantum.distill.sift import (
    Accepted,
    accept,
    clicks_message,
    hold_off_gates,
    read_clicks,
    read_sifting,
    sift_sent,
    sifting_message,
)
from haris.quantum.protocols.bb84 import Agreement
from haris.wire.distillation import Sifting

N_PULSES = 40


def unpacked(octets, n_bits):
    return np.unpackbits(octets, count=n_bits, bitorder="little")


def bases_and_bits(accepted):
    return unpacked(accepted.basis, len(accepted.pulse)), unpacked(accepted.bit, len(accepted.pulse))


def agreement(dead_time_s=0.0, gate_s=None, n_pulses=N_PULSES):
    return Agreement(
        protocol=agreed(n_pulses).protocol,
        clock_hz=1e9,
        intensities=AGREEMENT.intensities,
        p_intensities=AGREEMENT.p_intensities,
        dead_time_s=dead_time_s,
        gate_s=gate_s,
    )


def detections(tags, n_pulses=N_PULSES):
    tags = sorted(tags)
    time_ps = np.array([t for t, _ in tags], np.int64)
    return Detections(n_pulses, time_ps, np.array([c for _, c in tags], np.uint8))


def plain_accept(tags, hold_off, half_gate_ps):
    """Pulse and set of channels of each accepted gate, tag after tag, gates of 1000 ps."""
    found, last, open_gate = [], None, None
    for time_ps, channel in sorted(tags):
        pulse = time_ps // 1000
        inside = abs(time_ps - 1000 * pulse - 500) <= half_gate_ps and 0 <= pulse < N_PULSES
        if inside and open_gate is not None and open_gate[0] == pulse:
            open_gate[1].add(channel)
        elif inside:
            open_gate = (pulse, {channel})
            if last is None or pulse - last > hold_off:
                found.append(open_gate)
        last = pulse
    return found


@given(
    tags=st.lists(st.tuples(st.integers(-3000, 1000 * N_PULSES + 3000), st.integers(0, 3)), max_size=60),
    dead_time_ns=st.integers(0, 6),
    gate_ps=st.sampled_from([None, 300, 1000]),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=300, deadline=None)
def test_equals_a_plain_loop(tags, dead_time_ns, gate_ps, seed):
    agreed_on = agreement(dead_time_ns * 1e-9, None if gate_ps is None else gate_ps * 1e-12)
    accepted = accept(detections(tags), agreed_on, entropy_from(seed))
    wanted = plain_accept(tags, dead_time_ns, (gate_ps or 1000) / 2)
    assert accepted.pulse.tolist() == [pulse for pulse, _ in wanted]
    for (_, channels), basis, bit in zip(wanted, *bases_and_bits(accepted), strict=True):
        assert basis in {c >> 1 for c in channels}
        if len(channels) == 1:
            assert 2 * basis + bit in channels


def test_dead_time_is_held_in_whole_gates():
    assert hold_off_gates(agreement(10e-9)) == 10
    assert hold_off_gates(agreement(10.2e-9)) == 11
    tags = [(500, 0), (1500, 1), (11_400, 1), (11_600, 0), (23_500, 2)]
    # 1500 is dropped and blinds nevertheless, up to gate 11.
    assert accept(detections(tags), agreement(10e-9), bytes).pulse.tolist() == [0, 23]


def test_double_clicks_become_fair_coins_of_their_basis():
    n = 4000
    tags = [(1000 * i + 500 + j, 2 * (i % 2) + j) for i in range(n) for j in range(2)]
    accepted = accept(detections(tags, n), agreement(n_pulses=n), entropy_from(9))
    basis_of, bit_of = bases_and_bits(accepted)
    assert basis_of.tolist() == [i % 2 for i in range(n)]
    # Five standard deviations: a fair coin fails with probability 6e-7.
    for basis in (0, 1):
        assert abs(bit_of[basis_of == basis].mean() - 0.5) < 5 * 0.5 / np.sqrt(n / 2)


def test_clicks_in_both_bases_become_any_of_four_outcomes():
    n = 4000
    tags = [(1000 * i + 500 + j, 3 * j) for i in range(n) for j in range(2)]
    accepted = accept(detections(tags, n), agreement(n_pulses=n), entropy_from(10))
    basis, bit = bases_and_bits(accepted)
    counts = np.bincount(2 * basis + bit, minlength=4)
    assert np.all(np.abs(counts - n / 4) < 5 * np.sqrt(n * 3 / 16))


def test_messages_carry_the_sifting_across():
    pulses, tags = light(3000, 0.1, 4)
    accepted = accept(tags, agreed(3000), bytes)
    block = bytes(16)
    pulse, basis = read_clicks(clicks_message(block, 3000, accepted), block, 3000)
    assert np.array_equal(pulse, accepted.pulse)
    assert np.array_equal(basis, accepted.basis)
    mine = sift_sent(pulses, pulse, basis, agreed(3000))
    theirs = read_sifting(sifting_message(mine), accepted, 3)
    sent, (bob_basis, bob_bit) = pulses.recorded, bases_and_bits(accepted)
    kept = sent.basis[pulse] == bob_basis
    key, test = kept & (bob_basis == 0), kept & (bob_basis == 1)
    assert np.array_equal(unpacked(mine.key_bits, mine.n_key), sent.bit[pulse][key])
    assert np.array_equal(unpacked(theirs.key_bits, theirs.n_key), bob_bit[key])
    intensity = unpacked(theirs.low, theirs.n_key) + 2 * unpacked(theirs.high, theirs.n_key)
    assert np.array_equal(intensity, sent.intensity[pulse][key])
    wrong = test & (bob_bit != sent.bit[pulse])
    assert theirs.test_errors.tolist() == np.bincount(sent.intensity[pulse][wrong], minlength=4).tolist()
    assert np.array_equal(mine.clicks, theirs.clicks)
    assert count_clicks(theirs.clicks, agreed(3000)).clicks.sum() == kept.sum()


def test_what_does_not_fit_is_a_peer_error():
    few = Accepted(np.array([3, 5]), np.array([0b10], np.uint8), np.array([0b11], np.uint8))
    message = clicks_message(bytes(16), 10, few)
    for block, n_pulses in ((bytes(15) + b"1", 10), (bytes(16), 11)):
        with pytest.raises(PeerError):
            read_clicks(message, block, n_pulses)
    good = Sifting(kept=b"\x03", intensities=b"\x02", test_bits=b"\x01")
    assert read_sifting(good, few, 3).clicks.tolist() == [[1, 0, 0, 0], [0, 1, 0, 0]]
    for kept, intensities, test_bits in [
        (b"\x07", b"\x02", b"\x01"),  # keeps a click that is not there
        (b"\x03", b"\x0a", b"\x01"),  # intensity 3 of 3
        (b"\x03", b"\x02\x00", b"\x01"),
        (b"\x03", b"\x02", b""),
    ]:
        with pytest.raises(PeerError):
            read_sifting(Sifting(kept=kept, intensities=intensities, test_bits=test_bits), few, 3)


def test_error_counts_must_fit_the_clicks():
    counts = count_clicks(np.array([[1, 0, 0, 0], [0, 2, 0, 0]]), AGREEMENT)
    assert with_errors(counts, 1, (0, 2, 0)).errors[1].tolist() == [0, 2, 0]
    for errors in [(0, 3, 0), (1, 0, 0), (0, 1), (0, 0, 0, 0)]:
        with pytest.raises(PeerError):
            with_errors(counts, 1, errors)
