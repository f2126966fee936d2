"""The messages of ETSI GS QKD 020: bounds, forms, problem types."""

import base64
import json
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.nouns.errors import PeerError
from haris.wire import etsi020
from haris.wire.etsi020 import (
    AckContainer,
    AckedKey,
    AckStatus,
    ExtKey,
    ExtKeyContainer,
    VersionContainer,
    VoidContainer,
)
from haris.wire.etsi020_problem import STATUSES, Problem, ProblemType, read_problem, write_problem

KEY_ID = "550e8400-e29b-41d4-a716-446655440000"
VALUE = base64.b64encode(bytes(range(32))).decode()
KEY = {"key_id": KEY_ID, "value": VALUE}
EXT_KEYS = {"keys": [KEY], "initiator_sae_id": "alice", "target_sae_ids": ["bob"]}
VOID = {"key_ids": [KEY_ID], "initiator_sae_id": "alice", "target_sae_ids": ["bob"]}
ACK = {
    "key_id_container": [{"key_id": KEY_ID}],
    "ack_status": "relayed",
    "initiator_sae_id": "alice",
    "target_sae_ids": ["bob"],
}
EXTENSION = {"E32473_route": {"kind": "direct"}}

EXTENSIONS = st.none() | st.dictionaries(
    st.from_regex(r"E[0-9]{1,6}_[a-z]{1,9}", fullmatch=True),
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3)),
    min_size=1,
    max_size=3,
)
SAE_IDS = st.from_regex(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]{1,64}", fullmatch=True)
KEYS = st.builds(ExtKey, st.uuids(), st.binary(min_size=1, max_size=64), EXTENSIONS)


def written(items, **changes):
    changed = {**items, **changes}
    return json.dumps({name: value for name, value in changed.items() if value is not ...}).encode()


def refusal(read, body):
    with pytest.raises(Problem) as caught:
        read(body)
    assert VALUE not in str(caught.value)
    return caught.value


@settings(max_examples=25)
@given(
    st.builds(
        ExtKeyContainer,
        st.lists(KEYS, min_size=1, max_size=3, unique_by=lambda key: key.key_id).map(tuple),
        st.just("the initiator's".replace(" ", "-")),
        st.lists(SAE_IDS, min_size=1, max_size=3, unique=True).map(tuple),
        st.none() | st.just("https://kme-a:8443/kmapi/v1/ext_keys/ack"),
        EXTENSIONS,
        EXTENSIONS,
    )
)
def test_ext_keys_are_read_as_written(container):
    assert etsi020.read_ext_keys(etsi020.write_ext_keys(container)) == container


@settings(max_examples=25)
@given(
    st.lists(st.uuids(), min_size=1, max_size=3, unique=True).map(tuple),
    st.none() | st.just("https://kme-a/ack"),
    EXTENSIONS,
    st.booleans(),
)
def test_void_is_read_as_written(key_ids, url, extension, everything):
    container = VoidContainer(key_ids, "alice", ("bob", "bella"), url, extension, everything)
    assert etsi020.read_void(etsi020.write_void(container)) == container


@settings(max_examples=25)
@given(st.lists(st.uuids(), min_size=1, max_size=3, unique=True), st.sampled_from(AckStatus), EXTENSIONS)
def test_acks_are_read_as_written(key_ids, status, extension):
    keys = tuple(AckedKey(key_id, extension) for key_id in key_ids)
    containers = (AckContainer(keys, status, "alice", ("bob",), "why", extension),)
    assert etsi020.read_acks(etsi020.write_acks(containers)) == containers


def test_versions_are_read_as_written():
    container = VersionContainer(("v1",), ("synchronous_mode",), EXTENSION)
    assert etsi020.read_versions(etsi020.write_versions(container)) == container
    assert json.loads(etsi020.write_versions(VersionContainer(("v1",)))) == {"versions": ["v1"]}
    with pytest.raises(PeerError):
        etsi020.read_versions(b'{"versions": "v1"}')


