"""Plain specification of the key-container kernels: the same texts, by the JSON and base64 of the standard library."""

from __future__ import annotations

import base64
import json
from typing import Any
from uuid import UUID

from haris.nouns.key_batch import KEY_ID_OCTETS


def write_key_container(
    key_ids: bytes, secrets: bytes, key_extension: bytes = b"", container_extension: bytes = b""
) -> bytes:
    """The container without blanks, its members in the order of the standard."""
    names = _pieces(key_ids, KEY_ID_OCTETS)
    keys: list[dict[str, Any]] = []
    for name, secret in zip(names, _pieces(secrets, len(secrets) // len(names)), strict=True):
        keys.append({"key_ID": str(UUID(bytes=name)), "key": base64.b64encode(secret).decode()})
        if key_extension:
            keys[-1]["key_extension"] = json.loads(key_extension)
    items: dict[str, Any] = {"keys": keys}
    if container_extension:
        items["key_container_extension"] = json.loads(container_extension)
    return json.dumps(items, separators=(",", ":"), ensure_ascii=False).encode()


def read_key_container(body: bytes) -> tuple[bytes, bytes, dict[str, Any] | None, dict[str, Any] | None]:
    """key_IDs, secrets, the extension that every key has, the container's. body: a container of the plain shape."""
    items = json.loads(body)
    key_ids = b"".join(UUID(key["key_ID"]).bytes for key in items["keys"])
    secrets = b"".join(base64.b64decode(key["key"], validate=True) for key in items["keys"])
    return key_ids, secrets, items["keys"][0].get("key_extension"), items.get("key_container_extension")


def read_key_ids(body: bytes) -> bytes:
    """The key_IDs that the body names, joined. body: of the plain shape."""
    return b"".join(UUID(entry["key_ID"]).bytes for entry in json.loads(body)["key_IDs"])


def write_key_ids(key_ids: bytes) -> bytes:
    """The body that names these keys."""
    names = [{"key_ID": str(UUID(bytes=name))} for name in _pieces(key_ids, KEY_ID_OCTETS)]
    return json.dumps({"key_IDs": names}, separators=(",", ":")).encode()


def _pieces(octets: bytes, size: int) -> list[bytes]:
    return [octets[at : at + size] for at in range(0, len(octets), size)]
