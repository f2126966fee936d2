"""The chain of the audit log: what is changed, taken out, put in, moved or cut is named."""

import hashlib
from dataclasses import replace
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haris.manage import audit
from haris.manage.audit import Act, Break, Delivery, Denial, KeyRange
from haris.nouns.errors import ParameterError

LOT = bytes(range(12))
GIVEN = Delivery("enc_keys", "014", "alice", "alice", ("bob",), 256, (KeyRange(LOT + bytes(4), 3),))
REFUSED = Denial("dec_keys", "014", "mallory", "alice", "unauthorised", "not yours")
STARTED = Act("start", "haris", "bank")


def chain(n_entries, writer="bank"):
    head, entries = audit.origin(writer), []
    for number in range(n_entries):
        entries.append(audit.follow(head, 10**18 + number, [GIVEN, REFUSED, STARTED][: number % 3 + 1]))
        head = entries[-1].head
    return entries


def test_the_hash_is_what_the_page_says():
    """Against SHA-256 over the fields as they are written down, with plain hashlib and struct-free arithmetic."""
    first, second = chain(2)
    start = hashlib.sha256(b"haris auditbank").digest()
    message = start + bytes(7) + b"\x01" + (10**18).to_bytes(8, "big") + first.body
    assert first.hash == hashlib.sha256(message).digest()
    message = first.hash + bytes(7) + b"\x02" + (10**18 + 1).to_bytes(8, "big") + second.body
    assert second.hash == hashlib.sha256(message).digest()


def test_a_whole_chain_ends_at_its_head():
    entries = chain(7)
    assert audit.verify(audit.origin("bank"), entries) == entries[-1].head
    assert audit.verify(entries[2].head, entries[3:]) == entries[-1].head
    assert audit.verify(audit.origin("bank"), []) == audit.origin("bank")


@given(at=st.integers(0, 6), what=st.sampled_from(["body", "time_ns", "hash", "writer", "gone", "twice", "swap"]))
def test_the_first_broken_entry_is_named(at, what):
    entries = chain(8)
    if what == "body":
        entries[at] = replace(entries[at], body=msgspec.msgpack.encode([]))
    elif what == "time_ns":
        entries[at] = replace(entries[at], time_ns=0)
    elif what == "hash":
        entries[at] = replace(entries[at], hash=bytes(32))
    elif what == "writer":
        entries[at] = replace(entries[at], writer="exchange")
    elif what == "gone":
        del entries[at]
    elif what == "twice":
        entries.insert(at, entries[at])
    else:
        entries[at], entries[at + 1] = entries[at + 1], entries[at]
    found = audit.verify(audit.origin("bank"), entries)
    assert isinstance(found, Break)
    assert (found.writer, found.number) == ("bank", at + 2 if what == "twice" else at + 1)


def test_an_entry_made_anew_breaks_the_next():
    entries = chain(3)
    forged = audit.follow(entries[0].head, entries[1].time_ns, [STARTED])
    found = audit.verify(audit.origin("bank"), [entries[0], forged, entries[2]])
    assert isinstance(found, Break)
    assert found.number == 3
    assert "does not fit" in found.reason


def test_a_chain_cannot_be_shown_as_another_writers():
    entries = [replace(entry, writer="exchange") for entry in chain(2)]
    assert audit.verify(audit.origin("exchange"), entries) == Break(
        "exchange", 1, "its hash does not fit its content and the entry before"
    )


def test_a_body_that_is_no_record_breaks_the_chain():
    start = audit.origin("bank")
    entry = audit.Entry("bank", 1, 5, b"\xc1", audit.entry_hash(start.hash, 1, 5, b"\xc1"))
    found = audit.verify(start, [entry])
    assert isinstance(found, Break)
    assert "audit entry" in found.reason


def test_records_come_back():
    body = audit.follow(audit.origin("bank"), 0, [GIVEN, REFUSED, STARTED]).body
    assert audit.read_records(body) == (GIVEN, REFUSED, STARTED)
    assert len(body) < 200
    with pytest.raises(ParameterError):
        audit.read_records(b"\x93\x01")


indices = st.integers(0, 2**32 - 1)


@given(st.lists(st.tuples(st.sampled_from([LOT, LOT[::-1]]), indices | st.integers(5, 12)), max_size=20))
def test_ranges_name_the_same_keys(parts):
    ids = b"".join(name + index.to_bytes(4) for name, index in parts)
    ranges = audit.key_ranges(ids)
    assert b"".join(key_id.bytes for key_id in audit.key_ids_of(ranges)) == ids


def test_a_run_of_one_lot_is_one_range():
    ids = b"".join(LOT + index.to_bytes(4) for index in range(7, 135))
    assert audit.key_ranges(ids) == (KeyRange(LOT + (7).to_bytes(4), 128),)
    with pytest.raises(ParameterError):
        audit.key_ranges(b"short")


def test_items_for_json_name_the_keys():
    items = audit.record_items(GIVEN)
    assert items["record"] == "delivery"
    assert items["keys"] == [[str(UUID(bytes=LOT + bytes(4))), 3]]
    assert items["slaves"] == ["bob"]
    assert GIVEN.n_keys == 3
