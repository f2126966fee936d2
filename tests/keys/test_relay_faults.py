"""Key relay when sites die, messages get lost, and a stranger plays with them."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from relay_network import PATHS, Crash, Network

from haris.keys.relay import next_site
from haris.nouns.errors import KeyUnavailable, PeerError
from haris.wire.relay import RelayDone, decode


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("after", [False, True])
def test_a_crash_at_any_verb_of_any_site_parts_no_keys(k: int, after: bool) -> None:
    # bank: a take for each share, hold, note; settle and forget. Between: take, take at. Exchange: take at and keep for
    # each share; put, forget.
    verbs = {"bank": k + 4, "middle": 2, "east": 2, "west": 2, "far-west": 2, "exchange": 2 * k + 2}
    for site in Network(paths=PATHS[:k]).sites:
        assert crash_everywhere(k, site, after) == verbs[site]


def crash_everywhere(k: int, site: str, after: bool) -> int:
    """Crash a site at each of its durable verbs of one relay; returns how many there are."""
    crashes = 0
    while True:
        network = Network(paths=PATHS[:k])
        network.refill()
        network.relay(2)
        store = network.stores[site]
        store.crash_at, store.crash_after = crashes, after
        try:
            network.relay(3)
        except Crash:
            crashes += 1
        else:
            return crashes
        network.restart()
        network.check()
        assert network.stores["bank"].relays_in_doubt("exchange") == ()
        assert network.stores["bank"].secrets("ready") == network.stores["exchange"].secrets("ready")
        network.relay(3)
        network.check()
        assert not network.stores["exchange"].shares
        # Asked again for what is settled, the exchange says the same and keeps nothing.
        assert network.ask() == []


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("verb", range(5))
@pytest.mark.parametrize("site", ["exchange", "bank"])
def test_a_crash_while_a_relay_is_settled(site: str, verb: int, after: bool) -> None:
    network = Network(paths=PATHS[:2])
    network.refill()
    for octets in network.originate_all(2):
        network.carry(octets)
    store = network.stores[site]
    store.crash_at, store.crash_after = verb, after
    with suppress(Crash):
        for done in network.ask():
            network.settle(done)
    network.restart()
    network.check()
    assert network.stores["bank"].relays_in_doubt("exchange") == ()
    assert len(network.stores["bank"].secrets("ready")) == 2, "what had arrived whole is not lost"


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("crashes", [0, 1])
def test_a_crash_while_a_doubt_is_settled(crashes: int, after: bool) -> None:
    network = Network()
    network.refill()
    octets = network.arrive("middle", network.originate(2))
    for site in ("exchange", "bank")[crashes:]:
        store = network.stores[site]
        store.crash_at, store.crash_after = 0, after
        with pytest.raises(Crash):
            list(map(network.settle, network.ask()))
    network.restart()
    # The site was still reachable by the message of before: it must not take it.
    with pytest.raises(PeerError):
        network.arrive("exchange", octets)
    network.check()
    assert network.stores["bank"].relays_in_doubt("exchange") == ()


class Relays(RuleBasedStateMachine):
    """Relays in flight at once, in any order, through a transport that nobody should trust."""

    @initialize(seed=st.integers(0, 1 << 20), k=st.integers(1, 3))
    def commission(self, seed: int, k: int) -> None:
        self.network = Network(seed=seed, paths=PATHS[:k])
        self.network.refill(1024)
        self.flying: list[tuple[str, bytes]] = []
        self.seen: list[tuple[str, bytes]] = []
        self.words: list[RelayDone] = []

    def _send(self, site: str, octets: bytes) -> None:
        self.flying.append((site, octets))
        self.seen.append((site, octets))

    def _arrive(self, site: str, octets: bytes) -> None:
        try:
            result = self.network.arrive(site, octets)
        except (PeerError, KeyUnavailable):
            return
        except Crash:
            self.network.restart()
            return
        if isinstance(result, bytes):
            self._send(next_site(decode(result).path, site), result)

    @rule(n_octets=st.sampled_from([32, 96, 512]))
    def refill(self, n_octets: int) -> None:
        self.network.refill(n_octets)

    @rule(place=st.integers(0, 5), verb=st.integers(0, 2), after=st.booleans())
    def arm(self, place: int, verb: int, after: bool) -> None:
        site = self.network.sites[place % len(self.network.sites)]
        self.network.stores[site].crash_at, self.network.stores[site].crash_after = verb, after

    @rule(n_keys=st.integers(1, 4))
    def originate(self, n_keys: int) -> None:
        try:
            for octets in self.network.originate_all(n_keys):
                self._send(decode(octets).path[1], octets)
        except KeyUnavailable:
            pass
        except Crash:
            self.network.restart()

    @precondition(lambda self: self.flying)
    @rule(data=st.data(), lost=st.booleans())
    def carry(self, data: st.DataObject, lost: bool) -> None:
        site, octets = self.flying.pop(data.draw(st.integers(0, len(self.flying) - 1)))
        if not lost:
            self._arrive(site, octets)

    @precondition(lambda self: self.seen)
    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        self._arrive(*data.draw(st.sampled_from(self.seen)))

    @precondition(lambda self: self.seen)
    @rule(data=st.data(), flip=st.integers(1, 255))
    def tamper(self, data: st.DataObject, flip: int) -> None:
        site, octets = data.draw(st.sampled_from(self.seen))
        place = data.draw(st.integers(0, len(octets) - 1))
        forged = octets[:place] + bytes([octets[place] ^ flip]) + octets[place + 1 :]
        before = self.network.stores[site].durable()
        with pytest.raises(PeerError):
            self.network.arrive(site, forged)
        assert self.network.stores[site].durable() == before

    @precondition(lambda self: self.words)
    @rule(data=st.data(), lost=st.booleans())
    def answer(self, data: st.DataObject, lost: bool) -> None:
        done = self.words.pop(data.draw(st.integers(0, len(self.words) - 1)))
        try:
            if not lost:
                self.network.settle(done)
        except Crash:
            self.network.restart()

    @rule()
    def ask(self) -> None:
        try:
            self.words += self.network.ask()
        except Crash:
            self.network.restart()

    @rule()
    def restart(self) -> None:
        self.network.restart()
        assert self.network.stores["bank"].relays_in_doubt("exchange") == ()

    @invariant()
    def sound(self) -> None:
        self.network.check()


TestRelays = Relays.TestCase
TestRelays.settings = settings(max_examples=120, stateful_step_count=40, deadline=None, derandomize=True)
