"""Key containers of ETSI GS QKD 014 (6.3) from batches of keys and back, in buffers that can be wiped.

Where the pedigree stands: in `key_extension` of each key, but once in `key_container_extension` when a container holds
several keys that share it (docs/decisions/0002-etsi014-open-points.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import msgspec

from haris.kernels import key_container as kernel
from haris.nouns.errors import ParameterError, PeerError
from haris.nouns.key_batch import KeyBatch
from haris.nouns.keys import Pedigree
from haris.wire.pedigree import read_pedigree, write_pedigree

_OPEN, _CLOSE = b'{"keys":[', b"]}"


def write_key_batches(batches: Sequence[KeyBatch]) -> bytearray:
    """The container of all keys of the batches, in their order.

    Whoever takes it wipes it; the batches stay as they are. Raises ParameterError when there are none.
    """
    if not batches:
        raise ParameterError("a container holds at least one key")
    first = batches[0]
    if len(batches) == 1:
        text = _pedigree_text(first.pedigree)
        each, whole = (text, b"") if first.n_keys == 1 else (b"", text)
        return kernel.write_key_container(first.key_ids, first.secrets, each, whole)
    shared = all(batch.pedigree == first.pedigree for batch in batches)
    container = bytearray(_OPEN)
    for batch in batches:
        each = b"" if shared else _pedigree_text(batch.pedigree)
        part = kernel.write_key_container(batch.key_ids, batch.secrets, each)
        container = _joined(container, part)
        part[:] = bytes(len(part))
    end = b'],"key_container_extension":' + _pedigree_text(first.pedigree) + b"}" if shared else _CLOSE
    return _grown(container, end)


def read_key_batch(body: bytes | bytearray, unsaid: Pedigree) -> KeyBatch | None:
    """The keys of a container of one size and one pedigree, None for any other: etsi014.read_key_container reads it.

    unsaid: the pedigree of keys of which nothing is said. Raises PeerError for a pedigree in a wrong form.
    """
    found = kernel.read_key_container(body)
    if found is None:
        return None
    try:
        pedigree = _read_text(found.key_extension) or _read_text(found.container_extension) or unsaid
        return KeyBatch(found.key_ids, found.secrets, 8 * len(found.secrets) * 16 // len(found.key_ids), pedigree)
    except BaseException:
        found.secrets[:] = bytes(len(found.secrets))
        raise


@lru_cache(maxsize=1024)
def _pedigree_text(pedigree: Pedigree) -> bytes:
    return msgspec.json.encode(write_pedigree(pedigree))


@lru_cache(maxsize=1024)
def _read_text(text: bytes) -> Pedigree | None:
    if not text:
        return None
    try:
        return read_pedigree(msgspec.json.decode(text, type=dict))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise PeerError("the KME's answer is not a JSON object") from None


def _joined(container: bytearray, part: bytearray) -> bytearray:
    """The container with the keys of part behind its own."""
    with memoryview(part) as keys:
        comma = b"," if len(container) > len(_OPEN) else b""
        return _grown(container, comma, keys[len(_OPEN) : -len(_CLOSE)])


def _grown(container: bytearray, *more: bytes | memoryview) -> bytearray:
    """A new buffer with more behind the old one, which is wiped: growing in place might leave a copy behind.

    Written through a memoryview: a slice of a bytearray takes anything but a bytearray by a copy of its own.
    """
    size = len(container)
    grown = bytearray(size + sum(map(len, more)))
    with memoryview(grown) as view:
        view[:size] = container
        container[:] = bytes(size)
        for piece in more:
            view[size : size + len(piece)] = piece
            size += len(piece)
    return grown
