"""Keys as shares over disjoint paths: who learns nothing, and what altering one of them comes to."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, pairwise, product
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from relay_network import NORTH, PATH, PATHS, SOUTH, Network, ledger

from haris.crypto.one_time_pad import xor
from haris.crypto.wegman_carter import PAD_OCTETS, tag
from haris.keys import shares
from haris.keys.relay import pad_octets
from haris.keys.share_paths import require_disjoint, trust
from haris.keys.shares import combine
from haris.nouns.errors import KeyUnavailable, ParameterError, PeerError
from haris.nouns.keys import KEY_OCTETS
from haris.wire.relay import CHECK_PAD_OCTETS, MAX_ON_THEIR_WAY, RelayAsk, RelayDone, decode, encode


class Veil:
    """An end-to-end session as a value: a mask that sites between do not have."""

    def __init__(self, seed: int = 7, name: bytes = b"n" * 16) -> None:
        self.name, self.assumption, self._seed = name, "veiled", seed

    def mask(self, relay: UUID, n_octets: int) -> bytes:
        return bytes((index * 31 + self._seed + relay.bytes[0]) % 256 for index in range(n_octets))


def filled(k: int, session: Veil | None = None, n_octets: int = 4096) -> Network:
    network = Network(paths=PATHS[:k], session=session)
    network.refill(n_octets)
    return network


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_same_keys_are_ready_at_both_ends(k: int) -> None:
    network = filled(k)
    done = network.relay(5)
    ours, theirs = (network.stores[site].secrets("ready") for site in ("bank", "exchange"))
    assert ours == theirs
    assert len(set(ours.values())) == 5
    assert done.missing == ()
    assert not done.altered
    network.check()
    assert not network.stores["exchange"].shares
    assert not network.stores["bank"].asks


@pytest.mark.parametrize("k", [2, 3])
def test_each_share_costs_its_own_path_alone(k: int) -> None:
    network = filled(k)
    network.relay(5)
    for path in PATHS[:k]:
        for hop in pairwise(path):
            assert network.stores[hop[0]].ledger_bounds(ledger(*hop))[0] == pad_octets(5)


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_fewer_than_all_shares_say_nothing_of_the_key(k: int) -> None:
    """Exhaustively, for keys of 4 bits: given any k - 1 shares, every key is equally often the key.

    Every choice of the k fresh shares is as likely as any other, so that counting is probability.
    """
    values = [bytes([value]) for value in range(16)]
    for chosen in combinations(range(k), k - 1):
        seen: dict[tuple[bytes, ...], Counter[bytes]] = {}
        for drawn in product(values, repeat=k):
            view = tuple(drawn[number] for number in chosen)
            seen.setdefault(view, Counter())[combine(drawn)] += 1
        assert len(seen) == 16 ** (k - 1)
        for keys in seen.values():
            assert set(keys) == set(values)
            assert len(set(keys.values())) == 1


def test_one_share_of_an_octet_says_nothing_of_the_key() -> None:
    """The same for whole octets and two shares."""
    for share in range(256):
        keys = {combine([bytes([share]), bytes([other])]) for other in range(256)}
        assert len(keys) == 256


@pytest.mark.parametrize("k", [2, 3])
def test_any_sites_that_leave_one_path_alone_fit_every_key(k: int) -> None:
    """All that compromised sites saw is reproduced, octet for octet, with any other key: so it says nothing of it.

    For another key the honest path's share differs, and with it the pad of its spans, which they never had.
    """
    network = filled(k)
    pads = {hop: network.stores[hop[0]].ledger_peek(ledger(*hop), 0, pad_octets(2)) for hop in network.spans}
    for octets in network.originate_all(2):
        network.carry(octets)
    (ask,) = shares.questions(network.stores["bank"], "exchange")
    secret = b"".join(network.stores["bank"].secrets("pending").values())
    sent = [decode(octets) for octets in network.traffic]
    ledgers = {ledger(*hop): hop for hop in network.spans}
    opened = {(m.share, m.ledger): xor(m.ciphertext, pads[ledgers[m.ledger]][:-PAD_OCTETS]) for m in sent}
    for honest in range(k):
        difference = bytes(range(1, 1 + len(secret))) + bytes(CHECK_PAD_OCTETS)
        for message in sent:
            if message.share == honest:  # another share under another pad gives the very ciphertext that was seen
                share = xor(opened[message.share, message.ledger], difference)
                pad = xor(pads[ledgers[message.ledger]][:-PAD_OCTETS], difference)
                assert xor(share, pad) == message.ciphertext
        others = [
            opened[m.share, m.ledger] for m in sent if m.share != honest and m.ledger == ledger(*PATHS[m.share][:2])
        ]
        honest_share = next(opened[m.share, m.ledger] for m in sent if m.share == honest)
        assert combine([honest_share, *others])[: len(secret)] == secret
        assert combine([xor(honest_share, difference), *others])[: len(secret)] == xor(
            secret, difference[: len(secret)]
        )
    # The tag of the comparison too fits every key, under another pad behind the keys.
    assert ask.check is not None
    hash_key, hashed = ask.check[:16], int.from_bytes(ask.check[16:], "little")
    for key in (secret, bytes(len(secret)), bytes(range(len(secret)))):
        plain = shares._compared(ask.relay, network.paths, key + bytes(CHECK_PAD_OCTETS), None)
        without = int.from_bytes(tag(plain, hash_key + bytes(16)), "little")
        cover = ((hashed - without) % 2**128).to_bytes(16, "little")
        assert tag(plain, hash_key + cover) == ask.check[16:]


@pytest.mark.parametrize("k", [1, 2, 3])
@given(data=st.data())
def test_a_site_that_alters_a_share_causes_an_abort_never_a_mismatch(k: int, data: st.DataObject) -> None:
    """It knows the pads of its spans, so that its forgery bears a tag that fits."""
    network = filled(k)
    messages = network.originate_all(2)
    liar = data.draw(st.integers(0, k - 1))
    for number, octets in enumerate(messages):
        network.carry(octets) if number != liar else alter(network, octets, data)
    (done,) = network.ask()
    assert done.arrived is None
    assert done.altered
    network.settle(done)
    for site in ("bank", "exchange"):
        assert not network.stores[site].secrets("ready")
    assert set(network.stores["bank"].secrets("spent").values()) == {b""}
    network.check()
    assert network.relay(2).arrived is not None, "the next relay is none the worse"


def alter(network: Network, octets: bytes, data: st.DataObject) -> None:
    """The last site between on the message's path flips bits of what it passes on, and tags it anew."""
    path = decode(octets).path
    outgoing = ledger(path[-2], path[-1])
    head, _ = network.stores[path[-2]].ledger_bounds(outgoing)
    pad = network.stores[path[-2]].ledger_peek(outgoing, head, pad_octets(2))
    for site in path[1:-1]:
        octets = network.arrive(site, octets)
    network.arrive(path[-1], forged(octets, data.draw(flips(2)), pad[-PAD_OCTETS:]))


