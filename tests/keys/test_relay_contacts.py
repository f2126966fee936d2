"""Relays over a site that is reached in contacts only: what it holds arrives once, or is given up, and never both."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from relay_network import PATH, PATHS, Crash, Network, ledger

from haris.keys import relay, shares
from haris.keys.relay import MOST_CARRIED, pad_octets
from haris.keys.shares import arrived, fate, questions
from haris.nouns.errors import KeyUnavailable, PeerError
from haris.wire.relay import RelayAsk, RelayDone, RelayKeysInContacts, decode

UP, DOWN = ledger("bank", "middle"), ledger("middle", "exchange")
LATER = 100


def over_bank(network: Network, octets: bytes) -> None:
    """The satellite stands over the bank: it takes a message, and holds it for the exchange."""
    message = decode(octets)
    assert isinstance(message, RelayKeysInContacts)
    network.leave(relay.carry(network.stores["middle"], message, "middle", UP, DOWN).message)


def over_exchange(network: Network, *, answers: bool = True) -> bool:
    """It stands over the exchange: the first message that it holds is sent. answers: whether the receipt comes back."""
    held = network.stores["middle"].carried(DOWN)
    if held is None:
        return False
    with suppress(PeerError):  # it was taken before
        network.arrive("exchange", held.message)
    if answers:
        network.stores["middle"].carry_no_more(DOWN, held.offset)
    return True


def look(network: Network, now_ns: int) -> list[RelayDone]:
    """The bank asks which relays have come, and for the fate of those and of what it gives up."""
    bank, exchange = network.stores["bank"], network.stores["exchange"]
    waiting = bank.may_arrive("exchange", now_ns)
    here = arrived(exchange, waiting, "bank")
    asks = [ask for ask in questions(bank, "exchange") if ask.relay in here or ask.relay not in waiting]
    return [fate(exchange, ask, "bank") for ask in asks]


def settle(network: Network, now_ns: int) -> list[RelayDone]:
    dones = look(network, now_ns)
    for done in dones:
        network.settle(done)
    return dones


def filled(paths: tuple[tuple[str, ...], ...] = (PATH,)) -> Network:
    network = Network(paths=paths)
    network.refill()
    return network


def test_what_is_held_is_not_lost_and_becomes_keys_once_it_is_there() -> None:
    network = filled()
    bank = network.stores["bank"]
    over_bank(network, network.originate_all(3, LATER)[0])
    assert settle(network, 50) == []
    assert bank.count_pending("exchange") == 3
    assert not bank.secrets("ready")  # no key that did not arrive is used
    assert over_exchange(network)
    (done,) = settle(network, 60)
    assert done.arrived is not None
    assert len(bank.secrets("ready")) == 3
    assert not network.stores["middle"].carrying
    assert not bank.waits
    network.check()


def test_what_comes_after_it_was_given_up_is_never_taken() -> None:
    network = filled()
    over_bank(network, network.originate_all(3, LATER)[0])
    (done,) = settle(network, LATER)
    assert done.arrived is None
    assert over_exchange(network)  # its clock is behind, and it sends all the same
    assert not network.stores["exchange"].shares  # nor does it take another relay's place
    assert not network.stores["exchange"].secrets("ready")
    network.check()


def test_sites_that_meet_anew_keep_the_pad_of_what_is_held() -> None:
    network = filled()
    for octets in (network.originate_all(2, LATER)[0], network.originate_all(3, LATER)[0]):
        over_bank(network, octets)
    network.reconnect()
    assert network.stores["exchange"].ledger_bounds(DOWN)[0] == 0 < network.stores["middle"].ledger_bounds(DOWN)[0]
    while over_exchange(network):
        network.reconnect()
    assert [done.arrived is not None for done in settle(network, 50)] == [True, True]
    network.check()
    assert network.stores["exchange"].ledger_bounds(DOWN) == network.stores["middle"].ledger_bounds(DOWN)


def test_a_message_whose_receipt_was_lost_is_sent_again_and_taken_once() -> None:
    network = filled()
    over_bank(network, network.originate_all(2, LATER)[0])
    over_exchange(network, answers=False)
    over_exchange(network)
    assert len(settle(network, 50)) == 1
    network.check()


def test_asking_whether_changes_nothing_and_tells_no_check() -> None:
    network = filled(PATHS[:2])
    held, direct = network.originate_all(2, LATER)
    network.carry(direct)
    over_bank(network, held)
    before = network.stores["exchange"].durable()
    assert look(network, 50) == []  # one of two shares is there
    assert network.stores["exchange"].durable() == before
    over_exchange(network)
    (ask,) = shares.questions(network.stores["bank"], "exchange")
    assert arrived(network.stores["exchange"], [ask.relay], "bank") == (ask.relay,)
    assert arrived(network.stores["exchange"], [ask.relay], "other") == ()
    fate(network.stores["exchange"], RelayAsk(ask.relay, ask.check), "bank")
    assert arrived(network.stores["exchange"], [ask.relay], "bank") == (ask.relay,)  # its word was lost: ask again


def test_a_site_holds_so_many_and_then_refuses_before_it_burns_pad() -> None:
    network = filled()
    network.refill(1 << 16)
    for _ in range(MOST_CARRIED):
        over_bank(network, network.originate_all(1, LATER)[0])
    octets, before = network.originate_all(1, LATER)[0], network.stores["middle"].durable()
    with pytest.raises(KeyUnavailable, match="no room"):
        over_bank(network, octets)
    assert network.stores["middle"].durable() == before


def test_what_is_held_is_ciphertext() -> None:
    """Nothing that the site between has left opens it: its pads are overwritten."""
    network = filled()
    over_bank(network, network.originate_all(2, LATER)[0])
    middle = network.stores["middle"]
    for name in (UP, DOWN):
        assert bytes(middle.pads[name].octets[: pad_octets(2)]) == bytes(pad_octets(2))
    held = middle.carried(DOWN)
    assert held is not None
    assert not any(secret in held.message for secret in network.stores["bank"].secrets("pending").values())


class Contacts(RuleBasedStateMachine):
    """Passes in any order, crashes at any verb of any site, lost receipts, lost questions, clocks that only go on."""

    @initialize(seed=st.integers(0, 1 << 20))
    def commission(self, seed: int) -> None:
        self.network = Network(seed=seed)
        self.network.refill(1024)
        self.rising: list[bytes] = []
        self.words: list[RelayDone] = []
        self.now_ns = 0
        self.until: dict[object, int] = {}

    @rule(n_octets=st.sampled_from([96, 512]))
    def refill(self, n_octets: int) -> None:
        self.network.refill(n_octets)

    @rule(site=st.sampled_from(PATH), verb=st.integers(0, 3), after=st.booleans())
    def arm(self, site: str, verb: int, after: bool) -> None:
        self.network.stores[site].crash_at, self.network.stores[site].crash_after = verb, after

    def _survive(self) -> None:
        for store in self.network.stores.values():
            store.crash_at = None
        self.network.reconnect()

    @rule(n_keys=st.integers(1, 4), patience=st.sampled_from([1, 5, 20]))
    def originate(self, n_keys: int, patience: int) -> None:
        try:
            (octets,) = self.network.originate_all(n_keys, self.now_ns + patience)
            self.rising.append(octets)
            self.until[decode(octets).relay] = self.now_ns + patience
        except KeyUnavailable:
            pass
        except Crash:
            self._survive()

    @precondition(lambda self: self.rising)
    @rule(data=st.data(), again=st.booleans())
    def rise(self, data: st.DataObject, again: bool) -> None:
        place = data.draw(st.integers(0, len(self.rising) - 1))
        octets = self.rising[place] if again else self.rising.pop(place)
        try:
            over_bank(self.network, octets)
        except (KeyUnavailable, PeerError):
            pass
        except Crash:
            self._survive()

    @rule(answers=st.booleans())
    def set_over_exchange(self, answers: bool) -> None:
        try:
            over_exchange(self.network, answers=answers)
        except Crash:
            self._survive()

    @rule(seconds=st.integers(1, 3), tidy=st.booleans())
    def go_on(self, seconds: int, tidy: bool) -> None:
        self.now_ns += seconds
        if tidy:
            self.network.stores["middle"].drop_carried(self.now_ns)

    @rule()
    def ask(self) -> None:
        try:
            self.words += look(self.network, self.now_ns)
        except Crash:
            self._survive()

    @precondition(lambda self: self.words)
    @rule(data=st.data(), lost=st.booleans())
    def answer(self, data: st.DataObject, lost: bool) -> None:
        done = self.words.pop(data.draw(st.integers(0, len(self.words) - 1)))
        if done.arrived is None and done.relay in self.until:
            assert self.until[done.relay] <= self.now_ns, "given up while it might have arrived"
        try:
            if not lost:
                self.network.settle(done)
        except Crash:
            self._survive()

    @rule()
    def restart(self) -> None:
        self._survive()

    @invariant()
    def sound(self) -> None:
        self.network.check()


TestContacts = Contacts.TestCase
TestContacts.settings = settings(max_examples=60, stateful_step_count=40, deadline=None, derandomize=True)
