"""A store that goes back to an older copy: noticed against what the other sites have seen, and void at both ends."""

import asyncio
import os
import shutil
from dataclasses import replace

import pytest
from kme_lab import SAES, Lab
from test_store_leases import seed

from haris.crypto.ledger import span_ledgers
from haris.keys.share_paths import trust
from haris.keys.store import PadAppend
from haris.keys.witness import NO_WORD, Verdict
from haris.node.life.orders import KeyLife
from haris.node.life.witnessing import Witnessing
from haris.node.store.store import open_store
from haris.nouns.alarms import AlarmKind, Severity
from haris.nouns.errors import KeyUnavailable, ParameterError, PeerError
from haris.nouns.keys import Origin, Pedigree, Proof
from haris.wire import kme, witness

KEK = bytes(range(32))
MEASURED = Pedigree(1e-9, Origin.MEASURED, Proof("t", "coherent", True))
SPAN = "bank-exchange"
LEDGERS = span_ledgers(SPAN)


@pytest.fixture
def stores(tmp_path):
    stores = [open_store(tmp_path / site, KEK, os.urandom) for site in ("bank", "exchange")]
    yield stores
    for store in stores:
        store.close()


def word(bank, exchange, answered=True):
    """One word of the bank's to the exchange."""
    said = bank.next_word("exchange", os.urandom(16))
    verdict, seen = exchange.hear_word("bank", said, [SPAN], os.urandom(16), ["bank"])
    if answered and verdict is not Verdict.SENDER_WENT_BACK:
        bank.word_confirmed("exchange", said)
    return verdict, seen


def test_words_go_on_and_a_lost_answer_changes_nothing(stores):
    bank, exchange = stores
    assert [word(bank, exchange, answered)[0] for answered in (True, False, False, True, True)] == [
        Verdict.NEXT,
        Verdict.NEXT,
        Verdict.REPEATED,
        Verdict.REPEATED,
        Verdict.NEXT,
    ]
    assert bank.confirmed_numbers() == {"exchange": 3}
    assert not exchange.words_owed("bank")


def test_a_chain_goes_on_from_what_the_witness_has_seen(stores):
    bank, exchange = stores
    for _ in range(5):
        word(bank, exchange)
    with bank._database.transaction() as tx:
        tx.change("UPDATE witnesses SET number = 2")
    verdict, seen = word(bank, exchange)
    assert verdict is Verdict.SENDER_WENT_BACK
    bank.went_back("exchange", b"r" * 16, ["exchange", "broker"], seen.number, seen.nonce)
    assert word(bank, exchange)[0] is Verdict.NEXT
    for peer in ("exchange", "broker"):
        assert [owed.verb for owed in bank.words_owed(peer)] == [kme.RESET]


def test_a_witness_that_lost_its_store_learns_it(stores):
    bank, exchange = stores
    for _ in range(3):
        word(bank, exchange)
    exchange.ledger_append([PadAppend(LEDGERS[0], bytes(64), MEASURED)])
    with exchange._database.transaction() as tx:
        tx.change("UPDATE witnessed SET number = 1")
    assert word(bank, exchange)[0] is Verdict.WITNESS_WENT_BACK
    assert exchange.ledger_bounds(LEDGERS[0]) == (64, 64)
    assert [owed.verb for owed in exchange.words_owed("bank")] == [kme.RESET]
    assert word(bank, exchange)[0] is Verdict.NEXT


def test_a_reset_is_heard_once(stores):
    bank, _ = stores
    assert bank.reset_by("exchange", b"a" * 16, [SPAN], "x")
    bank.ledger_append([PadAppend(LEDGERS[0], bytes(64), MEASURED)])
    assert not bank.reset_by("exchange", b"a" * 16, [SPAN], "x")  # the network brought it late
    assert bank.ledger_bounds(LEDGERS[0]) == (0, 64)
    assert bank.reset_by("exchange", b"b" * 16, [SPAN], "x")
    assert bank.ledger_bounds(LEDGERS[0]) == (64, 64)
    assert not bank.reset_by("exchange", b"a" * 16, [SPAN], "x")  # nor is one that is older still


