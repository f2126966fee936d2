"""Keys that end: two stores and no network; what the owner gives up is burnt at the other site too."""

import os
from contextlib import suppress

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from test_store_leases import ALICE_BOB, ANNA_BOB, KEK, MEASURED, fetch, lease, left, seed, stores, take  # noqa: F401

from haris.keys.store import ANY_GRADE, Fetch, Take
from haris.manage.audit import Act, read_records
from haris.node.store.store import open_store
from haris.nouns.assignments import Assignment, KeyRun, Purge
from haris.nouns.errors import KeyNotFound, KeyUnavailable, PeerError, Unauthorised
from haris.nouns.ids import split_key_id
from haris.wire import kme

FOREVER_NS = 1 << 62


def tell(teller, hearer, by="bank", to="exchange"):
    """What a site owes arrives, twice, as a word may. Returns the words."""
    told = []
    while words := teller.words_owed(to):
        for word in words:
            hear(hearer, by, word)
            hear(hearer, by, word)
            teller.word_told(to, word)
        told += words
    return told


def hear(hearer, by, word):
    if word.verb == kme.BURN:
        hearer.burn_runs(by, kme.read_burn(word.body))
    else:
        hearer.hear_purge(by, kme.read_purge(word.body))


def rows(store, table):
    with store._database.transaction() as tx:
        return tx.one(f"SELECT COUNT(*) FROM {table}")[0]


def expire(bank, before_ns=FOREVER_NS):
    while bank.expire_stock("exchange", "bank", before_ns):
        pass


def forget(*sites, before_ns=FOREVER_NS):
    for store, peer, owner in zip(sites, ("exchange", "bank"), ("bank", "exchange"), strict=False):
        while store.forget_unfetched(peer, owner, before_ns) or store.forget_assigned(before_ns):
            pass


def test_old_stock_is_burnt_at_both_ends_and_what_was_delivered_stays_to_be_fetched(stores):  # noqa: F811
    bank, exchange = stores
    keys = seed(bank, exchange, 500)
    lease(bank, exchange, ALICE_BOB, 200)
    taken = take(bank, ALICE_BOB, 130)
    expire(bank, 0)  # nothing is so old
    assert bank.count_ready("exchange", "bank") == 300
    assert not bank.words_owed("exchange")
    expire(bank)
    assert (bank.count_ready("exchange", "bank"), bank.count_leased(*ALICE_BOB)) == (0, 0)
    tell(bank, exchange)
    assert exchange.count_ready("bank", "bank") == 0
    with pytest.raises(KeyUnavailable):
        take(bank, ALICE_BOB, 1)
    for name in list(keys)[130:]:
        with pytest.raises(KeyNotFound):
            fetch(exchange, ALICE_BOB, [name])
    assert fetch(exchange, ALICE_BOB, list(taken)) == taken
    records = [record for entry in bank.audit_entries("node") for record in read_records(entry.body)]
    ranges = [part for act in records if isinstance(act, Act) and act.kind == "expire" for part in act.keys]
    assert sum(part.n for part in ranges) == 370


def test_what_no_slave_fetches_is_burnt_and_all_rows_are_forgotten(stores):  # noqa: F811
    bank, exchange = stores
    seed(bank, exchange, 300)
    lease(bank, exchange, ALICE_BOB, 200)
    taken = list(take(bank, ALICE_BOB, 150))
    fetch(exchange, ALICE_BOB, taken[:140])
    forget(bank)
    tell(bank, exchange)
    for name in taken[140:]:
        with pytest.raises(KeyNotFound):
            fetch(exchange, ALICE_BOB, [name])
    assert bank.count_leased(*ALICE_BOB) == 50
    rest = take(bank, ALICE_BOB, 50)
    assert fetch(exchange, ALICE_BOB, list(rest)) == rest
    expire(bank)
    forget(bank)
    tell(bank, exchange)
    assert (rows(bank, "lots"), rows(exchange, "lots"), rows(bank, "loose")) == (0, 0, 0)


