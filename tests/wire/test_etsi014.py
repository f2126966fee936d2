"""The messages of ETSI GS QKD 014 V1.1.1, against the clauses and against a third party's client."""

import base64
import json
from uuid import UUID

import pytest
from etsi_qkd_014_client.data import DataError, DataKeyContainer, DataKeyIDs, DataKeyRequest, DataStatus
from hypothesis import given
from hypothesis import strategies as st

from haris.nouns.errors import ParameterError, PeerError
from haris.nouns.keys import Origin, Pedigree, Proof
from haris.wire import etsi014
from haris.wire.etsi014 import Error, Key, KeyContainer, KeyIDs, KeyRequest, Status
from haris.wire.pedigree import read_pedigree, write_pedigree

KEY_ID = UUID("550e8400-e29b-41d4-a716-446655440000")  # the standard's example
# The values of the standard's example of a Status (6.1).
STATUS = Status("AAAABBBB", "CCCCDDDD", "master", "slave", 352, 25000, 100000, 128, 1024, 64, 0)


def body(**items):
    return json.dumps(items).encode()


@pytest.mark.parametrize("empty", [b"", b"  \n", b"{}", body(number=None, size=None)])
def test_an_empty_request_asks_for_the_defaults(empty):
    request = etsi014.resolve(etsi014.read_key_request(empty), STATUS)
    assert (request.number, request.size) == (1, 352)


def test_every_item_of_a_request_is_read():
    request = etsi014.read_key_request(
        body(
            number=3,
            size=1024,
            additional_slave_SAE_IDs=["b", "c"],
            extension_mandatory=[{"abc_route_type": "direct"}],
            extension_optional=[{"abc_max_age": 30000}],
        )
    )
    expected = KeyRequest(3, 1024, ("b", "c"), ({"abc_route_type": "direct"},), ({"abc_max_age": 30000},))
    assert request == expected
    assert etsi014.read_key_request_query([("number", "3"), ("size", "1024")]) == KeyRequest(3, 1024)


@pytest.mark.parametrize("name", ["number", "size"])
@pytest.mark.parametrize("value", [0, -1, "3", "x", 1.5, True, [], {}])
def test_a_number_that_is_none_is_refused_in_json(name, value):
    with pytest.raises(ParameterError, match=f"^{name} shall be "):
        etsi014.read_key_request(body(**{name: value}))


@pytest.mark.parametrize("name", ["number", "size"])
@pytest.mark.parametrize("text", ["0", "-1", "", "x", "1.5", "+3", " 3", "1e3", "٣", "9" * 5000])
def test_a_number_that_is_none_is_refused_in_a_query(name, text):
    with pytest.raises(ParameterError, match=f"^{name} shall be "):
        etsi014.read_key_request_query([(name, text)])


@pytest.mark.parametrize(
    "query", [[("number", "1"), ("number", "2")], [("additional_slave_SAE_IDs", "b")], [("x", "")]]
)
def test_a_query_takes_number_and_size_once(query):
    with pytest.raises(ParameterError):
        etsi014.read_key_request_query(query)


@pytest.mark.parametrize(
    "nonsense", [b"{", b"[]", b"3", b'"x"', b"\xff\xfe", b"[" * 100_000, b"null", b'{"number":1}x']
)
def test_a_body_that_is_no_object_is_refused(nonsense):
    with pytest.raises(ParameterError, match="request body"):
        etsi014.read_key_request(nonsense)


@pytest.mark.parametrize("slaves", [[], [""], ["  "], ["b", "b"], "b", [1], {}, [None]])
def test_additional_slaves_are_checked(slaves):
    with pytest.raises(ParameterError, match="additional_slave_SAE_IDs"):
        etsi014.read_key_request(body(additional_slave_SAE_IDs=slaves))


@pytest.mark.parametrize("name", ["extension_mandatory", "extension_optional"])
@pytest.mark.parametrize("value", [{}, "x", ["x"], 1])
def test_extensions_are_arrays_of_objects(name, value):
    with pytest.raises(ParameterError, match=f"^{name} shall be an array of objects$"):
        etsi014.read_key_request(body(**{name: value}))


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        (KeyRequest(number=129), "number shall be at most 128"),
        (KeyRequest(size=71), "size shall be a multiple of 8"),
        (KeyRequest(size=1), "size shall be a multiple of 8"),
        (KeyRequest(size=56), "size shall lie between 64 and 1024"),
        (KeyRequest(size=1032), "size shall lie between 64 and 1024"),
        (KeyRequest(additional_slave_sae_ids=("b",)), "additional_slave_SAE_IDs shall hold at most 0 IDs"),
    ],
)
def test_limits_are_those_of_the_status(request_, text):
    with pytest.raises(ParameterError) as caught:
        etsi014.resolve(request_, STATUS)
    assert str(caught.value) == text


@pytest.mark.parametrize("named", ["master", "slave"])
def test_additional_slaves_are_others(named):
    status = Status("k", "l", "master", "slave", 256, 1, 1, 1, 512, 64, 4)
    with pytest.raises(ParameterError, match="neither the master nor the slave"):
        etsi014.resolve(KeyRequest(additional_slave_sae_ids=("b", named)), status)


def test_key_ids_by_both_methods():
    assert etsi014.read_key_ids(body(key_IDs=[{"key_ID": str(KEY_ID)}])) == KeyIDs.of([KEY_ID])
    assert etsi014.read_key_ids_query([("key_ID", str(KEY_ID))]) == KeyIDs.of([KEY_ID])


