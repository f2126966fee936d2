"""Leases in the store: two stores and no network; what one pair has for itself, and many served at once."""

import os
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from haris.keys.relay import Parcel
from haris.keys.store import ANY_GRADE, BlockShares, Fetch, Grade, Take
from haris.node.store import deliveries
from haris.node.store.database import Transaction
from haris.node.store.lots import COLUMNS, open_lot
from haris.node.store.store import open_store
from haris.nouns.assignments import Assignment, Lease, Void
from haris.nouns.errors import KeyNotFound, KeyUnavailable, ParameterError, PeerError, StoreError, Unauthorised
from haris.nouns.ids import key_id
from haris.nouns.keys import Origin, Pedigree, Proof, StoredKey
from haris.wire import kme

KEK = bytes(range(32))
MEASURED = Pedigree(1e-9, Origin.MEASURED, Proof("t", "coherent", True))
EMULATED = replace(MEASURED, origin=Origin.EMULATED)
ALICE_BOB, ANNA_BOB = ("alice", "bob"), ("anna", "bob")


def seed(bank, exchange, n_keys, relay=1, pedigree=MEASURED):
    """The same keys at both sites, owned by the bank, in lots of their relay."""
    name = UUID(int=relay)
    keys = [StoredKey(key_id(name.bytes, n), os.urandom(32), "exchange", "bank", pedigree) for n in range(n_keys)]
    bank.put_keys(keys, name)
    exchange.put_keys([replace(key, peer="bank") for key in keys], name)
    return {key.key_id: key.secret for key in keys}


def lease(bank, exchange, pair, n_keys, grade=ANY_GRADE):
    leases = bank.offer_leases("exchange", "bank", *pair, n_keys, grade)
    exchange.admit_leases("bank", leases, grade)
    bank.settle_leases("exchange", leases, admitted=True)
    return leases


def take(bank, pair, n_keys):
    (outcome,) = bank.serve([Take(*pair, n_keys)])
    return read(outcome)


def fetch(exchange, pair, key_ids):
    (outcome,) = exchange.serve([Fetch(*pair, b"".join(each.bytes for each in key_ids))])
    return read(outcome)


def left(store, peer):
    """Key_IDs of the bank's that are left in lots here, or were reserved and released."""
    where = "peer = ? AND owner = 'bank' AND state"
    with store._database.transaction() as tx:
        lots = [open_lot(tx, row) for row in tx.all(f"SELECT {COLUMNS} FROM lots WHERE {where} <> 'spent'", peer)]
        loose = tx.all(f"SELECT key_id FROM loose WHERE {where} = 'ready'", peer)
    return {lot.key_id(place) for lot in lots for place in lot.left.tolist()} | {key_id for (key_id,) in loose}


def read(outcome):
    if isinstance(outcome, Exception):
        raise outcome
    return {key.key_id: key.secret for batch in outcome for key in batch.each()}


@pytest.fixture
def stores(tmp_path):
    stores = [open_store(tmp_path / site, KEK, os.urandom) for site in ("bank", "exchange")]
    yield stores
    for store in stores:
        store.close()


def test_a_lease_is_drawn_from_its_front_and_fetched_in_any_order(stores):
    bank, exchange = stores
    keys = seed(bank, exchange, 300)
    lease(bank, exchange, ALICE_BOB, 200)
    assert (bank.count_leased(*ALICE_BOB), bank.count_ready("exchange", "bank")) == (200, 100)
    taken = take(bank, ALICE_BOB, 150)
    assert list(taken) == list(keys)[:150]
    assert taken == {name: keys[name] for name in taken}
    backwards = list(taken)[::-1]
    assert fetch(exchange, ALICE_BOB, backwards[:140]) == {name: keys[name] for name in backwards[:140]}
    with pytest.raises(KeyNotFound):
        fetch(exchange, ALICE_BOB, backwards[139:])  # one of them is gone: none is given
    assert fetch(exchange, ALICE_BOB, backwards[140:]) == {name: keys[name] for name in backwards[140:]}
    with pytest.raises(KeyUnavailable, match="too few"):
        take(bank, ALICE_BOB, 51)
    assert len(take(bank, ALICE_BOB, 50)) == 50