class WitnessLab(Lab):
    """Sites that give each other their words."""

    def __init__(self, folder):
        super().__init__(folder)
        self.witnesses, self.tasks, self.filed = {}, {}, {}

    def guarded(self, site, supply):
        peers = {peer: [SPAN] if {site, peer} == {"bank", "exchange"} else [] for peer in ("bank", "exchange")}
        del peers[site]
        self.filed[site] = []
        self.witnesses[site] = Witnessing(site, supply.store, peers, os.urandom, self.filed[site].append)
        witnesses = self.witnesses[site]
        return replace(supply, confirmed=witnesses.require, trusted=witnesses.require_trusted)

    def handlers(self, site):
        return self.witnesses[site].verbs

    async def begin(self, site):
        there = await self.start(site)
        self.witnesses[site].owed = there.kme.deliveries.hurry
        works = self.witnesses[site].leading(there.kme.peers)
        self.tasks[site] = [asyncio.create_task(work) for work in works]

    async def end(self, site):
        for task in self.tasks.pop(site):
            task.cancel()
        await self.stop(site)

    async def confirmed(self):
        async with asyncio.timeout(20):
            for site, peer in (("bank", "exchange"), ("exchange", "bank")):
                if site in self.sites:
                    await self.witnesses[site].wait(peer)

    async def draw(self, n_keys):
        answer = await self.ask("alice", f"bob/enc_keys?number={n_keys}")
        return {key["key_ID"]: key["key"] for key in answer.items.get("keys", ())}

    async def fetch(self, names):
        body = {"key_IDs": [{"key_ID": name} for name in names]}
        answer = await self.ask("bob", "alice/dec_keys", body)
        return {key["key_ID"]: key["key"] for key in answer.items.get("keys", ())}

    def pad(self, n_octets):
        octets = os.urandom(n_octets)
        for site in ("bank", "exchange"):
            self.sites[site].store.ledger_append([PadAppend(name, octets, MEASURED) for name in LEDGERS])


def raised(alarms):
    return [alarm for alarm in alarms if alarm.active and alarm.kind is AlarmKind.ROLLED_BACK]


async def settled(lab, site, severity):
    """An alarm of this kind has come, and every word has been told."""
    async with asyncio.timeout(20):
        while not [alarm for alarm in raised(lab.filed[site]) if alarm.severity is severity]:
            await asyncio.sleep(0.05)
        while any(there.store.is_owed(peer, kme.RESET) for there in lab.sites.values() for peer in SAES.values()):
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("site", ["bank", "exchange"])
def test_a_store_that_is_put_back_delivers_nothing_twice(tmp_path, site):
    async def trial():
        lab = WitnessLab(tmp_path)
        for each in ("bank", "exchange"):
            await lab.begin(each)
        await lab.confirmed()
        lab.seed("bank", "exchange", 60)
        lab.pad(512)
        first = await lab.draw(10)
        assert len(first) == 10
        await lab.end(site)
        shutil.copy(tmp_path / f"{site}.store", tmp_path / "copy")
        await lab.begin(site)
        await lab.confirmed()
        assert not raised(lab.filed["bank"] + lab.filed["exchange"])  # a start is no going back
        second = await lab.draw(20)
        assert len(second) == 20
        assert await lab.fetch(list(second)) == second
        used = lab.sites["bank"].store.ledger_take(LEDGERS[0], 64)
        await lab.end(site)
        shutil.copy(tmp_path / "copy", tmp_path / f"{site}.store")
        for beside in ("-wal", "-shm"):
            (tmp_path / f"{site}.store{beside}").unlink(missing_ok=True)
        await lab.begin(site)
        drawn, fetched = await lab.draw(10), await lab.fetch(list(second))  # as soon as it serves
        await settled(lab, site, Severity.CRITICAL)
        assert fetched == {}
        assert not drawn.keys() & (first.keys() | second.keys())
        assert site == "exchange" or drawn == {}  # the bank's own store is in order: it may deliver what it had leased
        assert await lab.draw(1) == {}
        assert await lab.fetch(list(second)) == {}
        assert await lab.fetch(list(first)) == {}
        for there in lab.sites.values():
            for ledger in LEDGERS:
                head, end = there.store.ledger_bounds(ledger)
                assert head == end == 512
            with pytest.raises(KeyUnavailable):
                there.store.ledger_take(LEDGERS[0], 32)
        assert used.offset == 0
        await lab.confirmed()
        assert not [alarm for alarm in lab.filed[site] if alarm.severity is Severity.CRITICAL and not alarm.active]
        lab.pad(64)  # commissioned anew
        async with asyncio.timeout(20):
            while lab.filed[site][-1] != replace(lab.filed[site][-1], severity=Severity.CRITICAL, active=False):
                await asyncio.sleep(0.05)
        lab.seed("bank", "exchange", 20)  # and life goes on with new keys
        third = await lab.draw(20)
        assert len(third) == 20
        assert await lab.fetch(list(third)) == third
        assert not third.keys() & (first.keys() | second.keys())
        for each in ("bank", "exchange"):
            await lab.end(each)
        await lab.close()

    asyncio.run(trial())