@pytest.mark.parametrize(
    "items",
    [
        {},
        {"key_IDs": []},
        {"key_IDs": [str(KEY_ID)]},
        {"key_IDs": [{}]},
        {"key_IDs": [{"key_ID": 3}]},
        {"key_IDs": [{"key_ID": KEY_ID.hex}]},
        {"key_IDs": [{"key_ID": "{" + str(KEY_ID) + "}"}]},
        {"key_IDs": [{"key_ID": str(KEY_ID) + " "}]},
        {"key_IDs": [{"key_ID": str(KEY_ID)}, {"key_ID": str(KEY_ID).upper()}]},
    ],
)
def test_key_ids_in_a_wrong_form_are_refused(items):
    with pytest.raises(ParameterError, match="key_ID"):
        etsi014.read_key_ids(body(**items))


@pytest.mark.parametrize("query", [[], [("key_ID", "x")], [("key_ID", str(KEY_ID))] * 2, [("number", "1")]])
def test_a_query_of_key_ids_holds_exactly_one(query):
    with pytest.raises(ParameterError):
        etsi014.read_key_ids_query(query)


def test_the_answers_are_read_by_a_third_party():
    status = DataStatus(json.loads(etsi014.write_status(STATUS)))
    assert (status.source_kme_id, status.max_sae_id_count, status.key_size) == ("AAAABBBB", 0, 352)
    container = DataKeyContainer(json.loads(etsi014.write_key_container(KeyContainer((Key(KEY_ID, b"\xff" * 32),)))))
    assert container.keys[0].key_id == str(KEY_ID)
    assert base64.b64decode(container.keys[0].key, validate=True) == b"\xff" * 32
    assert DataError(json.loads(etsi014.write_error(Error("no")))).message == "no"


def test_the_requests_of_a_third_party_are_read():
    theirs = DataKeyRequest(2, 128, ["b"], [{"abc_x": 1}], [{"abc_y": 2}])
    ours = KeyRequest(2, 128, ("b",), ({"abc_x": 1},), ({"abc_y": 2},))
    assert etsi014.read_key_request(json.dumps(theirs.json()).encode()) == ours
    assert etsi014.read_key_ids(json.dumps(DataKeyIDs([str(KEY_ID)]).json()).encode()) == KeyIDs.of([KEY_ID])


names = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=20)
requests = st.builds(
    KeyRequest,
    st.none() | st.integers(1, 10**6),
    st.none() | st.integers(1, 10**6),
    st.lists(names, unique=True, max_size=4).map(tuple),
    st.lists(st.dictionaries(names, st.integers(), min_size=1), max_size=2).map(tuple),
)


@given(requests)
def test_requests_survive_the_wire(request):
    assert etsi014.read_key_request(etsi014.write_key_request(request)) == request
    query = etsi014.write_key_request_query(KeyRequest(request.number, request.size))
    pairs = [tuple(pair.split("=")) for pair in query.split("&") if pair]
    assert etsi014.read_key_request_query(pairs) == KeyRequest(request.number, request.size)


@given(st.lists(st.binary(min_size=8, max_size=64), min_size=1, max_size=4))
def test_containers_survive_the_wire(secrets):
    container = KeyContainer(tuple(Key(UUID(int=n), secret, {"haris_hops": n}) for n, secret in enumerate(secrets)))
    assert etsi014.read_key_container(etsi014.write_key_container(container)) == container


@given(st.binary(max_size=64))
def test_any_answer_is_read_or_refused(octets):
    for read in (etsi014.read_status, etsi014.read_key_container, etsi014.read_error):
        with pytest.raises(PeerError):
            read(octets)


def test_answers_without_their_items_are_refused():
    assert etsi014.read_status(etsi014.write_status(STATUS)) == STATUS
    assert etsi014.read_error(b'{"message":"no","details":["text"]}') == Error("no", ({"text": "text"},))
    for answer in (b'{"keys":[{"key_ID":"x","key":"AA=="}]}', b'{"keys":[{}]}', b'{"keys":[1]}', b'{"keys":{}}'):
        with pytest.raises(PeerError):
            etsi014.read_key_container(answer)
    secret = base64.b64encode(b"secret" * 5).decode()
    with pytest.raises(PeerError) as caught:
        etsi014.read_key_container(json.dumps({"keys": [{"key_ID": str(KEY_ID), "key": secret + "!"}]}).encode())
    assert secret not in str(caught.value)
    assert "secret" not in repr(Key(KEY_ID, b"secret"))


def test_the_path_names_the_other_sae_encoded():
    assert etsi014.path("a/b c", "status") == "/api/v1/keys/a%2Fb%20c/status"


@pytest.mark.parametrize("pedigree", [
    Pedigree(1e-9, Origin.EMULATED, Proof("Lim et al. 2014", "coherent", True, ("fair sampling",)), 2),
    Pedigree(None, Origin.VENDOR, Proof("vendor's", "unknown", False), 1, "the vendor states none"),
])  # fmt: skip
def test_a_pedigree_survives_the_wire(pedigree):
    assert read_pedigree(json.loads(json.dumps(write_pedigree(pedigree)))) == pedigree


def test_a_pedigree_of_another_vendor_is_none_and_a_broken_one_refused():
    assert read_pedigree(None) is None
    assert read_pedigree({"abc_age": 3}) is None
    with pytest.raises(PeerError):
        read_pedigree({"haris_origin": "heaven"})
