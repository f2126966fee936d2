"""The transcript counts what leaks and tells apart whatever differs."""

import pytest

from haris.quantum.distill.transcript import Sender, Transcript
from haris.wire.distillation import Done, Errors, Parities, encode

NO_ERRORS = Errors(n_parities=10, parities=bytes(2))


def transcript(*messages, block=bytes(16)):
    kept = Transcript(block)
    for sender, message in messages:
        kept.append(sender, encode(message), message)
    return kept


def test_leakage_is_the_sum_of_its_messages():
    ten = Parities(n_parities=10, parities=bytes(2))
    kept = transcript((Sender.BOB, NO_ERRORS), (Sender.ALICE, ten), (Sender.BOB, NO_ERRORS), (Sender.ALICE, ten))
    assert (kept.leaked_bits, kept.leaked_bits_one_way) == (40, 20)
    assert (kept.n_messages(Sender.ALICE), kept.n_messages(Sender.BOB)) == (2, 2)


def test_octets_tell_order_sender_block_and_boundaries_apart():
    one, other = (Sender.BOB, NO_ERRORS), (Sender.BOB, Done())
    different = [
        transcript(),
        transcript(one),
        transcript(one, one),
        transcript(one, other),
        transcript(other, one),
        transcript((Sender.ALICE, NO_ERRORS)),
        transcript(one, block=bytes(15) + b"1"),
    ]
    for held in (b"a", b"b"):
        kept = Transcript(bytes(16))
        kept.cover(held)
        different.append(kept)
    split, joined = Transcript(bytes(16)), Transcript(bytes(16))
    split.append(Sender.BOB, b"ab", Done())
    split.append(Sender.BOB, b"c", Done())
    joined.append(Sender.BOB, b"abc", Done())
    assert len({kept.octets for kept in [*different, split, joined]}) == len(different) + 2


def test_messages_do_not_show_in_a_repr():
    assert "Errors" not in repr(transcript((Sender.BOB, NO_ERRORS)))
    assert "messages" not in repr(transcript((Sender.BOB, NO_ERRORS)))


def test_what_both_hold_is_heard_as_it_is_kept():
    heard: list[bytes] = []
    kept, told = Transcript(bytes(16)), Transcript(bytes(16), hear=heard.append)
    for each in (kept, told):
        each.cover(b"what a station told both")
        each.append(Sender.BOB, encode(NO_ERRORS), NO_ERRORS)
    assert b"".join(heard) == kept.octets
    assert b"what a station told both" in kept.octets
    with pytest.raises(AssertionError):
        kept.cover(b"late")