@pytest.mark.parametrize("name", ["keys", "initiator_sae_id", "target_sae_ids"])
def test_a_required_parameter_of_ext_keys_that_is_absent_is_missing(name):
    problem = refusal(etsi020.read_ext_keys, written(EXT_KEYS, **{name: ...}))
    assert (problem.kind, problem.status) == (ProblemType.MISSING_PARAMETERS, 400)
    assert problem.details == {"missing_parameters": f"{name} is required"}


@pytest.mark.parametrize("name", ["key_id", "value"])
def test_a_required_parameter_of_a_key_that_is_absent_is_missing(name):
    body = written(EXT_KEYS, keys=[{k: v for k, v in KEY.items() if k != name}])
    assert refusal(etsi020.read_ext_keys, body).kind is ProblemType.MISSING_PARAMETERS


@pytest.mark.parametrize(
    "changes",
    [
        {"keys": []},
        {"keys": {}},
        {"keys": None},
        {"keys": [KEY, KEY]},
        {"keys": ["key"]},
        {"keys": [{**KEY, "key_id": str(uuid4())} for _ in range(1025)]},
        {"keys": [{**KEY, "key_id": "550e8400e29b41d4a716446655440000"}]},
        {"keys": [{**KEY, "key_id": 1}]},
        {"keys": [{**KEY, "value": ""}]},
        {"keys": [{**KEY, "value": VALUE[:-1]}]},
        {"keys": [{**KEY, "value": VALUE[:-1] + "-"}]},
        {"keys": [{**KEY, "value": "AB=="}]},  # bits beyond the octet that are not zero
        {"keys": [{**KEY, "value": [1]}]},
        {"keys": [{**KEY, "extension": {}}]},
        {"initiator_sae_id": ""},
        {"initiator_sae_id": "a" * 65},
        {"initiator_sae_id": "two words"},
        {"initiator_sae_id": "größe"},
        {"initiator_sae_id": None},
        {"target_sae_ids": []},
        {"target_sae_ids": "bob"},
        {"target_sae_ids": ["bob", "bob"]},
        {"target_sae_ids": ["alice"]},
        {"target_sae_ids": [f"sae{n}" for n in range(1025)]},
        {"ack_callback_url": "http://kme-a/ack"},
        {"ack_callback_url": "https://"},
        {"ack_callback_url": "https://[kme/ack"},
        {"ack_callback_url": "https://kme-a/" + "a" * 1011},
        {"ack_callback_url": None},
        {"ack_callback_url": ""},
        {"extension_mandatory": []},
        {"extension_mandatory": {}},
        {"extension_mandatory": {"route": 1}},
        {"extension_optional": {"E_route": 1}},
        {"extension_optional": {"Ex_route": 1}},
        {"extension_optional": {f"E32473_{n}": n for n in range(1025)}},
    ],
)
def test_a_wrong_value_of_ext_keys_is_invalid(changes):
    problem = refusal(etsi020.read_ext_keys, written(EXT_KEYS, **changes))
    assert (problem.kind, problem.status) == (ProblemType.INVALID_PARAMETER, 400)


def test_values_at_their_bounds_pass():
    keys = [{**KEY, "key_id": str(uuid4())} for _ in range(1024)]
    container = etsi020.read_ext_keys(
        written(
            EXT_KEYS,
            keys=keys,
            initiator_sae_id="a" * 64,
            target_sae_ids=[f"sae{n}" for n in range(1024)],
            ack_callback_url="https://kme-a/" + "a" * 1010,
            extension_optional={f"E32473_{n}": n for n in range(1024)},
        )
    )
    assert len(container.keys) == len(container.target_sae_ids) == len(container.extension_optional) == 1024
    assert len(container.ack_callback_url) == 1024


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b'"\\ud800"', b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_refused_in_each_method_s_type(body):
    assert refusal(etsi020.read_ext_keys, body).kind is ProblemType.INVALID_PARAMETER
    assert refusal(etsi020.read_void, body).kind is ProblemType.VOID_REQUEST_NOT_UNDERSTOOD
    assert refusal(etsi020.read_acks, body).kind is ProblemType.ACK_NOT_UNDERSTOOD


