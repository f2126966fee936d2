"""The messages of ETSI GS QKD 014 V1.1.1: what an SAE and its KME say to each other.

Messages only: a server reads requests (ParameterError: its caller is wrong, status 400) and writes answers; a
client writes requests and reads answers (PeerError: the KME breaks the standard). The standard's spelling stays on
the wire. Points that the standard leaves open are decided in docs/decisions/0002-etsi014-open-points.md.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

import msgspec

from haris.kernels import key_container as kernel
from haris.nouns.errors import ParameterError, PeerError
from haris.nouns.key_batch import KEY_ID_OCTETS

SIZE_NOT_OCTETS = "size shall be a multiple of 8"
MANDATORY_UNSUPPORTED = "not all extension_mandatory parameters are supported"
MANDATORY_UNMET = "not all extension_mandatory request options could be met"
OPTIONAL_UNHANDLED = "not all extension_optional request options handled"
KEYS_NOT_FOUND = "one or more keys specified are not found on KME"

Extension = Mapping[str, Any]

_INTEGER = re.compile(r"-?[0-9]{1,18}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class Status:
    """What a KME can give to a master SAE for one slave SAE (6.1). Sizes are in bits."""

    source_kme_id: str
    target_kme_id: str
    master_sae_id: str
    slave_sae_id: str
    key_size: int
    stored_key_count: int
    max_key_count: int
    max_key_per_request: int
    max_key_size: int
    min_key_size: int
    max_sae_id_count: int
    extension: Extension | None = None


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """What a master SAE asks for (6.2). None: the KME's default. size: bits of each key."""

    number: int | None = None
    size: int | None = None
    additional_slave_sae_ids: tuple[str, ...] = ()
    extension_mandatory: tuple[Extension, ...] = ()
    extension_optional: tuple[Extension, ...] = ()


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a container (6.3)."""

    key_id: UUID
    octets: bytes = field(repr=False)
    extension: Extension | None = None


@dataclass(frozen=True, slots=True)
class KeyContainer:
    """The answer of Get key and of Get key with key IDs (6.3)."""

    keys: tuple[Key, ...]
    extension: Extension | None = None


@dataclass(frozen=True, slots=True)
class KeyIDs:
    """The keys that a slave SAE asks for (6.4). octets: 16 a key_ID, joined."""

    octets: bytes

    @classmethod
    def of(cls, key_ids: Iterable[UUID]) -> KeyIDs:
        """From UUIDs."""
        return cls(b"".join(key_id.bytes for key_id in key_ids))

    @property
    def n_keys(self) -> int:
        """How many keys are asked for."""
        return len(self.octets) // KEY_ID_OCTETS

    @property
    def key_ids(self) -> tuple[UUID, ...]:
        """As UUIDs."""
        starts = range(0, len(self.octets), KEY_ID_OCTETS)
        return tuple(UUID(bytes=self.octets[at : at + KEY_ID_OCTETS]) for at in starts)


@dataclass(frozen=True, slots=True)
class Error:
    """The body of every answer that is not 200 (6.5)."""

    message: str
    details: tuple[Extension, ...] = ()


def path(other_sae_id: str, method: str) -> str:
    """The path of a method (5.1): `status` and `enc_keys` name the slave SAE, `dec_keys` the master."""
    return f"/api/v1/keys/{quote(other_sae_id, safe='')}/{method}"


# Requests as a server reads them


def read_key_request(body: bytes | bytearray) -> KeyRequest:
    """Get key by POST: an empty body asks for the defaults. An item that is null counts as absent."""
    items = _json_object(body) if body.strip() else {}
    return KeyRequest(
        number=_positive("number", items.get("number")),
        size=_positive("size", items.get("size")),
        additional_slave_sae_ids=_additional_slaves(items.get("additional_slave_SAE_IDs")),
        extension_mandatory=_extensions("extension_mandatory", items.get("extension_mandatory")),
        extension_optional=_extensions("extension_optional", items.get("extension_optional")),
    )


def read_key_request_query(query: Sequence[tuple[str, str]]) -> KeyRequest:
    """Get key by GET: only number and size, once each. query: decoded pairs in their order."""
    items = _once(query, ("number", "size"))
    return KeyRequest(
        number=_positive("number", _integer("number", items.get("number"))),
        size=_positive("size", _integer("size", items.get("size"))),
    )


def read_key_ids(body: bytes | bytearray) -> KeyIDs:
    """Get key with key IDs by POST."""
    plain = kernel.read_key_ids(body)
    return KeyIDs(plain) if plain is not None else _read_any_key_ids(body)


def _read_any_key_ids(body: bytes | bytearray) -> KeyIDs:
    """What the kernel does not read: members of others, escapes, and all that is wrong."""
    listed = _json_object(body).get("key_IDs")
    if not isinstance(listed, list) or not listed:
        raise ParameterError("key_IDs shall be a non-empty array of objects")
    if not all(isinstance(entry, dict) for entry in listed):
        raise ParameterError("key_IDs shall be an array of objects with a key_ID each")
    key_ids = tuple(_uuid(entry.get("key_ID")) for entry in listed)
    if len(set(key_ids)) != len(key_ids):
        raise ParameterError("key_IDs shall not name a key twice")
    return KeyIDs.of(key_ids)


def read_key_ids_query(query: Sequence[tuple[str, str]]) -> KeyIDs:
    """Get key with key IDs by GET: exactly one key_ID."""
    items = _once(query, ("key_ID",))
    if "key_ID" not in items:
        raise ParameterError("key_ID is missing")
    return KeyIDs(_uuid_octets(items["key_ID"]))


def resolve(request: KeyRequest, status: Status) -> KeyRequest:
    """The request with its defaults filled in, within what status announces for this master and slave.

    Raises ParameterError, in the standard's words where it has them, for what lies outside.
    """
    number = 1 if request.number is None else request.number
    size = status.key_size if request.size is None else request.size
    if number > status.max_key_per_request:
        raise ParameterError(f"number shall be at most {status.max_key_per_request}")
    if size % 8:
        raise ParameterError(SIZE_NOT_OCTETS)
    if not status.min_key_size <= size <= status.max_key_size:
        raise ParameterError(f"size shall lie between {status.min_key_size} and {status.max_key_size}")
    additional = request.additional_slave_sae_ids
    if len(additional) > status.max_sae_id_count:
        raise ParameterError(f"additional_slave_SAE_IDs shall hold at most {status.max_sae_id_count} IDs")
    if status.slave_sae_id in additional or status.master_sae_id in additional:
        raise ParameterError("additional_slave_SAE_IDs shall name neither the master nor the slave SAE")
    return KeyRequest(number, size, additional, request.extension_mandatory, request.extension_optional)


# Requests as a client writes them


def write_key_request(request: KeyRequest) -> bytes:
    """The body of Get key by POST; absent items are left out."""
    items: dict[str, Any] = {}
    if request.number is not None:
        items["number"] = request.number
    if request.size is not None:
        items["size"] = request.size
    if request.additional_slave_sae_ids:
        items["additional_slave_SAE_IDs"] = request.additional_slave_sae_ids
    if request.extension_mandatory:
        items["extension_mandatory"] = request.extension_mandatory
    if request.extension_optional:
        items["extension_optional"] = request.extension_optional
    return msgspec.json.encode(items)


def write_key_request_query(request: KeyRequest) -> str | None:
    """The query of Get key by GET, without its question mark; None when the request needs POST."""
    if request.additional_slave_sae_ids or request.extension_mandatory or request.extension_optional:
        return None
    asked = {"number": request.number, "size": request.size}
    return urlencode({name: value for name, value in asked.items() if value is not None})


def write_key_ids(key_ids: KeyIDs) -> bytes:
    """The body of Get key with key IDs by POST."""
    return kernel.write_key_ids(key_ids.octets)


# Answers as a server writes them


def write_status(status: Status) -> bytes:
    """The body of an answer to Get status."""
    items = {name: getattr(status, attribute) for name, attribute in _STATUS_ITEMS.items()}
    if status.extension is not None:
        items["status_extension"] = status.extension
    return msgspec.json.encode(items)


def write_key_container(container: KeyContainer) -> bytes:
    """The body of an answer to Get key and to Get key with key IDs. It holds secrets: never log it."""
    items: dict[str, Any] = {"keys": [_key_items(key) for key in container.keys]}
    if container.extension is not None:
        items["key_container_extension"] = container.extension
    return msgspec.json.encode(items)


def write_error(error: Error) -> bytes:
    """The body of an answer that is not 200."""
    items: dict[str, Any] = {"message": error.message}
    if error.details:
        items["details"] = error.details
    return msgspec.json.encode(items)


# Answers as a client reads them


def read_status(body: bytes | bytearray) -> Status:
    """The answer to Get status; PeerError when an item is missing or of another type."""
    items = _answer(body)
    texts = {_STATUS_ITEMS[name]: _answered(items, name, str) for name in _STATUS_TEXTS}
    integers = {_STATUS_ITEMS[name]: _answered(items, name, int) for name in _STATUS_INTEGERS}
    return Status(**texts, **integers, extension=items.get("status_extension"))


def read_key_container(body: bytes | bytearray) -> KeyContainer:
    """The answer to Get key and to Get key with key IDs."""
    items = _answer(body)
    listed = _answered(items, "keys", list)
    return KeyContainer(tuple(_read_key(entry) for entry in listed), items.get("key_container_extension"))


def read_error(body: bytes | bytearray) -> Error:
    """The body of an answer that is not 200. Details that are texts instead of objects are kept under `text`."""
    items = _answer(body)
    details = items.get("details") or []
    return Error(
        _answered(items, "message", str),
        tuple(entry if isinstance(entry, dict) else {"text": str(entry)} for entry in details),
    )


_STATUS_TEXTS = ("source_KME_ID", "target_KME_ID", "master_SAE_ID", "slave_SAE_ID")
_STATUS_INTEGERS = (
    "key_size",
    "stored_key_count",
    "max_key_count",
    "max_key_per_request",
    "max_key_size",
    "min_key_size",
    "max_SAE_ID_count",
)
_STATUS_ITEMS = {name: name.lower() for name in (*_STATUS_TEXTS, *_STATUS_INTEGERS)}


def _json_object(body: bytes | bytearray) -> dict[str, Any]:
    try:
        items = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ParameterError("the request body is not JSON") from None
    if not isinstance(items, dict):
        raise ParameterError("the request body shall be a JSON object")
    return items


def _once(query: Sequence[tuple[str, str]], allowed: tuple[str, ...]) -> dict[str, str]:
    items: dict[str, str] = {}
    for name, value in query:
        if name not in allowed:
            raise ParameterError(f"a GET request takes only {' and '.join(allowed)}: use POST for anything else")
        if name in items:
            raise ParameterError(f"{name} shall be given once")
        items[name] = value
    return items


def _integer(name: str, text: str | None) -> int | None:
    if text is None:
        return None
    if not _INTEGER.fullmatch(text):
        raise ParameterError(f"{name} shall be an integer")
    return int(text)


def _positive(name: str, value: Any) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise ParameterError(f"{name} shall be an integer")
    if value < 1:
        raise ParameterError(f"{name} shall be at least 1")
    return value


def _additional_slaves(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not value:
        raise ParameterError("additional_slave_SAE_IDs shall be a non-empty array of strings")
    if not all(isinstance(entry, str) and entry.strip() for entry in value):
        raise ParameterError("additional_slave_SAE_IDs shall hold SAE IDs that are not blank")
    if len(set(value)) != len(value):
        raise ParameterError("additional_slave_SAE_IDs shall not name an SAE twice")
    return tuple(value)


def _extensions(name: str, value: Any) -> tuple[Extension, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise ParameterError(f"{name} shall be an array of objects")
    return tuple(value)


def _uuid(value: Any) -> UUID:
    return UUID(bytes=_uuid_octets(value))


def _uuid_octets(value: Any) -> bytes:
    if not isinstance(value, str) or not _UUID.fullmatch(value):
        raise ParameterError("key_ID shall be a UUID")
    return bytes.fromhex(value.replace("-", ""))


def _key_items(key: Key) -> dict[str, Any]:
    items: dict[str, Any] = {"key_ID": str(key.key_id), "key": base64.b64encode(key.octets).decode()}
    if key.extension is not None:
        items["key_extension"] = key.extension
    return items


def _answer(body: bytes | bytearray) -> dict[str, Any]:
    try:
        return _json_object(body)
    except ParameterError:
        raise PeerError("the KME's answer is not a JSON object") from None


def _answered(items: Mapping[str, Any], name: str, kind: type) -> Any:
    value = items.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise PeerError(f"the KME's answer has no proper {name}")
    return value


def _read_key(entry: Any) -> Key:
    if not isinstance(entry, dict):
        raise PeerError("the KME's answer has a key that is no object")
    try:
        octets = base64.b64decode(_answered(entry, "key", str), validate=True)
        return Key(_uuid(entry.get("key_ID")), octets, entry.get("key_extension"))
    except (ParameterError, binascii.Error):  # neither text may reach the error: it is or leads to a secret
        raise PeerError("the KME's answer has a key_ID or a key in a wrong form") from None
