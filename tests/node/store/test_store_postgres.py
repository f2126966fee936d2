"""The verbs of the store over PostgreSQL: the very tests of the SQLite store, and several processes on one database."""

import os
import threading
import time
from dataclasses import replace
from uuid import UUID

import pytest
import test_store_leases
from postgres_server import postgres  # noqa: F401  (a fixture)
from test_store import (  # noqa: F401  (run here over PostgreSQL)
    KEK,
    RELAY,
    assigned,
    seed,
    stored,
    test_a_block_becomes_ready_once,
    test_a_discarded_block_never_returns,
    test_a_fetch_is_all_or_none_and_each_slave_has_its_turn,
    test_a_key_is_assigned_and_fetched_once,
    test_a_ledger_gives_each_octet_once,
    test_a_slice_across_appends_adds_epsilons_and_takes_the_worst_origin,
    test_a_wrapped_key_opens_at_its_site_alone,
    test_an_outgoing_relay_is_in_doubt_until_settled,
    test_an_undelivered_key_is_void_at_both_ends,
    test_assignments_of_what_is_not_the_owners_are_refused_whole,
    test_blocks_in_doubt_by_span,
    test_denying_a_block_that_bears_the_name_of_a_relay_burns_no_key,
    test_keys_of_a_relay_are_kept_once,
    test_nobody_voids_another_owners_keys,
    test_of_many_threads_each_key_has_one_winner,
    test_reserve_is_all_or_none_oldest_first_and_of_the_grade,
    test_slaves_at_the_owners_site,
    test_what_a_crash_left_reserved_is_burnt_and_its_void_owed,
)
from test_store_accounts import (  # noqa: F401  (run here over PostgreSQL)
    test_entries_are_accounted_for_once,
    test_two_at_once_account_once,
    test_writers_are_accounted_for_together,
)
from test_store_alarms import (  # noqa: F401  (run here over PostgreSQL)
    test_an_acknowledgement_is_audited_with_it,
    test_old_ones_are_forgotten_unless_they_stand,
    test_what_stood_stands_again,
)
from test_store_audit import (  # noqa: F401  (run here over PostgreSQL)
    test_a_transaction_that_fails_leaves_no_entry,
    test_a_trimmed_chain_still_holds,
    test_each_writer_has_its_chain,
    test_two_processes_cannot_write_one_chain,
)
from test_store_burns import (  # noqa: F401  (run here over PostgreSQL)
    test_a_purge_burns_what_a_pair_has_and_nothing_else,
    test_a_released_key_ends_with_the_lot_that_it_came_from,
    test_assignments_end_at_the_slaves_site_by_themselves,
    test_nobody_burns_another_owners_keys,
    test_old_stock_is_burnt_at_both_ends_and_what_was_delivered_stays_to_be_fetched,
    test_what_no_slave_fetches_is_burnt_and_all_rows_are_forgotten,
)
from test_store_carried import (  # noqa: F401  (run here over PostgreSQL)
    test_a_share_of_a_relay_that_is_settled_takes_no_room,
    test_messages_wait_in_the_order_of_their_pad_over_restarts,
    test_relays_are_on_their_way_until_they_are_settled_or_too_old,
    test_what_waits_is_void_with_all_that_is_shared,
)
from test_store_leases import (  # noqa: F401  (run here over PostgreSQL)
    ALICE_BOB,
    lease,
    take,
    test_a_key_is_for_its_pair_alone,
    test_a_lease_is_drawn_from_its_front_and_fetched_in_any_order,
    test_a_lease_told_again_changes_nothing,
    test_idle_leases_come_back_without_what_a_slave_guessed,
    test_leased_and_assigned_keys_are_fetched_together,
    test_many_are_served_at_once_each_with_its_own_fate,
    test_what_is_not_the_owners_to_lease_is_refused_whole,
)
from test_store_streams import (  # noqa: F401  (run here over PostgreSQL)
    test_a_drawn_stream_waits_for_its_other_end,
    test_a_stream_is_over_when_both_ends_have_closed,
    test_a_stream_outlives_its_store,
    test_chunks_below_the_floor_are_forgotten_and_an_end_never_goes_back,
    test_of_many_attempts_one_is_recorded,
    test_what_does_not_fit_opens_no_end,
)
from test_witnessing import (  # noqa: F401  (run here over PostgreSQL)
    test_a_chain_goes_on_from_what_the_witness_has_seen,
    test_a_reset_is_heard_once,
    test_a_revocation_burns_what_the_site_alone_could_have_betrayed,
    test_a_witness_that_lost_its_store_learns_it,
    test_words_go_on_and_a_lost_answer_changes_nothing,
)

from haris.keys.store import Fetch, Take
from haris.node.store import processes as store_processes
from haris.node.store.postgres_address import PostgresAddress
from haris.node.store.store import open_store
from haris.nouns.errors import KeyUnavailable, ParameterError, StoreError