def test_assignments_end_at_the_slaves_site_by_themselves(stores):  # noqa: F811
    bank, exchange = stores
    seed(bank, exchange, 10)
    (piece,) = bank.reserve("exchange", "bank", 1, "delivery")
    word = Assignment(piece.key_id, 256, (piece.key_id,), "alice", ("bob",), MEASURED)
    bank.record_assignments("exchange", [word])
    exchange.accept_assignments("bank", [word])
    exchange.forget_assigned(0)
    bank.close_assignments([piece.key_id], delivered=True)
    exchange.forget_assigned(FOREVER_NS)
    with pytest.raises(KeyNotFound):
        fetch(exchange, ALICE_BOB, [piece.key_id])
    with pytest.raises(PeerError, match="not here for bank to assign"):
        exchange.accept_assignments("bank", [word])  # late, and of no use
    bank.forget_assigned(FOREVER_NS)
    assert [rows(bank, table) for table in ("announced", "loose", "assigned")] == [0, 0, 0]
    assert rows(exchange, "assigned_slaves") == 0


def test_a_released_key_ends_with_the_lot_that_it_came_from(stores):  # noqa: F811
    bank, exchange = stores
    seed(bank, exchange, 3)
    bank.release([key.key_id for key in bank.reserve("exchange", "bank", 3, "delivery")])
    assert bank.count_ready("exchange", "bank") == 3
    forget(bank)
    tell(bank, exchange)
    assert bank.count_ready("exchange", "bank") == exchange.count_ready("bank", "bank") == 0


def test_a_purge_burns_what_a_pair_has_and_nothing_else(stores):  # noqa: F811
    bank, exchange = stores
    seed(bank, exchange, 400)
    lease(bank, exchange, ALICE_BOB, 100)
    lease(bank, exchange, ANNA_BOB, 100)
    alice, anna = take(bank, ALICE_BOB, 20), take(bank, ANNA_BOB, 20)
    (piece,) = bank.reserve("exchange", "bank", 1, "delivery")
    word = Assignment(piece.key_id, 256, (piece.key_id,), "alice", ("bob", "bella"), MEASURED)
    bank.record_assignments("exchange", [word])
    exchange.accept_assignments("bank", [word])
    bank.close_assignments([piece.key_id], delivered=True)
    assert bank.purge_pair(*ALICE_BOB, "exchange", "olga") == 80
    tell(bank, exchange)
    with pytest.raises(KeyUnavailable):
        take(bank, ALICE_BOB, 1)
    for name in (next(iter(alice)), piece.key_id):
        with pytest.raises((KeyNotFound, Unauthorised)):
            fetch(exchange, ALICE_BOB, [name])
    assert fetch(exchange, ANNA_BOB, list(anna)) == anna
    assert len(fetch(exchange, ("alice", "bella"), [piece.key_id])) == 1
    assert len(take(bank, ANNA_BOB, 80)) == 80
    assert bank.count_ready("exchange", "bank") == 199


def test_a_purge_that_comes_late_and_again_burns_nothing_that_was_made_after_it(stores):  # noqa: F811
    bank, exchange = stores
    seed(bank, exchange, 100)
    bank.purge_pair(*ALICE_BOB, "exchange", "olga")
    bank.purge_pair(*ALICE_BOB, "exchange", "olga")
    words = tell(bank, exchange)
    lease(bank, exchange, ALICE_BOB, 10)
    (piece,) = bank.reserve("exchange", "bank", 1, "delivery")
    word = Assignment(piece.key_id, 256, (piece.key_id,), "alice", ("bob",), MEASURED)
    bank.record_assignments("exchange", [word])
    exchange.accept_assignments("bank", [word])
    bank.close_assignments([piece.key_id], delivered=True)
    for late in words:
        hear(exchange, "bank", late)
    taken = take(bank, ALICE_BOB, 10)
    assert fetch(exchange, ALICE_BOB, list(taken)) == taken
    assert fetch(exchange, ALICE_BOB, [piece.key_id]) == {piece.key_id: piece.secret}


def test_the_slaves_site_purges_and_both_ends_are_left_with_the_same(stores):  # noqa: F811
    bank, exchange = stores
    seed(bank, exchange, 100)
    lease(bank, exchange, ALICE_BOB, 10)
    offered = bank.offer_leases("exchange", "bank", *ALICE_BOB, 5, ANY_GRADE)
    assert exchange.purge_pair(*ALICE_BOB, "bank", "olga") == 10
    with pytest.raises(KeyUnavailable, match="bank has not heard of it yet"):
        exchange.admit_leases("bank", offered, ANY_GRADE)
    words = tell(exchange, bank, "exchange", "bank")
    tell(bank, exchange)
    assert left(bank, "exchange") == left(exchange, "bank")
    assert len(left(bank, "exchange")) == 85
    lease(bank, exchange, ALICE_BOB, 5)
    for late in words:
        hear(bank, "exchange", late)
    taken = take(bank, ALICE_BOB, 5)
    assert fetch(exchange, ALICE_BOB, list(taken)) == taken


