"""The messages of a block: they come back, and anything else is a PeerError."""

import contextlib

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.nouns.blocks import AbortReason
from haris.nouns.errors import PeerError
from haris.wire.distillation import (
    Abort,
    Amplification,
    Clicks,
    CodedEstimate,
    Done,
    Errors,
    Estimate,
    Fingerprint,
    Limits,
    MoreChecks,
    Parities,
    Reconciled,
    Sifting,
    Syndrome,
    Verified,
    decode,
    encode,
)

MESSAGES = [
    Clicks(block=bytes(16), n_pulses=10, n_clicks=3, pulses=b"\x01\x01\x01", bases=b"\x05"),
    Sifting(kept=b"\x07", intensities=b"\x00", test_bits=b"\x01"),
    Estimate(test_errors=(1, 0, 2), seed=bytes(32), levels=(5, 6, 8)),
    Errors(n_parities=9, parities=b"\x01\x01"),
    Parities(n_parities=9, parities=b"\x01\x01"),
    CodedEstimate(test_errors=(1, 0, 2), code="leak_0.051-0123456789abcdef", n_rows=53),
    Syndrome(code="leak_0.051-0123456789abcdef", n_checks=12, checks=b"\x01\x01"),
    MoreChecks(n_frames=9, frames=b"\x01\x01", n_rows=54),
    Reconciled(key_errors=(4, 1, 0)),
    Fingerprint(hash_key=bytes(16), digest=bytes(16)),
    Verified(),
    Amplification(length_bits=100, seed=b"\x01" * 30, allotment=b"cut"),
    Done(),
    Abort(reason=AbortReason.QBER),
]
LIMITS = Limits(message_octets=4096, clicks=100)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: type(m).__name__)
def test_messages_come_back(message):
    assert decode(encode(message), LIMITS) == message
    assert message.ends_block == isinstance(message, Done | Abort)
    assert message.disclosed_bits >= message.disclosed_bits_one_way >= 0


def test_what_each_message_discloses():
    disclosed = {type(m).__name__: (m.disclosed_bits, m.disclosed_bits_one_way) for m in MESSAGES}
    told = {name: both for name, both in disclosed.items() if any(both)}
    assert told == {
        "Parities": (18, 9),
        "Syndrome": (12, 12),
        "MoreChecks": (9, 0),
        "Reconciled": (168, 168),
        "Fingerprint": (128, 128),
        "Verified": (1, 1),
    }


@given(st.binary(max_size=300))
@settings(max_examples=300)
def test_random_octets_are_refused_or_understood(octets):
    with contextlib.suppress(PeerError):
        decode(octets, LIMITS)


@given(which=st.sampled_from(MESSAGES), at=st.integers(0, 10**6), octet=st.integers(0, 255), cut=st.booleans())
@settings(max_examples=400)
def test_changed_octets_are_refused_or_understood(which, at, octet, cut):
    octets = bytearray(encode(which))
    at %= len(octets)
    octets[at] = octet
    with contextlib.suppress(PeerError):
        decode(bytes(octets[:at] if cut else octets), LIMITS)


GOOD = msgspec.to_builtins(MESSAGES[0], builtin_types=(bytes,))


@pytest.mark.parametrize(
    "change",
    [
        {"block": bytes(15)},
        {"block": "x" * 16},
        {"n_pulses": -1},
        {"n_pulses": 2**63},
        {"n_pulses": 1.5},
        {"n_clicks": 101},
        {"n_clicks": None},
        {"pulses": [1, 2]},
        {"more": 1},
        {"type": "nothing"},
        {"type": 3},
    ],
    ids=str,
)
def test_wrong_fields_are_refused(change):
    assert decode(msgspec.msgpack.encode(GOOD), LIMITS) == MESSAGES[0]
    with pytest.raises(PeerError):
        decode(msgspec.msgpack.encode(GOOD | change), LIMITS)


@pytest.mark.parametrize(
    "octets",
    [b"", bytes(4097), b"\x91" * 100_000, b"\xc1", encode(Done()) + b"\x00", msgspec.msgpack.encode([1, 2])],
    ids=["empty", "oversized", "deep", "unassigned", "trailing", "array"],
)
def test_what_is_no_message_is_refused(octets):
    with pytest.raises(PeerError):
        decode(octets, Limits(message_octets=4096 if len(octets) == 4097 else 1 << 20))


def test_a_missing_field_and_too_many_passes_are_refused():
    for field in GOOD:
        with pytest.raises(PeerError):
            decode(msgspec.msgpack.encode({k: v for k, v in GOOD.items() if k != field}), LIMITS)
    with pytest.raises(PeerError):
        decode(encode(Estimate(test_errors=(1,), seed=bytes(32), levels=(1,) * 33)), LIMITS)
