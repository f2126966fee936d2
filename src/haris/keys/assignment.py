"""How one key is made of stock, at its owner and at each site that it is assigned to.

Next to the owner's main peer both ends hold the same stock: the key is its octets, cut. A further site gets the key
wrapped: under a one-time pad, with a one-time tag, both from the stock that the owner shares with that site.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from haris.crypto import wegman_carter
from haris.crypto.one_time_pad import xor
from haris.keys.pedigree import join_pedigrees, worse_pedigree
from haris.nouns.assignments import Assignment
from haris.nouns.errors import ParameterError, PeerError
from haris.nouns.keys import KEY_OCTETS, DeliveredKey, Pedigree, StoredKey

_TAGGED_OCTETS = 1 << 16
"""No assignment is longer: the bound that its tag's epsilon is counted for."""


def stock_for_key(size_bits: int) -> int:
    """Stored keys of 256 bits that one key of size_bits takes; what they hold more is burnt."""
    return -(-size_bits // (8 * KEY_OCTETS))


def stock_for_wrapping(size_bits: int) -> int:
    """Stored keys that wrap one key of size_bits: pad and tag key."""
    return stock_for_key(size_bits + 8 * wegman_carter.PAD_OCTETS)


def cut_key(stock: Sequence[StoredKey], size_bits: int) -> DeliveredKey:
    """The key that stock makes, named after its first piece: joined in order, cut to size_bits."""
    octets = b"".join(piece.secret for piece in stock)
    if size_bits % 8 or not 0 < size_bits <= 8 * len(octets):
        raise ParameterError(f"{len(stock)} stored keys do not make a key of {size_bits} bits")
    pedigree = join_pedigrees([piece.pedigree for piece in stock])
    return DeliveredKey(stock[0].key_id, octets[: size_bits // 8], pedigree)


def wrapped_pedigree(key: Pedigree, pads: Sequence[StoredKey]) -> Pedigree:
    """The pedigree of a key that also crossed to another site under these pads, forgery of its tag included."""
    joined = join_pedigrees([key, *(pad.pedigree for pad in pads)])
    if joined.epsilon is None:
        return joined
    return replace(joined, epsilon=joined.epsilon + wegman_carter.forgery_probability(_TAGGED_OCTETS))


def wrap_key(key: DeliveredKey, pads: Sequence[StoredKey], assignment: Assignment) -> Assignment:
    """The assignment with the key under pads: ciphertext and tag. Pads must never serve again."""
    pad, tag_pad = _split_pads(pads, key.size_bits)
    hidden = xor(key.secret, pad)
    if len(_context(assignment)) + len(hidden) > _TAGGED_OCTETS:
        raise ParameterError(f"an assignment is longer than {_TAGGED_OCTETS} octets")
    return replace(assignment, wrapped=hidden + wegman_carter.tag(_context(assignment) + hidden, tag_pad))


def assemble_key(assignment: Assignment, stock: Sequence[StoredKey]) -> DeliveredKey:
    """The assigned key from this site's copy of its stock, in the order that the assignment gives.

    What this site knows of the stock may worsen the pedigree that the owner announced, never better it.
    Raises PeerError when stock and size do not fit, or the wrapped key's tag is wrong.
    """
    if assignment.wrapped is not None:
        return _unwrap_key(assignment, assignment.wrapped, stock)
    if len(stock) != stock_for_key(assignment.size_bits):
        raise PeerError(f"key {assignment.key_id}: {len(stock)} stored keys for {assignment.size_bits} bits")
    try:
        key = cut_key(stock, assignment.size_bits)
    except ParameterError as error:
        raise PeerError(f"key {assignment.key_id}: {error}") from None
    return DeliveredKey(assignment.key_id, key.secret, worse_pedigree(assignment.pedigree, key.pedigree))


def _unwrap_key(assignment: Assignment, wrapped: bytes, stock: Sequence[StoredKey]) -> DeliveredKey:
    if len(wrapped) != assignment.size_bits // 8 + wegman_carter.TAG_OCTETS:
        raise PeerError(f"key {assignment.key_id}: a wrapped key of the wrong length")
    try:
        pad, tag_pad = _split_pads(stock, assignment.size_bits)
    except ParameterError as error:
        raise PeerError(f"key {assignment.key_id}: {error}") from None
    hidden, tag = wrapped[: -wegman_carter.TAG_OCTETS], wrapped[-wegman_carter.TAG_OCTETS :]
    if not wegman_carter.verify(_context(assignment) + hidden, tag, tag_pad):
        raise PeerError(f"key {assignment.key_id}: the wrapped key's tag is wrong")
    pads = join_pedigrees([piece.pedigree for piece in stock])
    return DeliveredKey(assignment.key_id, xor(hidden, pad), worse_pedigree(assignment.pedigree, pads))


def _split_pads(pads: Sequence[StoredKey], size_bits: int) -> tuple[bytes, bytes]:
    octets = b"".join(piece.secret for piece in pads)
    if size_bits % 8 or size_bits <= 0 or len(octets) < size_bits // 8 + wegman_carter.PAD_OCTETS:
        raise ParameterError(f"{len(pads)} stored keys do not wrap a key of {size_bits} bits")
    end = size_bits // 8
    return octets[:end], octets[end : end + wegman_carter.PAD_OCTETS]


def _context(assignment: Assignment) -> bytes:
    """All that the assignment says beside the wrapped key, so that its tag covers the whole.

    What nothing is passed on with reads as it did before there was anything to pass on: neighbours may be of then.
    """
    items = msgspec.to_builtins(replace(assignment, wrapped=None))
    if not assignment.passed_on:
        del items["passed_on"]
    return msgspec.json.encode(items)