def test_a_key_is_for_its_pair_alone(stores):
    bank, exchange = stores
    keys = seed(bank, exchange, 10)
    lease(bank, exchange, ALICE_BOB, 5)
    names = list(keys)
    with pytest.raises(KeyUnavailable):
        take(bank, ANNA_BOB, 1)
    for pair in (ANNA_BOB, ("alice", "bella")):
        with pytest.raises(Unauthorised):
            fetch(exchange, pair, names[:1])
    with pytest.raises(KeyNotFound):
        fetch(exchange, ALICE_BOB, names[5:6])  # nobody's yet
    with pytest.raises(KeyNotFound, match="twice"):
        fetch(exchange, ALICE_BOB, [names[0], names[0]])
    with pytest.raises(KeyNotFound):
        fetch(exchange, ALICE_BOB, [UUID(int=5)])
    with pytest.raises(KeyNotFound):
        fetch(bank, ALICE_BOB, names[:1])  # the owner's own copy is the master's
    assert fetch(exchange, ALICE_BOB, names[:1]) == {names[0]: keys[names[0]]}


def test_many_are_served_at_once_each_with_its_own_fate(stores):
    bank, exchange = stores
    keys = seed(bank, exchange, 400)
    lease(bank, exchange, ALICE_BOB, 200)
    lease(bank, exchange, ANNA_BOB, 30)
    outcomes = bank.serve([Take(*ALICE_BOB, 100), Take(*ANNA_BOB, 31), Take(*ALICE_BOB, 60), Take(*ANNA_BOB, 30)])
    assert isinstance(outcomes[1], KeyUnavailable)
    alice, more, anna = (read(outcomes[n]) for n in (0, 2, 3))
    assert (len(alice), len(more), len(anna)) == (100, 60, 30)
    assert len(alice | more | anna) == 190
    requests = [
        Fetch(*ALICE_BOB, b"".join(name.bytes for name in alice)),
        Fetch(*ALICE_BOB, b"".join(name.bytes for name in alice)),
        Fetch(*ANNA_BOB, b"".join(name.bytes for name in (*anna, *more))),
        Fetch(*ANNA_BOB, b"".join(name.bytes for name in anna)),
    ]
    outcomes = exchange.serve(requests)
    assert read(outcomes[0]) == alice
    assert isinstance(outcomes[1], KeyNotFound)
    assert isinstance(outcomes[2], Unauthorised)
    assert read(outcomes[3]) == anna == {name: keys[name] for name in anna}


def test_who_names_keys_at_their_owners_site_does_not_bring_them_back(stores):
    bank, exchange = stores
    keys = seed(bank, exchange, 128)
    lease(bank, exchange, ALICE_BOB, 128)
    first = take(bank, ALICE_BOB, 1)
    bank.count_leased(*ALICE_BOB)  # another transaction, so that the lot is closed
    wrong, outcome = bank.serve([Fetch(*ALICE_BOB, next(iter(first)).bytes), Take(*ALICE_BOB, 10)])
    assert isinstance(wrong, KeyNotFound)
    taken = first | read(outcome) | take(bank, ALICE_BOB, 117)
    assert taken == keys  # each once
    with pytest.raises(KeyUnavailable):
        take(bank, ALICE_BOB, 1)


def test_keys_that_nobody_gets_after_all_are_wiped(stores, monkeypatch):
    bank, exchange = stores
    seed(bank, exchange, 200)
    lease(bank, exchange, ALICE_BOB, 200)
    taken = []

    def full(*args):
        raise StoreError("the disk is full")

    real = deliveries._Service.answer

    def answer(service, request):
        taken.append(real(service, request))
        return taken[-1]

    monkeypatch.setattr(deliveries._Service, "answer", answer)
    monkeypatch.setattr(deliveries, "append_audit", full)
    with pytest.raises(StoreError, match="full"):
        bank.serve([Take(*ALICE_BOB, 150), Take(*ALICE_BOB, 60), Take(*ALICE_BOB, 20)])
    batches = [batch for outcome in taken if isinstance(outcome, tuple) for batch in outcome]
    assert sum(batch.n_keys for batch in batches) == 170
    assert not any(any(batch.secrets) for batch in batches)


def test_a_store_that_is_closed_holds_no_open_lot(tmp_path):
    bank, exchange = (open_store(tmp_path / site, KEK, os.urandom) for site in ("bank", "exchange"))
    seed(bank, exchange, 100)
    lease(bank, exchange, ALICE_BOB, 100)
    take(bank, ALICE_BOB, 1)
    (lot,) = bank._hot._lots
    assert any(lot.octets)
    for store in (bank, exchange):
        store.close()
    assert not any(lot.octets)


