"""The messages of SKIP against the figures of draft-cisco-skip-02, and what is no such message."""

import json
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haris.nouns.errors import ParameterError, PeerError
from haris.wire import skip

KEY_ID = UUID("1726e9ae-7623-4fb1-9d12-83d4dca1911e")
KEY = bytes.fromhex("ad229dfb8a276e74c1f3b6c09349a69fb2fed73c541270663f0e5cbbfb031670")  # Figure 6


def test_capabilities_as_in_figure_4():
    figure = {
        "entropy": True,
        "key": True,
        "algorithm": "QKD",
        "localSystemID": "Alice",
        "remoteSystemID": ["Bob", "Eve"],
    }
    capabilities = skip.Capabilities("Alice", ("Bob", "Eve"))
    assert json.loads(skip.write_capabilities(capabilities)) == figure
    assert skip.read_capabilities(json.dumps(figure).encode()) == capabilities


def test_keys_as_in_figure_6():
    figure = {"keyId": "1726E9AE76234FB19d1283d4dca1911e", "key": KEY.hex()}
    assert skip.read_key(json.dumps(figure).encode()) == skip.SkipKey(KEY_ID, KEY)
    assert json.loads(skip.write_key(KEY_ID, KEY)) == {"keyId": figure["keyId"].lower(), "key": figure["key"]}
    assert KEY.hex() not in repr(skip.SkipKey(KEY_ID, KEY))


def test_entropy_as_in_figure_8():
    assert json.loads(skip.write_entropy(KEY)) == {"randomStr": KEY.hex(), "minentropy": 256}
    assert skip.read_entropy(b'{"randomStr":"%s","minentropy":256}' % KEY.hex().upper().encode()) == KEY


def test_paths_as_in_table_2():
    assert skip.key_path("Bob") == "/key?remoteSystemID=Bob"
    assert skip.key_path("Bob", 128) == "/key?remoteSystemID=Bob&size=128"
    assert skip.known_key_path(KEY_ID, "A B") == f"/key/{KEY_ID.hex}?remoteSystemID=A%20B"
    assert skip.entropy_path() == "/entropy"
    assert skip.entropy_path(128) == "/entropy?minentropy=128"


def test_queries():
    assert skip.read_key_query([("remoteSystemID", "Bob")]) == ("Bob", 256)
    assert skip.read_key_query([("size", "128"), ("remoteSystemID", "Bob")]) == ("Bob", 128)
    assert skip.read_known_key_query([("remoteSystemID", "Alice")]) == "Alice"
    assert skip.read_entropy_query([]) == 256
    assert skip.read_entropy_query([("minentropy", "128")]) == 128
    assert skip.read_key_id(KEY_ID.hex.upper()) == KEY_ID


@pytest.mark.parametrize(
    ("read", "query"),
    [
        (skip.read_key_query, []),
        (skip.read_key_query, [("remoteSystemID", "")]),
        (skip.read_key_query, [("remoteSystemID", "Bob"), ("remoteSystemID", "Bob")]),
        (skip.read_key_query, [("remoteSystemID", "Bob"), ("number", "2")]),
        *[(skip.read_key_query, [("remoteSystemID", "B"), ("size", size)]) for size in ("0", "-8", "x", "", "8.0")],
        (skip.read_known_key_query, [("size", "256")]),
        (skip.read_entropy_query, [("minentropy", "0")]),
        (skip.read_key_id, ""),
        (skip.read_key_id, str(KEY_ID)),
        (skip.read_key_id, "0x" + "1" * 30),
        (skip.read_key_id, "1" * 48),
    ],
)
def test_requests_that_are_refused(read, query):
    with pytest.raises(ParameterError):
        read(query)


@pytest.mark.parametrize(
    ("read", "body"),
    [
        (skip.read_key, b"boom"),
        (skip.read_key, b"[]"),
        (skip.read_key, b'{"keyId":"00"}'),
        (skip.read_key, b'{"keyId":"00","key":"00"}'),
        (skip.read_key, b'{"keyId":"%s","key":"0"}' % KEY_ID.hex.encode()),
        (skip.read_key, b'{"keyId":"%s","key":"=="}' % KEY_ID.hex.encode()),
        (skip.read_entropy, b'{"randomStr":"00","minentropy":9}'),
        (skip.read_entropy, b'{"randomStr":"00","minentropy":true}'),
        (skip.read_entropy, b'{"randomStr":"zz","minentropy":8}'),
        (skip.read_capabilities, b'{"entropy":true,"key":true,"algorithm":"x","localSystemID":"a"}'),
        (skip.read_capabilities, b'{"entropy":1,"key":true,"algorithm":"x","localSystemID":"a","remoteSystemID":[]}'),
    ],
)
def test_answers_that_break_the_protocol(read, body):
    with pytest.raises(PeerError):
        read(body)


@given(st.uuids(), st.binary(min_size=1, max_size=64))
def test_keys_make_the_round_trip(key_id, secret):
    assert skip.read_key(bytes(skip.write_key(key_id, secret))) == skip.SkipKey(key_id, secret)
    assert skip.read_entropy(bytes(skip.write_entropy(secret))) == secret
