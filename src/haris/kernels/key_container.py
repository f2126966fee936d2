"""JSON of ETSI GS QKD 014 for many keys at once: the key container (6.3) and the key IDs (6.4).

Only plain shapes are read, and None says that a body has another one: the reader in wire/etsi014.py then takes it, or
says what is wrong with it. Keys are coded without tables or branches that depend on them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from haris.kernels import _native  # noqa: TID251 (the surface of the extension)
from haris.nouns.errors import ParameterError
from haris.nouns.key_batch import KEY_ID_OCTETS

Octets = bytes | bytearray | memoryview


@dataclass(frozen=True, slots=True)
class ReadKeys:
    """A container as it was read. key_ids, secrets: joined, one size; secrets are the caller's to wipe.

    key_extension: JSON text that stands in every key, container_extension: in the container; empty: none. Neither is
    known to be well-formed inside.
    """

    key_ids: bytes
    secrets: bytearray = field(repr=False)
    key_extension: bytes
    container_extension: bytes


def write_key_container(
    key_ids: Octets, secrets: Octets, key_extension: bytes = b"", container_extension: bytes = b""
) -> bytearray:
    """The container's text. key_ids: 16 octets a key, joined; secrets: of one size, joined in the same order.

    key_extension, container_extension: JSON text for each key and for the whole; empty: left out. The text holds
    secrets: whoever takes it wipes it. Raises ParameterError when the lengths do not fit.
    """
    n_keys, rest = divmod(len(key_ids), KEY_ID_OCTETS)
    if rest or not n_keys or not len(secrets) or len(secrets) % n_keys:
        raise ParameterError(f"{len(secrets)} octets are no keys for {len(key_ids)} octets of key_IDs")
    return _native.write_container(key_ids, secrets, key_extension, container_extension)


def read_key_container(body: Octets) -> ReadKeys | None:
    """The keys of a container, when all have one size and one extension (or none); else None."""
    found = _native.read_container(body)
    return None if found is None else ReadKeys(*found)


def read_key_ids(body: Octets) -> bytes | None:
    """The key_IDs of {"key_IDs":[{"key_ID":"..."}, ...]}, 16 octets each, joined; all different, at least one."""
    return _native.read_key_ids(body)


def write_key_ids(key_ids: Octets) -> bytes:
    """{"key_IDs":[...]} of 16 octets each, joined. Raises ParameterError for a part of one."""
    if len(key_ids) % KEY_ID_OCTETS:
        raise ParameterError(f"key_IDs have {KEY_ID_OCTETS} octets each, got {len(key_ids)} in all")
    return _native.write_key_ids(key_ids)