def test_a_request_names_a_key_at_least():
    for wrong in (lambda: Take(*ALICE_BOB, 0), lambda: Fetch(*ALICE_BOB, b""), lambda: Fetch(*ALICE_BOB, bytes(17))):
        with pytest.raises(ParameterError):
            wrong()


def test_leased_and_assigned_keys_are_fetched_together(stores):
    bank, exchange = stores
    keys = seed(bank, exchange, 6)
    (single,) = bank.reserve("exchange", "bank", 1, "014")
    word = Assignment(single.key_id, 256, (single.key_id,), *ALICE_BOB[:1], ("bob",), MEASURED)
    exchange.accept_assignments("bank", [word])
    lease(bank, exchange, ALICE_BOB, 3)
    taken = take(bank, ALICE_BOB, 3)
    assert single.key_id not in taken
    with pytest.raises(KeyNotFound):
        fetch(exchange, ALICE_BOB, [*taken, single.key_id, UUID(int=9)])
    assert fetch(exchange, ALICE_BOB, [*taken, single.key_id]) == taken | {single.key_id: single.secret}
    assert keys.items() >= taken.items()


def test_a_lease_told_again_changes_nothing(stores):
    bank, exchange = stores
    seed(bank, exchange, 10)
    leases = bank.offer_leases("exchange", "bank", *ALICE_BOB, 4, ANY_GRADE)
    assert bank.leases_in_doubt("exchange") == leases
    with pytest.raises(KeyUnavailable):
        take(bank, ALICE_BOB, 1)  # the other site may not know
    exchange.admit_leases("bank", leases, ANY_GRADE)
    exchange.admit_leases("bank", leases, ANY_GRADE)
    bank.settle_leases("exchange", leases, admitted=True)
    bank.settle_leases("exchange", leases, admitted=False)  # settled before
    assert (bank.leases_in_doubt("exchange"), bank.count_leased(*ALICE_BOB)) == ((), 4)


def test_a_message_may_name_a_lot_twice_for_one_pair_and_for_no_two(stores):
    bank, exchange = stores
    seed(bank, exchange, 300)
    first, second, rest = bank.offer_leases("exchange", "bank", *ALICE_BOB, 300, ANY_GRADE)
    with pytest.raises(PeerError, match="another pair"):
        exchange.admit_leases("bank", (first, replace(first, master="anna")), ANY_GRADE)
    assert exchange.count_ready("bank", "bank") == 300  # none of it happened
    exchange.admit_leases("bank", (first, first), ANY_GRADE)
    exchange.admit_leases("bank", (first, second), ANY_GRADE)  # one that is its pair's already, and one that is not
    assert exchange.count_ready("bank", "bank") == rest.n_left == 300 - first.n_left - second.n_left


def test_a_lot_is_leased_without_its_secret_and_emulated_ones_only_in_a_laboratory(stores, monkeypatch):
    bank, exchange = stores
    keys = seed(bank, exchange, 256, pedigree=EMULATED)
    monkeypatch.setattr(Transaction, "unseal_into", None)
    leases = bank.offer_leases("exchange", "bank", *ALICE_BOB, 256, ANY_GRADE)
    monkeypatch.undo()
    with pytest.raises(PeerError, match="laboratory"):
        exchange.admit_leases("bank", leases, Grade(emulated=False))
    monkeypatch.setattr(Transaction, "unseal_into", None)
    exchange.admit_leases("bank", leases, ANY_GRADE)
    bank.settle_leases("exchange", leases, admitted=True)
    monkeypatch.undo()
    assert take(bank, ALICE_BOB, 256) == fetch(exchange, ALICE_BOB, list(keys)) == keys