def forged(octets: bytes, flip: bytes, tag_pad: bytes) -> bytes:
    message = decode(octets)
    changed = msgspec.structs.replace(message, ciphertext=xor(message.ciphertext, flip))
    return encode(msgspec.structs.replace(changed, seal=tag(changed.sealed_octets(), tag_pad)))


def flips(n_keys: int) -> st.SearchStrategy[bytes]:
    """One bit, or anything, in the keys or in the pad behind them."""
    length = KEY_OCTETS * n_keys + CHECK_PAD_OCTETS
    one = st.integers(0, 8 * length - 1).map(lambda bit: (1 << bit).to_bytes(length))
    return st.one_of(one, st.binary(min_size=length, max_size=length).filter(any))


def test_a_site_that_knows_keys_and_pad_cannot_choose_others_that_fit() -> None:
    """Alone on the one path it knows both; the hash key, which comes after, is what it lacks."""
    network = filled(1)
    octets = network.arrive("middle", network.originate(1))
    message = decode(octets)
    pad = network.stores["exchange"].ledger_peek(message.ledger, message.offset, pad_octets(1))
    share = xor(message.ciphertext, pad[:-PAD_OCTETS])
    context = shares._compared(message.relay, [PATH], share, None)
    # Had it known the hash key r, any key would do: cover = tag - hash of the other key.
    ask = shares.questions(network.stores["bank"], "exchange")[0]
    assert ask.check is not None
    other = bytes(KEY_OCTETS) + bytes(CHECK_PAD_OCTETS)
    hashed = tag(shares._compared(message.relay, [PATH], other, None), ask.check[:16] + bytes(16))
    cover = (int.from_bytes(ask.check[16:], "little") - int.from_bytes(hashed, "little")) % 2**128
    knowing = other[:KEY_OCTETS] + cover.to_bytes(16, "little")
    assert tag(shares._compared(message.relay, [PATH], knowing, None), ask.check[:16] + knowing[-16:]) == ask.check[16:]
    # It guesses a hash key instead, and is found out.
    guess = bytes(16)
    hashed = tag(shares._compared(message.relay, [PATH], other, None), guess + bytes(16))
    wish = int.from_bytes(tag(context, guess + share[-16:]), "little")
    cover = (wish - int.from_bytes(hashed, "little")) % 2**128
    chosen = other[:KEY_OCTETS] + cover.to_bytes(16, "little")
    network.arrive("exchange", forged(octets, xor(share, chosen), pad[-PAD_OCTETS:]))
    assert network.ask() == [RelayDone(message.relay, None, altered=True)]


