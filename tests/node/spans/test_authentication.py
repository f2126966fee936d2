"""One-time tags of a span: each is accepted once, in its own direction, and a forgery costs nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from haris.crypto import wegman_carter
from haris.keys.commissioning import Means, first_pads
from haris.node.spans import authentication
from haris.node.spans.authentication import PAD_OCTETS, Authenticator
from haris.node.store.store import Store, open_store
from haris.nouns.errors import PeerError
from haris.wire.span import Tag


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[tuple[Store, Store]]:
    pads = first_pads("ab", os.urandom(8 * PAD_OCTETS), Means.COURIER)
    both = tuple(open_store(tmp_path / f"{site}.db", b"k" * 32, os.urandom) for site in "ab")
    for store in both:
        store.ledger_append(pads)
    yield both[0], both[1]
    for store in both:
        store.close()


def test_a_tag_is_accepted_once_and_never_by_its_own_sender(stores: tuple[Store, Store]) -> None:
    alice, bob = Authenticator(stores[0], "ab", alice=True), Authenticator(stores[1], "ab", alice=False)
    tag = alice.sign(b"word")
    with pytest.raises(PeerError, match="does not fit"):
        alice.check(b"word", tag)  # reflected: the pad of the other direction
    bob.check(b"word", tag)
    with pytest.raises(PeerError, match="not there"):
        bob.check(b"word", tag)


def test_a_forgery_burns_nothing(stores: tuple[Store, Store]) -> None:
    bob = Authenticator(stores[1], "ab", alice=False)
    with pytest.raises(PeerError, match="does not fit"):
        bob.check(b"word", Tag(3 * PAD_OCTETS, b"\0" * 16))
    assert stores[1].ledger_bounds(bob.receiving) == (0, 4 * PAD_OCTETS)


def test_a_tag_that_two_connections_bring_at_once_is_accepted_once(
    stores: tuple[Store, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = Authenticator(stores[0], "ab", alice=True), Authenticator(stores[1], "ab", alice=False)
    tag = alice.sign(b"word")

    def meanwhile(octets: bytes, received: bytes, pad: bytes) -> bool:
        stores[1].ledger_burn_to(bob.receiving, tag.offset + PAD_OCTETS)  # the other connection was faster
        return wegman_carter.verify(octets, received, pad)

    monkeypatch.setattr(authentication, "verify", meanwhile)
    with pytest.raises(PeerError, match="not there"):
        bob.check(b"word", tag)
