"""haris key over SKIP."""

from __future__ import annotations

import argparse
import base64
import json
import ssl
from collections.abc import Sequence
from dataclasses import asdict
from uuid import UUID

from haris.node.supply.skip_client import SkipClient
from haris.nouns.errors import ParameterError
from haris.wire.skip import Capabilities, SkipKey


async def ask(args: argparse.Namespace, context: ssl.SSLContext, key_ids: Sequence[UUID]) -> None:
    """Ask once and print the answer. status: what the key provider can do."""
    async with SkipClient(args.kme, context) as provider:
        if args.method == "status":
            _print_capabilities(await provider.capabilities(), args.peer, args.json)
        elif args.method == "enc":
            _print_keys([await provider.fresh_key(args.peer, args.size)], args.json)
        else:
            _print_keys([await provider.known_key(key_id, args.peer) for key_id in key_ids], args.json)


def _print_capabilities(capabilities: Capabilities, peer: str, as_json: bool) -> None:
    if as_json:
        print(json.dumps(asdict(capabilities)))
    else:
        print(f"{'local_system':20} {capabilities.local_system}")
        print(f"{'remote_systems':20} {' '.join(capabilities.remote_systems)}")
        print(f"{'algorithm':20} {capabilities.algorithm}")
    if peer not in capabilities.remote_systems:
        raise ParameterError(f"{peer} is none of the key provider's remote systems")


def _print_keys(keys: Sequence[SkipKey], as_json: bool) -> None:
    listed = [{"key_ID": str(key.key_id), "key": base64.b64encode(key.octets).decode()} for key in keys]
    if as_json:
        print(json.dumps({"keys": listed}))
        return
    for each, key in zip(listed, keys, strict=True):
        print(f"{each['key_ID']}  {each['key']}\n  {8 * len(key.octets)} bits")