def test_what_is_not_the_owners_to_lease_is_refused_whole(stores):
    bank, exchange = stores
    seed(bank, exchange, 10)
    seed(bank, exchange, 4, relay=2, pedigree=EMULATED)
    leases = bank.offer_leases("exchange", "bank", *ALICE_BOB, 4, Grade(emulated=False))
    emulated = bank.offer_leases("exchange", "bank", *ALICE_BOB, 10, ANY_GRADE)[-1:]
    unknown = replace(leases[0], prefix=bytes(12))
    longer = replace(leases[0], n_keys=200, gone=bytes(25))
    for wrong in (unknown, longer):
        with pytest.raises(PeerError, match="not here"):
            exchange.admit_leases("bank", [*leases, wrong], ANY_GRADE)
    with pytest.raises(PeerError, match="not here"):
        exchange.admit_leases("broker", leases, ANY_GRADE)
    with pytest.raises(PeerError, match="no laboratory"):
        exchange.admit_leases("bank", [*leases, *emulated], Grade(emulated=False))
    assert exchange.count_ready("bank", "bank") == 14
    exchange.admit_leases("bank", leases, ANY_GRADE)
    with pytest.raises(PeerError, match="another pair's"):
        exchange.admit_leases("bank", [replace(leases[0], master="anna")], ANY_GRADE)
    bank.settle_leases("exchange", leases, admitted=False)  # had it been refused
    assert len(bank.voids_owed("exchange")) == 4
    assert bank.count_leased(*ALICE_BOB) == 0


def test_idle_leases_come_back_without_what_a_slave_guessed(stores):
    bank, exchange = stores
    keys = seed(bank, exchange, 20)
    names = list(keys)
    lease(bank, exchange, ALICE_BOB, 10)
    take(bank, ALICE_BOB, 2)
    fetch(exchange, ALICE_BOB, [names[0]])
    fetch(exchange, ALICE_BOB, [names[7]])  # never given to the master
    assert bank.recall_leases("exchange", 0) == ()
    recalled = bank.recall_leases("exchange", 1 << 62)
    assert bank.recalls_in_doubt("exchange") == recalled
    with pytest.raises(KeyUnavailable):
        take(bank, ALICE_BOB, 1)
    for _ in range(2):
        yielded = exchange.yield_leases("bank", recalled)
    for _ in range(2):
        bank.return_leases("exchange", yielded)
    assert bank.count_ready("exchange", "bank") == 10 + 7
    with pytest.raises(PeerError, match="not recalled"):
        bank.return_leases("exchange", [replace(yielded[0], first=3)])
    lease(bank, exchange, ANNA_BOB, 17)
    taken = take(bank, ANNA_BOB, 17)
    assert names[7] not in taken
    assert fetch(exchange, ANNA_BOB, list(taken)) == taken == {name: keys[name] for name in taken}
    assert fetch(exchange, ALICE_BOB, [names[1]]) == {names[1]: keys[names[1]]}  # what alice had is still bob's


def test_a_late_word_about_an_earlier_lease_is_not_taken_for_one_about_the_new(stores):
    bank, exchange = stores
    keys = seed(bank, exchange, 10)
    first = lease(bank, exchange, ALICE_BOB, 10)
    recalled = bank.recall_leases("exchange", 1 << 62)
    yielded = exchange.yield_leases("bank", recalled)
    bank.return_leases("exchange", yielded)
    with pytest.raises(PeerError, match="called back since"):
        exchange.admit_leases("bank", first, ANY_GRADE)  # late, and the keys are free at both ends
    assert bank.count_ready("exchange", "bank") == exchange.count_ready("bank", "bank") == 10
    (offered,) = bank.offer_leases("exchange", "bank", *ANNA_BOB, 10, ANY_GRADE)
    bank.settle_leases("exchange", first, admitted=True)
    bank.settle_leases("exchange", first, admitted=False)
    assert bank.leases_in_doubt("exchange") == (offered,)
    exchange.admit_leases("bank", [offered], ANY_GRADE)
    bank.settle_leases("exchange", [offered], admitted=True)
    exchange.yield_leases("bank", recalled)
    with pytest.raises(PeerError, match="called back since"):
        exchange.admit_leases("bank", first, ANY_GRADE)
    bank.recall_leases("exchange", 1 << 62)
    bank.return_leases("exchange", yielded)
    (recalled,) = bank.recalls_in_doubt("exchange")
    bank.return_leases("exchange", exchange.yield_leases("bank", [recalled]))
    lease(bank, exchange, ANNA_BOB, 10)
    taken = take(bank, ANNA_BOB, 10)
    assert fetch(exchange, ANNA_BOB, list(taken)) == taken == keys


def test_what_the_owner_voids_is_burnt_even_where_it_had_been_leased(stores):
    bank, exchange = stores
    seed(bank, exchange, 10)
    leases = bank.offer_leases("exchange", "bank", *ALICE_BOB, 4, ANY_GRADE)
    exchange.admit_leases("bank", leases, ANY_GRADE)  # and the answer is lost; asked again, the exchange refuses
    bank.settle_leases("exchange", leases, admitted=False)
    exchange.void_assignments("bank", bank.voids_owed("exchange"))
    assert left(bank, "exchange") == left(exchange, "bank")
    assert len(left(bank, "exchange")) == 6


