"""haris key: ask a key manager for its status or for keys, as an application would."""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from haris.node.credentials import client_context
from haris.node.kme_client import KmeClient
from haris.nouns.errors import ParameterError
from haris.nouns.keys import DeliveredKey
from haris.wire.etsi014 import KeyRequest, Status
from haris.wire.pedigree import write_pedigree

DESCRIPTION = (
    "Ask a key manager (ETSI GS QKD 014) over mutual TLS. status: what it can give for the keys shared with PEER. "
    "enc: fresh keys, for PEER as slave. dec: the keys that PEER took as master, by their key_IDs. "
    "The keys are printed on stdout: they are secrets. Exits with 3 when there is no key."
)
EXAMPLE = (
    "haris key enc exchange-sae --kme https://localhost:8443 --cert bank.crt --key bank.key --ca ca.crt --number 2\n"
    "  haris key dec bank-sae KEY_ID --kme https://localhost:9443 --cert exchange.crt --key exchange.key --ca ca.crt"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of haris key."""
    parser.add_argument("method", choices=("status", "enc", "dec"), help="what to ask for")
    parser.add_argument("peer", metavar="PEER", help="SAE ID of the other application")
    parser.add_argument("key_ids", nargs="*", metavar="KEY_ID", help="dec: the keys to fetch")
    parser.add_argument("--kme", required=True, metavar="URL", help="https://HOST:PORT of the key manager")
    parser.add_argument("--cert", required=True, type=Path, metavar="FILE", help="our certificate, CN = our SAE ID")
    parser.add_argument("--key", required=True, type=Path, metavar="FILE", help="its private key")
    parser.add_argument("--ca", required=True, type=Path, metavar="FILE", help="the key manager's authority")
    parser.add_argument("--number", type=int, metavar="N", help="enc: how many keys")
    parser.add_argument("--size", type=int, metavar="BITS", help="enc: size of each key in bits")
    parser.add_argument("--also", action="append", default=[], metavar="SAE", help="enc: a further slave of each key")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Ask once and print the answer."""
    key_ids = _key_ids(args.method, args.key_ids)
    request = KeyRequest(args.number, args.size, tuple(args.also))
    if args.method != "enc" and request != KeyRequest():
        raise ParameterError("--number, --size and --also belong to enc")
    context = client_context(args.cert, args.key, args.ca, datetime.now(UTC))
    answer = asyncio.run(_ask(KmeClient(args.kme, context), args.method, args.peer, request, key_ids))
    if isinstance(answer, Status):
        _print_status(answer, args.json)
    else:
        _print_keys(answer, args.json)
    return 0


async def _ask(
    client: KmeClient, method: str, peer: str, request: KeyRequest, key_ids: Sequence[UUID]
) -> Status | tuple[DeliveredKey, ...]:
    async with client as kme:
        if method == "status":
            return await kme.status(peer)
        if method == "enc":
            return await kme.enc_keys(peer, request)
        return await kme.dec_keys(peer, key_ids)


def _key_ids(method: str, texts: Sequence[str]) -> tuple[UUID, ...]:
    if bool(texts) != (method == "dec"):
        raise ParameterError("dec takes one KEY_ID or more, status and enc take none")
    try:
        return tuple(UUID(text) for text in texts)
    except ValueError:
        raise ParameterError(f"a KEY_ID is a UUID, got {' '.join(texts)}") from None


def _print_status(status: Status, as_json: bool) -> None:
    items = {name: value for name, value in asdict(status).items() if value is not None}
    if as_json:
        print(json.dumps(items))
        return
    for name, value in items.items():
        print(f"{name:20} {value}")


def _print_keys(keys: Sequence[DeliveredKey], as_json: bool) -> None:
    if as_json:
        listed = [
            {
                "key_ID": str(key.key_id),
                "key": base64.b64encode(key.secret).decode(),
                "key_extension": write_pedigree(key.pedigree),
            }
            for key in keys
        ]
        print(json.dumps({"keys": listed}))
        return
    for key in keys:
        epsilon = "unknown" if key.pedigree.epsilon is None else f"{key.pedigree.epsilon:.1e}"
        print(f"{key.key_id}  {base64.b64encode(key.secret).decode()}")
        print(f"  {key.size_bits} bits, {key.pedigree.origin}, epsilon {epsilon}, hops {key.pedigree.hops}")
