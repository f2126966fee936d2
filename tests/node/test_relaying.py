"""The filling of a pool by relays, when a span further on holds less pad than a relay wants."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from haris.keys import relay
from haris.node.kme_peers import KmePeers
from haris.node.relaying import Neighbour, Relaying
from haris.nouns.errors import KeyUnavailable
from haris.wire import relay as wire

PATH = ("a", "b", "c")


async def test_a_relay_that_does_not_arrive_is_followed_by_smaller_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or the far span, not yet due for a block, would refuse the same number of keys for ever."""
    sizes: list[int] = []

    def originate(store: Any, path: Any, ledger: str, n_keys: int, entropy: Any) -> Any:
        sizes.append(n_keys)
        return SimpleNamespace(message=SimpleNamespace(relay=None), spent=())

    monkeypatch.setattr(relay, "originate", originate)
    monkeypatch.setattr(wire, "encode", lambda message: b"")
    store = SimpleNamespace(
        relays_in_doubt=lambda peer: (), count_ready=lambda peer, site: 0, ledger_bounds=lambda name: (0, 1 << 20)
    )
    filler = Relaying("a", cast(Any, store), {"b": Neighbour("a-b", alice=True)}, bytes, lambda event: None)

    async def settle(peers: KmePeers, peer: str, ask: Any) -> bool:
        return sizes[-1] <= 4  # the far span's pad is enough for four

    async def ask(*words: Any) -> bytes:
        return b""

    monkeypatch.setattr(filler, "_settle", settle)
    monkeypatch.setattr(filler, "_account", lambda name, spent: None)
    monkeypatch.setattr(wire, "RelayAsk", lambda name: None)
    peers = cast(KmePeers, SimpleNamespace(ask=ask))
    for _ in range(2):
        with pytest.raises(KeyUnavailable):
            await asyncio.wait_for(filler._fill_once(peers, PATH, 12), 5)
    assert await asyncio.wait_for(filler._fill_once(peers, PATH, 12), 5)
    with pytest.raises(KeyUnavailable):
        await asyncio.wait_for(filler._fill_once(peers, PATH, 12), 5)
    assert sizes == [12, 6, 3, 12]
