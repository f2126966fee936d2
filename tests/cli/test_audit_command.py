"""haris audit on a store of a stopped node, an export and what was tampered with."""

import json
import os
import sqlite3
from datetime import UTC, datetime

import pytest

from haris.cli.main import main
from haris.manage.audit import Act, Delivery, Denial, KeyRange
from haris.manage.audit_export import write_head
from haris.node.pki.authority import make_laboratory
from haris.node.store.store import open_store

DAY_NS = 86_400 * 10**9
RECORDS = (
    Act("start", "haris", "bank"),
    Delivery("enc_keys", "014", "alice", "alice", ("bob",), 256, (KeyRange(bytes(16), 2),)),
    Denial("dec_keys", "014", "mallory", "alice", "unauthorised"),
)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "bank.db"
    store = open_store(path, bytes(32), os.urandom)
    for day, record in enumerate(RECORDS):
        store.audit("bank", day * DAY_NS, [record])
    store.close()
    return path


def run(capsys, *arguments):
    code = main(["audit", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def test_a_store_verifies(capsys, path):
    code, out, _ = run(capsys, "verify", path, "--json")
    assert code == 0
    told = json.loads(out)
    assert told["entries"] == 3
    assert run(capsys, "verify", path, "--head", told["heads"][0])[0] == 0
    assert "cut off cannot be seen" in run(capsys, "verify", path)[2]


def test_an_entry_that_was_changed_is_named(capsys, path):
    with sqlite3.connect(path) as file:
        file.execute("UPDATE audit SET time_ns = time_ns + 1 WHERE number = 2")
    file.close()
    code, out, err = run(capsys, "verify", path)
    assert (code, out) == (2, "")
    assert "entry 2 of 'bank': its hash does not fit" in err
    assert run(capsys, "export", path)[0] == 2


def test_entries_cut_off_are_seen_by_a_noted_head(capsys, path):
    head = json.loads(run(capsys, "verify", path, "--json")[1])["heads"][0]
    with sqlite3.connect(path) as file:
        file.execute("DELETE FROM audit WHERE number = 3")
    file.close()
    assert run(capsys, "verify", path)[0] == 0
    code, _, err = run(capsys, "verify", path, "--head", head)
    assert code == 2
    assert "the log ends before entry 3" in err


def test_an_export_is_signed_and_verified(capsys, path, tmp_path):
    make_laboratory(tmp_path, [], [], ["auditor", "other"], datetime.now(UTC))
    code, out, _ = run(capsys, "export", path, "--sign-key", tmp_path / "auditor.mldsa.key")
    assert code == 0
    exported = tmp_path / "log.jsonl"
    exported.write_text(out)
    assert run(capsys, "verify", exported, "--signer", tmp_path / "auditor.mldsa.crt")[0] == 0
    code, _, err = run(capsys, "verify", exported, "--signer", tmp_path / "other.mldsa.crt")
    assert code == 2
    assert "not signed by the holder" in err
    exported.write_text(run(capsys, "export", path)[1])
    assert "bears no signature" in run(capsys, "verify", exported, "--signer", tmp_path / "auditor.mldsa.crt")[2]
    exported.write_text(out[: len(out) // 2])
    assert run(capsys, "verify", exported)[0] == 2


def test_the_log_is_shown(capsys, path):
    _, out, _ = run(capsys, "show", path)
    first, second, third = out.splitlines()
    assert first == "1970-01-01T00:00:00.000000Z  bank 1  act kind=start who=haris subject=bank"
    assert 'slaves=["bob"]' in second
    assert "caller=mallory" in third
    assert run(capsys, "show", path, "--since", "1970-01-02", "--until", "1970-01-03")[1].splitlines() == [second]
    assert json.loads(run(capsys, "show", path, "--about", "mallory", "--json")[1])["reason"] == "unauthorised"


def test_a_store_in_use_and_other_files_are_refused(capsys, path, tmp_path):
    store = open_store(path, bytes(32), os.urandom)
    code, _, err = run(capsys, "verify", path)
    store.close()
    assert code == 2
    assert "a node has it open" in err
    other = tmp_path / "other"
    other.write_bytes(b"\xff\xfe")
    assert run(capsys, "verify", other)[0] == 2
    assert run(capsys, "verify", tmp_path / "missing")[0] == 2


def test_a_store_is_read_where_it_may_not_be_written(capsys, path):
    """A backup on a read-only medium: no -wal file is made beside it."""
    store = open_store(path, bytes(32), os.urandom)
    head = write_head(store.audit_heads()[0])
    store.close()
    before = sorted(file.name for file in path.parent.iterdir())
    assert run(capsys, "verify", path, "--head", head)[0] == 0
    assert sorted(file.name for file in path.parent.iterdir()) == before
