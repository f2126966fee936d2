"""Batches of keys as containers of the standard: what any client reads, and what ours does."""

import json
from dataclasses import replace
from uuid import UUID

import pytest
from etsi_qkd_014_client.data import DataKeyContainer

from haris.nouns.errors import ParameterError, PeerError
from haris.nouns.key_batch import KeyBatch
from haris.nouns.keys import Origin, Pedigree, Proof
from haris.wire import etsi014
from haris.wire.key_batch import read_key_batch, write_key_batches
from haris.wire.pedigree import read_pedigree

GOOD = Pedigree(1e-10, Origin.MEASURED, Proof("Lim et al. 2014", "coherent", True, ("fair sampling",)))
WORSE = replace(GOOD, epsilon=1e-6, hops=3)
UNSAID = Pedigree(None, Origin.VENDOR, Proof("not stated", "not stated", False), 1, "nothing is said")


def batch(n_keys, pedigree=GOOD, first=1, octets=32):
    names = range(first, first + n_keys)
    secrets = bytearray().join(bytes([n]) * octets for n in names)
    return KeyBatch(b"".join(UUID(int=n).bytes for n in names), secrets, 8 * octets, pedigree)


def test_one_key_bears_its_pedigree_itself():
    container = etsi014.read_key_container(write_key_batches([batch(1)]))
    assert container.extension is None
    (key,) = container.keys
    assert (key.key_id, key.octets, read_pedigree(key.extension)) == (UUID(int=1), bytes([1]) * 32, GOOD)


@pytest.mark.parametrize("batches", [[batch(3)], [batch(2), batch(1, first=3)]])
def test_several_keys_share_one_pedigree(batches):
    text = write_key_batches(batches)
    container = etsi014.read_key_container(text)
    assert read_pedigree(container.extension) == GOOD
    assert container.keys == tuple(etsi014.Key(UUID(int=n), bytes([n]) * 32) for n in (1, 2, 3))
    assert [key.key_id for key in DataKeyContainer(json.loads(text)).keys] == [str(UUID(int=n)) for n in (1, 2, 3)]
    found = read_key_batch(text, UNSAID)
    assert (found.n_keys, found.size_bits, found.pedigree) == (3, 256, GOOD)
    assert found.secrets == bytearray().join(each.secrets for each in batches)


def test_keys_of_several_pedigrees_bear_their_own():
    text = write_key_batches([batch(2), batch(2, WORSE, 3), batch(1, GOOD, 5, 16)])
    container = etsi014.read_key_container(text)
    assert container.extension is None
    assert [read_pedigree(key.extension) for key in container.keys] == [GOOD, GOOD, WORSE, WORSE, GOOD]
    assert [key.octets for key in container.keys] == [bytes([n]) * (16 if n == 5 else 32) for n in (1, 2, 3, 4, 5)]
    assert read_key_batch(text, UNSAID) is None


def test_a_key_manager_that_says_nothing_and_one_that_says_nonsense():
    plain = b'{"keys":[{"key_ID":"550e8400-e29b-41d4-a716-446655440000","key":"AAAA"}]'
    assert read_key_batch(plain + b"}", UNSAID).pedigree == UNSAID
    assert read_key_batch(plain + b',"key_container_extension":{"abc":1}}', UNSAID).pedigree == UNSAID
    for nonsense in (b'{"haris_origin":"heaven"}', b'{"a" 1}', b'{"a":"\xff"}'):
        with pytest.raises(PeerError):
            read_key_batch(plain + b',"key_container_extension":' + nonsense + b"}", UNSAID)


def test_none_are_refused():
    with pytest.raises(ParameterError):
        write_key_batches([])
