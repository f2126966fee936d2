"""Back-up, restore, and the move of a store: between two sites, and between SQLite and PostgreSQL."""

import os

import pytest
from kme_lab import KEK
from postgres_server import postgres  # noqa: F401  (a fixture)
from test_store_leases import ALICE_BOB, fetch, lease, seed, stores, take  # noqa: F401
from test_witnessing import LEDGERS, MEASURED, SPAN, Verdict, word

from haris.cli.main import main
from haris.keys.store import PadAppend
from haris.manage.audit import Act, read_records
from haris.node.store.backup import put_back
from haris.node.store.copy import copy_store, tables
from haris.node.store.store import open_store
from haris.nouns.errors import KeyNotFound, KeyUnavailable, ParameterError, StoreError
from haris.wire import kme


def full(bank, exchange):
    """Something in many tables, and keys at every stage."""
    keys = seed(bank, exchange, 300)
    lease(bank, exchange, ALICE_BOB, 100)
    taken = take(bank, ALICE_BOB, 40)
    bank.reserve("exchange", "bank", 3, "delivery")
    bank.ledger_append([PadAppend(name, os.urandom(3000), MEASURED) for name in LEDGERS])
    bank.audit(bank.writer, 1, [Act("start", "haris", "bank")])
    word(bank, exchange)
    return keys, taken


def moved(source, target, name="there", *, numbered=False):
    return copy_store(source, target, name, numbered=numbered)


def test_a_store_moves_from_file_to_file_and_the_old_one_is_left(tmp_path, stores):  # noqa: F811
    bank, exchange = stores
    _, taken = full(bank, exchange)
    target = open_store(tmp_path / "there", KEK, os.urandom, "bank/copied")
    copied = moved(bank, target, str(tmp_path / "there"))
    assert copied.n_rows["lots"] > 2
    assert {"ledgers", "segments", "audit", "witnesses", "loose"} <= set(copied.n_rows)
    rest = take(target, ALICE_BOB, 60)
    assert not rest.keys() & taken.keys()
    assert fetch(exchange, ALICE_BOB, list(taken | rest)) == taken | rest
    bank.close()
    with pytest.raises(StoreError, match=r"was moved to .*there"):
        open_store(tmp_path / "bank", KEK, os.urandom)
    with pytest.raises(ParameterError, match="fresh place"):
        moved(exchange, target)
    target.close()
    assert [name for name, _ in tables()] == list(dict.fromkeys(name for name, _ in tables()))


def test_a_store_moves_to_postgresql_and_back(tmp_path, stores, postgres):  # noqa: F811
    bank, exchange = stores
    _, taken = full(bank, exchange)
    there = open_store(postgres.fresh(), KEK, os.urandom, "bank/copied")
    first = moved(bank, there, numbered=True)
    more = take(there, ALICE_BOB, 20)
    seed(there, exchange, 5, relay=77)  # its numbers go on
    there.close()
    back = open_store(tmp_path / "back", KEK, os.urandom, "bank/back")
    again = open_store(there._database._address, KEK, os.urandom, "bank/copy")
    second = moved(again, back)
    assert second.n_rows["lots"] >= first.n_rows["lots"]
    rest = take(back, ALICE_BOB, 40)
    assert fetch(exchange, ALICE_BOB, [*taken, *more, *rest]) == taken | more | rest
    assert back.ledger_take(LEDGERS[0], 2000).offset == 0
    again.close()
    back.close()


def test_a_store_that_runs_is_not_moved(stores, postgres, tmp_path):  # noqa: F811
    address = postgres.fresh()
    alive, source = (open_store(address, KEK, os.urandom, name) for name in ("bank/1", "bank/copy"))
    target = open_store(tmp_path / "there", KEK, os.urandom)
    with pytest.raises(ParameterError, match="bank/1 runs"):
        moved(source, target)
    for store in (alive, source, target):
        store.close()


def test_a_restored_store_gives_no_key_and_no_pad_of_its_back_up(tmp_path, stores):  # noqa: F811
    bank, exchange = stores
    keys, taken = full(bank, exchange)
    word(bank, exchange)
    bank.back_up(tmp_path / "backup")
    assert (tmp_path / "backup").stat().st_mode & 0o77 == 0
    later = take(bank, ALICE_BOB, 30)
    used = bank.ledger_take(LEDGERS[0], 64)
    for _ in range(3):
        word(bank, exchange)
    bank.close()
    with pytest.raises(ParameterError, match="move its store away"):
        put_back(tmp_path / "backup", tmp_path / "bank")
    put_back(tmp_path / "backup", tmp_path / "restored")
    again = open_store(tmp_path / "restored", KEK, os.urandom, "bank")
    assert again.restored(os.urandom(16), ["exchange"]) > 0
    for owed in again.words_owed("exchange"):
        assert owed.verb == kme.RESET
        reset = kme.read_reset(owed.body)
        assert exchange.reset_by("bank", reset.name, [SPAN], reset.reason)
    with pytest.raises(KeyUnavailable):
        take(again, ALICE_BOB, 1)
    with pytest.raises(KeyUnavailable):
        again.ledger_take(LEDGERS[0], 1)
    assert again.ledger_bounds(LEDGERS[0])[0] >= used.offset + len(used.octets)
    for name in (*taken, *later, list(keys)[-1]):
        with pytest.raises(KeyNotFound):
            fetch(exchange, ALICE_BOB, [name])
    records = [record for entry in again.audit_entries("node") for record in read_records(entry.body)]
    assert any(isinstance(record, Act) and record.kind == "start" for record in records)  # evidence lives on
    assert again.begins_anew("exchange")
    seen = exchange.seen_of("bank")
    again.begin_anew("exchange", seen.number, seen.nonce)
    assert word(again, exchange)[0] is Verdict.NEXT  # it is void already, and is not found out a second time
    again.close()


def test_the_command_backs_up_restores_and_moves(tmp_path, capsys):
    pki = '[kme]\nid = "kme-bank"\nlisten = "127.0.0.1:1"\nlisten_peers = "127.0.0.1:2"\n'
    pki += 'certificate = "c"\nprivate_key = "k"\nauthority = "a"\n'
    (tmp_path / "bank.kek").touch(mode=0o600)
    (tmp_path / "bank.kek").write_bytes(KEK)
    for name in ("bank", "new"):
        text = f'[site]\nname = "bank"\n{pki}[store]\npath = "{name}.db"\nkey_encryption_key = "bank.kek"\n'
        (tmp_path / f"{name}.toml").write_text(text)
    open_store(tmp_path / "bank.db", KEK, os.urandom).close()
    old, new, backup = (str(tmp_path / name) for name in ("bank.toml", "new.toml", "bank.backup"))
    assert main(["store", "backup", old, backup]) == 0
    assert main(["store", "backup", old, backup]) == 2  # it exists
    assert main(["store", "restore", old, backup]) == 2  # and so does the store
    assert main(["store", "copy", old, new]) == 0
    assert "SHA-256" in capsys.readouterr().out
    assert main(["store", "copy", old, new]) == 2
    assert "was moved to" in capsys.readouterr().err
    (tmp_path / "bank.db").unlink()
    assert main(["store", "restore", old, backup]) == 0
    assert "void" in capsys.readouterr().out
