"""Key relay when sites die, messages get lost, and a stranger plays with them."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from relay_network import PATH, Crash, Network

from haris.nouns.errors import KeyUnavailable, PeerError
from haris.wire.relay import RelayDone


@pytest.mark.parametrize("site", PATH)
@pytest.mark.parametrize("after", [False, True])
def test_a_crash_at_any_verb_of_any_site_parts_no_keys(site: str, after: bool) -> None:
    crashes = 0
    while True:
        network = Network()
        network.refill()
        network.relay(2)
        store = network.stores[site]
        store.crash_at, store.crash_after = crashes, after
        try:
            network.relay(3)
        except Crash:
            crashes += 1
        else:
            break
        network.restart()
        network.check()
        assert network.stores["bank"].relays_in_doubt("exchange") == ()
        assert network.stores["bank"].secrets("ready") == network.stores["exchange"].secrets("ready")
        network.relay(3)
        network.check()
    # bank: take, hold, settle; middle: take, take at; exchange: take at, put.
    assert crashes == {"bank": 3, "middle": 2, "exchange": 2}[site]


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

    @initialize(seed=st.integers(0, 1 << 20))
    def commission(self, seed: int) -> None:
        self.network = Network(seed=seed)
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
        if isinstance(result, RelayDone):
            self.words.append(result)
        else:
            self._send("exchange", result)

    @rule(n_octets=st.sampled_from([32, 96, 512]))
    def refill(self, n_octets: int) -> None:
        self.network.refill(n_octets)

    @rule(site=st.sampled_from(PATH), verb=st.integers(0, 2), after=st.booleans())
    def arm(self, site: str, verb: int, after: bool) -> None:
        self.network.stores[site].crash_at, self.network.stores[site].crash_after = verb, after

    @rule(n_keys=st.integers(1, 4))
    def originate(self, n_keys: int) -> None:
        try:
            self._send("middle", self.network.originate(n_keys))
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