def test_nothing_is_delivered_until_the_other_site_has_confirmed(tmp_path):
    async def trial():
        lab = WitnessLab(tmp_path)
        for each in ("bank", "exchange"):
            await lab.begin(each)
        await lab.confirmed()
        lab.seed("bank", "exchange", 20)
        assert len(await lab.draw(5)) == 5
        await lab.end("bank")
        await lab.end("exchange")
        await lab.begin("bank")  # leased keys are left, and nobody there to confirm
        answer = await lab.ask("alice", "bob/enc_keys")
        assert answer.status == 503
        assert "confirmed" in answer.message
        await lab.begin("exchange")
        await lab.confirmed()
        assert len(await lab.draw(5)) == 5
        for each in ("bank", "exchange"):
            await lab.end(each)
        await lab.close()

    asyncio.run(trial())


def test_a_word_that_the_network_kept_back_is_not_judged(tmp_path):
    async def trial():
        store = open_store(tmp_path / "exchange", KEK, os.urandom)
        alarms = []
        there = Witnessing("exchange", store, {"bank": [SPAN]}, os.urandom, alarms.append)
        said = [NO_WORD.follow(b"1" * 16)]
        said.append(said[0].follow(b"2" * 16))

        async def hear(one, challenge):
            body = witness.write(witness.WitnessWord(one.number, one.nonce, one.previous, challenge))
            return witness.read_answer(await there.verbs[witness.VERB]("bank", body))

        again = await hear(said[0], b"")
        assert again.verdict == "again"
        first = await hear(said[0], again.challenge)
        second = await hear(said[1], first.challenge)
        assert (first.verdict, second.verdict) == ("next", "next")
        late = await hear(said[0], again.challenge)  # an old word with its old challenge
        assert (late.verdict, late.challenge) == ("again", second.challenge)
        assert not raised(alarms)
        assert (await hear(said[0], second.challenge)).verdict == "sender-went-back"
        assert [alarm.severity for alarm in raised(alarms)] == [Severity.MAJOR]
        store.close()

    asyncio.run(trial())


def test_a_revoked_site_is_not_heard_and_gets_nothing(tmp_path):
    async def trial():
        lab = WitnessLab(tmp_path)
        for each in ("bank", "exchange"):
            await lab.begin(each)
        await lab.confirmed()
        lab.seed("bank", "exchange", 100)
        lab.pad(512)
        drawn = await lab.draw(10)
        bank, witnesses = lab.sites["bank"], lab.witnesses["bank"]
        bank.kme.peers.require_trusted = witnesses.require_trusted
        spans = {"exchange": [SPAN]}
        life = KeyLife(bank.store, bank.supply.directory, witnesses, spans, None, bank.kme.deliveries.hurry)
        assert 0 < await life.revoke("exchange", "olga") <= 90  # less what a lease on its way loses by itself
        answer = await lab.ask("alice", "bob/enc_keys")
        assert (answer.status, "revoked" in answer.message) == (503, True)
        assert bank.store.count_ready("exchange", "bank") == 0
        assert bank.store.ledger_bounds(LEDGERS[0]) == (512, 512)
        with pytest.raises(PeerError, match="revoked"):
            await bank.kme.peers.ask("exchange", "status", b"{}")
        with pytest.raises(PeerError, match="revoked here"):
            await lab.sites["exchange"].kme.peers.ask("bank", witness.VERB, b"{}")
        with pytest.raises(ParameterError, match="no other site"):
            await life.revoke("nowhere", "olga")
        await life.restore("exchange", "olga")
        with pytest.raises(ParameterError, match="not revoked"):
            await life.restore("exchange", "olga")
        await lab.confirmed()
        lab.seed("bank", "exchange", 20)
        third = await lab.draw(10)
        assert len(third) == 10
        assert not third.keys() & drawn.keys()
        assert await life.purge("alice", "bob", "olga") >= 0
        async with asyncio.timeout(10):
            while await lab.fetch(list(third)):
                await asyncio.sleep(0.05)
        with pytest.raises(ParameterError, match="one of a pair"):
            await life.purge("alice", "anna", "olga")
        for each in ("bank", "exchange"):
            await lab.end(each)
        await lab.close()

    asyncio.run(trial())


