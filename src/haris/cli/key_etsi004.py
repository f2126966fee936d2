"""haris key over ETSI GS QKD 004: enc is the source's end of a stream, dec the destination's."""

from __future__ import annotations

import argparse
import base64
import json
import ssl
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from haris.node.pki.credentials import read_certificate
from haris.node.pki.identity import IdentityTable, identity
from haris.node.supply.etsi004_client import Etsi004Client
from haris.nouns.endpoint import read_endpoint
from haris.nouns.errors import KeyUnavailable, ParameterError, PeerError
from haris.wire.etsi004 import FIXED, NO_STREAM, TERMINATED, KeyGiven, QoS, Status

DIALECTS = {"fixed": FIXED, "terminated": TERMINATED}
_WAIT_S = 30.0
_SIZE_BITS = 256
_NO_KEY = {
    Status.PEER_NOT_CONNECTED: "the peer application has not come",
    Status.INSUFFICIENT_KEY: "there is not enough key",
    Status.GET_KEY_PEER_NOT_CONNECTED: "the peer application is not connected",
    Status.NO_QKD_CONNECTION: "there is no QKD connection to the peer",
    Status.TIMEOUT_ERROR: "the key manager's time is over",
}
_WRONG = {
    Status.KSID_IN_USE: "the Key_stream_ID is in use",
    Status.QOS_NOT_MET: "the key manager cannot meet this quality of service",
    Status.METADATA_SIZE_INSUFFICIENT: "the metadata needs more room",
}


async def ask(args: argparse.Namespace, context: ssl.SSLContext) -> None:
    """Open the stream, take chunks, close it, and print them."""
    if args.method == "status":
        raise ParameterError("status is no call of 004: ask by --interface 014")
    size_bits = _SIZE_BITS if args.size is None else args.size
    if size_bits <= 0 or size_bits % 8:
        raise ParameterError("--size must be a multiple of 8 above 0")
    if args.number is not None and args.number < 1:
        raise ParameterError("--number must be at least 1")
    qos = QoS(size_bits // 8, timeout_ms=_wait_ms(args.wait_s), mimetype="application/json")
    own = identity(read_certificate(args.cert, datetime.now(UTC)), "common-name", IdentityTable())
    source, destination = (own, args.peer) if args.method == "enc" else (args.peer, own)
    endpoint = read_endpoint("--kme", args.kme.removeprefix("tls://"))
    async with Etsi004Client(endpoint, context, DIALECTS[args.dialect or "fixed"]) as kme:
        opened = await kme.open_connect(source, destination, qos, args.stream or NO_STREAM)
        name = opened.key_stream_id
        if opened.status is Status.QOS_NOT_MET:
            raise ParameterError(f"{_WRONG[opened.status]}; it proposes {opened.qos}")
        try:
            _require(opened.status)
            chunks = await _take(kme, name, 1 if args.number is None else args.number)
        finally:
            if opened.status in (Status.SUCCESSFUL, Status.PEER_NOT_CONNECTED):
                await kme.close(name)
    _print(name, [chunk for chunk in chunks if chunk.status is Status.SUCCESSFUL], args.json)
    for chunk in chunks:
        _require(chunk.status)


async def _take(kme: Etsi004Client, name: UUID, number: int) -> list[KeyGiven]:
    """Chunks up to the first that is not given."""
    chunks: list[KeyGiven] = []
    while len(chunks) < number and (not chunks or chunks[-1].status is Status.SUCCESSFUL):
        chunks.append(await kme.get_key(name))
    return chunks


def _wait_ms(wait_s: float | None) -> int:
    wait_s = _WAIT_S if wait_s is None else wait_s
    if not 0 <= wait_s <= 1e6:
        raise ParameterError("--wait-s must lie between 0 and 1000000")
    return round(1000 * wait_s)


def _require(status: Status) -> None:
    if status in _NO_KEY:
        raise KeyUnavailable(f"status {status}: {_NO_KEY[status]}")
    if status in _WRONG:
        raise ParameterError(f"status {status}: {_WRONG[status]}")


def _print(name: UUID, chunks: list[KeyGiven], as_json: bool) -> None:
    if as_json:
        listed = [
            {"index": each.index, "key": base64.b64encode(each.key).decode(), "metadata": _metadata(each)}
            for each in chunks
        ]
        print(json.dumps({"Key_stream_ID": str(name), "keys": listed}))
        return
    for chunk in chunks:
        metadata = _metadata(chunk)
        said = [
            f"{item.removeprefix('haris_')} {metadata[item]}" for item in ("haris_origin", "hops") if item in metadata
        ]
        print(f"{name}/{chunk.index}  {base64.b64encode(chunk.key).decode()}")
        print("  " + ", ".join([f"{8 * len(chunk.key)} bits", *said]))


def _metadata(chunk: KeyGiven) -> dict[str, Any]:
    if not chunk.metadata:
        return {}
    try:
        metadata = json.loads(chunk.metadata.rstrip(b"\0"))
    except ValueError:
        raise PeerError("a key's metadata is no JSON") from None
    if not isinstance(metadata, dict):
        raise PeerError("a key's metadata is no JSON object")
    return metadata
