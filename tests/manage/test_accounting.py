import pytest

from haris.manage import audit
from haris.manage.accounting import group, roll_up
from haris.manage.audit import Act, Delivery, Denial, KeyRange
from haris.nouns.errors import ParameterError
from haris.nouns.times import DAY_NS
from haris.nouns.usage import Account, Usage

CUSTOMERS = {"alice": "north", "bob": "south"}
THREE = (KeyRange(bytes(16), 2), KeyRange(bytes(15) + b"\x09", 1))


def enc(n=THREE, size=256):
    return Delivery("enc_keys", "014", "alice", "alice", ("bob", "bella"), size, n)


def dec():
    return Delivery("dec_keys", "014", "bob", "alice", ("bob",), 256, THREE)


def entries(*days_and_records):
    head, found = audit.origin("bank"), []
    for day, *records in days_and_records:
        found.append(audit.follow(head, day * DAY_NS + 5, records))
        head = found[-1].head
    return found


def test_both_ends_are_accounted_for():
    usages = roll_up(entries((0, enc(), enc(size=512), dec()), (1, enc())), CUSTOMERS)
    assert usages == {
        Account("1970-01-01", "north", "alice", "bob", "014", "enc_keys"): Usage(2, 6, 3 * 256 + 3 * 512),
        Account("1970-01-01", "south", "bob", "alice", "014", "dec_keys"): Usage(1, 3, 768),
        Account("1970-01-02", "north", "alice", "bob", "014", "enc_keys"): Usage(1, 3, 768),
    }


def test_a_chunk_of_a_stream_counts_once_at_each_end():
    given = Delivery("enc_keys", "004", "alice", "alice", ("bob", "alice"), 256, THREE)
    copies = [Delivery("dec_keys", "004", sae, "alice", (sae,), 256, THREE) for sae in ("alice", "bob")]
    assert roll_up(entries((0, given, *copies)), CUSTOMERS) == {
        Account("1970-01-01", "north", "alice", "bob", "004", "enc_keys"): Usage(1, 3, 768),
        Account("1970-01-01", "south", "bob", "alice", "004", "dec_keys"): Usage(1, 3, 768),
    }


def test_denials_count_as_often_as_they_were_refused():
    denied = Denial("enc_keys", "004", "mallory", "bob", "unauthorised", times=7)
    assert roll_up(entries((0, denied, Act("start", "haris", "bank"))), CUSTOMERS) == {
        Account("1970-01-01", "", "mallory", "bob", "004", "enc_keys"): Usage(requests=7, denials=7)
    }


def test_usages_are_grouped():
    usages = roll_up(entries((0, enc(), dec()), (1, enc())), CUSTOMERS)
    blank = Account("", "", "", "", "", "")
    assert group(usages, []) == {blank: Usage(3, 9, 9 * 256)}
    by_customer = group(usages, ["customer"])
    assert [(account.customer, usage.keys) for account, usage in by_customer.items()] == [("north", 6), ("south", 3)]
    assert group(usages, ["day", "customer", "sae", "peer", "interface", "method"]) == usages
    with pytest.raises(ParameterError, match="not by colour"):
        group(usages, ["colour"])


def test_the_day_is_that_of_utc():
    (account,) = roll_up([audit.follow(audit.origin("bank"), DAY_NS - 1, [enc()])], {})
    assert account.day == "1970-01-01"