def test_what_the_owner_voids_of_a_block_in_doubt_is_burnt_there(stores):
    _, exchange = stores
    keys = [StoredKey(key_id(b"b" * 16, n), os.urandom(32), "bank", "bank", MEASURED) for n in range(5)]
    exchange.hold_block(BlockShares(b"b" * 16, "span", 0, tuple(keys), ()))
    exchange.void_assignments("bank", [Void(key.key_id, (key.key_id,)) for key in keys[:2]])
    assert exchange.ready_block(b"b" * 16)
    assert left(exchange, "bank") == {key.key_id.bytes for key in keys[2:]}


@pytest.mark.parametrize(
    "discard",
    [
        lambda exchange: exchange.discard_block(b"b" * 16),
        lambda exchange: exchange.recommission_span("span", "courier", [], 0),
    ],
)
def test_nothing_is_leased_of_a_block_that_was_discarded_at_the_other_site(stores, discard):
    bank, exchange = stores
    keys = [StoredKey(key_id(b"b" * 16, n), os.urandom(32), "exchange", "bank", MEASURED) for n in range(5)]
    bank.hold_block(BlockShares(b"b" * 16, "span", 0, tuple(keys), ()))
    exchange.hold_block(BlockShares(b"b" * 16, "span", 0, tuple(replace(key, peer="bank") for key in keys), ()))
    assert bank.ready_block(b"b" * 16)
    discard(exchange)
    leases = bank.offer_leases("exchange", "bank", *ALICE_BOB, 5, ANY_GRADE)
    with pytest.raises(PeerError, match="used here"):
        exchange.admit_leases("bank", leases, ANY_GRADE)
    with pytest.raises(KeyNotFound):
        fetch(exchange, ALICE_BOB, [keys[0].key_id])
    word = Assignment(keys[0].key_id, 256, (keys[0].key_id,), "alice", ("bob",), MEASURED)
    with pytest.raises(PeerError, match="is not here"):
        exchange.accept_assignments("bank", [word])


def test_a_lease_says_what_it_is():
    for wrong in ({"prefix": b"short"}, {"first": -1}, {"n_keys": 0}, {"gone": b"", "n_keys": 9}, {"term": -1}):
        with pytest.raises(ParameterError):
            Lease(**{"prefix": bytes(12), "first": 0, "n_keys": 8, "gone": b"\0", "master": "a", "slave": "b"} | wrong)


