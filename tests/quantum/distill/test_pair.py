"""Two engines through an honest, a lossy, a reordering and a tampering channel."""

import numpy as np
import pytest
from distill_pair import Allowed, accepted_keys, agreed, drive, length, light, pair

from haris.nouns.blocks import Aborted, AbortReason, Distilled
from haris.nouns.counts import KEY_BASIS, TEST_BASIS
from haris.nouns.errors import ParameterError, PeerError
from haris.quantum.distill.transcript import Sender
from haris.wire.block_message import Message
from haris.wire.distillation import Limits, Parities, Reconciled, decode, encode

N_PULSES = 20_000


def run(qber=0.02, seed=5, n_pulses=N_PULSES, channel=None, **options):
    a, b = pair(*light(n_pulses, qber, seed), agreed(n_pulses), seed, **options)
    drive(a, b, channel) if channel else drive(a, b)
    return a, b


@pytest.mark.parametrize("qber", [0.0, 0.01, 0.03, 0.05])
def test_an_honest_channel_gives_both_ends_the_same_key(qber):
    a, b = run(qber, n_pulses=50_000)
    assert isinstance(a.result, Distilled)
    assert isinstance(b.result, Distilled)
    assert np.array_equal(a.result.bits, b.result.bits)
    assert a.result.bits.dtype == np.uint8
    assert len(a.result.bits) == a.result.length.length_bits == b.result.length.length_bits > 0
    assert 0.4 < a.result.bits.mean() < 0.6  # 10 000 bits or more: fails by chance below 1e-80
    assert a.transcript.octets == b.transcript.octets
    assert a.result.allotment == b.result.allotment == len(a.result.bits).to_bytes(8, "big")


def test_counts_agree_with_the_light_itself():
    pulses, detections = light(N_PULSES, 0.03, 7)
    a, b = pair(pulses, detections, agreed(N_PULSES))
    drive(a, b)
    sent, index = pulses.recorded, detections.time_ps // 1000
    basis, bit = detections.channel >> 1, detections.channel & 1
    for i, j in np.ndindex(2, 3):
        here = (sent.basis[index] == i) & (basis == i) & (sent.intensity[index] == j)
        for end in (a, b):
            assert end.result.counts.clicks[i, j] == here.sum()
            assert end.result.counts.errors[i, j] == (here & (sent.bit[index] != bit)).sum()
    assert a.result.counts.n_pulses == N_PULSES


def test_leaked_bits_are_what_crossed_the_wire():
    a, b = run(0.03)
    messages = [decode(octets, Limits()) for _, octets in a.transcript.messages]
    parities = sum(m.n_parities for m in messages if isinstance(m, Parities))
    counts = 42 * sum(len(m.key_errors) + 1 for m in messages if isinstance(m, Reconciled))
    assert a.result.leaked_bits == b.result.leaked_bits == 2 * parities + counts + 128 + 1
    assert a.result.leaked_bits_one_way == parities + counts + 128 + 1
    assert a.transcript.n_messages(Sender.ALICE) == b.transcript.n_messages(Sender.ALICE)
    assert a.result.length == length(a.result.counts, a.result.leaked_bits)


def test_messages_alternate_and_bob_speaks_first():
    a, _ = run()
    assert [sender for sender, _ in a.transcript.messages[:2]] == [Sender.BOB, Sender.ALICE]
    senders = np.array([int(sender) for sender, _ in a.transcript.messages])
    assert np.all(np.diff(senders) != 0)


def test_no_bit_of_the_key_basis_crosses_the_wire_before_reconciliation():
    # Two lights that differ only in Bob's key-basis errors give the same messages up to the first question.
    ends = []
    for key_qber in (0.0, 0.05):
        a, b = pair(*light(N_PULSES, 0.02, 3, key_qber=key_qber), agreed(N_PULSES))
        drive(a, b)
        ends.append([octets for _, octets in b.transcript.messages[:4]])
    assert ends[0] == ends[1]