@pytest.mark.parametrize("name", ["key_ids", "initiator_sae_id", "target_sae_ids"])
def test_a_required_parameter_of_void_that_is_absent_is_missing(name):
    assert refusal(etsi020.read_void, written(VOID, **{name: ...})).kind is ProblemType.MISSING_PARAMETERS


@pytest.mark.parametrize(
    "changes",
    [
        {"key_ids": [KEY_ID, KEY_ID]},
        {"key_ids": [{"key_id": KEY_ID}]},
        {"key_ids": [str(uuid4()) for _ in range(1025)]},
        {"initiator_sae_id": 5},
        {"all_confirmation": "true"},
        {"all_confirmation": None},
        {"ack_callback_url": "ftp://kme-a"},
        {"extension": {"x": 1}},
    ],
)
def test_a_wrong_value_of_void_is_not_understood(changes):
    assert refusal(etsi020.read_void, written(VOID, **changes)).kind is ProblemType.VOID_REQUEST_NOT_UNDERSTOOD


def test_void_of_everything_needs_its_confirmation():
    for confirmation in (..., False):
        problem = refusal(etsi020.read_void, written(VOID, key_ids=[], all_confirmation=confirmation))
        assert (problem.kind, problem.status) == (ProblemType.NO_KEY_IDS_OR_CONFIRMATION, 400)
    assert etsi020.read_void(written(VOID, key_ids=[], all_confirmation=True)).key_ids == ()


@pytest.mark.parametrize("name", ["key_id_container", "ack_status", "initiator_sae_id", "target_sae_ids"])
def test_a_required_parameter_of_ack_that_is_absent_is_missing(name):
    items = {k: v for k, v in ACK.items() if k != name}
    assert refusal(etsi020.read_acks, json.dumps([items]).encode()).kind is ProblemType.MISSING_PARAMETERS


@pytest.mark.parametrize(
    "containers",
    [
        [],
        ACK,
        [ACK] * 1025,
        [{**ACK, "ack_status": "lost"}],
        [{**ACK, "ack_status": ["relayed"]}],
        [{**ACK, "key_id_container": []}],
        [{**ACK, "key_id_container": [KEY_ID]}],
        [{**ACK, "message": "m" * 4097}],
    ],
)
def test_a_wrong_value_of_ack_is_not_understood(containers):
    assert refusal(etsi020.read_acks, json.dumps(containers).encode()).kind is ProblemType.ACK_NOT_UNDERSTOOD


def test_problems_are_written_as_rfc_9457_has_them():
    problem = Problem(ProblemType.KEY_ROUTING_ERROR, {"no_known_route": "SAE x"})
    assert json.loads(write_problem(problem)) == {
        "type": "https://qkd.etsi.org/gs020-interop-kms/key-routing-error",
        "status": 400,
        "title": "key routing error",
        "details": {"no_known_route": "SAE x"},
    }


@pytest.mark.parametrize("kind", ProblemType)
def test_every_problem_is_read_as_written(kind):
    read = read_problem(STATUSES[kind], write_problem(Problem(kind)))
    assert (read.kind, read.status, read.details) == (kind, STATUSES[kind], Problem(kind).details)


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"message": "no"}', b'{"type": "https://elsewhere/x"}'])
def test_an_error_without_proper_details_keeps_its_status(body):
    problem = read_problem(502, body)
    assert (problem.kind, problem.status) == (ProblemType.SERVER_SIDE_GENERAL_ERROR, 502)
    assert read_problem(401, body).kind is ProblemType.UNAUTHORIZED
    with pytest.raises(PeerError):
        read_problem(302, body)


@pytest.mark.parametrize(
    "value", ["application/json; charset=UTF-8", "application/json", 'Application/JSON;charset="utf-8"']
)
def test_json_in_utf_8_is_taken(value):
    etsi020.require_content_type(value)


@pytest.mark.parametrize("value", [None, "", "text/plain", "application/json; charset=latin-1"])
def test_another_content_type_is_refused(value):
    with pytest.raises(Problem):
        etsi020.require_content_type(value)


def test_a_key_never_shows_in_a_repr():
    key = ExtKey(UUID(int=1), b"secret octets")
    assert "secret" not in repr(key)