class TwoSites(RuleBasedStateMachine):
    """Any order of leases, draws, fetches, recalls, crashes, and words that are lost, or come late and again: no key
    twice, both ends the same."""

    @initialize()
    def begin(self):
        import tempfile
        from pathlib import Path

        self.folder = tempfile.TemporaryDirectory()
        self.paths = {site: Path(self.folder.name) / site for site in ("bank", "exchange")}
        self.open()
        self.keys, self.relay = {}, 0
        self.taken, self.fetched, self.words = {}, {}, []

    def open(self):
        self.bank, self.exchange = (open_store(path, KEK, os.urandom) for path in self.paths.values())

    @rule(n_keys=st.integers(1, 300))
    def make(self, n_keys):
        self.relay += 1
        self.keys |= seed(self.bank, self.exchange, n_keys, self.relay)

    @rule(pair=st.sampled_from([ALICE_BOB, ANNA_BOB]), n_keys=st.integers(1, 200), heard=st.booleans())
    def lease(self, pair, n_keys, heard):
        leases = self.bank.offer_leases("exchange", "bank", *pair, n_keys, ANY_GRADE)
        self.words.append((True, leases))
        if heard:
            self.exchange.admit_leases("bank", leases, ANY_GRADE)

    @rule()
    def settle(self):
        leases = self.bank.leases_in_doubt("exchange")
        self.words.append((True, leases))
        self.exchange.admit_leases("bank", leases, ANY_GRADE)
        self.bank.settle_leases("exchange", leases, admitted=True)
        recalled = self.bank.recalls_in_doubt("exchange")
        self.words.append((False, recalled))
        self.bank.return_leases("exchange", self.exchange.yield_leases("bank", recalled))

    @precondition(lambda self: self.words)
    @rule(data=st.data())
    def late(self, data):
        is_lease, leases = data.draw(st.sampled_from(self.words))
        try:
            if is_lease:
                self.exchange.admit_leases("bank", leases, ANY_GRADE)
                self.bank.settle_leases("exchange", leases, admitted=True)
            else:
                self.bank.return_leases("exchange", self.exchange.yield_leases("bank", leases))
        except PeerError:
            pass  # nothing has changed

    @rule()
    def rest(self):
        self.settle()
        assert self.bank.count_ready("exchange", "bank") == self.exchange.count_ready("bank", "bank")
        assert left(self.bank, "exchange") <= left(self.exchange, "bank")

    @rule(heard=st.booleans())
    def recall(self, heard):
        recalled = self.bank.recall_leases("exchange", 1 << 62)
        if heard:
            self.exchange.yield_leases("bank", recalled)

    @rule(pair=st.sampled_from([ALICE_BOB, ANNA_BOB]), n_keys=st.integers(1, 150))
    def take(self, pair, n_keys):
        (outcome,) = self.bank.serve([Take(*pair, n_keys)])
        self.took(pair, n_keys, outcome)

    def took(self, pair, n_keys, outcome):
        if not isinstance(outcome, KeyUnavailable):
            drawn = read(outcome)
            assert len(drawn) == n_keys
            assert self.taken.keys().isdisjoint(drawn)
            assert self.keys.items() >= drawn.items()
            self.taken |= dict.fromkeys(drawn, pair)

    @precondition(lambda self: self.keys)
    @rule(data=st.data())
    def serve_many_at_the_owner(self, data):
        """Those who name keys at the wrong site get none."""
        names = st.lists(st.sampled_from(sorted(self.keys)), min_size=1, max_size=5)
        joined = names.map(lambda some: b"".join(name.bytes for name in some))
        pairs = st.sampled_from([ALICE_BOB, ANNA_BOB])
        takes = st.builds(lambda pair, n_keys: Take(*pair, n_keys), pairs, st.integers(1, 150))
        fetches = st.builds(lambda pair, key_ids: Fetch(*pair, key_ids), pairs, joined)
        requests = data.draw(st.lists(st.one_of(takes, fetches), min_size=1, max_size=6))
        if data.draw(st.booleans()):
            self.bank.count_leased(*ALICE_BOB)  # another transaction: no lot is open
        for request, outcome in zip(requests, self.bank.serve(requests), strict=True):
            if isinstance(request, Take):
                self.took((request.master, request.slave), request.n_keys, outcome)
            else:
                assert isinstance(outcome, KeyNotFound)

    @precondition(lambda self: self.taken)
    @rule(data=st.data())
    def serve_many_at_the_other_site(self, data):
        """Each list of keys as a whole, in whatever order, and once."""
        lists = data.draw(st.lists(st.lists(st.sampled_from(sorted(self.taken)), min_size=1, max_size=40), max_size=4))
        pairs = [self.taken[names[0]] for names in lists]
        requests = [
            Fetch(*pair, b"".join(name.bytes for name in names)) for pair, names in zip(pairs, lists, strict=True)
        ]
        for pair, names, outcome in zip(pairs, lists, self.exchange.serve(requests), strict=True):
            if len(set(names)) < len(names) or not self.fetched.keys().isdisjoint(names):
                assert isinstance(outcome, KeyNotFound | Unauthorised)
            elif any(self.taken[name] != pair for name in names):
                assert isinstance(outcome, Unauthorised)
            else:
                assert read(outcome) == {name: self.keys[name] for name in names}
                self.fetched |= dict.fromkeys(names, True)

    @precondition(lambda self: self.taken)
    @rule(data=st.data())
    def fetch(self, data):
        name = data.draw(st.sampled_from(sorted(self.taken)))
        (outcome,) = self.exchange.serve([Fetch(*self.taken[name], name.bytes)])
        if name in self.fetched:
            assert isinstance(outcome, KeyNotFound)
        else:
            assert read(outcome) == {name: self.keys[name]}
            self.fetched[name] = True

    @rule(n_keys=st.integers(1, 5))
    def assign(self, n_keys):
        try:
            stock = self.bank.reserve("exchange", "bank", n_keys, "014")
        except KeyUnavailable:
            return
        for piece in stock:
            word = Assignment(piece.key_id, 256, (piece.key_id,), "alice", ("bob",), MEASURED)
            self.bank.record_assignments("exchange", [word])
            self.exchange.accept_assignments("bank", [word])
            self.bank.close_assignments([piece.key_id], delivered=True)
            assert piece.key_id not in self.taken
            self.taken[piece.key_id] = ALICE_BOB

    @rule()
    def crash(self):
        self.bank.close()
        self.exchange.close()
        self.open()

    def teardown(self):
        self.bank.close()
        self.exchange.close()
        self.folder.cleanup()


