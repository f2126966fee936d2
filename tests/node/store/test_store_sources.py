"""What a store remembers of key sources."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from haris.keys.quarantine import Lie, SourceState, Standing, lied
from haris.node.store import sources as store_sources
from haris.node.store.store import Store, open_store

KEK = bytes(32)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(tmp_path / "a.db", KEK, os.urandom)
    yield store
    store.close()


def test_a_standing_outlives_the_process(tmp_path: Path) -> None:
    store = open_store(tmp_path / "a.db", KEK, os.urandom)
    assert store.source_standing("box") == Standing()
    standing, _ = lied(Standing(), "box", Lie.ENDS_DIFFER, "block 7", 10**18)
    store.keep_standing("box", standing)
    store.close()
    store = open_store(tmp_path / "a.db", KEK, os.urandom)
    assert store.source_standing("box") == standing
    assert standing.state is SourceState.QUARANTINED
    assert store.source_standing("other") == Standing()
    store.close()


def test_names_are_noted_all_or_none_and_for_each_source_apart(store: Store) -> None:
    assert store.note_names("box", ["k1", "k2"]) == ()
    assert store.note_names("box", ["k3", "k2"]) == ("k2",)
    assert store.known_names("box", ["k1", "k2", "k3"]) == ("k1", "k2")
    assert store.note_names("other", ["k1", "k2"]) == ()


def test_the_latest_names_are_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_sources, "NAMES_KEPT", 100)
    for first in range(0, 250, 50):
        assert store.note_names("box", [f"k{i}" for i in range(first, first + 50)]) == ()
    known = store.known_names("box", [f"k{i}" for i in range(250)])
    assert known == tuple(f"k{i}" for i in range(150, 250))
