"""An exported log shows what was changed in it, and what was cut off."""

import json
from dataclasses import replace

import pytest

from haris.manage import audit
from haris.manage.audit import Act, Break, Delivery, Head, KeyRange
from haris.manage.audit_export import Sealed, read_export, read_head, verify_log, write_export, write_head
from haris.nouns.errors import ParameterError

GIVEN = Delivery("enc_keys", "014", "alice", "alice", ("bob",), 256, (KeyRange(bytes(16), 2),))


def chain(writer, n_entries):
    parts = [audit.origin(writer)]
    head = parts[0]
    for number in range(n_entries):
        parts.append(audit.follow(head, 1_000_000_000 * number, [GIVEN, Act("start", "haris", writer)]))
        head = parts[-1].head
    return parts


@pytest.fixture
def lines():
    return list(write_export([*chain("bank", 4), *chain("bank/2", 2)], lambda statement: b"signed"))


def test_an_export_holds_what_the_log_held(lines):
    parts = [*chain("bank", 4), *chain("bank/2", 2)]
    assert list(read_export(lines))[:-1] == parts
    sealed = verify_log(read_export(lines))
    assert isinstance(sealed, Sealed)
    assert sealed.n_entries == 6
    assert sealed.heads == (parts[4].head, parts[7].head)
    assert sealed.signature == b"signed"
    assert parts[7].hash.hex().encode() in sealed.statement


def test_a_person_reads_who_got_which_keys(lines):
    entry = json.loads(lines[1])
    assert entry["time"] == "1970-01-01T00:00:00.000000Z"
    assert entry["records"][0]["sae"] == "alice"
    assert entry["records"][0]["keys"] == [["00000000-0000-0000-0000-000000000000", 2]]


def test_a_file_that_was_cut_has_no_seal(lines):
    with pytest.raises(ParameterError, match="it was cut"):
        verify_log(read_export(lines[:3]))
    with pytest.raises(ParameterError, match="line 10: something follows"):
        verify_log(read_export([*lines, lines[0]]))


def test_a_seal_that_was_made_anew_is_seen_by_a_noted_head(lines):
    shorter = list(write_export(chain("bank", 3)))
    noted = chain("bank", 4)[4].head
    assert isinstance(verify_log(read_export(shorter)), Sealed)
    assert verify_log(read_export(shorter), [noted]) == Break(
        "bank", 4, "the log ends before entry 4, which was noted elsewhere"
    )
    assert verify_log(read_export(shorter), [Head("gone", 1, bytes(32))]) == Break(
        "gone", 1, "the log ends before entry 1, which was noted elsewhere"
    )


def test_a_chain_that_was_made_anew_is_seen_by_a_noted_head():
    true, other = chain("bank", 4), [audit.origin("bank")]
    for number in range(4):
        other.append(audit.follow(other[-1] if number == 0 else other[-1].head, number, [GIVEN]))
    assert isinstance(verify_log(other), Sealed)
    assert verify_log(other, [true[2].head]) == Break("bank", 2, "its hash is not the one that was noted elsewhere")
    assert isinstance(verify_log(true, [true[2].head, true[4].head]), Sealed)


def test_a_head_older_than_the_log_is_passed_over():
    parts = chain("bank", 4)
    trimmed = [parts[3].head, parts[4]]
    assert isinstance(verify_log(trimmed, [parts[1].head, parts[3].head]), Sealed)


def test_a_line_taken_out_breaks_its_chain(lines):
    found = verify_log(read_export([*lines[:2], *lines[3:]]))
    assert found == Break("bank", 2, "entry 3 follows entry 1")
    found = verify_log(read_export([*lines[:4], *lines[5:]]))
    assert found == Break("bank", 4, "the seal names other heads")
    found = verify_log(read_export(lines[:5] + lines[-1:]))
    assert found == Break("bank/2", 1, "the seal names other heads")


def test_a_chain_without_start_or_with_two_is_broken():
    parts = chain("bank", 2)
    assert verify_log(parts[1:]) == Break("bank", 1, "its chain has no start")
    assert verify_log([*parts, parts[0]]) == Break("bank", 3, "the chain begins anew")


def test_what_people_read_must_be_what_is_hashed(lines):
    told = json.loads(lines[2])
    told["records"][0]["sae"] = "mallory"
    with pytest.raises(ParameterError, match=r"line 3: .* not those of its body"):
        list(read_export([*lines[:2], json.dumps(told), *lines[3:]]))


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"type":"start","writer":"a","number":-1,"hash":"00"}', "\udcff"])
def test_another_file_is_refused(text):
    with pytest.raises(ParameterError, match="line 1"):
        list(read_export([text]))


def test_a_head_is_noted_on_one_line():
    head = replace(chain("kme:bank", 1)[1].head)
    assert read_head(write_head(head)) == head
    for wrong in ("", "bank", "bank:1", "bank:1:00", "bank:x:" + "00" * 32, ":1:" + "00" * 32):
        with pytest.raises(ParameterError):
            read_head(wrong)