def test_the_hash_key_does_not_leave_before_the_shares_have_come() -> None:
    network = filled(2)
    messages = network.originate_all(2)
    (ask,) = shares.questions(network.stores["bank"], "exchange")
    assert ask.check is not None
    everything = b"".join(network.traffic + [network.carry(octets) and octets for octets in messages])
    assert ask.check[:16] not in everything
    assert shares.questions(network.stores["bank"], "exchange") == (ask,), "asked again with the same hash key"


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_lost_share_voids_the_relay_at_both_ends(lost: int) -> None:
    network = filled(3)
    messages = network.originate_all(2)
    for number, octets in enumerate(messages):
        if number != lost:
            network.carry(octets)
    (done,) = network.ask()
    assert done == RelayDone(decode(messages[0]).relay, None, missing=(lost,))
    network.settle(done)
    network.carry(messages[lost])  # late: kept for nobody
    assert shares.fate(network.stores["exchange"], RelayAsk(done.relay, bytes(32)), "bank").arrived is None
    assert not network.stores["exchange"].shares
    network.check()


def test_a_share_that_comes_twice_or_in_another_order_changes_nothing() -> None:
    network = filled(3)
    messages = network.originate_all(2)
    for octets in reversed(messages):
        network.carry(octets)
        with pytest.raises(PeerError):
            network.carry(octets)
    (done,) = network.ask()
    network.settle(done)
    assert done.arrived is not None
    network.check()


def test_shares_of_another_number_or_length_do_not_fit() -> None:
    for change in ({"shares": 3}, {"path": ("bank", "elsewhere", "exchange")}):
        network = filled(2)
        messages = network.originate_all(2)
        network.carry(messages[0])
        octets = network.arrive("east", messages[1])
        message = msgspec.structs.replace(decode(octets), **change)
        pad = network.stores["exchange"].ledger_peek(message.ledger, message.offset, pad_octets(2))
        sealed = msgspec.structs.replace(message, seal=tag(message.sealed_octets(), pad[-PAD_OCTETS:]))
        if "path" in change:  # the site before must be the span's other end
            with pytest.raises(PeerError):
                network.arrive("exchange", encode(sealed))
            continue
        network.arrive("exchange", encode(sealed))
        (done,) = network.ask()
        assert done.arrived is None
        network.settle(done)
        network.check()


def test_keys_of_another_owner_are_not_asked_for() -> None:
    network = filled(1)
    network.carry(network.originate(1))
    (ask,) = shares.questions(network.stores["bank"], "exchange")
    before = network.stores["exchange"].durable()
    with pytest.raises(PeerError, match="middle asks for a relay of bank"):
        shares.fate(network.stores["exchange"], ask, "middle")
    assert network.stores["exchange"].durable() == before


def test_the_pedigree_adds_every_span_and_names_whom_it_relies_on() -> None:
    pedigree = filled(2).relay(1).arrived
    assert pedigree is not None
    assert pedigree.epsilon == pytest.approx(2 * (NORTH.epsilon + SOUTH.epsilon), rel=1e-12)
    assert pedigree.hops == 2
    assert pedigree.proof.assumptions == (
        "calibrated detectors",
        "secret sharing over 2 disjoint paths (middle | east): secret while one of them has no compromised site, as "
        "holds for any 1 compromised",
    )