@pytest.fixture
def opened(postgres):  # noqa: F811
    """Stores by name; the same name is the same database."""
    addresses, stores = {}, []

    def open_(name="store", writer="node"):
        if name not in addresses:
            addresses[name] = postgres.fresh()
        stores.append(open_store(addresses[name], KEK, os.urandom, writer))
        return stores[-1]

    yield open_
    for store in stores:
        store.close()


@pytest.fixture
def bank(opened):
    return opened("bank")


@pytest.fixture
def store(opened):
    return opened("evidence")


@pytest.fixture
def exchange(opened):
    return opened("exchange")


@pytest.fixture
def stores(bank, exchange):
    return [bank, exchange]


def test_two_processes_never_give_one_key_twice(opened, exchange):
    processes = [opened("bank", writer) for writer in ("one", "two")]
    keys = test_store_leases.seed(processes[0], exchange, 200)
    lease(processes[0], exchange, ALICE_BOB, 200)
    given, gate = [[], []], threading.Barrier(2)

    def draw(number):
        gate.wait()
        while True:
            (outcome,) = processes[number].serve([Take(*ALICE_BOB, 3)])
            if isinstance(outcome, KeyUnavailable):
                return
            given[number] += [key for batch in outcome for key in batch.each()]

    threads = [threading.Thread(target=draw, args=(n,)) for n in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = [key.key_id for part in given for key in part]
    assert all(given)
    assert len(names) == len(set(names)) == 198
    assert all(keys[key.key_id] == key.secret for part in given for key in part)


def test_what_a_dead_process_left_is_settled_by_another(opened, monkeypatch):
    one, two = (opened("bank", writer) for writer in ("one", "two"))
    one.put_keys([stored(n + 1) for n in range(4)], RELAY)
    orphan, announced, quick = one.reserve("exchange", "bank", 3, "014")
    for piece in (announced, quick):
        one.record_assignments("exchange", [assigned(piece)])
    one.close_assignments([quick.key_id], delivered=True)
    assert two.beat() == ()  # one is alive
    assert two.assignments_in_doubt() == ()
    monkeypatch.setattr(store_processes, "SILENCE_S", 1.0)
    time.sleep(1.1)
    assert two.beat() == ()  # it was silent itself, as when the database was away
    assert next(dead for dead in iter(two.beat, None) if dead) == ("one",)
    assert [void.key_id for void in two.voids_owed("exchange")] == [orphan.key_id]
    assert two.assignments_in_doubt() == (("exchange", announced.key_id),)
    with pytest.raises(StoreError, match="on its way"):  # it was only slow, and has not heard
        one.close_assignments([announced.key_id], delivered=True)
    with pytest.raises(StoreError, match="taken for dead"):
        one.beat()
    two.close_assignments([announced.key_id], delivered=False)
    assert two.count_ready("exchange", "bank") == 1


def test_one_of_several_leads(opened):
    one, two = (opened("bank", writer) for writer in ("one", "two"))
    assert one.lead("span north", 60.0)
    assert not two.lead("span north", 60.0)
    assert two.lead("span south", 60.0)
    assert one.lead("span north", -1.0)
    assert two.lead("span north", 60.0)
    two.leave()
    assert one.lead("span north", 60.0)


def test_two_living_processes_of_one_name_are_refused(opened):
    opened("bank", "one")
    with pytest.raises(StoreError, match="give each its own name"):
        opened("bank", "one")


def test_a_database_that_goes_away_is_a_store_error_and_comes_back(opened, monkeypatch):
    bank = opened("bank")
    bank.put_keys([stored(1)], RELAY)
    bank._database._connection.close()
    with pytest.raises(StoreError):
        bank.count_ready("exchange", "bank")
    assert bank.count_ready("exchange", "bank") == 1


def test_a_wrong_key_and_a_wrong_address_are_refused(postgres, opened):  # noqa: F811
    address = postgres.fresh()
    open_store(address, KEK, os.urandom).close()
    with pytest.raises(StoreError, match="another key-encryption key"):
        open_store(address, bytes(32), os.urandom)
    with pytest.raises(StoreError):
        open_store(replace(address, url=address.url.replace("/haris_", "/absent_")), KEK, os.urandom)
    for url in ("mysql://x/y", "postgresql://haris@host", "postgresql://haris:secret@host/db"):
        with pytest.raises(ParameterError):
            PostgresAddress(url)


def test_a_failed_verb_leaves_nothing(bank, exchange):
    keys = seed(bank, exchange)
    exchange.accept_assignments("bank", [assigned(keys[0])])
    outcomes = exchange.serve(
        [
            Fetch("alice", "bob", keys[0].key_id.bytes + UUID(int=99).bytes),
            Fetch("alice", "bob", keys[0].key_id.bytes),
        ]
    )
    assert isinstance(outcomes[0], KeyUnavailable)
    assert [key.secret for batch in outcomes[1] for key in batch.each()] == [keys[0].secret]
