"""A satellite that stations reach in contacts only: it stores and forwards, and its owner knows late from lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from relay_lab import RelayLab, make_pki

from haris.keys.relay import pad_octets
from haris.node.configuration.node_toml import PairEntry
from haris.node.relays import filling
from haris.node.relays.routes import Routes
from haris.nouns.errors import HarisError, KeyUnavailable, OutOfContact, PeerError, StoreError, Unheard
from haris.nouns.times import NS_PER_S
from haris.wire import relay as wire

PATH = ("bank", "a", "exchange")
UP, DOWN = "bank-a", "a-exchange"
"""The spans of the satellite, which is called a."""


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def lab(tmp_path: Path, pki: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(filling, "WHETHER_S", 0.0)
    pairs = {"bank": (PairEntry("exchange", PATH),)}
    lab = RelayLab(tmp_path / "lab", pki, pairs, in_contacts=frozenset({UP, DOWN}))
    lab.refill(16384)
    lab.shut = {DOWN}  # the satellite stands over the bank
    yield lab
    lab.close()


async def down(lab: RelayLab) -> int:
    """The satellite comes over the exchange; returns how many messages it sends."""
    lab.shut = {UP}
    return await lab.relays["a"].carrying.carry_once(lab.peers("a"))


def later(lab: RelayLab, seconds: float) -> None:
    """The clocks of the bank and of the satellite go on."""
    now_ns = lab.relays["bank"].filling._clock_ns() + round(seconds * NS_PER_S)
    lab.relays["bank"].filling._clock_ns = lambda: now_ns
    lab.relays["a"].carrying._now_ns = lambda: now_ns


def ready(lab: RelayLab) -> tuple[int, int]:
    return lab.stores["bank"].count_ready("exchange", "bank"), lab.stores["exchange"].count_ready("bank", "bank")


async def test_keys_cross_a_satellite_that_is_never_over_both(lab: RelayLab) -> None:
    assert await lab.fill("bank") == 0
    assert ready(lab) == (0, 0)
    assert lab.stores["bank"].count_pending("exchange") == lab.pool_keys  # and no more are drawn
    assert await down(lab) == 1
    with pytest.raises(OutOfContact):
        await lab.relays["bank"].filling._relaying.tell_head(lab.peers("bank"), "a")
    await lab.fill("bank")
    assert ready(lab) == (lab.pool_keys, lab.pool_keys)
    ours, theirs = lab.pools("bank", "exchange")
    assert ours == theirs
    assert all(pedigree.hops == 2 for _, pedigree in ours.values())
    assert not lab.alarms()
    assert await down(lab) == 0


async def test_a_neighbour_that_fails_keeps_no_other_waiting(lab: RelayLab, monkeypatch: pytest.MonkeyPatch) -> None:
    await lab.fill("bank")
    carrying = lab.relays["a"].carrying
    send_all = carrying._send_all

    async def but_for_the_bank(peers: object, site: str, ledger: str) -> int:
        if site == "bank":
            raise StoreError("what is held for it is not to be read")
        return await send_all(peers, site, ledger)  # type: ignore[arg-type]

    monkeypatch.setattr(carrying, "_send_all", but_for_the_bank)
    assert next(iter(carrying._relaying.neighbours)) == "bank"
    lab.shut = set()
    assert await carrying.carry_once(lab.peers("a")) == 1


async def test_a_pool_goes_on_filling_while_relays_are_on_their_way(lab: RelayLab) -> None:
    lab.relays["bank"].pairs[0] = filling.Pair("exchange", 600)
    lab.refill(65536)
    await lab.fill("bank")
    assert lab.stores["bank"].count_pending("exchange") == 600
    assert await down(lab) == 3  # batches of 256 keys at most
    await lab.fill("bank")
    assert ready(lab) == (600, 600)


async def test_nothing_is_sent_up_while_the_satellite_is_below_the_horizon(lab: RelayLab) -> None:
    lab.shut = {UP}
    before = lab.stores["bank"].ledger_bounds("bank-a/relay/ab")
    with pytest.raises(OutOfContact):
        await lab.fill_once("bank")
    assert lab.stores["bank"].ledger_bounds("bank-a/relay/ab") == before
    assert not lab.alarms()


@pytest.mark.parametrize("site", PATH)
async def test_a_restart_of_any_site_loses_nothing_that_is_held(lab: RelayLab, site: str) -> None:
    await lab.fill("bank")
    lab.start(site)
    await lab.fill("bank")
    assert ready(lab) == (0, 0)
    await down(lab)
    lab.start(site)
    await lab.fill("bank")
    assert ready(lab) == (lab.pool_keys, lab.pool_keys)


async def test_what_is_given_up_is_never_ready_though_it_comes(lab: RelayLab) -> None:
    await lab.fill("bank")
    lab.relays["bank"].pairs[0] = filling.Pair("exchange", 12, arrive_within_s=50.0)
    held = lab.stores["a"].carried("a-exchange/relay/ab")
    assert held is not None
    later(lab, 86_401.0)
    lab.start("bank")  # it forgets nothing that matters
    lab.relays["bank"].filling._clock_ns = lambda: held.until_ns + 1
    lab.shut = {UP, DOWN}
    with pytest.raises(OutOfContact):
        await lab.fill_once("bank")
    assert lab.stores["bank"].count_pending("exchange") == 0
    lab.relays["a"].carrying._now_ns = lambda: 0  # a clock that is behind
    await down(lab)
    assert ready(lab) == (0, 0)
    assert not lab.stores["exchange"].shares_of(held.relay)


async def test_a_satellite_drops_what_is_too_old(lab: RelayLab) -> None:
    await lab.fill("bank")
    later(lab, 86_401.0)
    assert await down(lab) == 0
    assert any(getattr(event, "what", "") == "relays given up" for event in lab.events)


async def test_a_satellite_without_pad_says_so_at_once(lab: RelayLab) -> None:
    satellite = lab.stores["a"]
    head, end = satellite.ledger_bounds("a-exchange/relay/ab")
    satellite.ledger_take("a-exchange/relay/ab", end - head)
    with pytest.raises(KeyUnavailable, match="did not arrive"):
        await lab.fill_once("bank")
    assert lab.stores["bank"].count_pending("exchange") == 0  # given up: it can never come


@pytest.mark.parametrize("said", [PeerError("not a message of key relay"), Unheard("connection refused")])
async def test_what_was_not_taken_is_given_up_at_once(lab: RelayLab, said: HarisError) -> None:
    """An older release on the satellite, or one that was not there after all."""

    def refuse(site: str, verb: str, body: bytes) -> bytes:
        if verb == "relay" and isinstance(wire.decode(body), wire.RelayKeysInContacts):
            raise said
        return body

    lab.tamper = refuse
    with pytest.raises(KeyUnavailable, match="did not arrive"):
        await lab.fill_once("bank")
    assert lab.stores["bank"].count_pending("exchange") == 0


async def test_a_share_whose_answer_was_cut_off_may_arrive(lab: RelayLab) -> None:
    asked = lab.handlers["a"]["relay"]

    async def cut(caller: str, body: bytes) -> bytes:
        await asked(caller, body)
        raise KeyUnavailable("time-out")

    lab.handlers["a"]["relay"] = cut
    await lab.fill("bank")
    assert lab.stores["bank"].count_pending("exchange") == lab.pool_keys
    await down(lab)
    await lab.fill("bank")
    assert ready(lab) == (lab.pool_keys, lab.pool_keys)


async def test_a_satellite_that_has_not_met_the_owner_since_its_start_takes_nothing(lab: RelayLab) -> None:
    def unconfirmed(site: str) -> None:
        raise KeyUnavailable(f"{site} has not confirmed")

    lab.relays["a"].relaying.require = unconfirmed
    with pytest.raises(KeyUnavailable, match="did not arrive"):
        await lab.fill_once("bank")
    assert lab.stores["bank"].count_pending("exchange") == 0
    assert lab.stores["a"].count_carried("a-exchange/relay/ab") == 0


async def test_masks_outlive_their_sessions_while_relays_may_arrive(lab: RelayLab) -> None:
    lab.pairs = {"bank": (PairEntry("exchange", PATH, end_to_end=True),)}
    lab.start("bank")
    await lab.fill("bank")
    far = lab.relays["exchange"].sessions
    assert far is not None
    for _ in range(3):  # later sessions, and hours
        lab.relays["bank"].sessions.end("exchange")  # type: ignore[union-attr]
        await lab.relays["bank"].sessions.current(lab.peers("bank"), "exchange")  # type: ignore[union-attr, arg-type]
    began_ns = far._now_ns()
    far._now_ns = lambda: began_ns + 10 * 3600 * NS_PER_S
    await down(lab)
    await lab.fill("bank")
    assert ready(lab) == (lab.pool_keys, lab.pool_keys)


async def test_a_head_told_leaves_the_pad_of_what_is_held(lab: RelayLab) -> None:
    await lab.fill("bank")
    lab.shut = {UP}
    await lab.relays["a"].relaying.tell_head(lab.peers("a"), "exchange")
    assert lab.stores["exchange"].ledger_bounds("a-exchange/relay/ab")[0] == 0
    await down(lab)
    assert lab.stores["exchange"].ledger_bounds("a-exchange/relay/ab")[0] == pad_octets(lab.pool_keys)


async def test_a_far_end_that_knows_no_waiting_is_asked_at_the_end(lab: RelayLab) -> None:
    def old(site: str, verb: str, body: bytes) -> bytes:
        return b"?" if isinstance(wire.decode(body), wire.RelayWhether) else body

    await lab.fill("bank")
    await down(lab)
    lab.tamper = lambda site, verb, body: old(site, verb, body) if verb == "relay" else body
    assert await lab.fill("bank") >= 0
    assert ready(lab)[0] == 0
    later(lab, 86_401.0)
    await lab.fill("bank")
    assert ready(lab) == (lab.pool_keys, lab.pool_keys)


async def test_silence_of_what_is_heard_in_contacts_only_is_no_absence(lab: RelayLab) -> None:
    lab.shut = set()
    await lab.gossip()
    view = lab.relays["bank"].topology.view
    later_ns = 10**9 * 10**10
    away = view.sites_away(later_ns)
    assert "a" not in away
    assert {"b", "c"} <= set(away)  # on fibre
    routes = Routes(view, {"exchange": PATH}, lambda: later_ns)
    with pytest.raises(KeyUnavailable, match="away: b"):
        routes.choose("exchange", 1, {"a": 9999})
