"""haris key over ETSI GS QKD 014."""

from __future__ import annotations

import argparse
import base64
import json
import ssl
from collections.abc import Sequence
from dataclasses import asdict
from uuid import UUID

from haris.node.supply.etsi014_client import KmeClient
from haris.nouns.keys import DeliveredKey
from haris.wire.etsi014 import KeyRequest, Status
from haris.wire.pedigree import write_pedigree


async def ask(args: argparse.Namespace, context: ssl.SSLContext, key_ids: Sequence[UUID]) -> None:
    """Ask once and print the answer."""
    async with KmeClient(args.kme, context) as kme:
        if args.method == "status":
            _print_status(await kme.status(args.peer), args.json)
        elif args.method == "enc":
            request = KeyRequest(args.number, args.size, tuple(args.also))
            _print_keys(await kme.enc_keys(args.peer, request), args.json)
        else:
            _print_keys(await kme.dec_keys(args.peer, key_ids), args.json)


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