TestTwoSites = TwoSites.TestCase
TestTwoSites.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)


def test_what_is_asked_again_and_again_reads_no_lots_however_many_there_are(stores):
    bank, _ = stores
    asked = []
    query = bank._database._statements.query

    def explained(sql, values):
        if " FROM lots WHERE" in sql:
            asked.append(" ".join(step for *_, step in query(f"EXPLAIN QUERY PLAN {sql}", values)))
        return query(sql, values)

    bank._database._statements.query = explained
    bank.count_ready("exchange", "bank")
    bank.leases_in_doubt("exchange")
    bank.recalls_in_doubt("exchange")
    bank.recall_leases("exchange", 0)
    bank.offer_leases("exchange", "bank", *ALICE_BOB, 1, ANY_GRADE)
    count, offered, recalled, idle, _, oldest = asked
    assert "COVERING INDEX lots_ready (peer=? AND owner=? AND emulated<?)" in count
    assert "lots_in_doubt (peer=? AND state=?)" in offered
    assert "lots_in_doubt (peer=? AND state=?)" in recalled
    assert "lots_leased (peer=?)" in idle
    assert "lots_of_pool (peer=? AND owner=? AND state=?)" in oldest
    assert "TEMP" not in oldest


def test_what_one_site_says_of_another_sites_key_is_not_heard(stores):
    bank, exchange = stores
    names = list(seed(bank, exchange, 2))
    pieces = bank.reserve("exchange", "bank", 2, "014")
    words = [Assignment(piece.key_id, 256, (piece.key_id,), "alice", ("bob",), MEASURED) for piece in pieces]
    assert exchange.void_assignments("broker", [Void(names[0], ())]) == ()
    with pytest.raises(PeerError, match="another site's"):
        exchange.accept_assignments("broker", [replace(words[1], stock=(UUID(int=1),))])
    exchange.accept_assignments("bank", words)
    assert fetch(exchange, ALICE_BOB, names) == {piece.key_id: piece.secret for piece in pieces}


def test_a_purged_pair_gets_no_keys_before_the_other_site_has_heard(stores):
    bank, exchange = stores
    seed(bank, exchange, 40)
    lease(bank, exchange, ALICE_BOB, 10)
    assert bank.purge_pair(*ALICE_BOB, "exchange", "olga") == 10
    (piece,) = bank.reserve("exchange", "bank", 1, "014")
    assignment = Assignment(piece.key_id, 256, (piece.key_id,), "alice", ("bob",), MEASURED)
    with pytest.raises(KeyUnavailable, match="has not heard of it yet"):
        bank.offer_leases("exchange", "bank", *ALICE_BOB, 5, ANY_GRADE)
    with pytest.raises(KeyUnavailable, match="has not heard of it yet"):
        bank.record_assignments("exchange", [assignment])
    assert lease(bank, exchange, ANNA_BOB, 5)
    for word in bank.words_owed("exchange"):
        if word.verb == kme.PURGE:
            exchange.hear_purge("bank", kme.read_purge(word.body))
        bank.word_told("exchange", word)
    bank.record_assignments("exchange", [assignment])
    lease(bank, exchange, ALICE_BOB, 5)
    taken = take(bank, ALICE_BOB, 5)
    assert fetch(exchange, ALICE_BOB, list(taken)) == taken


def test_no_secret_stands_in_what_is_printed_of_an_open_lot(stores):
    bank, _ = stores
    name = UUID(int=1)
    bank.put_keys([StoredKey(key_id(name.bytes, 0), os.urandom(32), "exchange", "bank", MEASURED)], name)
    with bank._database.transaction() as tx:
        lot = open_lot(tx, tx.one(f"SELECT {COLUMNS} FROM lots"))
    parcel = Parcel(UUID(int=1), 0, 1, ("bank", "exchange"), bytes(lot.octets))
    assert repr(bytes(lot.octets)) not in repr(lot) + repr(parcel)
    assert "octets" not in repr(lot) + repr(parcel)
