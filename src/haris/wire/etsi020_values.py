"""The values of ETSI GS QKD 020 V1.1.1 read strictly: what may stand where, and the Problem of what may not.

Each function takes the name that the standard gives the value, for the error's text, and never echoes the value.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from haris.wire.etsi020_problem import invalid, missing

MAX_ITEMS = 1024
MAX_URL_CHARACTERS = 1024
MAX_MESSAGE_CHARACTERS = 4096
MAX_PROPERTIES = 1024
MAX_SAE_ID_CHARACTERS = 64

Extension = Mapping[str, Any]
"""1 to 1024 properties named E<PEN>_name, PEN being the private enterprise number of who defines them."""

_URI = r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]"
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SAE_ID = re.compile(f"{_URI}{{1,{MAX_SAE_ID_CHARACTERS}}}")
_EXTENSION_NAME = re.compile(r"E[0-9]{1,10}_[!-~]{1,256}")
_URL = re.compile(f"https://{_URI}+")

T = TypeVar("T")


def read_json(body: bytes) -> Any:
    """What a body holds."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise invalid("the request body shall be JSON") from None


def read_object(name: str, value: Any) -> dict[str, Any]:
    """An object."""
    if not isinstance(value, dict):
        raise invalid(f"{name} shall be an object")
    return value


def read_array(name: str, value: Any, read: Callable[[str, Any], T], at_least: int = 1) -> tuple[T, ...]:
    """An array of at_least to 1024 items, each read by `read`."""
    if not isinstance(value, list) or not at_least <= len(value) <= MAX_ITEMS:
        raise invalid(f"{name} shall be an array of {at_least} to {MAX_ITEMS} items")
    return tuple(read(f"an item of {name}", entry) for entry in value)


def read_distinct(name: str, items: tuple[T, ...], key: Callable[[T], Any]) -> tuple[T, ...]:
    """The items, of which no two have the same key."""
    if len({key(item) for item in items}) != len(items):
        raise invalid(f"{name} shall not name one thing twice")
    return items


def read_required(items: Mapping[str, Any], name: str) -> Any:
    """The value of a parameter that must be there."""
    if name not in items:
        raise missing(name)
    return items[name]


def read_optional(items: Mapping[str, Any], name: str, read: Callable[[str, Any], T]) -> T | None:
    """The value of a parameter that may be absent (None); null is a value."""
    return read(name, items[name]) if name in items else None


def read_key_id(name: str, value: Any) -> UUID:
    """A UUID (RFC 9562)."""
    if not isinstance(value, str) or not _UUID.fullmatch(value):
        raise invalid(f"{name} shall be a UUID")
    return UUID(value)


def read_octets(name: str, value: Any) -> bytes:
    """A key: base64 (RFC 4648) in its one canonical form, not empty."""
    try:
        octets = base64.b64decode(value, validate=True) if isinstance(value, str) else b""
    except (binascii.Error, ValueError):  # its text could echo a secret
        octets = b""
    if not octets or base64.b64encode(octets).decode() != value:
        raise invalid(f"{name} shall be the base64 form of at least one octet")
    return octets


def read_sae_id(name: str, value: Any) -> str:
    """An SAE ID."""
    if not isinstance(value, str) or not _SAE_ID.fullmatch(value):
        raise invalid(f"{name} shall be 1 to {MAX_SAE_ID_CHARACTERS} characters that a URI may hold")
    return value


def read_url(name: str, value: Any) -> str:
    """An https URI."""
    text = f"{name} shall be an https URI of at most {MAX_URL_CHARACTERS} characters"
    if not isinstance(value, str) or len(value) > MAX_URL_CHARACTERS or not _URL.fullmatch(value):
        raise invalid(text)
    try:
        if not urlsplit(value).hostname:
            raise invalid(text)
    except ValueError:
        raise invalid(text) from None
    return value


def read_extension(name: str, value: Any) -> Extension:
    """An extension object."""
    if not isinstance(value, dict) or not 1 <= len(value) <= MAX_PROPERTIES:
        raise invalid(f"{name} shall be an object of 1 to {MAX_PROPERTIES} properties")
    if not all(_EXTENSION_NAME.fullmatch(property_) for property_ in value):
        raise invalid(f"{name} shall name its properties E<private enterprise number>_name")
    return value


def read_text(name: str, value: Any) -> str:
    """A text."""
    if not isinstance(value, str):
        raise invalid(f"{name} shall be a text")
    return value


def read_message(name: str, value: Any) -> str:
    """A text of bounded length."""
    if not isinstance(value, str) or len(value) > MAX_MESSAGE_CHARACTERS:
        raise invalid(f"{name} shall be a text of at most {MAX_MESSAGE_CHARACTERS} characters")
    return value


def read_boolean(name: str, value: Any) -> bool:
    """A truth value."""
    if not isinstance(value, bool):
        raise invalid(f"{name} shall be true or false")
    return value