def test_whom_keys_rely_on() -> None:
    assert trust([("a", "b")]) == ()
    assert trust([("a", "x", "y", "b")]) == ("trusted relays: x, y",)
    assert trust([("a", "b"), ("a", "x", "b")]) == (), "a share that crosses one span meets no site"
    assert "any 2 compromised" in trust([("a", "x", "b"), ("a", "y", "b"), ("a", "z", "b")])[0]


@pytest.mark.parametrize(
    "paths",
    [
        [],
        [("a", "x", "b"), ("a", "x", "b")],
        [("a", "x", "b"), ("a", "y", "x", "b")],
        [("a", "b"), ("a", "b")],
        [("a", "x", "b"), ("a", "y", "c")],
        [("a", "x", "b"), ("c", "y", "b")],
        [("a", f"x{n}", "b") for n in range(9)],
    ],
)
def test_paths_that_meet_are_refused(paths: list[tuple[str, ...]]) -> None:
    with pytest.raises(ParameterError):
        require_disjoint(paths)
    with pytest.raises(ParameterError):
        shares.originate(filled(1).stores["bank"], paths, ["north/relay/ab"] * len(paths), 1, bytes)


def test_a_second_ledger_that_is_dry_costs_the_first_nothing() -> None:
    network = filled(2)
    east = ledger("bank", "east")
    network.stores["bank"].ledger_take(east, 4096 - pad_octets(2) + 1)
    with pytest.raises(KeyUnavailable):
        network.originate_all(2)
    assert network.stores["bank"].ledger_bounds(ledger("bank", "middle"))[0] == 0
    assert not network.stores["bank"].keys


# -- under a session of the end-to-end layer


@pytest.mark.parametrize("k", [1, 2])
def test_masked_keys_are_not_what_the_sites_carried(k: int) -> None:
    network = filled(k, Veil())
    pads = {hop: network.stores[hop[0]].ledger_peek(ledger(*hop), 0, pad_octets(2)) for hop in network.spans}
    done = network.relay(2)
    secret = b"".join(network.stores["bank"].secrets("ready").values())
    first = [decode(octets) for octets in network.traffic if decode(octets).ledger == ledger(*decode(octets).path[:2])]
    carried = combine([xor(m.ciphertext, pads[m.path[:2]][:-PAD_OCTETS]) for m in first])
    assert carried[:64] != secret
    assert xor(carried, Veil().mask(done.relay, len(carried)))[:64] == secret
    assert network.stores["exchange"].secrets("ready") == network.stores["bank"].secrets("ready")
    assert done.arrived is not None
    assert done.arrived.proof.assumptions[-1] == "veiled"
    plain = filled(k).relay(2).arrived
    assert plain is not None
    assert done.arrived.epsilon == pytest.approx(plain.epsilon, rel=1e-12), "epsilon is kept"


def test_another_secret_at_the_far_end_is_an_abort() -> None:
    network = filled(1, Veil())
    network.carry(network.originate(2))
    network.session = Veil(seed=8)
    assert network.ask()[0].altered


@pytest.mark.parametrize("found", [None, Veil(name=b"m" * 16)])
def test_a_session_that_the_far_end_lost_voids_the_relay(found: Veil | None) -> None:
    network = filled(1, Veil())
    network.carry(network.originate(2))
    network.session = found
    (done,) = network.ask()
    assert (done.arrived, done.altered) == (None, False)
    network.settle(done)
    network.check()


def test_where_masks_are_demanded_nothing_comes_without() -> None:
    network = filled(1)
    network.carry(network.originate(2))
    (ask,) = shares.questions(network.stores["bank"], "exchange")
    done = shares.fate(network.stores["exchange"], ask, "bank", None, masked_only=True)
    assert done == RelayDone(ask.relay, None, unmasked=True)
    assert not network.stores["exchange"].secrets("ready")


def test_shares_that_nobody_asks_for_do_not_pile_up() -> None:
    network = filled(1, n_octets=1 << 16)
    for _ in range(MAX_ON_THEIR_WAY + 5):
        network.carry(network.originate(1))
    assert len(network.stores["exchange"].shares) == MAX_ON_THEIR_WAY
    dones = network.ask()
    assert [done.arrived is None for done in dones] == [True] * 5 + [False] * MAX_ON_THEIR_WAY
    for done in dones:
        network.settle(done)
    network.check()
