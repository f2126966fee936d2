"""The desk keeps a block only if both ends have one key of it, in order, and never lets an end run away."""

import itertools

import pytest

from haris.node.distil.desk import DEPTH, Began, Desk, Exhausted, Outcome
from haris.nouns.blocks import AbortReason
from haris.nouns.errors import ParameterError, PeerError
from haris.quantum.distill.transcript import Sender

A, B = Sender.ALICE, Sender.BOB


def desk():
    count = itertools.count()
    return Desk(lambda n: next(count).to_bytes(n, "big"))


def kept(number, digest=b"d"):
    return Outcome(number, digest=digest, secret_bits=8)


def test_verdicts_follow_the_order_of_the_blocks_and_bring_the_next_pads():
    at = desk()
    opening = list(at.opening())
    assert [pads.number for pads in opening] == list(range(DEPTH))
    for sender, number in ((A, 1), (B, 1), (A, 0)):
        assert list(at.take(sender, kept(number))) == []
    decided = list(at.take(B, kept(0)))
    assert [(v.number, v.keep, pads.number) for v, pads, _ in decided] == [(0, True, DEPTH), (1, True, DEPTH + 1)]
    octets = [half for pads in (*opening, *(pads for _, pads, _ in decided)) for half in pads.octets]
    assert len(set(octets)) == len(octets)  # no pad twice


@pytest.mark.parametrize(
    ("alice", "bob", "reason"),
    [
        (kept(0, b"d"), kept(0, b"e"), AbortReason.VERIFICATION),
        (kept(0), Outcome(0, reason=AbortReason.AUTHENTICATION), AbortReason.AUTHENTICATION),
        (Outcome(0, reason=AbortReason.PEER), Outcome(0, reason=AbortReason.QBER), AbortReason.QBER),
        (Outcome(0, reason=AbortReason.QBER), Outcome(0, reason=AbortReason.PEER), AbortReason.QBER),
    ],
)
def test_a_key_that_only_one_end_has_or_that_differs_is_kept_by_none(alice, bob, reason):
    at = desk()
    assert list(at.take(A, alice)) == []
    ((verdict, _, outcome),) = at.take(B, bob)
    assert not verdict.keep
    assert outcome.reason is reason


def test_halves_of_different_length_are_the_inputs_fault():
    at = desk()
    list(at.take(A, Exhausted(1)))
    list(at.take(B, Began(0)))
    with pytest.raises(ParameterError, match="alice's half ends after 1 blocks, bob's has 2"):
        list(at.take(B, Began(1)))


def test_done_when_both_are_exhausted_and_all_is_decided():
    at = desk()
    list(at.take(A, kept(0)))
    list(at.take(A, Exhausted(1)))
    list(at.take(B, Exhausted(1)))
    assert not at.done
    list(at.take(B, kept(0)))
    assert at.done
    with pytest.raises(PeerError):
        list(at.take(B, kept(0)))
