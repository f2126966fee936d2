"""haris key over ETSI GS QKD 020: another operator's gateway, as its neighbour's key manager meets it.

Nothing is fetched there: enc hands keys over and void takes them back. The keys are made for the trial, out of random
numbers of this machine, and say so: they are marked as emulated.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import os
from collections.abc import Awaitable, Mapping, Sequence
from typing import TypeVar
from uuid import UUID, uuid4

from haris.keys.export import pedigree_extension
from haris.node.operators.etsi020_client import Etsi020Client, interworking_context
from haris.node.pki.mutual_tls import TlsFiles
from haris.nouns.errors import HarisError, KeyUnavailable, ParameterError
from haris.nouns.keys import Origin, Pedigree, Proof
from haris.wire.etsi020 import AckContainer, AckStatus, ExtKey, ExtKeyContainer, VersionContainer, VoidContainer
from haris.wire.etsi020_problem import Problem
from haris.wire.etsi020_values import MAX_ITEMS, read_sae_id, read_url

Answer = TypeVar("Answer")
SIZE_BITS = 256
_MADE = Pedigree(
    epsilon=None,
    origin=Origin.EMULATED,
    proof=Proof(theorem="none: random numbers of one machine, for a trial", attacks="none", finite=False),
    epsilon_reason="made for a trial",
)


async def ask(args: argparse.Namespace, key_ids: Sequence[UUID]) -> None:
    """Ask once and print the answer."""
    if args.gateway_id is None:
        raise ParameterError("020 needs --gateway-id: the KME ID in the other gateway's certificate")
    if args.method != "status" and args.initiator is None:
        raise ParameterError("020 needs --initiator: the SAE in whose name the keys are handed over")
    context = interworking_context(TlsFiles(args.cert, args.key, args.ca), args.gateway_id)
    async with Etsi020Client(args.kme, context) as gateway:
        if args.method == "status":
            _print_versions(await _told(gateway.versions()), args.json)
            return
        parties = read_sae_id("--initiator", args.initiator), (read_sae_id("PEER", args.peer),)
        callback_url = None if args.callback_url is None else read_url("--callback-url", args.callback_url)
        if args.method == "void":
            acks = await _told(gateway.void(VoidContainer(tuple(key_ids), *parties, callback_url)))
            _print({}, key_ids, acks, args.json)
            return
        keys = _made(args.number, args.size)
        acks = await _handed_over(gateway, ExtKeyContainer(keys, *parties, callback_url))
        _print({key.key_id: key.octets for key in keys}, [key.key_id for key in keys], acks, args.json)
        lost = {ack.status for ack in acks} - {AckStatus.RELAYED}
        if lost:
            raise KeyUnavailable(f"not every key reached {args.peer}: {', '.join(sorted(lost))}")


def _made(number: int | None, size_bits: int | None) -> tuple[ExtKey, ...]:
    """Keys for a trial."""
    number, size_bits = 1 if number is None else number, SIZE_BITS if size_bits is None else size_bits
    if not 1 <= number <= MAX_ITEMS:
        raise ParameterError(f"--number must lie between 1 and {MAX_ITEMS}")
    if size_bits <= 0 or size_bits % 8:
        raise ParameterError("--size must be a multiple of 8 above 0")
    return tuple(ExtKey(uuid4(), os.urandom(size_bits // 8), pedigree_extension(_MADE)) for _ in range(number))


async def _handed_over(gateway: Etsi020Client, container: ExtKeyContainer) -> tuple[AckContainer, ...]:
    """The acknowledgements. Keys of which the other end may or may not have kept some are taken back."""
    try:
        return await _told(gateway.ext_keys(container))
    except ParameterError:  # it keeps nothing
        raise
    except HarisError:
        ids = tuple(key.key_id for key in container.keys)
        with contextlib.suppress(HarisError):
            await gateway.void(VoidContainer(ids, container.initiator_sae_id, container.target_sae_ids))
        raise


async def _told(answer: Awaitable[Answer]) -> Answer:
    """The gateway's answer. A refusal after which it keeps nothing is our fault; any other may pass."""
    try:
        return await answer
    except Problem as problem:
        words = f"the gateway refuses ({problem.status} {problem.title}): {problem}"
        if problem.status in (400, 401):
            raise ParameterError(words) from None
        raise KeyUnavailable(words) from None


def _print_versions(container: VersionContainer, as_json: bool) -> None:
    items = {"versions": container.versions, "capabilities": container.capabilities}
    if as_json:
        print(json.dumps(items))
        return
    for name, values in items.items():
        print(f"{name:20} {' '.join(values) or 'none'}")


def _print(secrets: Mapping[UUID, bytes], key_ids: Sequence[UUID], acks: Sequence[AckContainer], as_json: bool) -> None:
    """Each key with what became of it; without a word of it, the acknowledgement is called back."""
    became = {key.key_id: str(ack.status) for ack in acks for key in ack.keys}
    listed = [
        {
            "key_id": str(key_id),
            **({"value": base64.b64encode(secrets[key_id]).decode()} if key_id in secrets else {}),
            "ack_status": became.get(key_id),
        }
        for key_id in key_ids
    ]
    if as_json:
        print(json.dumps({"keys": listed}))
        return
    for each in listed:
        print("  ".join(str(each[name]) for name in ("key_id", "value") if name in each))
        print(f"  {each['ack_status'] or 'accepted, to be acknowledged by a call back'}")