def test_a_revocation_burns_what_the_site_alone_could_have_betrayed(stores):
    bank, exchange = stores
    said = {
        "by-midway": trust([("bank", "midway", "exchange")]),
        "two-paths": trust([("bank", "midway", "exchange"), ("bank", "north", "south", "exchange")]),
        "other": trust([("bank", "north", "exchange")]),
    }
    for number, words in enumerate(said.values(), 1):
        proof = Proof("t", "coherent", True, ("fair sampling", *words))
        seed(bank, exchange, 10, number, Pedigree(1e-9, Origin.MEASURED, proof, hops=2))
    assert bank.revoke_site("midway", [], "olga") == 10
    for owed in bank.words_owed("exchange"):
        exchange.burn_runs("bank", kme.read_burn(owed.body))
    assert bank.count_ready("exchange", "bank") == exchange.count_ready("bank", "bank") == 20
    assert bank.revoke_site("south", [], "olga") == 10  # now each of two paths has one
    assert bank.revoked_sites() == {"midway", "south"}
    assert bank.restore_site("south", "olga")
    assert not bank.restore_site("south", "olga")


class Direct:
    """Peers whose verbs are called in this process, as soon as they are there."""

    def __init__(self, caller):
        self.caller, self.there = caller, {}

    async def ask(self, site, verb, body):
        if site not in self.there:
            raise KeyUnavailable(f"{site} is not there")
        return await self.there[site].verbs[verb](self.caller, body)


def test_a_site_that_is_learnt_of_later_is_witnessed_and_gates_itself_alone(tmp_path):
    async def trial():
        stores = {site: open_store(tmp_path / site, KEK, os.urandom) for site in ("bank", "exchange", "broker")}
        alarms = []
        bank = Witnessing("bank", stores["bank"], {"exchange": [SPAN]}, os.urandom, alarms.append)
        peers = Direct("bank")
        others = {
            site: Witnessing(site, stores[site], {"bank": []}, os.urandom, alarms.append)
            for site in ("exchange", "broker")
        }
        peers.there["exchange"] = others["exchange"]
        tasks = [asyncio.create_task(work) for work in bank.leading(peers)]
        async with asyncio.timeout(20):
            await bank.wait("exchange")
            bank.know({"exchange": [SPAN], "broker": []})
            bank.require("exchange")
            with pytest.raises(KeyUnavailable, match="broker has not yet confirmed"):
                bank.require("broker")
            while "broker" not in bank._away:
                await asyncio.sleep(0.01)
            peers.there["broker"] = others["broker"]
            await bank.wait("broker")
            assert (bank.returns("exchange"), bank.returns("broker")) == (0, 1)
            assert stores["broker"].seen_of("bank").number > 0
            bank.know({"broker": []})
            seen = stores["broker"].seen_of("bank").number
            while stores["broker"].seen_of("bank").number == seen:  # and again, as ever
                await asyncio.sleep(0.05)
            bank.require("broker")
        assert not [task for task in tasks if task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for store in stores.values():
            store.close()

    asyncio.run(trial())


class Absent:
    """Peers of which none is there; it is known at once of the others, and of `last` when it is told."""

    def __init__(self, last):
        self.last, self.gate, self.asked = last, asyncio.get_running_loop().create_future(), asyncio.Event()

    async def ask(self, site, verb, body):
        if site == self.last:
            self.asked.set()
            await self.gate
        raise KeyUnavailable(f"{site} is not there")


def test_what_is_learnt_late_of_a_site_that_is_gone_gates_nobody_and_confirms_nothing(tmp_path):
    async def trial():
        store = open_store(tmp_path / "bank", KEK, os.urandom)
        bank = Witnessing("bank", store, {"exchange": [], "broker": []}, os.urandom, lambda alarm: None, alone=True)
        peers = Absent("broker")
        tasks = [asyncio.create_task(work) for work in bank.leading(peers)]
        async with asyncio.timeout(20):
            await peers.asked.wait()
            while "exchange" not in bank._tried:
                await asyncio.sleep(0.01)
            with pytest.raises(KeyUnavailable):
                bank.require("exchange")  # the broker has not been asked
            peers.gate.set_result(None)  # its answer is on its way
            bank.know({"exchange": []})
            while "broker" not in bank._away:
                await asyncio.sleep(0)
            bank.require("exchange")
            bank.know({"exchange": [], "broker": []})
            with pytest.raises(KeyUnavailable, match="broker has not yet confirmed"):
                bank.require("broker")
            bank.require("exchange")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        store.close()

    asyncio.run(trial())