def test_a_purge_of_a_release_without_numbers_is_heard(stores):  # noqa: F811
    bank, exchange = stores
    seed(bank, exchange, 10)
    for _ in range(2):
        lease(bank, exchange, ALICE_BOB, 5)
        assert exchange.hear_purge("bank", Purge(*ALICE_BOB)) == 5


def test_nobody_burns_another_owners_keys(stores):  # noqa: F811
    bank, exchange = stores
    prefix, first = split_key_id(next(iter(seed(bank, exchange, 5))))
    assert exchange.burn_runs("broker", [KeyRun(prefix, first, 5)]) == 0
    assert bank.burn_runs("exchange", [KeyRun(prefix, first, 5)]) == 0
    assert exchange.burn_runs("bank", [KeyRun(prefix, first + 4, 100)]) == 1


class Ends(RuleBasedStateMachine):
    """Both ends of one pool under any order of leases, draws, fetches, burns and lost words."""

    def __init__(self):
        super().__init__()
        self.given, self.fetched, self.secrets = {}, {}, {}
        self.n_relays, self.heard = 0, []

    @initialize()
    def open(self):
        import tempfile
        from pathlib import Path

        self.folder = tempfile.TemporaryDirectory()
        self.bank, self.exchange = (
            open_store(Path(self.folder.name) / site, KEK, os.urandom) for site in ("bank", "exchange")
        )

    def teardown(self):
        if hasattr(self, "folder"):
            self.bank.close()
            self.exchange.close()
            self.folder.cleanup()

    @rule(n_keys=st.integers(1, 150))
    def fill(self, n_keys):
        self.n_relays += 1
        self.secrets |= seed(self.bank, self.exchange, n_keys, self.n_relays)

    @rule(pair=st.sampled_from([ALICE_BOB, ANNA_BOB]), n_keys=st.integers(1, 100))
    def lease(self, pair, n_keys):
        with suppress(KeyUnavailable):  # the pair was purged, and the exchange has not heard
            lease(self.bank, self.exchange, pair, n_keys)

    @rule(pair=st.sampled_from([ALICE_BOB, ANNA_BOB]), n_keys=st.integers(1, 40))
    def take(self, pair, n_keys):
        (outcome,) = self.bank.serve([Take(*pair, n_keys)])
        if not isinstance(outcome, Exception):
            keys = {key.key_id: key.secret for batch in outcome for key in batch.each()}
            assert not self.given.keys() & keys.keys()
            self.given |= dict.fromkeys(keys, pair)
            assert all(self.secrets[name] == secret for name, secret in keys.items())

    @rule(seed_=st.integers(0, 1 << 16))
    def fetch(self, seed_):
        if self.given:
            name = sorted(self.given)[seed_ % len(self.given)]
            (outcome,) = self.exchange.serve([Fetch(*self.given[name], name.bytes)])
            if not isinstance(outcome, Exception):
                ((key,),) = (tuple(batch.each()) for batch in outcome)
                assert name not in self.fetched
                assert key.secret == self.secrets[name]
                self.fetched[name] = key.secret

    @rule()
    def expire(self):
        expire(self.bank)

    @rule()
    def forget(self):
        forget(self.bank, self.exchange)

    @rule(pair=st.sampled_from([ALICE_BOB, ANNA_BOB]))
    def purge(self, pair):
        self.bank.purge_pair(*pair, "exchange", "olga")

    @rule()
    def tell(self):
        self.heard += tell(self.bank, self.exchange)

    @precondition(lambda self: self.heard)
    @rule(data=st.data())
    def late(self, data):
        hear(self.exchange, "bank", data.draw(st.sampled_from(self.heard)))

    @invariant()
    def what_the_owner_could_deliver_is_there_once_words_have_arrived(self):
        if hasattr(self, "folder") and not self.bank.words_owed("exchange"):
            assert left(self.bank, "exchange") <= left(self.exchange, "bank")


TestEnds = Ends.TestCase
TestEnds.settings = settings(max_examples=12, stateful_step_count=20, deadline=None)
