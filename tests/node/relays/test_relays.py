"""A network of six sites that relays: shares, masks, routing and failover, a site that lies, a site that forgets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from relay_lab import SPANS, RelayLab, make_pki

from haris.crypto.one_time_pad import xor
from haris.crypto.wegman_carter import PAD_OCTETS, tag
from haris.keys.end_to_end import ASSUMPTION
from haris.keys.relay import pad_octets
from haris.node.configuration.node_toml import PairEntry
from haris.node.events import PoolEvent, RelayEvent
from haris.nouns.errors import KeyUnavailable, ParameterError, PeerError
from haris.wire import end_to_end, relay


@pytest.fixture(scope="module")
def pki(tmp_path_factory) -> Path:
    return make_pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def labs(tmp_path, pki) -> Iterator:
    made: list[RelayLab] = []

    def make(bank: PairEntry, exchange: PairEntry | None = None, *, other: PairEntry | None = None, **more) -> RelayLab:
        pairs = {"bank": (bank, other) if other else (bank,)} | ({"exchange": (exchange,)} if exchange else {})
        made.append(RelayLab(tmp_path / str(len(made)), pki, pairs, **more))
        return made[-1]

    yield make
    for lab in made:
        lab.close()


def ways(lab: RelayLab) -> list[tuple[str, ...]]:
    return [event.path for event in lab.events if isinstance(event, RelayEvent) and event.site == event.path[0]]


async def test_keys_over_two_paths_under_a_mask(labs) -> None:
    lab = labs(PairEntry("exchange", paths=2, end_to_end=True), PairEntry("bank", paths=2, end_to_end=True))
    lab.refill(8192)
    await lab.gossip()
    assert await lab.fill("bank") == 0
    assert await lab.fill("exchange") == 0
    for owner, peer in (("bank", "exchange"), ("exchange", "bank")):
        ours, theirs = lab.pools(owner, peer)
        assert ours == theirs
        assert len(ours) == 24
        for _, pedigree in ours.values():
            assert pedigree.epsilon == pytest.approx(4e-10, rel=1e-9)
            assert pedigree.proof.assumptions == (
                "secret sharing over 2 disjoint paths (a | b): secret while one of them has no compromised site, as "
                "holds for any 1 compromised",
                ASSUMPTION,
            )
    assert set(ways(lab)) == {
        way for two in ("a", "b") for way in (("bank", two, "exchange"), ("exchange", two, "bank"))
    }
    assert lab.alarms() == []


async def test_three_paths_are_there_and_four_are_refused_by_the_configuration(labs) -> None:
    lab = labs(PairEntry("exchange", paths=3))
    lab.refill(8192)
    assert await lab.fill("bank") == 0
    ours, theirs = lab.pools("bank", "exchange")
    assert ours == theirs
    assert {len(way) for way in ways(lab)} == {3, 4}
    with pytest.raises(ParameterError, match="hold no 4 paths"):
        labs(PairEntry("exchange", paths=4))


async def test_a_site_that_is_away_is_gone_around(labs) -> None:
    lab = labs(PairEntry("exchange"))
    lab.refill(8192)
    lab.away.add("a")
    assert await lab.fill("bank") <= 1, "blamed at the first loss, gone around from then on"
    assert {way[1] for way in ways(lab)} == {"b"}
    ours, theirs = lab.pools("bank", "exchange")
    assert ours == theirs
    assert len(ours) == 24


async def test_a_span_that_dries_up_is_gone_around(labs) -> None:
    lab = labs(PairEntry("exchange"), pool_keys=200)
    lab.refill(8192, *(set(SPANS) - {"a-exchange"}))
    lab.refill(pad_octets(30), "a-exchange")
    await lab.gossip()
    assert await lab.fill("bank") == 0, "its level is known ahead"
    ours, theirs = lab.pools("bank", "exchange")
    assert ours == theirs
    assert len(ours) == 200
    assert {way[1] for way in ways(lab)} >= {"b"}


async def test_all_pad_of_all_ways_can_be_used(labs) -> None:
    """One way alone would carry a third."""
    lab = labs(PairEntry("exchange"), pool_keys=150)
    lab.refill(pad_octets(60))
    await lab.gossip()
    for _ in range(12):
        await lab.fill("bank")
        await lab.gossip(1)
    assert {way[1] for way in ways(lab)} == {"a", "b", "c"}
    assert len(lab.pools("bank", "exchange")[0]) > 120


async def test_without_enough_disjoint_paths_there_is_no_key(labs) -> None:
    lab = labs(PairEntry("exchange", paths=3))
    lab.refill(8192, *(set(SPANS) - {"b-exchange"}))
    await lab.gossip()
    with pytest.raises(KeyUnavailable, match="no 3 disjoint paths with pad"):
        await lab.fill_once("bank")
    assert lab.pools("bank", "exchange") == ({}, {})


def liar(lab: RelayLab, site: str) -> None:
    """The site flips a bit of each key that it passes on, and tags it with the pad that it knows."""

    def tamper(sender: str, verb: str, body: bytes) -> bytes:
        message = relay.decode(body) if verb == "relay" else None
        if sender != site or not isinstance(message, relay.RelayKeys):
            return body
        receiver = message.path[message.path.index(site) + 1]
        place = message.offset + len(message.ciphertext)
        pad = lab.stores[receiver].ledger_peek(message.ledger, place, PAD_OCTETS)
        flipped = xor(message.ciphertext, (1).to_bytes(len(message.ciphertext), "little"))
        changed = msgspec.structs.replace(message, ciphertext=flipped)
        return relay.encode(msgspec.structs.replace(changed, seal=tag(changed.sealed_octets(), pad)))

    lab.tamper = tamper


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("paths", [1, 2])
async def test_a_site_that_alters_keys_is_an_alarm_and_is_gone_around(labs, paths: int, masked: bool) -> None:
    lab = labs(PairEntry("exchange", paths=paths, end_to_end=masked))
    lab.refill(8192)
    await lab.gossip()
    liar(lab, "a")
    assert await lab.fill("bank") <= paths, "of two paths that are blamed it takes one relay more to tell which"
    alarms = lab.alarms()
    assert {(alarm.site, alarm.severity, alarm.source) for alarm in alarms} == {
        ("bank", "major", "pool exchange"),
        ("exchange", "major", "pool bank"),
    }
    assert all("bank-a-exchange" in alarm.text for alarm in alarms)
    assert all("altered" in alarm.text for alarm in alarms)
    ours, theirs = lab.pools("bank", "exchange")
    assert ours == theirs
    assert len(ours) == 24
    assert not any("a" in way for way in ways(lab))


async def test_a_relay_that_did_not_come_whole_is_settled_after_a_restart(labs) -> None:
    lab = labs(PairEntry("exchange", paths=2))
    lab.refill(8192)
    lab.away.add("exchange")
    for _ in range(2):
        with pytest.raises(KeyUnavailable):
            await lab.fill_once("bank")
    assert len(lab.stores["bank"].relays_in_doubt("exchange")) == 1, "the first is in doubt, and no other begins"
    lab.away.clear()
    lab.start("bank")
    lab.start("exchange")
    assert await lab.fill("bank") == 0
    assert lab.stores["bank"].relays_in_doubt("exchange") == ()
    ours, theirs = lab.pools("bank", "exchange")
    assert ours == theirs
    assert len(ours) == 24


async def test_a_far_end_that_was_started_anew_gets_a_new_session(labs) -> None:
    lab = labs(PairEntry("exchange", end_to_end=True), pool_keys=100)
    lab.refill(pad_octets(20))
    await lab.fill("bank")
    lab.start("exchange")
    lab.refill(8192)
    assert await lab.fill("bank") == 1, "one relay is voided, since its mask is gone; the next is under a new session"
    ours, theirs = lab.pools("bank", "exchange")
    assert ours == theirs
    assert len(ours) == 100
    assert lab.alarms() == []


async def test_a_session_is_renewed_after_so_many_keys(labs) -> None:
    lab = labs(PairEntry("exchange", end_to_end=True), rekey_keys=10, pool_keys=90)
    offers = []

    def tamper(sender: str, verb: str, body: bytes) -> bytes:
        if verb == end_to_end.VERB:
            offers.append(end_to_end.decode(body).session)
        return body

    lab.tamper = tamper
    for _ in range(6):
        lab.refill(pad_octets(5))
        await lab.fill("bank")
    assert len(set(offers)) == len(offers) >= 3
    held = [session for served in lab.relays["exchange"].sessions._served.values() for session in served]
    assert len(held) == 2, "older keys are overwritten"
    ours, theirs = lab.pools("bank", "exchange")
    assert ours == theirs
    assert ours


async def test_a_far_end_that_demands_a_mask_takes_nothing_without(labs) -> None:
    lab = labs(PairEntry("exchange", end_to_end=False), PairEntry("bank", end_to_end=True))
    lab.refill(8192)
    with pytest.raises(PeerError, match="exchange demands keys that are masked end to end: set end_to_end"):
        await lab.fill_once("bank")
    assert lab.pools("bank", "exchange") == ({}, {})
    assert lab.stores["bank"].relays_in_doubt("exchange") == ()
    assert [alarm.site for alarm in lab.alarms()] == ["exchange"]


async def test_an_offer_that_is_refused_is_no_key_not_a_plain_one(labs) -> None:
    lab = labs(PairEntry("exchange", end_to_end=True))
    lab.refill(8192)

    def tamper(sender: str, verb: str, body: bytes) -> bytes:
        return body[:-1] + bytes([body[-1] ^ 1]) if verb == end_to_end.VERB else body

    lab.tamper = tamper
    with pytest.raises(PeerError):
        await lab.fill_once("bank")
    assert lab.pools("bank", "exchange") == ({}, {})
    assert not ways(lab)


async def test_the_network_is_known_everywhere_after_a_few_rounds(labs) -> None:
    lab = labs(PairEntry("exchange"))
    lab.refill(1000, "c-d")
    await lab.gossip()
    view = lab.relays["bank"].topology.view
    levels = view.levels(lab.relays["bank"].topology.now_ns())
    assert levels["c", "d"].pad_octets == 1000
    assert levels["a", "exchange"].pad_octets == 0
    assert len(levels) == 2 * len(SPANS)


async def test_the_level_of_a_pool_is_told_when_it_changes(labs) -> None:
    lab = labs(PairEntry("exchange"))
    lab.refill(8192)
    await lab.fill("bank")
    told = [event.ready for event in lab.events if isinstance(event, PoolEvent) and event.site == "bank"]
    assert told == [0, 24]


async def test_scarce_pad_goes_to_the_pool_that_is_dry_first(labs) -> None:
    """Two pools over the one span bank-c; keys for the exchange are drawn, keys for d are not."""
    far = PairEntry("exchange", path=("bank", "c", "d", "exchange"))
    lab = labs(far, other=PairEntry("d", path=("bank", "c", "d")), pool_keys=400)
    lab.refill(1 << 16, "c-d", "d-exchange")
    filling, store = lab.relays["bank"].filling, lab.stores["bank"]
    now_ns = 0
    filling._now_ns = lambda: now_ns
    given = 0
    for _ in range(60):
        now_ns += 5 * 10**9
        lab.refill(pad_octets(25), "bank-c")
        for pair in (1, 0):
            await lab.fill_once("bank", pair)
        drawn = min(20, store.count_ready("exchange", "bank"))
        store.reserve("exchange", "bank", drawn, "test")
        given += drawn
    assert given > 50 * 20, "nearly all that was asked for"
    exchange, idle = store.count_ready("exchange", "bank"), store.count_ready("d", "bank")
    assert filling._states["exchange"].target > filling._states["d"].target == 100
    assert idle < 400, "beyond its small target it has waited"
    assert abs(exchange / filling._states["exchange"].target - idle / 100) < 0.5, "both cover about the same time"


async def test_a_pool_that_cannot_be_filled_claims_no_pad(labs) -> None:
    far = PairEntry("exchange", path=("bank", "c", "d", "exchange"))
    lab = labs(far, other=PairEntry("d", path=("bank", "c", "d")), pool_keys=100)
    lab.refill(pad_octets(150), "bank-c", "c-d")
    with pytest.raises(KeyUnavailable):
        await lab.fill_once("bank", 0)  # d-exchange is dry
    assert await lab.fill_once("bank", 1)
