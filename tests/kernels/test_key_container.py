"""The key-container kernels against their specification, and against what JSON allows beyond the plain shapes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haris.kernels import key_container as kernel
from haris.kernels import reference_key_container as specification
from haris.nouns.errors import ParameterError

ids = st.binary(min_size=16, max_size=16)
extensions = st.just(b"") | st.dictionaries(st.text(max_size=8), st.integers() | st.text(max_size=8), max_size=3).map(
    lambda items: json.dumps(items, separators=(",", ":"), ensure_ascii=False).encode()
)
blanks = st.text(" \t\r\n", max_size=2)


@st.composite
def batches(draw):
    n_keys, size = draw(st.integers(1, 9)), draw(st.integers(1, 70))
    return draw(st.binary(min_size=16 * n_keys, max_size=16 * n_keys)), draw(
        st.binary(min_size=size * n_keys, max_size=size * n_keys)
    )


@given(batches(), extensions, extensions)
def test_a_container_is_written_and_read_as_specified(batch, each, whole):
    key_ids, secrets = batch
    text = kernel.write_key_container(key_ids, bytearray(secrets), each, whole)
    assert isinstance(text, bytearray)
    assert text == specification.write_key_container(key_ids, secrets, each, whole)
    found = kernel.read_key_container(text)
    assert (found.key_ids, bytes(found.secrets)) == (key_ids, secrets)
    assert (found.key_extension, found.container_extension) == (each, whole)


def spaced(text, blanks):
    """JSON text with blanks around everything that is not within a string."""
    parts = text.split('"')
    for i in range(0, len(parts), 2):
        parts[i] = "".join(f"{blank}{c}{blank}" for c, blank in zip(parts[i], blanks * len(parts[i]), strict=False))
    return '"'.join(parts).encode()


@given(batches(), extensions, extensions, st.lists(blanks, min_size=1, max_size=5), st.booleans())
def test_blanks_and_another_order_are_read_alike(batch, each, whole, between, backwards):
    items = json.loads(specification.write_key_container(*batch, each, whole))
    if backwards:
        items["keys"] = [dict(reversed(key.items())) for key in items["keys"]]
        items = dict(reversed(items.items()))
    text = spaced(json.dumps(items), between) if not each + whole else json.dumps(items, indent=1).encode()
    found = kernel.read_key_container(text)
    key_ids, secrets, key_extension, container_extension = specification.read_key_container(text)
    assert (found.key_ids, bytes(found.secrets)) == (key_ids, secrets)
    for read, wanted in ((found.key_extension, key_extension), (found.container_extension, container_extension)):
        assert (json.loads(read) if read else None) == wanted


@given(st.lists(ids, min_size=1, max_size=40, unique=True), st.lists(blanks, min_size=1, max_size=5), st.booleans())
def test_key_ids_are_written_and_read_as_specified(names, between, upper):
    joined = b"".join(names)
    text = kernel.write_key_ids(joined)
    assert text == specification.write_key_ids(joined)
    loose = spaced(text.decode(), between)
    if upper:
        loose = loose.upper().replace(b"KEY_IDS", b"key_IDs").replace(b"KEY_ID", b"key_ID")
    assert kernel.read_key_ids(loose) == specification.read_key_ids(loose) == joined
    assert kernel.read_key_ids(bytearray(text)) == joined
    assert kernel.read_key_ids(kernel.write_key_ids(joined + names[0])) is None


@given(st.data())
def test_a_changed_octet_is_read_as_json_says_or_left(data):
    batch = data.draw(batches())
    for text, read, wanted in (
        (kernel.write_key_ids(batch[0]), kernel.read_key_ids, specification.read_key_ids),
        (kernel.write_key_container(*batch), kernel.read_key_container, specification.read_key_container),
    ):
        changed = bytearray(text)
        changed[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
        found = read(changed)
        if found is not None:
            expected = wanted(bytes(changed))
            got = found if isinstance(found, bytes) else (found.key_ids, bytes(found.secrets), None, None)
            assert got == expected


NAME = "550e8400-e29b-41d4-a716-446655440000"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{}",
        b'{"key_IDs":[]}',
        b'{"key_IDs":[{}]}',
        f'{{"key_IDs":[{{"key_ID":"{NAME}"}}],"x":1}}'.encode(),
        f'{{"key_IDs":[{{"key_ID":"{NAME}","x":1}}]}}'.encode(),
        f'{{"key_IDs":[{{"key_ID":"{NAME}"}}]}}x'.encode(),
        f'{{"key_IDs":[{{"key_ID":"{NAME}"}},]}}'.encode(),
        f'{{"key_IDs":[{{"key_ID":"{NAME[:-1]}"}}]}}'.encode(),
        f'{{"key_IDs":[{{"key_ID":"{NAME[:-1]}g"}}]}}'.encode(),
        f'{{"key_IDs":[{{"key_ID":"{NAME.replace("-", "")}----"}}]}}'.encode(),
        f'{{"key_IDs":[{{"key\\u005fID":"{NAME}"}}]}}'.encode(),
    ],
)
def test_other_bodies_are_left_to_the_other_reader(body):
    assert kernel.read_key_ids(body) is None


def key(secret="AAAA", extension=""):
    return f'{{"key_ID":"{NAME}","key":"{secret}"{extension}}}'


@pytest.mark.parametrize(
    "keys",
    [
        "",
        "{}",
        key(""),
        key("AAA"),
        key("AAA!"),
        key("AAAA===="),
        key("A==="),
        key("AB=="),  # canonical is AA==
        key("AAB="),
        key("=AAA"),
        key("AA=A"),
        key("AA-_"),
        key() + "," + key("AAAAAAAA"),
        key() + "," + key(extension=',"key_extension":{}'),
        key(extension=',"key_extension":null'),
        key(extension=',"key_extension":{"a":[}'),
        key(extension=',"x":{}'),
        key(extension=',"key":"AAAA"'),
        f'{{"key_ID":"{NAME}","key":"","key":"AAAA"}}',
        f'{{"key_ID":"","key_ID":"{NAME}","key":"AAAA"}}',
    ],
)
def test_other_containers_are_left_to_the_other_reader(keys):
    assert kernel.read_key_container(f'{{"keys":[{keys}]}}'.encode()) is None
    assert kernel.read_key_container(f'{{"keys":[{key()}],"keys":[{key()}]}}'.encode()) is None


def test_lengths_that_do_not_fit_are_refused():
    for key_ids, secrets in ((b"", b""), (bytes(15), bytes(32)), (bytes(32), bytes(33)), (bytes(16), b"")):
        with pytest.raises(ParameterError):
            kernel.write_key_container(key_ids, secrets)
    with pytest.raises(ParameterError):
        kernel.write_key_ids(bytes(17))
