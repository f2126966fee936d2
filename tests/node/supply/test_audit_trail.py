"""Whatever way keys leave by, their record is in the store before they do."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from kme_lab import Lab

from haris.manage import audit
from haris.manage.audit import Delivery
from haris.nouns.errors import StoreError


@pytest.fixture
async def lab(tmp_path) -> AsyncIterator[Lab]:
    lab = Lab(tmp_path)
    for site in ("bank", "exchange"):
        await lab.start(site)
    yield lab
    await lab.close()


def records(lab, site):
    """Every record of a site's log, whose chain holds."""
    store = lab.sites[site].store
    found = []
    for start, head in zip(store.audit_starts(), store.audit_heads(), strict=True):
        entries = list(store.audit_entries(start.writer))
        assert audit.verify(start, entries) == head
        found += [record for entry in entries for record in audit.read_records(entry.body)]
    return found


@pytest.mark.parametrize(
    ("body", "slaves"),
    [
        ({"number": 3}, ("bob",)),  # from a lease
        ({"number": 2, "size": 512}, ("bob",)),  # by an assignment
        ({"number": 2, "additional_slave_SAE_IDs": ["bella"]}, ("bob", "bella")),
    ],
)
async def test_both_ends_of_a_delivery_are_on_record(lab, body, slaves):
    lab.seed("bank", "exchange", 64)
    answer = await lab.ask("alice", "bob/enc_keys", body)
    assert answer.status == 200, answer.items
    ids = [UUID(key["key_ID"]) for key in answer.items["keys"]]
    (given,) = records(lab, "bank")
    assert (given.method, given.interface, given.sae, given.master) == ("enc_keys", "014", "alice", "alice")
    assert given.slaves == slaves
    assert given.size_bits == body.get("size", 256)
    assert list(audit.key_ids_of(given.keys)) == ids
    fetched = await lab.ask("bob", "alice/dec_keys", {"key_IDs": [{"key_ID": str(ids[0])}]})
    assert fetched.status == 200
    (taken,) = records(lab, "exchange")
    assert (taken.method, taken.sae, taken.master) == ("dec_keys", "bob", "alice")
    assert list(audit.key_ids_of(taken.keys)) == ids[:1]


async def test_what_is_refused_leaves_no_delivery(lab):
    answer = await lab.ask("alice", "bob/enc_keys", {"number": 2, "size": 512})
    assert answer.status == 503
    assert not any(isinstance(record, Delivery) for record in records(lab, "bank"))


@pytest.mark.parametrize("body", [{"number": 1}, {"number": 1, "size": 512}])
async def test_no_key_leaves_that_cannot_be_recorded(lab, body, monkeypatch):
    def full(*_):
        raise StoreError("the disk is full")

    lab.seed("bank", "exchange", 64)
    monkeypatch.setattr("haris.node.store.deliveries.append_audit", full)
    monkeypatch.setattr("haris.node.store.assignments.append_audit", full)
    answer = await lab.ask("alice", "bob/enc_keys", body)
    assert answer.status == 503
    assert "keys" not in answer.items
