"""Key relay over one trusted node: what arrives, what it costs, what is refused."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from relay_network import NORTH, PATH, SOUTH, Network, ledger

from haris.keys import relay, shares
from haris.keys.relay import Spent, fill, pad_octets
from haris.nouns.errors import KeyUnavailable, ParameterError, PeerError
from haris.nouns.ids import key_id
from haris.nouns.keys import Origin
from haris.wire.relay import RelayAsk, RelayDone, RelayHeld, decode, encode


def filled(n_octets: int = 4096) -> Network:
    network = Network()
    network.refill(n_octets)
    return network


def test_the_same_keys_are_ready_at_both_ends_under_derived_names() -> None:
    network = filled()
    done = network.relay(5)
    ours, theirs = (network.stores[site].secrets("ready") for site in ("bank", "exchange"))
    assert ours == theirs
    assert set(ours) == {key_id(done.relay.bytes, index) for index in range(5)}
    assert len(set(ours.values())) == 5
    assert network.stores["bank"].count_ready("exchange", "bank") == 5
    assert network.stores["exchange"].count_ready("bank", "bank") == 5
    network.check()


def test_keys_cross_each_span_under_its_own_pad() -> None:
    network = filled()
    pads = {
        name: bytes(network.stores["middle"].pads[name].octets)
        for name in (ledger("bank", "middle"), ledger("middle", "exchange"))
    }
    network.relay(3)
    secrets = b"".join(network.stores["bank"].secrets("ready").values())
    for octets in network.traffic:
        message = decode(octets)
        pad = pads[message.ledger][message.offset : message.offset + 96 + 16]
        assert bytes(a ^ b for a, b in zip(message.ciphertext, pad, strict=True))[:96] == secrets
        assert secrets not in octets
    assert decode(network.traffic[0]).ciphertext != decode(network.traffic[1]).ciphertext


def test_what_a_node_between_sends_on_is_what_came_xor_both_pads() -> None:
    """As satellites announce it: the exclusive or of the keys that they share with two stations, and no more."""
    network = filled()
    names = ledger("bank", "middle"), ledger("middle", "exchange")
    first, second = (bytes(network.stores["middle"].pads[name].octets) for name in names)
    network.relay(3)
    came, went = (decode(octets).ciphertext for octets in network.traffic[:2])
    announced = bytes(a ^ b for a, b in zip(came, went, strict=True))
    assert announced == bytes(a ^ b for a, b in zip(first, second, strict=True))[: len(announced)]


def test_each_site_accounts_for_the_pad_that_it_used() -> None:
    network = filled()
    first, second = ledger("bank", "middle"), ledger("middle", "exchange")
    (sent,) = shares.originate(network.stores["bank"], [PATH], [first], 4, network.entropy).sent
    onward = relay.forward(network.stores["middle"], sent.message, "middle", first, second)
    received = relay.receive(network.stores["exchange"], onward.message, "exchange", second)
    used = 4 * 32 + 16 + 32
    assert sent.spent == (Spent(first, 0, used),)
    assert onward.spent == (Spent(first, 0, used), Spent(second, 0, used))
    assert received.spent == (Spent(second, 0, used),)
    for site, names in {"bank": [first], "middle": [first, second], "exchange": [second]}.items():
        assert [network.stores[site].ledger_bounds(name)[0] for name in names] == [used] * len(names)


def test_the_pedigree_adds_up_over_the_spans() -> None:
    network = filled()
    pedigree = network.relay(2).arrived
    assert pedigree is not None
    assert pedigree.epsilon == pytest.approx(4e-10, rel=1e-12)
    assert pedigree.hops == 2
    assert pedigree.origin is Origin.EMULATED
    assert pedigree.proof.theorem == "theorem N + theorem S"
    assert pedigree.proof.assumptions == ("calibrated detectors", "trusted relays: middle")
    assert {key.pedigree for _, key, _ in network.stores["bank"].keys.values()} == {pedigree}


def test_the_tags_may_be_forged_and_that_is_added() -> None:
    network = Network()
    network.refill(north=replace(NORTH, epsilon=0.0), south=replace(SOUTH, epsilon=0.0))
    pedigree = network.relay(2).arrived
    sealed = [len(decode(octets).sealed_octets()) for octets in network.traffic]
    compared = len(shares._compared(UUID(int=0), [PATH], bytes(2 * 32 + 16), None))
    # Bernstein 2005, Theorem 3.3: 8 ceil(L/16) / 2^106 for each tag, and for comparing the keys.
    assert pedigree is not None
    assert pedigree.epsilon == pytest.approx(sum(8 * -(-n // 16) / 2**106 for n in [*sealed, compared]), rel=1e-12)


def test_an_unknown_epsilon_stays_unknown() -> None:
    network = Network()
    network.refill(south=replace(SOUTH, epsilon=None, epsilon_reason="the vendor does not say"))
    pedigree = network.relay(1).arrived
    assert pedigree is not None
    assert (pedigree.epsilon, pedigree.epsilon_reason) == (None, "the vendor does not say")


def test_a_pad_of_two_blocks_carries_both_epsilons() -> None:
    network = filled(64)
    network.refill(64)
    network.refill(64)  # a third block's pad is not touched by 2 keys: 2 * 32 + 16 + 32 octets
    pedigree = network.relay(2).arrived
    assert pedigree is not None
    assert pedigree.epsilon == pytest.approx(8e-10, rel=1e-12)


def test_a_dry_ledger_is_no_key_and_keeps_nothing() -> None:
    network = filled(111)
    with pytest.raises(KeyUnavailable):
        network.originate(2)
    assert not network.stores["bank"].keys
    assert network.stores["bank"].ledger_bounds(ledger("bank", "middle"))[0] == 0


def test_a_dry_second_span_loses_the_keys_and_the_owner_learns_so() -> None:
    network = filled(pad_octets(3))
    network.stores["middle"].ledger_take(ledger("middle", "exchange"), 64)
    octets = network.originate(3)
    with pytest.raises(KeyUnavailable):
        network.arrive("middle", octets)
    network.restart()
    assert network.stores["bank"].relays_in_doubt("exchange") == ()
    assert set(network.stores["bank"].secrets("spent").values()) == {b""}
    network.check()


@given(st.data())
def test_a_tampered_message_is_refused_and_changes_nothing(data: st.DataObject) -> None:
    network = filled()
    site = data.draw(st.sampled_from(["middle", "exchange"]))
    octets = network.originate(2)
    if site == "exchange":
        octets = network.arrive("middle", octets)
    place = data.draw(st.integers(0, len(octets) - 1))
    changed = bytearray(octets)
    changed[place] ^= data.draw(st.integers(1, 255))
    before = network.stores[site].durable()
    with pytest.raises(PeerError):
        network.arrive(site, bytes(changed))
    assert network.stores[site].durable() == before
    # The honest message still arrives: a forgery has cost nothing.
    network.arrive(site, octets)


@pytest.mark.parametrize("site", ["middle", "exchange"])
def test_a_replayed_or_truncated_message_is_refused(site: str) -> None:
    network = filled()
    octets = network.originate(2)
    if site == "exchange":
        octets = network.arrive("middle", octets)
    for length in range(len(octets)):
        with pytest.raises(PeerError):
            network.arrive(site, octets[:length])
    network.arrive(site, octets)
    before = network.stores[site].durable()
    with pytest.raises(PeerError):
        network.arrive(site, octets)
    assert network.stores[site].durable() == before


def test_an_overtaken_message_is_refused() -> None:
    network = filled()
    early, late = network.originate(1), network.originate(1)
    network.arrive("middle", late)
    with pytest.raises(PeerError):
        network.arrive("middle", early)
    network.check_traffic()


def test_a_message_for_another_site_or_ledger_is_refused() -> None:
    network = filled()
    message = decode(network.originate(1))
    first, second = ledger("bank", "middle"), ledger("middle", "exchange")
    with pytest.raises(PeerError):
        relay.receive(network.stores["middle"], message, "middle", first)
    with pytest.raises(PeerError):
        relay.forward(network.stores["middle"], message, "stranger", first, second)
    with pytest.raises(PeerError):
        relay.forward(network.stores["exchange"], message, "exchange", first, second)
    with pytest.raises(PeerError):
        relay.forward(network.stores["middle"], message, "middle", "north/relay/ba", second)


def test_a_relay_that_its_owner_gave_up_is_never_accepted() -> None:
    network = filled()
    octets = network.arrive("middle", network.originate(2))
    (lost,) = network.ask()
    assert lost.arrived is None
    network.settle(lost)
    assert network.arrive("exchange", octets) == RelayHeld(lost.relay, 0)  # and is kept for nobody
    assert shares.fate(network.stores["exchange"], RelayAsk(lost.relay), "bank") == RelayDone(lost.relay, None)
    assert not network.stores["exchange"].shares
    assert not network.stores["exchange"].secrets("ready")
    network.check()


def test_a_late_message_of_a_voided_relay_earns_no_word_that_it_is_held() -> None:
    network = filled()
    octets = network.arrive("middle", network.originate(2))
    network.ask()  # and the answer is lost
    network.arrive("exchange", octets)
    (word,) = network.ask()
    assert word.arrived is None
    network.settle(word)
    network.check()
    assert not network.stores["bank"].secrets("ready")


def test_a_lost_word_is_asked_for_again() -> None:
    network = filled()
    network.carry(network.originate(2))
    word = network.ask()
    assert network.ask() == word
    assert word[0].arrived is not None
    network.restart()
    network.check()
    assert len(network.stores["bank"].secrets("ready")) == 2


def test_a_word_that_comes_twice_changes_nothing() -> None:
    network = filled()
    done = network.relay(2)
    network.settle(RelayDone(done.relay, None))
    assert len(network.stores["bank"].secrets("ready")) == 2


def test_neighbours_need_no_trust() -> None:
    network = filled()
    first = ledger("bank", "middle")
    job = shares.originate(network.stores["bank"], [("bank", "middle")], [first], 1, network.entropy)
    relay.receive(network.stores["middle"], job.sent[0].message, "middle", first)
    pedigree = shares.fate(network.stores["middle"], job.ask, "bank").arrived
    assert pedigree is not None
    assert pedigree.hops == 1
    assert pedigree.proof == NORTH.proof


@pytest.mark.parametrize("path", [("bank",), ("bank", "middle", "bank"), ("bank", "no/site")])
def test_a_wrong_path_costs_nothing(path: tuple[str, ...]) -> None:
    network = filled()
    with pytest.raises(ParameterError):
        shares.originate(network.stores["bank"], [path], [ledger("bank", "middle")], 1, network.entropy)
    assert network.stores["bank"].ledger_bounds(ledger("bank", "middle"))[0] == 0


def test_secrets_do_not_show() -> None:
    network = filled()
    message = decode(network.originate(1))
    (secret,) = network.stores["bank"].secrets("pending").values()
    assert repr(secret)[2:-1] not in repr(message)


def test_the_tag_covers_the_path_and_the_pedigree() -> None:
    network = filled()
    message = decode(network.arrive("middle", network.originate(1)))
    for change in ({"path": ("other", "middle", "exchange")}, {"pedigree": SOUTH}, {"seal": None}):
        with pytest.raises(PeerError):
            network.arrive("exchange", encode(msgspec.structs.replace(message, **change)))


@given(st.integers(0, 3000), st.integers(0, 3000), st.integers(0, 3000), st.integers(0, 200_000))
def test_fill_stays_within_target_batch_and_pad(ready: int, doubt: int, target: int, pad: int) -> None:
    n_keys = fill(ready, doubt, target, pad)
    assert 0 <= n_keys <= relay.BATCH_KEYS
    if n_keys:
        assert ready + doubt + n_keys <= target
        assert pad_octets(n_keys) <= pad


@pytest.mark.parametrize(
    ("ready", "doubt", "target", "pad", "n_keys"),
    [
        (0, 0, 1000, 10**6, 256),  # a whole batch
        (990, 0, 1000, 10**6, 10),  # the last few
        (1, 0, 1000, pad_octets(63), 0),  # wait for more pad
        (1, 0, 1000, pad_octets(64), 64),
        (0, 0, 1000, pad_octets(3), 3),  # an empty pool does not wait
        (999, 1, 1000, 10**6, 0),  # keys in doubt count
        (4, 0, 24, pad_octets(12), 12),  # a small pool does not wait for a batch that it could never lack
        (0, 0, 5, pad_octets(1) - 1, 0),
        (0, 0, 1, pad_octets(1), 1),
    ],
)
def test_fill(ready: int, doubt: int, target: int, pad: int, n_keys: int) -> None:
    assert fill(ready, doubt, target, pad) == n_keys