@pytest.mark.parametrize("reconciliation", ["cascade", "one-way"])
@pytest.mark.parametrize("qber", [0.25, 0.5, 0.97])  # the last: detectors of opposite wiring
def test_an_eavesdropper_is_noticed_before_reconciliation(qber, reconciliation):
    a, b = pair(*light(N_PULSES, qber, 5), agreed(N_PULSES, reconciliation=reconciliation), 5)
    drive(a, b)
    for end in (a, b):
        assert isinstance(end.result, Aborted)
        assert end.result.reason is AbortReason.QBER
        assert end.result.counts.qber[TEST_BASIS] == pytest.approx(qber, abs=0.1)
    assert len(a.transcript.messages) == 4
    assert a.transcript.leaked_bits == 0


def test_errors_of_the_key_basis_alone_abort_too():
    a, b = pair(*light(N_PULSES, 0.03, 3, key_qber=0.13), agreed(N_PULSES))
    drive(a, b)
    for end in (a, b):
        assert end.result.reason is AbortReason.QBER
        assert end.result.counts.qber[KEY_BASIS] == pytest.approx(0.13, abs=0.02)


def test_too_few_clicks_and_no_length_are_values():
    a, b = pair(*light(N_PULSES, 0.02, 3, p_click=0.001), agreed(N_PULSES))
    drive(a, b)
    assert a.result.reason is b.result.reason is AbortReason.TOO_FEW_CLICKS
    a, b = pair(*light(N_PULSES, 0.02, 3, p_click=0.0), agreed(N_PULSES))
    drive(a, b)
    assert a.result.reason is b.result.reason is AbortReason.TOO_FEW_CLICKS
    a, b = run(0.105)
    assert a.result.reason is b.result.reason is AbortReason.NO_KEY_LENGTH


def test_bob_refuses_another_length_than_his_own():
    a, b = run(length_bob=lambda counts, leaked: Allowed(length(counts, leaked).length_bits - 1))
    assert isinstance(b.result, PeerError)
    assert a.result is None


def test_light_of_another_length_is_refused():
    pulses, detections = light(1000, 0.02, 3)
    whole = light(2000, 0.02, 3)
    with pytest.raises(ParameterError):
        pair(pulses, whole[1], agreed(2000))
    _, b = pair(whole[0], detections, agreed(2000))
    with pytest.raises(ParameterError):
        next(b.engine)


def flipped(octets, rng):
    changed = bytearray(octets)
    changed[rng.integers(len(changed))] ^= 1 << rng.integers(8)
    return bytes(changed)


def tampering(kind, at, rng):
    """A channel that does one wrong to message number `at`."""
    held = []

    def channel(sender, number, octets):
        if number != at:
            late, held[:] = held[:], []
            return [octets, *late]
        if kind == "flip":
            return [flipped(octets, rng)]
        if kind == "repeat":
            return [octets, octets]
        if kind == "truncate":
            return [octets[: rng.integers(len(octets))]]
        if kind == "reorder":
            held.append(octets)
        return []

    return channel


@pytest.mark.parametrize("kind", ["flip", "drop", "repeat", "truncate", "reorder"])
def test_a_tampering_channel_never_leaves_different_keys(kind):
    rng = np.random.default_rng(11)
    untouched = run()
    assert accepted_keys(*untouched) is not None
    n_messages = len(untouched[0].transcript.messages)
    stations = sorted({*range(8), *range(n_messages - 6, n_messages), *rng.integers(0, n_messages, 25)})
    for at in stations:
        a, b = run(channel=tampering(kind, int(at), rng))
        keys = accepted_keys(a, b)
        assert keys is None or (kind == "repeat" and np.array_equal(*keys))
        for end in (a, b):
            assert end.result is None or isinstance(end.result, Aborted | PeerError | Distilled)


def test_a_lying_alice_ends_in_an_error_or_a_failed_verification():
    rng = np.random.default_rng(12)

    def liar(sender, number, octets):
        message = decode(octets, Limits())
        if isinstance(message, Parities) and number > 4 and message.n_parities > 8:
            return [flipped_parity(message, rng)]
        return [octets]

    for seed in range(8):
        a, b = run(seed=seed, channel=liar)
        assert accepted_keys(a, b) is None
        assert not isinstance(b.result, Distilled)


def flipped_parity(message: Message, rng):
    packed = bytearray(message.parities)
    packed[rng.integers(len(packed) - 1)] ^= 1 << rng.integers(8)
    return encode(Parities(n_parities=message.n_parities, parities=bytes(packed)))
